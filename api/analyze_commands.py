"""`firebrand analyze`: what a book says before anything is learnt from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from api.book_commands import plan_for

if TYPE_CHECKING:
    from scoring.training.found import Candidate, Figure
    from scoring.training.survey import Survey

told = Console(stderr=True)  # what people read; stdout is for what programs read


def analyze(
    book: Annotated[Path, typer.Argument(help="The folder of tables.")],
    plan: Annotated[
        Path | None,
        typer.Option(help="The plan; if not given, plan.toml in the folder, or the default plan."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the page and its files are written.")] = Path("analysis"),
    seed: Annotated[int, typer.Option(min=0, help="The same book, plan and seed give the same bytes.")] = 0,
) -> None:
    """Say what customers are worth, which segments stand out, and which attributes tell; without training.

    The page's path is on stdout.
    """
    from api.cli import _progress, _training_group  # it has this command, so not at the top

    decided = plan_for(book, plan)
    with _training_group():
        from scoring.training.analysis import write_analysis
        from scoring.training.survey import STEPS, survey
    with _progress() as on_step:
        done = count()
        found = survey(book, decided, seed=seed, on_step=lambda step: on_step(step, next(done) / STEPS))
        files = write_analysis(found, out)
    _show(found)
    for file in files[1:]:
        told.print(str(file), markup=False, highlight=False, soft_wrap=True)
    typer.echo(files[0])


def _show(found: Survey) -> None:
    told.print(_groups(found))
    for group in found.figures:
        for flag in group.flags:
            _say("flag", f"{group.name}: {flag}")
    discovery = found.discovery
    if discovery.candidates:
        told.print(_candidates(discovery.candidates))
    else:
        _say("nothing found", discovery.note or "no segment stands out")
    for one in discovery.attributes:
        if one.stop:
            _say("could be stopped", f"enrichment of {one.attribute}: {one.stop}")
    for name, reason in found.leaks.items():
        _say("leak", f"{name}: {reason}")


def _say(label: str, text: str) -> None:
    told.print(f"[yellow]{label}[/] {escape(text)}", highlight=False, soft_wrap=True)


def _groups(found: Survey) -> Table:
    table = Table("group", "customers", "NRR", "GRR", "CLV", "payback", "LTV:CAC", "win rate")
    for group in found.figures:
        table.add_row(escape(group.name), f"{group.customers:,}", *_figures(group.figures))
    return table


def _figures(figures: Mapping[str, Figure]) -> list[str]:
    ways = {
        "nrr": "{:.0%}",
        "grr": "{:.0%}",
        "clv": "{:,.0f}",
        "payback": "{:.1f} months",
        "ltv_cac": "{:.1f}",
        "win_rate": "{:.0%}",
    }
    written = [_written(way, figures[name].value) for name, way in ways.items()]
    nrr = figures["nrr"].value
    if nrr is not None and nrr < 1:
        written[0] = f"[red]{written[0]}[/]"
    return written


def _written(way: str, value: float | None) -> str:
    return "-" if value is None else way.format(value)


def _candidates(candidates: Sequence[Candidate]) -> Table:
    table = Table("candidate", "", "customers", "prospects", "NRR", "CLV", "payback", "least q")
    for one in candidates:
        effects = {effect.metric: effect for effect in one.effects.values()}
        ways = {"nrr": "{:.0%}", "clv": "{:,.0f}", "payback": "{:.1f} months"}
        said = [
            f"{way.format(effects[m].inside)} ({way.format(effects[m].outside)})" if m in effects else "-"
            for m, way in ways.items()
        ]
        table.add_row(
            escape(one.rule.sentence),
            "[green]better[/]" if one.better else "[red]worse[/]",
            f"{one.customers:,}",
            "-" if one.prospects is None else f"{one.prospects:,}",
            *said,
            f"{min(effect.q_value for effect in one.effects.values()):.2g}",
        )
    table.caption = "inside (outside), on the half of the customers that the search never saw"
    return table
