"""What each objective stands for: the metric it is learnt from, and the scale it is learnt on.

Growth is learnt on NRR itself; CLV and payback on logarithms, because both spread over orders of magnitude.
CLV may be below zero where selling costs more than it earns, so its logarithm goes on through zero: a greater
loss is worse than a small one. Payback is turned around: a longer one is worse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HIGHEST_NRR = 3.0  # a year that tripled counts no more than this: small starts make huge ratios
SMALL_CHANGE = 0.1  # quantile of CLV's size under which a loss and a gain are nearly the same
FASTEST_PAYBACK = 0.1  # months; a customer that cost nothing to win, or next to nothing, counts as this fast


@dataclass(frozen=True, slots=True)
class Target:
    """One objective as a learning task."""

    objective: str
    metric: str
    unit: Literal["ratio", "currency", "months"]
    column: str  # of the account metrics
    needs: str  # what the book must hold for it
    curve: Callable[[Floats], Floats]  # of the metric in its unit of scale; higher is better
    scale: Callable[[Floats], float] = lambda _: 1.0  # the unit, taken from metrics that are known
    back: Callable[[Floats], Floats] = lambda learnt: learnt  # undoes the curve

    def values(self, metrics: pl.DataFrame) -> Floats:
        """Return the metric of each account: (accounts,), NaN where it is censored or has no data."""
        return metrics[self.column].cast(pl.Float64).fill_null(float("nan")).to_numpy()

    def to_target(self, values: Floats, *, base: Floats | None = None) -> Floats:
        """Put metrics on the scale that is learnt; NaN stays NaN.

        Args:
            values: (accounts,), as `values` returns them.
            base: those that the scale's unit is taken from; default: `values`.
        """
        with np.errstate(invalid="ignore"):
            return self.curve(values / self.scale(values if base is None else base))

    def to_metric(self, learnt: Floats, *, base: Floats) -> Floats:
        """Say numbers of the scale that is learnt in the metric's own unit again: what `to_target` undoes.

        Args:
            learnt: of any shape.
            base: (accounts,), the metrics that the scale's unit was taken from.
        """
        return self.back(learnt) * self.scale(base)


def _clipped(nrr: Floats) -> Floats:
    return np.minimum(nrr, HIGHEST_NRR)


def _small_change(clv: Floats) -> float:
    """Return what is small change for a CLV: up to the lowest tenth, its logarithm counts it as it is."""
    known = np.abs(clv[np.isfinite(clv) & (clv != 0)])
    return float(np.quantile(known, SMALL_CHANGE)) if len(known) else 1.0


def _log_value(clv: Floats) -> Floats:
    """Take a logarithm that goes on through zero."""
    return np.arcsinh(clv)


def _log_speed(payback: Floats) -> Floats:
    return -np.log(np.maximum(payback, FASTEST_PAYBACK))


def _months(speed: Floats) -> Floats:
    return np.exp(-speed)


TARGETS = (
    Target("growth", "nrr", "ratio", "nrr", "customers older than a window (from invoices: two)", _clipped),
    Target(
        "lifetime_value",
        "clv",
        "currency",
        "clv",
        "customers older than a window",
        _log_value,
        _small_change,
        np.sinh,
    ),
    Target(
        "efficiency",
        "payback",
        "months",
        "payback_months",
        "what customers cost to win, as the accounts' cac",
        _log_speed,
        back=_months,
    ),
)
