"""How Intent, Recency and Engagement should share what the plan leaves them, learnt from what followed.

The log-odds that an opportunity opens are taken as b + s * (wI * I + wR * R + wE * E), which is what a score
is but for Fit. The weights are above 0, and drawn toward the plan's proportions by a normal prior on their
logarithms. Fit keeps the plan's share: it is learnt on what customers are worth, and who opens an opportunity
soon does not say that.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from scoring.plan import FireSection
from scoring.training.signal_history import Floats, Mask

PARTS = ("intent", "recency", "engagement")
SPREAD = 1.0  # standard deviation of the prior on ln(weight)
_HUNDREDTHS = 100


def learn_fire(parts: Floats, opened: Mask, plan: FireSection, *, counts_as: float) -> FireSection | None:
    """Learn the weights of what the plan weighs.

    Args:
        parts: (moments, 3): Intent, Recency and Engagement, 0..1.
        opened: (moments,), whether an opportunity opened.
        plan: whose share of Fit is kept; a part that it weighs with 0 stays at 0.
        counts_as: what share of an independent observation each moment is, since what follows overlaps.

    Returns:
        The weights in hundredths, or None where the plan leaves fewer than two parts to share.
    """
    planned = np.array([getattr(plan, name) for name in PARTS])
    used = np.flatnonzero(planned > 0)
    if len(used) < 2:
        return None
    start = np.log(planned[used] / planned[used].sum())
    features, y = parts[:, used], opened.astype(np.float64)

    def loss(at: Floats) -> tuple[float, Floats]:
        weight = np.exp(at[1:])
        log_odds = at[0] + features @ weight
        apart = at[1:] - start
        apart = (apart - apart.mean()) / SPREAD
        error = 1.0 / (1.0 + np.exp(-log_odds)) - y
        value = counts_as * (np.logaddexp(0.0, log_odds) - y * log_odds).sum() + 0.5 * (apart**2).sum()
        slope = counts_as * np.append(error.sum(), (error @ features) * weight)
        slope[1:] += apart / SPREAD
        return float(value), slope

    rate = np.clip(y.mean(), 1e-6, 1 - 1e-6)
    found = minimize(loss, np.append(np.log(rate / (1 - rate)), start), jac=True, method="L-BFGS-B")
    weight = np.zeros(len(PARTS))
    weight[used] = np.exp(found.x[1:] - found.x[1:].max())
    return _section(plan, weight / weight.sum())


def _section(plan: FireSection, shares: Floats) -> FireSection:
    """Return the shares in hundredths of the score that sum to what the plan leaves."""
    room = 1.0 - plan.fit
    hundredths = np.floor(shares * room * _HUNDREDTHS)
    rest = shares * room * _HUNDREDTHS - hundredths
    short = round(room * _HUNDREDTHS - hundredths.sum() - 1e-9)
    hundredths[np.argsort(-rest, kind="stable")[: max(short, 0)]] += 1
    weights = dict(zip(PARTS, (hundredths / _HUNDREDTHS).tolist(), strict=True))
    largest = max(weights, key=lambda name: weights[name])
    weights[largest] = round(room - sum(value for name, value in weights.items() if name != largest), 10)
    return FireSection(fit=plan.fit, **weights)
