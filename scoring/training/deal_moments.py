"""The moments at which opportunities opened, each beside accounts at which none did on that day.

What went before an opportunity is held against what went before nothing, on the same day: neither the growth
of a company's tracking nor its seasons look like a signal. It is risk-set sampling of a cohort (B. Langholz
and L. Goldstein, "Risk set sampling in epidemiologic cohort studies", Statistical Science 11, 1996).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scoring.training.signal_history import Integers, Mask, Moments, SignalHistory

CONTROLS = 8  # accounts beside each opportunity
MOST_CASES = 4_000  # opportunities that are looked at; of more, a sample
_DRAWN = 3  # times as many accounts are drawn, since some cannot be asked about


@dataclass(frozen=True, eq=False, slots=True)
class DealMoments:
    """Opportunities with their controls: (cases, 1 + CONTROLS), the opportunity's own account first."""

    account: Integers
    day: Integers  # (cases,)
    used: Mask  # False where fewer controls were found

    @property
    def moments(self) -> Moments:
        """All of them in one row."""
        return Moments(self.account.ravel(), np.repeat(self.day, self.account.shape[1]))


def deal_moments(history: SignalHistory, first: int, until: int, *, seed: int) -> DealMoments:
    """Sample the opportunities that opened from one day on and before another, and controls for each.

    Args:
        history: of the book.
        first: day.
        until: day; what opens then, or later, is not looked at.
        seed: of the samples.
    """
    rng = np.random.default_rng(seed)
    within = (history.created.day >= first) & (history.created.day < until)
    cases = history.created.where(within)
    cases = cases.where(_first_of_each(cases))
    cases = cases.where(history.in_question(cases))
    if len(cases.day) > MOST_CASES:
        drawn = rng.choice(len(cases.day), MOST_CASES, replace=False)
        cases = cases.where(np.isin(np.arange(len(cases.day)), drawn))
    beside, found = _controls(history, cases.day, rng)
    ones = np.ones((len(cases.day), 1), np.bool_)
    return DealMoments(np.hstack([cases.account[:, None], beside]), cases.day, np.hstack([ones, found]))


def _first_of_each(moments: Moments) -> Mask:
    """Mark the first of those that are of one account and day; they come sorted."""
    keys = moments.keys
    return np.concatenate([np.ones(min(len(keys), 1), np.bool_), keys[1:] != keys[:-1]])


def _controls(history: SignalHistory, days: Integers, rng: np.random.Generator) -> tuple[Integers, Mask]:
    """Return accounts at which nothing opened on the days: (cases, CONTROLS), and which of them are."""
    drawn = rng.integers(0, history.accounts, (len(days), _DRAWN * CONTROLS))
    asked = Moments(drawn.ravel(), np.repeat(days, drawn.shape[1]))
    usable = (history.in_question(asked) & ~history.opened(asked, 1)).reshape(drawn.shape)
    first = np.argsort(~usable, axis=1, kind="stable")[
        :, :CONTROLS
    ]  # those that can be asked about come first
    return np.take_along_axis(drawn, first, 1), np.take_along_axis(usable, first, 1)
