"""The commands on a book: `firebrand book --help`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from scoring.plan import Plan, read_plan

if TYPE_CHECKING:
    from scoring.training.quality import Quality

books = typer.Typer(help="Look into a book before anything is learnt from it.", no_args_is_help=True)
told = Console(stderr=True)

_SPARSE = 0.5  # share of rows below which a column's filling is marked
_NAMED = 6  # columns that are not read, of each reason; the report names all
_PLAN_BESIDE = "plan.toml"


@books.callback()
def group() -> None:
    """Keep `check` a command by its own name, although it is the only one yet."""


@books.command(epilog="Example: firebrand book check book --out book-check")
def check(
    book: Annotated[Path, typer.Argument(help="The folder of tables; it may lack a ledger.")],
    plan: Annotated[
        Path | None,
        typer.Option(help="The plan; if not given, plan.toml in the folder, or the default plan."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the report and its files are written.")] = Path(
        "book-check"
    ),
) -> None:
    """Say how good a book is: what is missing, odd, doubled or rejected. The report's path is on stdout."""
    from api.cli import _training_group  # which has this module's commands, so it cannot be imported above

    with _training_group():
        from scoring.training.quality import inspect_book
        from scoring.training.quality_report import write_report
    quality = inspect_book(book, plan_for(book, plan))
    files = write_report(quality, out)
    _show(quality)
    for file in files[1:]:
        told.print(str(file), markup=False, highlight=False, soft_wrap=True)
    typer.echo(files[0])


def plan_for(book: Path, plan: Path | None) -> Plan:
    """Return the plan that is named, else the one in the book's folder, else the default one."""
    beside = book / _PLAN_BESIDE
    if plan is None and not beside.is_file():
        return Plan()
    return read_plan(plan or beside)


def _show(quality: Quality) -> None:
    told.print(_tables(quality))
    told.print(_columns(quality))
    for table, why, names in _not_read(quality):
        more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        _say("not read", "dim", f"{table} ({why}): {', '.join(names[:_NAMED])}{more}")
    for finding in quality.findings:
        _say("found", "cyan", f"{finding.times:,} {finding.what}: {finding.made_of_it}")
    for gap, times in quality.contact_gaps.items():
        _say("contacts", "cyan", f"{times:,} have {gap}")
    for note in quality.book.notes:
        _say("note", "yellow", note)
    if quality.unread:
        _say("not read", "yellow", f"files that are no table of the book: {', '.join(quality.unread)}")
    if not quality.trainable:
        _say(
            "no ledger", "bold red", "without subscriptions or invoices nothing can be learnt from this book"
        )


def _tables(quality: Quality) -> Table:
    table = Table("table", "file", "rows", "used", "with rejects", "of unknown accounts")
    for facts in quality.tables:
        numbers = (facts.rows, facts.used, facts.rejected_rows, facts.orphans)
        table.add_row(facts.table, escape(facts.file), *(f"{number:,}" for number in numbers))
    return table


def _columns(quality: Quality) -> Table:
    table = Table("table", "column", "read as", "filled", "different", "remarks")
    for one in quality.columns:
        if one.kind:
            filled = f"{one.filled:.0%}" if one.filled >= _SPARSE else f"[yellow]{one.filled:.0%}[/]"
            table.add_row(
                one.table, escape(one.column), one.kind, filled, f"{one.distinct:,}", escape(one.remark)
            )
    return table


def _not_read(quality: Quality) -> Iterator[tuple[str, str, list[str]]]:
    """Yield table, reason and columns of what is not read."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for one in quality.columns:
        if not one.kind:
            grouped.setdefault((one.table, one.remark), []).append(one.column)
    for (table, why), names in grouped.items():
        yield table, why, names


def _say(label: str, style: str, text: str) -> None:
    told.print(f"[{style}]{label}[/] {escape(text)}", highlight=False, soft_wrap=True)
