"""How well the planted segments of demo books are found: `python -m tests.figures.planted`.

Arguments, if any: how many seeds, how many customers.
"""

from __future__ import annotations

import sys
import time

from tests.figures.demo import demo


def main(seeds: int = 5, accounts: int = 2000) -> None:
    """Print per seed how far each planted rule is found (Jaccard overlap), and all candidates."""
    for seed in range(seeds):
        book = demo(seed, accounts=accounts)
        start = time.perf_counter()
        found = book.discover(seed=0)
        seconds = time.perf_counter() - start
        print(
            f"seed {seed} ({seed + 1} of {seeds}): {seconds:.1f} s, {found.searched:,} searched, "
            f"{found.tested} tested {found.note}",
            flush=True,
        )
        for name, rule in book.planted.items():
            overlaps = [book.overlap(rule, candidate.rule) for candidate in found.candidates]
            print(f"  {name}: {max(overlaps, default=0.0):.3f}")
        for candidate in found.candidates:
            q = {name: f"{effect.q_value:.0e}" for name, effect in candidate.effects.items()}
            print(
                f"  {'+' if candidate.better else '-'} {candidate.rule.sentence} | {candidate.customers} "
                f"customers, {candidate.prospects} prospects, q {q}"
            )
            for flag in candidate.flags:
                print(f"      flag: {flag}")
            for merged in candidate.merged:
                print(f"      merged: {merged}")
        for power in found.attributes:
            alone = {name: round(r_squared, 4) for name, r_squared in power.alone.items()}
            print(f"  {power.attribute}: {alone} filled {power.filled:.2f} {power.stop}", flush=True)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
