"""The model card: a page on which a CFO and a CMO read what was learnt, from what, and how far to trust it.

A card is a headline and sections; a section is a function of the study and the model that returns blocks
(prose, tables, figures). `SECTIONS` lists them in order: a new one needs no change of the template, which
holds the layout alone. No clock and no chance: one study gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

import polars as pl
from jinja2 import Environment, StrictUndefined

from scoring.fit import FitModel
from scoring.plan import Plan
from scoring.plan_rules import ExclusionSpec, SegmentSpec
from scoring.rules import Rule
from scoring.training.assemble import INTERVAL, WINSOR
from scoring.training.card_blocks import (
    Block,
    Bullets,
    Heading,
    Item,
    Prose,
    Section,
    Table,
    count,
    listed,
    say_date,
)
from scoring.training.card_drivers import drivers_section
from scoring.training.card_learnt import learnt_section
from scoring.training.study import Study

FEW_CUSTOMERS = 500  # below that the card warns that figures are coarse
REJECTED_ROWS_NAMED = 5  # of each cause; enough to find it in the file


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
    company: Sequence[Tile]
    book: Sequence[Tile]


def card_html(study: Study, model: FitModel) -> str:
    """Return the model card as one HTML page that needs nothing else.

    Args:
        study: what was found in the book.
        model: assembled from the study's heads.
    """
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    )
    source = resources.files(__package__).joinpath("card.html").read_text(encoding="utf-8")
    sections = [section(study, model) for section in SECTIONS]
    return environment.from_string(source).render(headline=_headline(study), sections=sections)


def _headline(study: Study) -> Headline:
    plan = study.plan
    signed_off = [f"{one.who} ({one.role}) on {say_date(one.when)}" for one in plan.sign_off]
    return Headline(
        plan=plan.name,
        as_of=say_date(study.as_of),
        draft=not plan.approved,
        sign_offs=signed_off,
        company=_company_tiles(study),
        book=_book_tiles(study),
    )


def _company_tiles(study: Study) -> list[Tile]:
    company, months = study.company, study.plan.book.window_months
    over = f"{months} months, {count(company.n, 'account')} that paid at the start"
    below = " Below 100%: they shrank." if company.nrr is not None and company.nrr < 1 else ""
    return [
        Tile("Net revenue retention (NRR)", _share(company.nrr), f"{over}.{below}"),
        Tile("Gross revenue retention (GRR)", _share(company.grr), "The same, without expansion."),
        Tile("Logo retention", _share(company.logo_retention), "Of those accounts, still paying."),
    ]


def _book_tiles(study: Study) -> list[Tile]:
    book, active = study.book, int(study.metrics["active"].sum())
    rows = sum(digest.rows for digest in book.digests.values())
    return [
        Tile("Customers", f"{study.metrics.height:,}", f"{active:,} are active, the others left."),
        Tile(
            "Prospects",
            _prospects(study),
            "" if book.prospects is not None else "The book has no such table.",
        ),
        Tile(
            "Rejects", f"{book.rejects.height:,}", f"Cells and rows that could not be read, of {rows:,} rows."
        ),
        Tile("Merged duplicates", f"{book.merges.height:,}", "Accounts that stood in the book twice."),
    ]


def _prospects(study: Study) -> str:
    return "none" if study.book.prospects is None else f"{study.book.prospects.height:,}"


def _share(value: float | None) -> str:
    return "not known" if value is None else f"{value:.1%}"


# Whom the plan means, and how scores are made


def icp_section(study: Study, model: FitModel) -> Section:  # noqa: ARG001 - all sections are called alike
    """Say the approved segments, the exclusions, the tiers and the FIRE weights."""
    plan = study.plan
    blocks: list[Block] = [
        Heading("Segments"),
        *_segment_blocks(study),
        Heading("Exclusions"),
        *_exclusion_blocks(study),
        Heading("From Fit to score"),
        Prose([_fire_sentence(plan), _gate_sentence(plan)]),
        _tier_table(plan),
    ]
    return Section("icp", "Whom the plan means", blocks)


def _segment_blocks(study: Study) -> list[Block]:
    sentence = _icp_sentence(study.plan)
    if not study.plan.segment:
        return [Prose([f"The plan has no segment. {sentence}"])]
    return [Prose([sentence]), Bullets([_segment_item(study, spec) for spec in study.plan.segment])]


def _icp_sentence(plan: Plan) -> str:
    """Say what makes an account part of the ICP."""
    profile = "the ideal customer profile (ICP)"
    if not plan.icp.require_segment:
        inside = " inside one of these segments or" if plan.segment else ""
        return f"Accounts{inside} with a Fit of at least {plan.icp.fit_floor:g} belong to {profile}."
    if plan.segment:
        return f"Only accounts inside one of these segments belong to {profile}."
    return f"As it requires one, no account belongs to {profile}, and no signal counts."


def _segment_item(study: Study, spec: SegmentSpec) -> Item:
    return Item(f"{spec.name or spec.id}:", f"{spec.rule.sentence}. {_holds_for(study, spec.rule)}")


def _exclusion_blocks(study: Study) -> list[Block]:
    if not study.plan.exclusion:
        return [Prose(["The plan excludes nobody."])]
    sentence = "Accounts that score 0, whatever else is known of them."
    return [Prose([sentence]), Bullets([_exclusion_item(study, spec) for spec in study.plan.exclusion])]


def _exclusion_item(study: Study, spec: ExclusionSpec) -> Item:
    return Item(f"{spec.rule.sentence}.", f"{spec.reason} {_holds_for(study, spec.rule)}")


def _holds_for(study: Study, rule: Rule) -> str:
    """Say how many customers and prospects a rule holds for, and which of its attributes the book lacks."""
    unknown = [name for name, _ in rule.where if name not in study.customers.columns]
    if unknown:
        return f"The book has no {listed(sorted(set(unknown)))}, so it says nothing about these accounts."
    said = f"{_matches(rule, study.customers)} of {count(study.customers.height, 'customer')}"
    if study.book.prospects is not None:
        said += (
            f" and {_matches(rule, study.book.prospects)} of {count(study.book.prospects.height, 'prospect')}"
        )
    return f"Holds for {said}."


def _matches(rule: Rule, accounts: pl.DataFrame) -> str:
    names = list(dict.fromkeys(name for name, _ in rule.where))
    return f"{sum(rule.matches(row) for row in accounts.select(names).iter_rows(named=True)):,}"


def _fire_sentence(plan: Plan) -> str:
    fire = plan.fire
    return (
        f"The score, 0 to 100, is {fire.fit:.0%} Fit, {fire.intent:.0%} Intent, {fire.recency:.0%} Recency "
        f"and {fire.engagement:.0%} Engagement."
    )


def _gate_sentence(plan: Plan) -> str:
    icp = plan.icp
    return (
        "Fit comes first: Intent, Recency and Engagement count for nothing outside the ICP or below a Fit of "
        f"{icp.fit_floor:g}, and in full from {icp.fit_threshold:g} on. Outside the ICP no signal lifts a "
        f"score above {100 * plan.fire.fit:g}."
    )


def _tier_table(plan: Plan) -> Table:
    tiers = plan.tiers
    rows = [
        ["Tier 1", f"{tiers.tier_1:g} and up"],
        ["Tier 2", f"{tiers.tier_2:g} to under {tiers.tier_1:g}"],
        ["Tier 3", f"{tiers.tier_3:g} to under {tiers.tier_2:g}"],
        ["No tier", f"under {tiers.tier_3:g}"],
    ]
    return Table("Tiers by score", ["Tier", "Score"], rows, [])


# What was left out, and the book


def left_out_section(study: Study, model: FitModel) -> Section:  # noqa: ARG001 - all sections are called alike
    """Name the columns that were not learnt from, with the reasons."""
    blocks: list[Block] = []
    if study.leaks:
        sentence = (
            "These columns know the outcome because of when they were filled in, or look as if they did. A "
            "plan that vouches for one names it under keep in [attributes]."
        )
        blocks += [Heading("Leaky columns"), Prose([sentence]), _reasons("Left out, and why", study.leaks)]
    if study.book.ignored:
        blocks += [Heading("Ignored columns"), _reasons("Columns that are no attribute", study.book.ignored)]
    if not blocks:
        blocks = [Prose(["Nothing: every attribute column of the book was used."])]
    return Section("left-out", "What was left out", blocks)


def _reasons(caption: str, reasons: Mapping[str, str]) -> Table:
    return Table(caption, ["Column", "Why"], [[name, reason] for name, reason in reasons.items()], [])


def book_section(study: Study, model: FitModel) -> Section:  # noqa: ARG001 - all sections are called alike
    """Say which files were read, what could not be, and what was decided on the reader's behalf."""
    book = study.book
    files = [[name, f"{digest.rows:,}", digest.sha256[:12]] for name, digest in sorted(book.digests.items())]
    blocks: list[Block] = [Table("Files", ["File", "Rows", "SHA-256 begins"], files, [1])]
    blocks += [Heading("Rejects"), *_reject_blocks(book.rejects)]
    if book.merges.height:
        blocks += [Heading("Merged duplicates"), Prose([_merge_sentence(book.merges)])]
    if book.notes:
        blocks += [Heading("Decided while reading"), Bullets([Item("", note) for note in book.notes])]
    return Section("book", "The book", blocks)


