"""How often the learner takes noise for signal: `python -m tests.figures.false_alarms`.

Every objective of null books is learnt; a false alarm is a p-value that training would take for signal.
Arguments, if any: how many books, how many customers each.
"""

from __future__ import annotations

import sys

import numpy as np
from rich.console import Console
from rich.progress import track

from scoring.training.encode import encode_frame
from scoring.training.learn import SIGNIFICANCE, fit
from scoring.training.schema import build_schema
from scoring.training.survey import learning_outcomes
from tests.figures.demo import demo


def p_values(seed: int, accounts: int) -> list[float]:
    """Learn each objective of one null book and return the p-values."""
    book = demo(seed, accounts=accounts, null=True)
    schema = build_schema(book.attributes, book.customers)
    codes = encode_frame(schema, book.customers)
    found = []
    for y in learning_outcomes(book.metrics).values():
        known = np.isfinite(y)
        found.append(fit(schema, codes[known], y[known], "value", seed=0).evidence.p_value)
    return found


def main(books: int = 40, accounts: int = 800) -> None:
    """Print the share of p-values under each bound; honest ones lie under it as often as the bound says."""
    console = Console()
    found = np.array([p for seed in track(range(books), "learning") for p in p_values(seed, accounts)])
    for bound in (0.05, 0.01, SIGNIFICANCE):
        console.print(
            f"p < {bound:g}: {np.sum(found < bound)} of {len(found)} ({np.mean(found < bound):.3f})"
        )
    console.print(f"smallest: {found.min():.2g}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
