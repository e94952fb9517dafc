"""What a learner makes small: squared error for values, logistic loss for what happens or does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]
Kind = Literal["binary", "value"]

_CURVED = 1e-6  # least second derivative: where a prediction is certain, Newton steps would have no bound


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss of raw predictions: the value itself, or log-odds.

    >>> float(LOSSES["binary"].start(np.array([0.0, 1.0, 1.0, 1.0])).round(3))
    1.099
    >>> LOSSES["value"].mean(np.ones(2), np.zeros(2))
    0.5
    """

    kind: Kind

    def start(self, y: Floats) -> np.float64:
        """Return the best constant prediction; of outcomes that are all alike, half a case of the other."""
        if self.kind == "value":
            return np.float64(y.mean())
        share = np.clip(y.mean(), 0.5 / len(y), 1 - 0.5 / len(y))
        return np.float64(np.log(share / (1 - share)))

    def derivatives(self, y: Floats, raw: Floats) -> tuple[Floats, Floats]:
        """Return the first and second derivative by the raw prediction, per account."""
        if self.kind == "value":
            return raw - y, np.ones_like(raw)
        chance = expit(raw)
        return chance - y, np.maximum(chance * (1 - chance), _CURVED)

    def mean(self, y: Floats, raw: Floats) -> float:
        """Return the mean loss."""
        return float(np.mean(self.each(y, raw)))

    def each(self, y: Floats, raw: Floats) -> Floats:
        """Return the loss per account: half the squared error, or the negative log-likelihood."""
        if self.kind == "value":
            return np.asarray((raw - y) ** 2 / 2)
        return np.asarray(np.logaddexp(0, raw) - y * raw)


LOSSES: dict[Kind, Loss] = {"binary": Loss("binary"), "value": Loss("value")}
