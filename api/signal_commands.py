"""The commands on stored signals: `firebrand signals --help`."""

from __future__ import annotations

import csv
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from api.command_store import State, with_store
from scoring.errors import SignalFileError

if TYPE_CHECKING:  # commands import what they need when they run
    from scoring.store.export_file import Exported
    from scoring.store.importing import Fault, Import, Imported
    from scoring.store.store import SignalStore

signals = typer.Typer(
    help="Take signals out of the store, and put signals into it. The store is that of FIREBRAND_REDIS_URL, "
    "or else the one in the state folder, whether a service runs with it or not.",
    no_args_is_help=True,
)
told = Console(stderr=True)  # what people read; stdout is for what programs read
STREAM = Path("-")  # stands for stdin or stdout
SHOWN_FAULTS = 10


class Counted:
    """The lines of a file, and how many bytes they have so far."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for line in self._file:
            self.bytes += len(line)
            yield line


def _tell(text: str) -> None:
    """Say something as it is: brackets are no markup, and a path is never broken over two lines."""
    told.print(text, markup=False, highlight=False, soft_wrap=True)


@signals.command("export", epilog="Example: firebrand signals export signals.ndjson")
def export_signals(
    file: Annotated[Path, typer.Argument(help="Where to write (NDJSON); - is stdout.")],
    account: Annotated[str, typer.Option(help="Only this account's, and of what is linked with it.")] = "",
    domain: Annotated[str, typer.Option(help="The account's domain, where its id is not one.")] = "",
    state: State = Path(".firebrand"),
) -> None:
    """Write the signals of all accounts, or of one, to a file that `firebrand signals import` reads.

    People and event ids are keyed hashes in it. It can be imported where FIREBRAND_PERSON_KEY is the same.
    """
    from scoring.account import keys_named
    from scoring.store.export_file import write_export

    keys = keys_named(account, domain) if account or domain else ()

    async def work(store: SignalStore) -> Exported:
        with _written(file) as write, _counted() as show:
            return await write_export(
                store.transfer,
                write,
                now=time.time(),
                keys=keys,
                on_progress=lambda done: show(f"{done.records:,} signals of {done.logs:,} logs", 0),
            )

    done = with_store(state, work, is_there=True)
    _tell(
        f"exported {done.records:,} signals of {done.logs:,} logs to {'stdout' if file == STREAM else file}"
    )
    if done.damaged:
        _tell(
            f"left out {done.damaged:,} logs that are damaged: something other than Firebrand wrote to them"
        )
        raise typer.Exit(1)


@signals.command("import", epilog="Example: firebrand signals import book/events.csv --rejects rejects.csv")
def import_signals(
    file: Annotated[Path, typer.Argument(help="An export, or signals as NDJSON or CSV; - is stdin.")],
    rejects: Annotated[
        Path | None, typer.Option(help="Where to list the rows that are not stored (CSV).")
    ] = None,
    state: State = Path(".firebrand"),
) -> None:
    """Store the signals of a file, each event id once. Running it again is safe.

    A row has what POST /signals takes: account_id, domain or email, type, occurred_at, and event_id, topic,
    strength, person, channel, title, role, seniority, level. Exits with 0 when every row is stored or listed,
    and some are stored.
    """
    from scoring.store.importing import Import
    from scoring.store.signal_file import read_signal_file

    with ExitStack() as resources:
        lines = Counted(resources.enter_context(_read(file)))
        total = file.stat().st_size if file.is_file() else None
        list_fault = resources.enter_context(_listed(rejects))
        found = read_signal_file(lines)
        if found.unknown:
            told.print(
                f"[yellow]note[/] {found.unknown} columns of the file are none of a signal's and are left"
            )

        async def work(store: SignalStore) -> Imported:
            with _counted(total) as show:
                running: Import = Import(
                    store,
                    now=time.time(),
                    on_fault=list_fault,
                    on_progress=lambda: show(f"{running.done.outcomes.total():,} rows stored", lines.bytes),
                )
                return await running.run(found)

        done = with_store(state, work)
    _tell(_summary(done))
    unlisted = 0 if rejects else max(0, done.faulty - SHOWN_FAULTS)
    if unlisted:
        _tell(f"{unlisted:,} more rows are not stored; list them all with --rejects FILE")
    if done.cut:
        _tell("the export was cut short: it lacks its end, so signals are missing; export it again")
    nothing = done.faulty > 0 and not done.outcomes.total()
    if unlisted or done.cut or nothing:
        raise typer.Exit(1)


def _summary(done: Imported) -> str:
    from scoring.store.writes import Outcome

    counts = done.outcomes
    return (
        f"imported {counts[Outcome.ACCEPTED]:,} signals; known already: {counts[Outcome.DUPLICATE]:,}; "
        f"older than the store keeps: {counts[Outcome.DROPPED]:,}; not stored: {done.faulty:,}"
    )


@contextmanager
def _written(file: Path) -> Iterator[Callable[[bytes], object]]:
    """Open what is to be written: whole or not at all, and for nobody else to read."""
    if file == STREAM:
        try:
            yield sys.stdout.buffer.write
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at its end
            raise SignalFileError("the export was cut short: its reader has stopped") from None
        return
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    except OSError as error:
        raise SignalFileError(f"cannot write {file}: {error.strerror}") from error
    unfinished = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as out:
            yield out.write
        unfinished.replace(file)
    except OSError as error:
        raise SignalFileError(f"cannot write {file}: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def _read(file: Path) -> Iterator[IO[bytes]]:
    if file == STREAM:
        yield sys.stdin.buffer
        return
    try:
        opened = file.open("rb")
    except OSError as error:
        raise SignalFileError(f"cannot read {file}: {error.strerror}") from error
    with opened:
        yield opened


@contextmanager
def _listed(rejects: Path | None) -> Iterator[Callable[[Fault], None]]:
    """Take rows that are not stored: the first are shown, and all of them are listed where that was asked."""
    shown = 0
    with ExitStack() as resources:
        rows = None
        if rejects is not None:
            try:
                opened = resources.enter_context(rejects.open("w", encoding="utf-8", newline=""))
            except OSError as error:
                raise SignalFileError(f"cannot write {rejects}: {error.strerror}") from error
            rows = csv.writer(opened)
            rows.writerow(["line", "field", "code", "message"])

        def take(fault: Fault) -> None:
            nonlocal shown
            if rows is not None:
                rows.writerow([fault.line, fault.field, fault.code, fault.message])
            if shown < SHOWN_FAULTS:
                shown += 1
                told.print(
                    f"[yellow]line {fault.line:,}[/] {escape(fault.message)}", highlight=False, soft_wrap=True
                )

        yield take


@contextmanager
def _counted(total: int | None = None) -> Iterator[Callable[[str, int], None]]:
    """Draw a bar with what is done so far, of a total where that is known; nothing where nobody looks."""
    columns = (SpinnerColumn(), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=told, transient=True, disable=not told.is_terminal) as bar:
        task = bar.add_task("reading", total=total)
        yield lambda text, done: bar.update(task, description=text, completed=done)
