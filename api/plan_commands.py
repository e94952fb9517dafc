"""`firebrand plan`: a book's first plan, and what a plan says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape

from scoring.errors import PlanError
from scoring.plan import OBJECTIVES, PRESETS, ObjectiveSection, Plan, read_plan
from scoring.plan_faults import advice
from scoring.readings import readers
from scoring.rules import Rule

if TYPE_CHECKING:
    from scoring.training.book import Book

plans = typer.Typer(help="Make a book's first plan, and check what a plan says.", no_args_is_help=True)
told = Console(stderr=True)  # what people read; stdout is for what programs read

_COLOURS = {"segment": "green", "exclusion": "red", "trigger": "cyan", "readiness": "blue"}


@plans.command(epilog="Example: firebrand plan init book --out plan.toml --preset early_stage")
def init(
    book: Annotated[Path, typer.Argument(help="The folder of tables.")],
    out: Annotated[Path, typer.Option(help="The file to write; must not exist.")] = Path("plan.toml"),
    preset: Annotated[str, typer.Option(help=f"One of: {', '.join(PRESETS)}.")] = "",
    crm: Annotated[
        Literal["salesforce", "hubspot"] | None, typer.Option(help="Whose exports the tables are.")
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(help="What is decided already, such as [columns]; all but sign-offs is kept."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same book, plan and seed give the same bytes.")] = 0,
) -> None:
    """Search a book for segments, and write a plan in which people accept or strike them."""
    from api.cli import _progress, _training_group  # it has this module's commands, so not at the top

    _refuse_existing(out)
    start = _start(plan, preset, crm)
    with _training_group():
        from scoring.training.plan_propose import propose
    with _progress() as on_step:
        text = propose(book, start, seed=seed, on_step=on_step)
    _write_new(out, text)
    waiting = {kind: text.count(f"\n#[[{kind}]]") for kind in _COLOURS}
    told.print(f"wrote {out}; to accept or to strike:", markup=False, highlight=False, soft_wrap=True)
    for kind, count in waiting.items():
        told.print(f"  [{_COLOURS[kind]}]{kind}[/] {count}", highlight=False)
    told.print(
        f"then: firebrand plan check {out} --book {book}", markup=False, highlight=False, soft_wrap=True
    )


def _start(earlier: Path | None, preset: str, crm: Literal["salesforce", "hubspot"] | None) -> Plan:
    """Return what is decided before anything is found."""
    start = Plan() if earlier is None else read_plan(earlier)
    if crm:
        start = start.model_copy(update={"book": start.book.model_copy(update={"preset": crm})})
    if not preset:
        return start
    if preset not in PRESETS:
        raise PlanError(f"--preset {preset} is not known; {advice(preset, PRESETS)}")
    return start.model_copy(update={"objective": ObjectiveSection.model_validate({"preset": preset})})


def _refuse_existing(out: Path) -> None:
    if out.exists():
        raise PlanError(f"{out} is there already, and is not written over; name another file with --out")


def _write_new(out: Path, text: str) -> None:
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        _refuse_existing(out)
    except OSError as error:
        raise PlanError(f"cannot write the plan {out}: {error}") from error


@plans.command(epilog="Example: firebrand plan check plan.toml --book book")
def check(
    plan: Annotated[Path, typer.Argument(help="The plan.")],
    book: Annotated[
        Path | None, typer.Option(help="Hold its attributes against this book, and count who it means.")
    ] = None,
) -> None:
    """Read a plan and say what it decides, or which lines are wrong."""
    from api.cli import _training_group  # it has this module's commands, so not at the top

    decided = read_plan(plan)
    found: Book | None = None
    if book is not None:
        with _training_group():
            from scoring.training.book import read_book
            from scoring.training.plan_attributes import check_attributes
        found = read_book(book, decided)
        decided = decided.spelt(readers(found.readings))  # as training reads it
        check_attributes(decided, found)
    told.print(f"[bold]{escape(decided.name)}[/]  {_approval(decided)}", highlight=False, soft_wrap=True)
    for label, text in _numbers(decided).items():
        told.print(f"[dim]{label:>9}[/]  {escape(text)}", highlight=False, soft_wrap=True)
    _tell_rules(decided, found)
    if found is None:
        _note("whether a book has the attributes that are named was not checked; --book BOOK does")
    if decided.icp.require_segment and not decided.segment:
        _note("no segment is accepted and one is required: no account is in the ICP")


def _note(text: str) -> None:
    told.print(f"[yellow]note[/] {escape(text)}", highlight=False, soft_wrap=True)


def _approval(plan: Plan) -> str:
    if not plan.sign_off:
        return "[bold red]DRAFT[/]: nobody signed it"
    signed = ", ".join(f"{one.who} ({one.role}, {one.when})" for one in plan.sign_off)
    return f"[bold green]approved[/] by {escape(signed)}"


def _numbers(plan: Plan) -> Mapping[str, str]:
    total = sum(getattr(plan.objective, name) for name in OBJECTIVES)
    weights = [(name, getattr(plan.objective, name) / total) for name in OBJECTIVES]
    mixes = {name: ObjectiveSection.model_validate(mix) for name, mix in PRESETS.items()}
    named = "".join(f" ({name})" for name, mix in mixes.items() if mix == plan.objective)
    fire = (
        ("Fit", plan.fire.fit),
        ("Intent", plan.fire.intent),
        ("Recency", plan.fire.recency),
        ("Engagement", plan.fire.engagement),
    )
    icp = plan.icp
    who = "accounts in a segment" if icp.require_segment else "all accounts"
    return {
        "objective": ", ".join(f"{name} {weight:.0%}" for name, weight in weights if weight) + named,
        "score": ", ".join(f"{name} {share:.0%}" for name, share in fire),
        "ICP": f"{who}; signals count from Fit {icp.fit_floor:g}, in full from {icp.fit_threshold:g}",
        "tiers": f"from {plan.tiers.tier_1:g}, {plan.tiers.tier_2:g} and {plan.tiers.tier_3:g}",
        "list": f"{plan.target_list.size:,} accounts" if plan.target_list.size else "all accounts in a tier",
        "coverage": _coverage(plan),
    }


def _coverage(plan: Plan) -> str:
    goal = plan.coverage.contacts_per_account
    contacts = f"{goal:,} contacts an account" if goal else "no goal"
    return f"{contacts}: {', '.join(plan.coverage.roles)}" if plan.coverage.roles else contacts


def _tell_rules(plan: Plan, book: Book | None) -> None:
    """Say every rule of a plan as a sentence; with a book, how many accounts each means."""
    for kind, id_, sentence, why, rule in _sentences(plan):
        counts = f"  {_counts(rule, book)}" if book and rule else ""
        told.print(f"[{_COLOURS[kind]}]{kind:>9}[/]  [bold]{id_}[/]{counts}", highlight=False, soft_wrap=True)
        for text in filter(None, dict.fromkeys((sentence, why))):
            told.print(f"{'':>9}  {text}", markup=False, highlight=False, soft_wrap=True)


def _sentences(plan: Plan) -> Iterator[tuple[str, str, str, str, Rule | None]]:
    for segment in plan.segment:
        yield "segment", segment.id, segment.rule.sentence, segment.name, segment.rule
    for exclusion in plan.exclusion:
        kind = "" if exclusion.kind == "other" else f"{exclusion.kind}: "
        yield "exclusion", exclusion.id, exclusion.rule.sentence, kind + exclusion.reason, exclusion.rule
    for trigger in plan.trigger:
        yield "trigger", trigger.id, trigger.sentence, trigger.why or trigger.name, None
    for readiness in plan.readiness:
        yield "readiness", readiness.id, readiness.rule.sentence, readiness.reason, readiness.rule


def _counts(rule: Rule, book: Book) -> str:
    from scoring.training.conditions import holds_for

    frames = {"accounts": book.accounts, "prospects": book.prospects}
    held = {label: holds_for(rule.where, frame) for label, frame in frames.items() if frame is not None}
    said = ", ".join(f"{mask.sum():,} of {len(mask):,} {label}" for label, mask in held.items())
    if any(mask.any() for mask in held.values()):
        return said
    return f"{said}  [yellow]it means nobody: are its values spelt as the book spells them?[/]"
