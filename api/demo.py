"""The demo: a made-up company from book to score on this machine, with one command."""

from __future__ import annotations

import csv
import json
import os
import shlex
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from rich.console import Console

from api.serve import serve
from api.settings import SettingsError
from scoring.registry import active_version, has_active
from scoring.training.demo_book import write_demo_book
from scoring.training.progress import OnStep
from scoring.training.train import train

SIGNALS = (  # what the demo's best prospect did: type, days ago, person, channel
    ("page_view", 9, "ana", "web"),
    ("content_download", 6, "ana", "web"),
    ("webinar", 4, "ben", "event"),
    ("pricing_page", 2, "ben", "web"),
    ("demo_request", 1, "cleo", "sales"),
)
SAMPLE = 200  # prospects among which the best is sought
START_SECONDS = 30.0
SHOWN = ("industry", "employees", "hiring", "technologies", "use_case")  # attributes in the printed request

told = Console(stderr=True)


def run_demo(state: Path, port: int, progress: Callable[[], AbstractContextManager[OnStep]]) -> None:
    """Make what is missing, serve it, and show how to ask. A second run finds everything there.

    Raises:
        FirebrandError: from any stage, with what to do.
    """
    _check_free(port)
    book, artifacts = state / "book", state / "artifacts"
    if not book.exists():
        with progress() as on_step:
            write_demo_book(book, on_step=on_step)
        told.print(f"[green]✓[/] made a demo book in {book}")
    if not has_active(artifacts):
        with progress() as on_step:
            train(book, book / "plan.toml", artifacts, on_step=on_step)
        version = active_version(artifacts)
        told.print(f"[green]✓[/] trained [bold]{version}[/]; its card: {artifacts / version / 'card.html'}")
    os.environ["FIREBRAND_ARTIFACTS"] = str(artifacts)
    os.environ["FIREBRAND_STATE"] = str(state)
    url = f"http://127.0.0.1:{port}"
    threading.Thread(target=_introduce, args=(url, book), daemon=True).start()
    serve(host="127.0.0.1", port=port, workers=1)


def _check_free(port: int) -> None:
    """Refuse a port where another service would get the demo's signals."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            message = f"port {port} of 127.0.0.1 cannot be used ({error.strerror}); try make up PORT=8081"
            raise SettingsError(message) from error


def _introduce(url: str, book: Path) -> None:
    """Once the service answers, send the demo's signals and say how to ask for a score."""
    try:
        _wait(url)
        prospects = _prospects(book)
        scored = _post(f"{url}/score/bulk", {"accounts": prospects})["results"]
        best, answer = max(zip(prospects, scored, strict=True), key=lambda pair: _rank(pair[1]))
        stored = _post(f"{url}/signals", {"signals": _signals_of(str(answer["domain"]))})
    except (OSError, KeyError, ValueError) as error:
        told.print(f"[bold red]error[/] the demo could not be introduced: {error!r}")
        return
    shown = {name: best["attributes"][name] for name in SHOWN if best["attributes"].get(name)}
    body = json.dumps({"domain": answer["domain"], "attributes": shown})
    told.print(
        f"[green]✓[/] signals of {answer['domain']}: {stored['accepted']} new, {stored['duplicates']} known"
    )
    told.print(f"\n[bold]Firebrand[/] answers on {url} (try {url}/docs). Score an account:\n")
    told.print(f"  curl -s {url}/score -d {shlex.quote(body)}", soft_wrap=True, highlight=False, markup=False)
    told.print("\nCtrl-C stops it; its signals are kept.\n")


def _rank(answer: Mapping[str, Any]) -> tuple[bool, float]:
    """Rank accounts in the ICP first: only there do signals count."""
    return bool(answer["in_icp"]), float(answer["fit"])


def _wait(url: str) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=1):  # noqa: S310 - a loopback address of our own
                return
        except urllib.error.URLError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def _prospects(book: Path) -> list[dict[str, Any]]:
    with (book / "prospects.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row, _ in zip(csv.DictReader(file), range(SAMPLE), strict=False) if row["domain"]]
    identity = ("account_id", "domain")
    return [
        {"domain": row["domain"], "attributes": {k: v for k, v in row.items() if v and k not in identity}}
        for row in rows
    ]


def _signals_of(domain: str) -> list[dict[str, Any]]:
    now = time.time()
    return [
        {
            "domain": domain,
            "type": kind,
            "occurred_at": now - days * 86_400,
            "event_id": f"demo-{domain}-{kind}",
            "person": f"{person}@{domain}",
            "channel": channel,
        }
        for kind, days, person, channel in SIGNALS
    ]


def _post(url: str, body: Mapping[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), method="POST")  # noqa: S310 - as above
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - as above
        return json.load(response)
