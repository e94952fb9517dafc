"""The top of the model card: the plan and who signed it, the company, and what must not be missed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scoring.training.card_blocks import count, say_date
from scoring.training.survey import Survey


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure of the headline."""

    label: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class Headline:
    """What stands at the top of the card."""

    plan: str
    as_of: str
    draft: bool
    sign_offs: Sequence[str]
    warnings: Sequence[str]  # sentences, for who reads nothing else
    company: Sequence[Tile]
    book: Sequence[Tile]


def headline_of(survey: Survey, warnings: Sequence[str]) -> Headline:
    """Gather what stands at the top: the plan, who signed it, the company, and what must not be missed.

    Args:
        survey: of the book.
        warnings: sentences; those on the figures of everybody and of the plan's segments are added.
    """
    plan = survey.plan
    signed_off = [f"{one.who} ({one.role}) on {say_date(one.when)}" for one in plan.sign_off]
    return Headline(
        plan=plan.name,
        as_of=say_date(survey.as_of),
        draft=not plan.approved,
        sign_offs=signed_off,
        warnings=[*warnings, *_flags(survey)],
        company=_company_tiles(survey),
        book=_book_tiles(survey),
    )


def _flags(survey: Survey) -> list[str]:
    decided = [group for group in survey.figures if group.kind in ("base", "segment")]
    return [f"{group.name}: {flag}" for group in decided for flag in group.flags]


def _company_tiles(survey: Survey) -> list[Tile]:
    company, months = survey.company, survey.plan.book.window_months
    over = f"{months} months, {count(company.n, 'account')} that paid at the start"
    below = " Below 100%: they shrank." if company.nrr is not None and company.nrr < 1 else ""
    return [
        Tile("Net revenue retention (NRR)", _share(company.nrr), f"{over}.{below}"),
        Tile("Gross revenue retention (GRR)", _share(company.grr), "The same, without expansion."),
        Tile("Logo retention", _share(company.logo_retention), "Of those accounts, still paying."),
    ]


def _book_tiles(survey: Survey) -> list[Tile]:
    book, active = survey.book, int(survey.metrics["active"].sum())
    rows = sum(digest.rows for digest in book.digests.values())
    return [
        Tile("Customers", f"{survey.metrics.height:,}", f"{active:,} are active, the others left."),
        Tile(
            "Prospects",
            _prospects(survey),
            "" if book.prospects is not None else "The book has no such table.",
        ),
        Tile(
            "Rejects", f"{book.rejects.height:,}", f"Cells and rows that could not be read, of {rows:,} rows."
        ),
        Tile("Merged duplicates", f"{book.merges.height:,}", "Accounts that stood in the book twice."),
    ]


def _prospects(survey: Survey) -> str:
    return "none" if survey.book.prospects is None else f"{survey.book.prospects.height:,}"


def _share(value: float | None) -> str:
    return "not known" if value is None else f"{value:.1%}"