def _reject_blocks(rejects: pl.DataFrame) -> list[Block]:
    if rejects.is_empty():
        return [Prose(["Nothing was rejected."])]
    # What follows the colon quotes the cell: it may be personal data, which an artifact must not carry.
    causes = rejects.with_columns(pl.col("reason").str.split(": ").list.first())
    groups = causes.group_by("table", "column", "reason", maintain_order=True).agg(pl.col("row"))
    rows = [
        [table, column, reason, _some_rows(lines), f"{len(lines):,}"]
        for table, column, reason, lines in groups.rows()
    ]
    return [Table("What could not be read", ["Table", "Column", "Reason", "Rows", "Times"], rows, [4])]


def _some_rows(lines: Sequence[int]) -> str:
    return ", ".join(map(str, lines[:REJECTED_ROWS_NAMED])) + (
        ", ..." if len(lines) > REJECTED_ROWS_NAMED else ""
    )


def _merge_sentence(merges: pl.DataFrame) -> str:
    conflicts = int((merges["conflicts"] != "").sum())
    return (
        f"{count(merges.height, 'account')} stood in the book again and went into the first of the same "
        f"company; {conflicts:,} disagreed with it somewhere, and the first one's values were kept."
    )


# Limits


def limits_section(study: Study, model: FitModel) -> Section:  # noqa: ARG001 - all sections are called alike
    """Say what the figures cannot carry."""
    return Section("limits", "Limits", [Bullets([*_learning_limits(study), *_figure_limits(study)])])


