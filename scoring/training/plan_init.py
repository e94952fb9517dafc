"""The first plan of a book: all that was found in it, written for people to accept or to strike.

What was found waits behind a `#`; in force is only what an earlier plan says, and what the book itself says.
Nobody has signed it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from string import Template
from typing import Any

from pydantic import BaseModel

from scoring.plan import PRESETS, ObjectiveSection, Plan, parse_plan
from scoring.training.book import Book
from scoring.training.company import resolve_as_of
from scoring.training.found import Discovery, GroupFigures
from scoring.training.plan_meanings import meant
from scoring.training.plan_proposals import Proposals
from scoring.training.plan_toml import explained, header, setting, value, waiting
from scoring.training.signals_learnt import SignalLessons
from scoring.training.signals_said import in_plan

_MOST_NAMED = 8  # attributes in one comment


def plan_init(
    book: Book,
    discovery: Discovery,
    figures: Sequence[GroupFigures],
    plan: Plan,
    *,
    leaks: Mapping[str, str],
    signals: SignalLessons | str,
) -> str:
    """Write a commented plan for a book; it reads as it is, and so it does with any proposal accepted.

    Where only people know a reason it says `Say why.`, which `read_plan` refuses once the rule is accepted.

    Without a segment in `plan`, the new one still asks for one (`icp.require_segment`) where candidates were
    found: until people accept one, no account is in the ICP and signals lift nobody. Where nothing was found
    it asks for none: every account from the Fit floor on is in the ICP.

    The same arguments give the same bytes.

    Args:
        book: that the plan is for.
        discovery: the segments found in it.
        figures: of everybody, of candidates and of proposed exclusions.
        plan: what is decided already; all of it is kept but its sign-offs.
        leaks: attributes that were left out of the search, and why.
        signals: what was learnt of them, or why nothing was.
    """
    as_of = resolve_as_of(book, plan)
    measured = {(group.kind, group.id): group for group in figures}
    proposals = Proposals(book, discovery, measured, plan)
    asks = bool(plan.segment) or any(candidate.better for candidate in discovery.candidates)
    icp = plan.icp.model_copy(update={"require_segment": plan.icp.require_segment and asks})
    parts: dict[str, str | Sequence[str]] = {
        "as_of": as_of.isoformat(),
        "name": value(plan.name if plan.name != Plan().name else f"Plan as of {as_of}"),
        "company": proposals.company(),
        "book": _section(plan.book.model_copy(update={"as_of": as_of})),
        "tables": _tables(plan),
        "attributes": _attributes(book, discovery, plan, leaks),
        "money": _section(plan.money),
        "objective": _objective(plan.objective),
        "icp_said": _icp_said(asks=asks, required=icp.require_segment, decided=bool(plan.segment)),
        "icp": _section(icp),
        "fire": _section(plan.fire),
        "signals": in_plan(plan.signals, signals),
        "tiers": _section(plan.tiers),
        "list": _section(plan.target_list) or ["#size = 500"],
        "coverage": _coverage(plan),
        "roles": _roles(book, plan),
        "segments": proposals.segments(),
        "exclusions": proposals.exclusions(),
        "triggers": proposals.triggers(),
        "readiness": proposals.readiness(),
        "sign_offs": _sign_offs(as_of.isoformat()),
    }
    return _filled(parts)


def _filled(parts: Mapping[str, str | Sequence[str]]) -> str:
    """Fill the template, a text or lines for each of its places, and see that what comes out is a plan."""
    written = resources.files(__package__).joinpath("plan_template.toml").read_text(encoding="utf-8")
    text = Template(written).substitute(
        {key: part if isinstance(part, str) else "\n".join(part) for key, part in parts.items()}
    )
    parse_plan(text, "the plan made from the book")
    return text


def _section(section: BaseModel) -> list[str]:
    """Write all that a section says; what is left open is left out."""
    return [setting(key, raw) for key, raw in section.model_dump().items() if raw is not None]


def _tables(plan: Plan) -> list[str]:
    """Write where tables stand and what their columns are called."""
    lines: list[str] = []
    for table, spec in plan.files.items():
        lines += [header("files", table), *_section(spec), ""]
    for table, columns in plan.columns.items():
        lines += [header("columns", table), *(setting(ours, named) for ours, named in columns.items()), ""]
    if lines:
        return lines
    return [
        *explained(
            "Where your columns have other names: ours = theirs. Where a table is not TABLE.csv: path."
        ),
        *waiting(["[columns.accounts]", 'account_id = "Customer No"']),
        *waiting(["[files.accounts]", 'path = "export.txt"', 'separator = ";"']),
        "",
    ]


def _attributes(book: Book, discovery: Discovery, plan: Plan, leaks: Mapping[str, str]) -> list[str]:
    kept = plan.attributes
    lines = [
        f"{setting('drop', kept.drop)}  # columns that are never used",
        f"{setting('keep', kept.keep)}  # columns that are used although they look like leaks",
    ]
    rising = {attribute.name: "rising" for attribute in meant(book.attributes, "size")[:1]}
    monotone = setting("monotone", kept.monotone or rising or {"employees": "rising"})
    lines += [monotone if kept.monotone else f"#{monotone}  # more of it never lowers Fit; or falling"]
    telling = [power.attribute for power in discovery.attributes if not power.stop][:_MOST_NAMED]
    if telling:
        lines += explained(f"The most telling, best first: {', '.join(telling)}.")
    stops = [f"{power.attribute} ({power.stop})" for power in discovery.attributes if power.stop]
    if stops:
        lines += explained(f"Not worth paying for, it seems: {'; '.join(stops)}.", indent=2)
    for name, reason in leaks.items():
        lines += explained(f"Left out as a leak, unless keep names it: {name}: {reason}", indent=2)
    return lines


def _objective(objective: ObjectiveSection) -> list[str]:
    for name, weights in PRESETS.items():
        if ObjectiveSection.model_validate(weights) == objective:
            return [setting("preset", name)]
    return _section(objective)


def _icp_said(*, asks: bool, required: bool, decided: bool) -> list[str]:
    if not asks:
        return explained(
            "No segment was found, so none is asked for: every account from fit_floor on is in the ICP. "
            "Where you know better, write one of your own below and set require_segment = true."
        )
    if required and not decided:
        return explained(
            "Only accounts in a segment are in the ICP. Until you accept one below, no account is: "
            "scores hold Fit's share alone, and signals lift nobody."
        )
    return explained("Which accounts signals may lift, and from which Fit on.")


def _coverage(plan: Plan) -> list[str]:
    goals, roles = plan.coverage.contacts_per_account, plan.coverage.roles
    return [
        "#contacts_per_account = 3" if goals is None else setting("contacts_per_account", goals),
        setting("roles", roles) if roles else '#roles = ["CFO", "head of data", "procurement"]',
    ]


def _roles(book: Book, plan: Plan) -> list[str]:
    lines = []
    for role, given in plan.roles.model_dump().items():
        guessed = [attribute.name for attribute in meant(book.attributes, role)[:1]]
        names = [*given] or guessed
        if role == "locked_in_with" and not given:
            names += [attribute.name for attribute in meant(book.attributes, "contract_end")[:1]]
        lines.append(
            setting(role, names) if names else f"#{setting(role, [])}  # no attribute seems to say so"
        )
    return lines


def _sign_offs(day: str) -> list[str]:
    blank: dict[str, Any] = {"who": "", "role": ""}
    one = [
        header("sign_off", array=True),
        *(setting(key, raw) for key, raw in blank.items()),
        f"when = {day}",
    ]
    return [*waiting(one), "", *waiting(one)]
