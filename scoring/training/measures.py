"""The figures of one group of accounts with their intervals.

Figures pool: they are what a group's customers are worth together, as a finance team adds them up. NRR, GRR
and expansion are sums of revenue over sums of revenue; logo retention is windows renewed over windows begun;
payback is all CAC over all new monthly margin, so that customers who never pay it back count; LTV:CAC is all
CLV over all CAC; CLV is the plain mean, which times the customers is their total. A giant moves such figures,
and their intervals say so. The sales cycle is the median over deals.
"""

from __future__ import annotations

import numpy as np

from scoring.training.account_sums import RATIOS, AccountSums, Masks
from scoring.training.deals import velocity
from scoring.training.found import Figure
from scoring.training.months import Floats
from scoring.training.resampling import TAIL, effective_size, interval, ratio, resampled_sums

_SHARES = ("grr", "logo_retention", "win_rate")  # from 0 to 1


def measure(sums: AccountSums, mask: Masks, rng: np.random.Generator) -> dict[str, Figure]:
    """Return every figure of the accounts in `mask`, shape (n_accounts,), not shrunk yet.

    Intervals are of one bootstrap over these accounts; a figure that rests on fewer than two has none.
    """
    columns = {name: column[mask] for name, column in sums.columns.items()}
    deals = mask[sums.deal_owner]
    days = np.sort(sums.deal_days[deals])
    columns |= _timed(sums, deals, days, mask)
    names = list(columns)
    table = np.stack([columns[name] for name in names], axis=1)
    totals = dict(zip(names, table.sum(axis=0, keepdims=True).T, strict=True))
    drawn = dict(zip(names, resampled_sums(table, rng).T, strict=True))
    sizes = {name: _sizes(columns[over], columns[under]) for name, (over, under) in RATIOS.items()}
    values, resampled = (
        {name: ratio(of[over], of[under]) for name, (over, under) in RATIOS.items()} for of in (totals, drawn)
    )
    timed = int((columns["timed"] > 0).sum())
    sizes["sales_cycle"] = sizes["velocity"] = (timed, timed)
    for of, found in ((totals, values), (drawn, resampled)):
        found["sales_cycle"] = _medians(days, of, totals)
        found["velocity"] = velocity(of["open"], found["win_rate"], found["acv"], found["sales_cycle"])
    return {name: _figure(name, float(values[name][0]), resampled[name], sizes[name]) for name in values}


def _sizes(over: Floats, under: Floats) -> tuple[int, float]:
    """Return how many accounts a figure rests on, and how many that weigh alike would tell as much."""
    counted = (over != 0) | (under != 0)
    n = int(counted.sum())
    return n, effective_size(over[counted], under[counted]) if n and under.sum() > 0 else 0.0


def _timed(sums: AccountSums, deals: Masks, days: Floats, mask: Masks) -> dict[str, Floats]:
    """Count each account's won deals with both dates, and those quicker than the group's median.

    Deals at the median count as half.
    """
    owner, own = sums.deal_owner[deals], sums.deal_days[deals]
    middle = np.median(days) if days.size else 0.0
    quicker = (own < middle) + 0.5 * (own == middle)
    found = {}
    for name, weights in (("timed", np.ones(owner.size)), ("quicker", quicker)):
        found[name] = np.asarray(np.bincount(owner, weights, minlength=mask.size), dtype=np.float64)[mask]
    return found


def _medians(days: Floats, of: dict[str, Floats], totals: dict[str, Floats]) -> Floats:
    """Return the median of a group's sorted days in each resample, from how many of its deals are quicker.

    Where more of them lie below the group's median, its own median lies lower: at the quantile as far below
    the middle (R. Woodruff, "Confidence intervals for medians and other position measures", JASA 47, 1952).
    """
    if not days.size:
        return np.full(of["timed"].shape, np.nan)
    below = ratio(of["quicker"], of["timed"])
    shift = np.nan_to_num(below - ratio(totals["quicker"], totals["timed"]))
    return np.where(np.isnan(below), np.nan, np.quantile(days, np.clip(0.5 - shift, 0.0, 1.0)))


def _figure(name: str, value: float, resampled: Floats, sizes: tuple[int, float]) -> Figure:
    n, size = sizes
    if not np.isfinite(value):
        return Figure(None, None, None, None, n)
    ends = interval(resampled, size) if n > 1 else None
    low, high = ends or (None, None)
    if name in _SHARES and n > 0 and value in (0.0, 1.0):
        # Nothing varies, so no resample does. What n accounts alike leave open is a binomial's exact bound.
        rest = 1 - (TAIL / 100) ** (1 / n)
        low, high = (0.0, rest) if value == 0 else (1 - rest, 1.0)
    return Figure(value, low, high, value, n)
