"""Fit of customers as it would have been had nobody known what became of them.

A model remembers the customers it learnt from. Where their outcome was learnt, their prediction is the one
made out of fold; where it was not, the whole model never saw it. Only this Fit may be held against what
happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.features import Codes
from scoring.plan import ObjectiveSection
from scoring.training.additive import Additive, Floats
from scoring.training.learnt import Learnt

POINTS = 20.0  # of Fit for a standard deviation, as in `scoring.fit`


@dataclass(frozen=True, eq=False, slots=True)
class LearntObjective:
    """One objective's model, and which of the accounts at hand it learnt from."""

    objective: str
    learnt: Learnt
    known: NDArray[np.bool_]  # (accounts,), as many as `learnt.evidence.predictions`, in their order


def held_out_predictions(one: LearntObjective, codes: Codes) -> Floats:
    """Predict accounts, each by a model that never saw its outcome: (accounts,)."""
    predictions = one.learnt.additive.predict(codes)
    predictions[one.known] = one.learnt.evidence.predictions
    return predictions


@dataclass(frozen=True, eq=False, slots=True)
class HeldOutFit:
    """Fit before the clip, and what each objective's tables count for in it."""

    fit: Floats  # (accounts,)
    functions: tuple[tuple[Additive, float], ...]  # purified, with the points of Fit for one unit of it


def held_out_fit(
    objectives: Sequence[LearntObjective],
    codes: Codes,
    weights: ObjectiveSection,
    *,
    base: NDArray[np.bool_] | None = None,
) -> HeldOutFit | None:
    """Weigh the objectives into Fit, 50 + 20 * sum_k w_k z_k / s_w, as `scoring.fit` does; not clipped.

    Args:
        objectives: what was learnt.
        codes: (accounts, features).
        weights: the plan's.
        base: (accounts,), those on which z is centred and scaled; default: all.

    Returns:
        None where no objective that has a weight tells any accounts apart.
    """
    base = np.ones(len(codes), bool) if base is None else base
    used = [one for one in objectives if getattr(weights, one.objective) > 0]
    whole = [one.learnt.additive.predict(codes[base]) for one in used]
    used = [one for one, predicted in zip(used, whole, strict=True) if np.ptp(predicted) > 0]
    whole = [predicted for predicted in whole if np.ptp(predicted) > 0]
    if not used:
        return None
    weight = np.array([getattr(weights, one.objective) for one in used])
    correlation = np.corrcoef(whole).reshape(len(used), len(used))
    unit = POINTS * weight / np.sqrt(weight @ correlation @ weight)
    fit = np.full(len(codes), 50.0)
    functions = []
    for one, predicted, points in zip(used, whole, unit, strict=True):
        scale = float(points) / float(predicted.std())
        fit += scale * (held_out_predictions(one, codes) - predicted.mean())
        functions.append((one.learnt.additive.purified(codes[base]), scale))
    return HeldOutFit(fit, tuple(functions))