def _learning_limits(study: Study) -> Iterator[Item]:
    most = max(head.learnt.evidence.r_squared for head in study.heads)
    fewest = min(len(head.known) for head in study.heads)
    yield Item(
        "Only customers taught it.",
        f"Fit was learnt from {count(study.metrics.height, 'account')} that became customers. Companies that "
        "never bought are not in it, so it says what a customer would be worth, not who will buy.",
    )
    yield Item(
        "Correlation is not cause.",
        "An attribute that goes with growth need not bring it; to change one need not change the other.",
    )
    yield Item(
        "Much stays unexplained.",
        f"At best {most:.0%} of the differences between customers are explained. Single accounts will "
        "surprise; lists of many accounts much less.",
    )
    if fewest < FEW_CUSTOMERS:
        yield Item(
            "Small data.",
            f"At least one objective was learnt from only {count(fewest, 'customer')}: intervals are wide, "
            "and other customers would have put other attributes first.",
        )
    yield Item(
        "Attributes are today's.",
        "They are as the book shows them now, not as they were when each customer signed. One that changes "
        "with success, such as headcount, carries some hindsight.",
    )
    yield Item(
        "Tested across customers, not across time.",
        "The customers it was tested on lived through the same years as those it learnt from, and the same "
        "test chose the form. Expect somewhat less of next year.",
    )


def _figure_limits(study: Study) -> Iterator[Item]:
    money, censored = study.plan.money, int(study.metrics["censored"].sum())
    yield Item(
        "Intervals are of averages.",
        f"They are {INTERVAL[1] - INTERVAL[0]:.0f}% intervals of a band's mean, by bootstrap; single "
        f"customers spread far wider. Within bands the highest {100 - WINSOR:.0f}% of outcomes count as the "
        "next highest, so that one giant does not make a band.",
    )
    yield Item(
        "Every customer counts the same.",
        "Bands are plain averages over customers, while the company's NRR weighs them by revenue; the two "
        "differ where large customers fare unlike small ones.",
    )
    if censored:
        yield Item(
            "The young are not counted.",
            f"{count(censored, 'customer')} too young for their NRR to be known are left out of it, not "
            "counted as zero.",
        )
    yield Item(
        "CLV is partly a forecast.",
        f"To what was earned it adds {money.horizon_months} expected months, at {money.discount_rate:.0%} "
        f"discount a year and a gross margin of {money.gross_margin:.0%} where the book knows no other.",
    )
    yield Item(
        "Signals are not on this card.",
        "What visits, meetings and intent data weigh was not learnt from this book; this card speaks of Fit.",
    )


SECTIONS: tuple[Callable[[Study, FitModel], Section], ...] = (
    learnt_section,
    drivers_section,
    icp_section,
    left_out_section,
    book_section,
    limits_section,
)
