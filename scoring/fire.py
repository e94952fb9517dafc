"""FIRE: how Fit, Intent, Recency and Engagement make one score.

    Score = 100 * [wF * Fit + g * (wI * I + wR * R + wE * E)],   sum of w = 1, all of them 0..1
    g     = 0 outside the ICP, else ramps from 0 at the Fit floor to 1 at the Fit threshold

An excluded account scores 0. Outside the ICP no signal lifts an account above 100 * wF * Fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.plan import FireSection, IcpSection, TiersSection

LETTERS = "DCBA"
LETTER_FITS = (35.0, 50.0, 65.0)  # the Fit from which C, B and A begin
DIGIT_ACTIVATIONS = (0.1, 0.35, 0.6)  # the activation from which 3, 2 and 1 begin
DECIMALS = 2  # that scores are shown with: grades and tiers go by what is shown
TIERS = ("none", "tier_3", "tier_2", "tier_1")

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Fire:
    """The scores of a batch; all arrays are (accounts,)."""

    score: Floats  # 0..100
    gate: Floats  # g, 0..1
    activation: Floats  # (wI I + wR R + wE E) / (wI + wR + wE), 0..1
    grade: tuple[str, ...]  # A1 (best) to D4
    tier: tuple[str, ...]


def gate(fit: Floats, in_icp: Mask, icp: IcpSection) -> Floats:
    """Return how much of the signals counts: (accounts,), 0..1.

    Args:
        fit: (accounts,), 0..100.
        in_icp: (accounts,), in the ICP and not excluded.
        icp: floor and threshold.

    >>> gate(np.array([40.0, 50.0, 90.0, 90.0]), np.array([True, True, True, False]), IcpSection()).tolist()
    [0.0, 0.5, 1.0, 0.0]
    """
    width = icp.fit_threshold - icp.fit_floor
    ramp = (fit >= icp.fit_floor) * 1.0 if width == 0 else np.clip((fit - icp.fit_floor) / width, 0.0, 1.0)
    return np.where(in_icp, ramp, 0.0)


def combine(
    weights: FireSection,
    tiers: TiersSection,
    *,
    fit: Floats,
    opening: Floats,
    intent: Floats,
    recency: Floats,
    engagement: Floats,
    excluded: Mask,
) -> Fire:
    """Make the scores of a batch.

    Args:
        weights: the share of each part.
        tiers: the scores from which the tiers begin.
        fit: (accounts,), 0..100.
        opening: (accounts,), the gate, 0..1.
        intent: (accounts,), 0..1, as are the next two.
        recency: see `intent`.
        engagement: see `intent`.
        excluded: (accounts,).
    """
    lift = weights.intent * intent + weights.recency * recency + weights.engagement * engagement
    score = np.where(
        excluded, 0.0, np.clip(100.0 * (weights.fit * (fit / 100.0) + opening * lift), 0.0, 100.0)
    )
    most = weights.intent + weights.recency + weights.engagement
    activation = lift / most if most > 0 else np.zeros_like(lift)
    return Fire(score, opening, activation, _grades(fit, activation, excluded), _tiers(score, tiers))


def _grades(fit: Floats, activation: Floats, excluded: Mask) -> tuple[str, ...]:
    letters = np.where(excluded, 0, np.searchsorted(LETTER_FITS, np.round(fit, DECIMALS), side="right"))
    digits = np.where(excluded, 4, 4 - np.searchsorted(DIGIT_ACTIVATIONS, activation, side="right"))
    return tuple(f"{LETTERS[letter]}{digit}" for letter, digit in zip(letters, digits, strict=True))


def _tiers(score: Floats, tiers: TiersSection) -> tuple[str, ...]:
    cuts = (tiers.tier_3, tiers.tier_2, tiers.tier_1)
    shown = np.round(score, DECIMALS)
    return tuple(TIERS[tier] for tier in np.searchsorted(cuts, shown, side="right"))
