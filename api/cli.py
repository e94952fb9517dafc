"""The command line: `firebrand --help`.

Commands import what they need when they run: `--help` stays quick, and serving needs no package for training.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from api.analyze_commands import analyze
from api.book_commands import books
from api.family_commands import families
from api.model_commands import Artifacts, models, show_version
from api.plan_commands import plans
from api.signal_commands import signals
from scoring.errors import FirebrandError
from scoring.training.progress import OnStep

app = typer.Typer(
    help="Score business accounts on Fit, Intent, Recency and Engagement.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
app.add_typer(models, name="models")
app.add_typer(books, name="book")
app.add_typer(plans, name="plan")
app.add_typer(signals, name="signals")
app.add_typer(families, name="families")
app.command(epilog="Example: firebrand analyze book --out analysis")(analyze)
told = Console(stderr=True)  # what people read; stdout is for what programs read


def main() -> None:
    """Run the command line; an error that the caller can mend is said in one line and exits with 1."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    # Told to end, a command cleans up behind itself as it does at Ctrl-C.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        app()
    except FirebrandError as error:
        told.print(f"[bold red]error[/] [dim]({error.code})[/]", end=" ")
        told.print(str(error), markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)


def _tell(text: str) -> None:
    """Say something as it is: brackets are no markup, and a path is never broken over two lines."""
    told.print(text, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _progress() -> Iterator[OnStep]:
    """Draw a bar with the step under way; nothing where nobody looks."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=told, transient=True, disable=not told.is_terminal) as bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda step, done: bar.update(task, description=step, completed=done)


@contextmanager
def _training_group() -> Iterator[None]:
    """Say what to install where the packages for training are missing: the service does without them."""
    try:
        yield
    except ModuleNotFoundError as error:
        message = f"this command needs the packages for training ({error.name} is missing)"
        raise MissingPackagesError(f"{message}: pip install 'firebrand[train]'") from error


class MissingPackagesError(FirebrandError):
    """A command was run without the dependency group it needs."""

    code = "packages_missing"


@app.command(epilog="Example: firebrand demo-book book --accounts 2000 --seed 7")
def demo_book(
    directory: Annotated[Path, typer.Argument(help="Where to write the book; must not exist or be empty.")],
    accounts: Annotated[int, typer.Option(min=1, help="Customers.")] = 2000,
    prospects: Annotated[int, typer.Option(min=0, help="Prospects.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same book.")] = 0,
    null: Annotated[bool, typer.Option("--null", help="A book in which nothing predicts anything.")] = False,  # noqa: FBT002 - a flag is how Typer spells one
) -> None:
    """Write a demo company's book: tables, plan.toml and truth.json."""
    with _training_group():
        from scoring.training.demo_book import write_demo_book
    with _progress() as on_step:
        write_demo_book(
            directory, accounts=accounts, prospects=prospects, seed=seed, null=null, on_step=on_step
        )
    _tell(
        f"wrote the book to {directory}; next: firebrand train {directory} --plan {directory / 'plan.toml'}"
    )


@app.command(epilog="Example: firebrand train book --plan book/plan.toml --artifacts artifacts")
def train(
    book: Annotated[Path, typer.Argument(help="The folder of tables.")],
    plan: Annotated[Path, typer.Option(help="The plan that people decided.")],
    artifacts: Artifacts = Path("artifacts"),
    seed: Annotated[int, typer.Option(min=0, help="The same book, plan and seed give the same bytes.")] = 0,
) -> None:
    """Make an artifact from a book. Its version id is the last line on stdout."""
    with _training_group():
        from scoring.training.train import train as make_artifact
    with _progress() as on_step:
        version = make_artifact(book, plan, artifacts, seed=seed, on_step=on_step)
    show_version(artifacts, version)
    _say_if_not_active(artifacts, version)
    typer.echo(version)


def _say_if_not_active(artifacts: Path, version: str) -> None:
    from scoring.registry import active_version

    active = active_version(artifacts)
    if active != version:
        told.print(f"[yellow]not active[/] {active} is still served; to serve this one:", highlight=False)
        _tell(f"  firebrand models activate {version} --artifacts {artifacts}")


@app.command(epilog="Example: firebrand score accounts.csv --artifacts artifacts --out scores.parquet")
def score(
    file: Annotated[
        Path, typer.Argument(help="CSV or Parquet: account_id and/or domain, and attribute columns.")
    ],
    out: Annotated[Path, typer.Option(help="Where to write: CSV or Parquet, by its ending.")],
    artifacts: Artifacts = Path("artifacts"),
    objective: Annotated[str, typer.Option(help="A preset's name; the plan's own weights if empty.")] = "",
    as_of: Annotated[str, typer.Option(help="ISO 8601; now if empty. Later signals do not count.")] = "",
    rollup: Annotated[
        str, typer.Option(help="Whose signals count: none, parent (and all beneath), family.")
    ] = "",
) -> None:
    """Score a file of accounts, a chunk at a time; every row in gives a row out, in order.

    Signals are read from FIREBRAND_REDIS_URL where it is set; without it the scores are Fit's share alone.
    """
    with _training_group():
        from api.score_file import score_file
    with _progress() as on_step:
        done = score_file(
            file, out, artifacts, objective=objective, as_of=as_of, rollup=rollup, on_step=on_step
        )
    for note in done.notes:
        told.print(f"[yellow]note[/] {escape(note)}", highlight=False, soft_wrap=True)
    _tell(
        f"scored {done.scored:,} accounts into {out}"
        + (f"; rows with an error instead: {done.failed:,}" if done.failed else "")
    )
    for sentence in done.unused.said():
        _tell(sentence)


@app.command(epilog="Example: firebrand serve --artifacts artifacts --port 8080 --workers 2")
def serve(
    artifacts: Artifacts = Path("artifacts"),
    host: Annotated[
        str, typer.Option(help="Beyond this machine only with FIREBRAND_API_KEYS set.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8080,
    workers: Annotated[int, typer.Option(min=1)] = 1,
    state: Annotated[
        Path, typer.Option(help="Where the store of its own keeps its data.", envvar="FIREBRAND_STATE")
    ] = Path(".firebrand"),
    *,
    allow_draft: Annotated[
        bool, typer.Option("--allow-draft", help="Serve a model nobody approved, and say so.")
    ] = False,
) -> None:
    """Serve the active model over HTTP. Without FIREBRAND_REDIS_URL a store of its own keeps the signals."""
    from api.serve import serve as run

    os.environ["FIREBRAND_ARTIFACTS"] = str(artifacts)
    os.environ["FIREBRAND_STATE"] = str(state)
    if allow_draft:
        os.environ["FIREBRAND_ALLOW_DRAFT"] = "1"
    run(host=host, port=port, workers=workers)


@app.command(hidden=True)
def demo(
    state: Annotated[Path, typer.Option(help="Where the demo's book, models and signals are.")] = Path(
        ".firebrand"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8080,
) -> None:
    """Make a demo book, train on it, serve it, and send a few signals: what `make up` runs."""
    with _training_group():
        from api.demo import run_demo
    run_demo(state, port, _progress)
