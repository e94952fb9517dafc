"""`firebrand analyze`: what a book says before anything is learnt from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from api.book_commands import plan_for

if TYPE_CHECKING:
    from scoring.training.found import Effect
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
        told.print(_candidates(found))
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
    table = Table(_words("group"), box=SIMPLE, caption="payback in months")
    for name in ("customers", "NRR", "GRR", "CLV", "payback", "win rate"):
        table.add_column(name, justify="right")
    for group in found.figures:
        figures = {metric: group.figures[metric].value for metric in _SAID}
        said = {metric: "-" if value is None else _SAID[metric](value) for metric, value in figures.items()}
        nrr = figures["nrr"]
        if nrr is not None and nrr < 1:
            said["nrr"] = f"[red]{said['nrr']}[/]"
        table.add_row(escape(group.name), f"{group.customers:,}", *said.values())
    return table


def _candidates(found: Survey) -> Table:
    table = Table(_words("candidate"), box=SIMPLE, caption=_OUTSIDE)
    for name in ("customers", "prospects", "NRR", "CLV", "payback", "q"):
        table.add_column(name, justify="right")
    for one in found.discovery.candidates:
        segment = found.taken_up.get(one.id)
        in_plan = f"\n[dim]the plan has it as {segment}[/]" if segment else ""
        effects = {effect.metric: effect for effect in one.effects.values()}
        table.add_row(
            ("[green]better:[/] " if one.better else "[red]worse:[/] ") + escape(one.rule.sentence) + in_plan,
            f"{one.customers:,}",
            "-" if one.prospects is None else f"{one.prospects:,}",
            *(_effect(effects.get(metric)) for metric in ("nrr", "clv", "payback")),
            f"{min(effect.q_value for effect in effects.values()):.0e}",
        )
    return table


_OUTSIDE = "below each figure that of all others, on customers the search never saw; q: the least"


def _effect(effect: Effect | None) -> str:
    if effect is None:
        return "-"
    say = _SAID[effect.metric]
    return f"{say(effect.inside)}\n[dim]{say(effect.outside)}[/]"


def _words(name: str) -> Column:
    """Make a column that keeps room for words where the terminal is narrow."""
    return Column(name, min_width=20)


def _share(value: float) -> str:
    return f"{value:.0%}"


def _money(value: float) -> str:
    from scoring.training.card_blocks import say_number  # of the group for training, as all of `analyze`

    return say_number(float(f"{value:.3g}"))


_SAID: Mapping[str, Callable[[float], str]] = {
    "nrr": _share,
    "grr": _share,
    "clv": _money,
    "payback": "{:.1f}".format,
    "win_rate": _share,
}
