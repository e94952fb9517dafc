"""What is learnt of signals against what was planted, and in null books: `python -m tests.figures.signals`.

A null book has every account's events at another account: nothing they say is about whom they stand at.
Arguments, if any: how many demo books, how many null books, the first seed of those.
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from scoring.plan import Plan, read_plan
from scoring.signals.policy import Policy
from scoring.training.activation_lift import RankGain
from scoring.training.book import Book, read_book
from scoring.training.demo_book import write_demo_book
from scoring.training.demo_events import KINDS
from scoring.training.demo_market import AS_OF
from scoring.training.signals_learnt import SignalLessons, learn_signals


def demo(seed: int) -> tuple[Book, Plan]:
    """Write a demo book of 2,000 customers and read it as training does."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "book"
        write_demo_book(folder, seed=seed)
        plan = read_plan(folder / "plan.toml")
        return read_book(folder, plan), plan


def elsewhere(book: Book, seed: int) -> Book:
    """Move each account's events to another account."""
    if book.events is None:
        raise AssertionError("a demo book has events")
    ids = book.events["account_id"].unique().sort()
    others = pl.Series(np.random.default_rng(seed).permutation(ids.to_numpy()))
    return replace(book, events=book.events.with_columns(pl.col("account_id").replace_strict(ids, others)))


def lessons_of(book: Book, plan: Plan, as_of: date = AS_OF) -> SignalLessons:
    """Learn."""
    found = learn_signals(book, plan, as_of, seed=0)
    if isinstance(found, str):
        raise AssertionError(found)
    return found


def planted(books: int, console: Console) -> None:
    """Print learnt half-lives beside planted ones, and what they were worth."""
    half_lives: dict[str, list[float]] = {name: [] for name in KINDS}
    inside: dict[str, int] = dict.fromkeys(KINDS, 0)
    gains = Table(
        "seed",
        "AUC of Intent",
        "defaults",
        "90% interval of the gain",
        "lift",
        "defaults",
        "offered",
        "seconds",
    )
    shares = Table(
        "seed", "intent, recency, engagement", "AUC", "plan's", "90% interval of the gain", "offered"
    )
    for seed in range(books):
        book, plan = demo(seed)
        start = time.perf_counter()
        found = lessons_of(book, plan)
        seconds = time.perf_counter() - start
        for one in found.types:
            half_lives[one.type].append(one.half_life_days)
            inside[one.type] += one.low <= KINDS[one.type].lead * math.log(2) <= one.high
        gain = found.intent_gain
        lifts = (f"{gain.ours.top_lift:.2f}", f"{gain.theirs.top_lift:.2f}")
        gains.add_row(str(seed), *_auc(gain), *lifts, _offered(found.policy), f"{seconds:.1f}")
        if found.fire_gain is not None:
            fire = found.fire
            said = "" if isinstance(fire, str) else f"{fire.intent:g}, {fire.recency:g}, {fire.engagement:g}"
            shares.add_row(str(seed), said, *_auc(found.fire_gain), _offered(fire))
    table = Table("type", "default", "planted", "learnt, by seed", "planted within the 90% interval")
    for name, kind in KINDS.items():
        default = Policy().types[name].half_life_days
        learnt = ", ".join(f"{value:g}" for value in half_lives[name])
        table.add_row(
            name, f"{default:g}", f"{kind.lead * math.log(2):.1f}", learnt, f"{inside[name]} of {books}"
        )
    for shown in (table, gains, shares):
        console.print(shown)


def _auc(gain: RankGain) -> tuple[str, str, str]:
    return f"{gain.ours.auc:.3f}", f"{gain.theirs.auc:.3f}", f"{gain.low:+.3f} to {gain.high:+.3f}"


def _offered(proposal: object) -> str:
    return "no" if isinstance(proposal, str) else "yes"


def nulls(books: int, first: int, console: Console) -> None:
    """Print in how many null books anything is proposed."""
    policies, fires = [], []
    for seed in range(first, first + books):
        book, plan = demo(seed)
        found = lessons_of(elsewhere(book, seed), plan)
        if not isinstance(found.policy, str):
            policies.append(seed)
        if not isinstance(found.fire, str):
            fires.append(seed)
    console.print(
        f"null books in which half-lives and weights are offered: {len(policies)} of {books} {policies}"
    )
    console.print(f"null books in which shares of I, R and E are offered: {len(fires)} of {books} {fires}")


def main(books: int = 5, null_books: int = 20, first_null: int = 0) -> None:
    """Print all of it."""
    console = Console(width=120)
    if books:
        planted(books, console)
    nulls(null_books, first_null, console)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
