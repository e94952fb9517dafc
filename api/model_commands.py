"""The commands on a registry of models: `firebrand models --help`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

models = typer.Typer(help="List, show and activate the models in a registry.", no_args_is_help=True)
told = Console(stderr=True)  # what people read; stdout is for what programs read

Artifacts = Annotated[Path, typer.Option(help="The registry of models.", envvar="FIREBRAND_ARTIFACTS")]


def _tell(text: str) -> None:
    """Say something as it is: brackets are no markup, and a path is never broken over two lines."""
    told.print(text, markup=False, highlight=False, soft_wrap=True)


@models.command("list", epilog="Example: firebrand models list --artifacts artifacts")
def list_models(artifacts: Artifacts = Path("artifacts")) -> None:
    """List the versions in the registry; the active one is marked."""
    from scoring.registry import active_version, has_active, versions

    active = active_version(artifacts) if has_active(artifacts) else ""
    found = versions(artifacts)
    if not found:
        _tell(f"no models in {artifacts}; firebrand train makes one")
    for version in found:
        typer.echo(f"{version}{'  active' if version == active else ''}")


@models.command(epilog="Example: firebrand models show 2026-06-30-0123456789ab")
def show(
    version: Annotated[str, typer.Argument(help="The active one if empty.")] = "",
    artifacts: Artifacts = Path("artifacts"),
) -> None:
    """Show what a version was learnt from and how well it predicts."""
    from scoring.registry import active_version

    show_version(artifacts, version or active_version(artifacts))


@models.command(epilog="Example: firebrand models activate 2026-06-30-0123456789ab")
def activate(version: str, artifacts: Artifacts = Path("artifacts")) -> None:
    """Verify a version and make it the one that is served from the next start on."""
    from scoring.registry import activate as make_active

    make_active(artifacts, version)
    _tell(f"{version} is active; restart the service to serve it")


def show_version(artifacts: Path, version: str) -> None:
    """Say what a version was learnt from, how well it predicts, and what to beware of."""
    from scoring.artifact import read_artifact

    artifact = read_artifact(artifacts, version)
    manifest = artifact.manifest
    signed = ", ".join(f"{s['who']} ({s['role']}, {s['when']})" for s in manifest["plan"]["sign_offs"])
    approval = f"signed by {escape(signed)}" if signed else "[bold red]DRAFT[/]: nobody signed it"
    told.print(f"[bold]{version}[/]  plan: {escape(manifest['plan']['name'])}; {approval}", soft_wrap=True)
    table = Table("objective", "metric", "customers", "form", "R² out of fold", "tables")
    for objective, found in manifest["objectives"].items():
        explained = found["r_squared_out_of_fold"][found["form"]]
        shape = f"{found['tables']} ({found['pair_tables']} pairs)"
        table.add_row(
            objective, found["metric"], str(found["customers"]), found["form"], f"{explained:.2f}", shape
        )
    told.print(table)
    _show_worth(manifest)
    for label, reasons in (("left out", manifest["left_out"]), ("leak", manifest["leaks"])):
        for name, reason in reasons.items():
            _say(label, f"{name}: {reason}")
    rejected = manifest["book"]["rejected_cells_and_rows"]
    if rejected:
        _tell(f"{rejected:,} cells or rows of the book could not be read; the card says which")
    _tell(f"card: {artifacts / version / 'card.html'}")


def _show_worth(manifest: Mapping[str, Any]) -> None:
    """Say what segments are worth, what Fit was worth, and what to beware of, as far as the version knows."""
    for group in manifest.get("figures", ()):
        nrr = group["figures"]["nrr"]
        if group["kind"] == "segment" and nrr["value"] is not None:
            interval = "" if nrr["low"] is None else f" (90% interval {nrr['low']:.0%} to {nrr['high']:.0%})"
            _say("segment", f"{group['id']}: NRR {nrr['value']:.0%}{interval}, {nrr['n']:,} customers")
    honesty = manifest.get("honesty", {})
    tested = honesty.get("backtest", "")
    if isinstance(tested, str):
        said = [tested] if tested else []
    else:
        said = [_lift(cut, check["lift"]) for cut in tested["cuts"] for check in cut["checks"]]
    for one in said:
        _say("backtest", one)
    for warning in honesty.get("warnings", ()):
        _say("warning", warning)


def _lift(cut: Mapping[str, Any], lift: Mapping[str, Any]) -> str:
    best = lift["bands"][0]
    times = "not known" if best["lift"] is None else f"{best['lift']:.2f} times the average's"
    return (
        f"as of {cut['trained_as_of']}: {lift['metric']} of the band with the highest Fit was {times} "
        f"(rank correlation {lift['rank_correlation']:.2f}, {lift['n']:,} customers)"
    )


def _say(label: str, text: str) -> None:
    told.print(f"[yellow]{label}[/] {escape(text)}", highlight=False, soft_wrap=True)
