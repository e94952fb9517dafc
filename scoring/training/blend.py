"""How much each form has to say in the whole: what predicts best on accounts that no form has learnt from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from scoring.training.additive import Floats
from scoring.training.loss import Loss

PRIOR = 3.0  # accounts' worth of loss that equal weights are trusted with
MOST_SAY = 1.5  # above 1 a form that is too timid is made bolder
LEAST_SAY = 0.05  # a form with less to say is left out


@dataclass(frozen=True, slots=True)
class Blend:
    """raw = intercept + linear * (linear form's raw) + boosted * (boosted form's raw)."""

    linear: float
    boosted: float
    intercept: float

    @property
    def form(self) -> str:
        """Name the form that this makes."""
        if self.linear and self.boosted:
            return "blend"
        if self.linear:
            return "linear"
        return "boosted" if self.boosted else "constant"

    def mix(self, linear: Floats, boosted: Floats) -> Floats:
        """Mix the raw predictions of both forms."""
        return self.intercept + self.linear * linear + self.boosted * boosted


def blend(linear: Floats, boosted: Floats, y: Floats, loss: Loss) -> Blend:
    """Find the weights.

    Args:
        linear: (accounts,), the linear form's raw predictions of accounts it has not learnt from.
        boosted: (accounts,), the boosted form's.
        y: (accounts,), the outcome.
        loss: what is made small.

    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=500)
    >>> blend(y + rng.normal(size=500), rng.normal(size=500), y, Loss("value")).form
    'linear'
    """
    start = float(loss.start(y))
    forms = np.stack([linear - start, boosted - start], axis=1)
    weights, shift = _weights(forms, y, loss, start, np.array([True, True]))
    kept = weights >= LEAST_SAY
    if not kept.any():
        return Blend(0.0, 0.0, start)
    if not kept.all():
        weights, shift = _weights(forms, y, loss, start, kept)
    linear_say, boosted_say = weights.tolist()
    return Blend(linear_say, boosted_say, shift + start * (1 - linear_say - boosted_say))


def _weights(
    forms: Floats, y: Floats, loss: Loss, start: float, kept: np.typing.NDArray[np.bool_]
) -> tuple[Floats, float]:
    """Return a weight per form and the intercept's shift from `start`; forms that are not kept weigh 0."""
    prior = kept / kept.sum()

    def objective(at: Floats) -> tuple[float, Floats]:
        raw = start + at[2] + forms @ at[:2]
        first, _ = loss.derivatives(y, raw)
        away = at[:2] - prior
        slope = np.append(forms.T @ first + 2 * PRIOR * away, first.sum())
        return (len(y) * loss.mean(y, raw) + PRIOR * float(away @ away)) / len(y), slope / len(y)

    bounds = [(0.0, MOST_SAY if keep else 0.0) for keep in kept] + [(None, None)]
    found = minimize(objective, np.append(prior, 0.0), jac=True, bounds=bounds, method="L-BFGS-B").x
    return found[:2], float(found[2])
