"""What people must know of a group before they decide: sentences about its figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from scipy.special import ndtr

from scoring.training.account_sums import RATIOS, AccountSums, Masks
from scoring.training.found import Figure
from scoring.training.resampling import ratio_variance

FEWEST = 20  # customers; intervals of fewer promise more than a bootstrap can keep
CHANCE = 0.05  # how likely a warning may be, over all groups of a book, where nothing is the matter


def plain_flags(customers: int, figures: Mapping[str, Figure]) -> Iterator[str]:
    """Say what one group's own figures give reason to say."""
    nrr = figures["nrr"]
    if customers < FEWEST:
        yield f"Too few customers: {customers}, where figures need {FEWEST} or more to be trusted."
    elif nrr.n < FEWEST:
        known = nrr.n or "none"
        yield f"Of {customers:,} customers {known} can have an NRR yet, where {FEWEST} or more are needed."
    if nrr.value is not None and nrr.value < 1:
        doubt = "" if nrr.high is None or nrr.high < 1 else ", so 100% is not ruled out"
        yield f"NRR is under 100%: {said(nrr)}{doubt}."


def trap_chance(sums: AccountSums, mask: Masks) -> float:
    """Return how likely chance alone lets a group win so much more and keep so much less than the others.

    The greater of two one-sided p-values, of win rate and of logo retention, each against all other accounts:
    both must be beyond chance (R. Berger, "Multiparameter hypothesis testing and acceptance sampling",
    Technometrics 24, 1982). Customers are counted, as deals are, because revenue hangs on a few large ones
    and would see a trap late; but it must agree: the chance is 1 where the group's NRR is no lower than the
    others'. It is 1 too where a figure rests on fewer than `FEWEST` accounts on either side.
    """
    end, start = (sums.columns[name] for name in RATIOS["nrr"])
    if end[mask].sum() * start[~mask].sum() >= end[~mask].sum() * start[mask].sum():
        return 1.0
    return max(_p_value(sums, "win_rate", mask, 1.0), _p_value(sums, "logo_retention", mask, -1.0))


def trap_flag(figures: Mapping[str, Figure], base: Mapping[str, Figure]) -> str:
    """Say the win-rate trap of a group beside everybody."""
    return (
        f"Win-rate trap: easily won, badly kept. Win rate {said(figures['win_rate'])} against "
        f"{said(base['win_rate'])} of everybody; logo retention {said(figures['logo_retention'])} against "
        f"{said(base['logo_retention'])}; NRR {said(figures['nrr'])} against {said(base['nrr'])}."
    )


def said(figure: Figure) -> str:
    """Say a share with its interval.

    >>> said(Figure(0.873, 0.8, 0.931, 0.88, 40))
    '87% (90% interval: 80% to 93%)'
    """
    if figure.value is None:
        return "unknown"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.0%}"
    return f"{figure.value:.0%} (90% interval: {figure.low:.0%} to {figure.high:.0%})"


def _p_value(sums: AccountSums, figure: str, mask: Masks, sign: float) -> float:
    over, under = (sums.columns[name] for name in RATIOS[figure])
    known = under > 0
    inside, outside = known & mask, known & ~mask
    n_inside, n_outside = int(inside.sum()), int(outside.sum())
    if min(n_inside, n_outside) < FEWEST:
        return 1.0
    values = [float(over[part].sum() / under[part].sum()) for part in (inside, outside)]
    spread = max(ratio_variance(over[part], under[part]) for part in (inside, outside))  # alike by chance too
    if spread <= 0:
        return 1.0
    z = sign * (values[0] - values[1]) / np.sqrt(spread * (1 / n_inside + 1 / n_outside))
    return float(ndtr(-z))
