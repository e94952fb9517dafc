"""The commands on families: `firebrand families --help`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from api.command_store import State, with_store

if TYPE_CHECKING:  # commands import what they need when they run
    from api.family_file import Imported
    from scoring.store.store import SignalStore

families = typer.Typer(help="Say whose child an account is.", no_args_is_help=True)
told = Console(stderr=True)

_NAMED = 10  # rows with a fault that are named


@families.callback()
def group() -> None:
    """Keep `import` a command by its own name, although it is the only one yet."""


@families.command(name="import", epilog="Example: firebrand families import book/accounts.csv")
def import_(
    file: Annotated[
        Path, typer.Argument(help="CSV: account_id and/or domain, parent_id and/or parent_domain.")
    ],
    state: State = Path(".firebrand"),
) -> None:
    """Store who is whose parent. Doing so again changes nothing.

    The store is that of FIREBRAND_REDIS_URL, or else the one in the state folder, whether a service runs with
    it or not.

    Rows without a parent change nothing. Exits with 1 where a row could not be stored.
    """
    from api.family_file import import_families

    with Progress(console=told, transient=True, disable=not told.is_terminal) as bar:
        task = bar.add_task("linking", total=None)

        async def work(store: SignalStore) -> Imported:
            return await import_families(
                file, store.families, lambda line: bar.update(task, description=f"line {line:,}")
            )

        imported = with_store(state, work)
    _show(imported)
    if imported.faults:
        raise typer.Exit(1)


def _show(imported: Imported) -> None:
    counts = f"linked {imported.linked:,}, unchanged {imported.unchanged:,}"
    lines = [f"{counts}, without a parent {imported.alone:,}, not stored {len(imported.faults):,}"]
    lines += [f"line {line:,}: {error.code}: {error}" for line, error in imported.faults[:_NAMED]]
    if len(imported.faults) > _NAMED:
        lines.append(f"and {len(imported.faults) - _NAMED:,} more lines")
    for line in lines:
        told.print(line, markup=False, highlight=False, soft_wrap=True)
