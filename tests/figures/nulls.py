"""In how many null books anything is reported: `python -m tests.figures.nulls`.

Arguments, if any: how many books, the first seed.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from tests.figures.demo import demo


def main(books: int = 40, first: int = 0) -> None:
    """Print a line per book, then how many had a candidate."""
    reported = []
    start = time.perf_counter()
    for seed in range(first, first + books):
        found = demo(seed, null=True).discover(seed=0)
        if found.candidates:
            reported.append(seed)
        print(
            f"{seed - first + 1} of {books}: {len(found.candidates)} candidates, {found.tested} tested, "
            f"{time.perf_counter() - start:.0f} s. {found.note}",
            flush=True,
        )
        for candidate in found.candidates:
            print(f"  {candidate.rule.sentence} {dict(candidate.effects)}", flush=True)
    print(f"null books with a candidate: {len(reported)} of {books} {reported}")
    print(f"seconds a book: {np.round((time.perf_counter() - start) / books, 1)}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
