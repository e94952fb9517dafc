"""The learner's time and memory against one unconstrained boosted fit: `python -m tests.figures.trainer`.

Each run is a process of its own. Memory is the peak above what stood before learning began. Growth is the
exponent between two sizes: 1 is linear. Arguments, if any: the numbers of rows.
"""

from __future__ import annotations

import json
import math
import resource
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
from rich.console import Console
from rich.table import Table

ATTRIBUTES = 150


def measure(contender: str, rows: int) -> dict[str, float]:
    """Learn once, in this process: seconds, and megabytes at the peak above the start."""
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(rows, ATTRIBUTES))
    matrix[:, ::3] = rng.integers(0, 8, (rows, len(range(0, ATTRIBUTES, 3))))
    score = 0.3 * matrix[:, :10].sum(axis=1) + 0.3 * matrix[:, 1] * matrix[:, 2] + np.sin(matrix[:, 4])
    y = (score + rng.logistic(size=rows) > np.median(score)).astype(int)
    if contender == "boosting":
        from sklearn.ensemble import HistGradientBoostingClassifier

        before, start = _peak(), time.perf_counter()
        HistGradientBoostingClassifier(random_state=0).fit(matrix, y)
    else:
        from scoring.training.learn import additive

        columns = {f"x{j}": column for j, column in enumerate(matrix.T)}
        before, start = _peak(), time.perf_counter()
        additive(columns, y)
    return {"seconds": time.perf_counter() - start, "megabytes": _peak() - before}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def _in_a_process(contender: str, rows: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.figures.trainer", "one", contender, str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main(sizes: list[int]) -> None:
    """Print the table."""
    console = Console()
    table = Table(
        "rows", "boosting", "glass box", "time", "boosting's memory", "glass box", "memory", "growth"
    )
    before: dict[int, float] = {}
    for rows in sizes:
        with console.status(f"learning from {rows:,} rows"):
            theirs, ours = (_in_a_process(one, rows) for one in ("boosting", "glass box"))
        before[rows] = ours["seconds"]
        growth = [math.log(before[b] / before[a]) / math.log(b / a) for a, b in pairwise(before)]
        table.add_row(
            f"{rows:,}",
            f"{theirs['seconds']:.1f} s",
            f"{ours['seconds']:.1f} s",
            f"{ours['seconds'] / theirs['seconds']:.1f}x",
            f"{theirs['megabytes']:.0f} MB",
            f"{ours['megabytes']:.0f} MB",
            f"{ours['megabytes'] / theirs['megabytes']:.1f}x",
            f"{growth[-1]:.2f}" if growth else "",
        )
    console.print(table)


if __name__ == "__main__":
    if sys.argv[1:2] == ["one"]:
        print(json.dumps(measure(sys.argv[2], int(sys.argv[3]))))
    else:
        main([int(size) for size in sys.argv[1:]] or [10_000, 100_000, 1_000_000])
