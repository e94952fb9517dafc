"""Moments before opportunities, each beside accounts at which none was about to open on that day.

A case is a day drawn at random from the HORIZON_DAYS before an opportunity: a day on which a good score would
have named the account. What had gone before it is held against what had gone before nothing, on the same day:
neither the growth of a company's tracking nor its seasons look like a signal. It is risk-set sampling of a
cohort (B. Langholz and L. Goldstein, "Risk set sampling in epidemiologic cohort studies", Statistical Science
11, 1996).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scoring.training.signal_history import Integers, Mask, Moments, SignalHistory

HORIZON_DAYS = 60  # how soon an opportunity must open for a signal to have announced it
DRAWS = 4  # days that are drawn before each opportunity
CONTROLS = 5  # accounts beside each of them
MOST_CASES = 10_000  # days before opportunities that are looked at; of more, a sample
_DRAWN = 3  # times as many accounts are drawn, since some cannot be asked about


@dataclass(frozen=True, eq=False, slots=True)
class DealMoments:
    """Days before opportunities, and controls: (cases, 1 + CONTROLS), the opportunity's account first."""

    account: Integers
    day: Integers  # (cases,)
    used: Mask  # False where fewer controls were found
    opportunities: int

    @property
    def moments(self) -> Moments:
        """All of them in one row."""
        return Moments(self.account.ravel(), np.repeat(self.day, self.account.shape[1]))

    @property
    def counts_as(self) -> float:
        """What share of an independent observation each case is: several are of one opportunity."""
        return min(self.opportunities / max(len(self.day), 1), 1.0)


def deal_moments(history: SignalHistory, first: int, until: int, *, seed: int) -> DealMoments:
    """Sample days before opportunities, and controls for each.

    Args:
        history: of the book.
        first: the earliest day to ask about.
        until: what opens on this day or later is not known.
        seed: of the samples.
    """
    rng = np.random.default_rng(seed)
    created = history.created.where((history.created.day >= first) & (history.created.day < until))
    before = rng.integers(0, HORIZON_DAYS, (DRAWS, len(created.day)))
    cases = Moments(np.tile(created.account, DRAWS), (created.day - before).ravel())
    deal = np.tile(np.arange(len(created.day)), DRAWS)
    known = (cases.day >= first) & (cases.day + HORIZON_DAYS <= until)
    kept = np.flatnonzero(known & history.in_question(cases))
    if len(kept) > MOST_CASES:
        kept = np.sort(rng.choice(kept, MOST_CASES, replace=False))
    cases = Moments(cases.account[kept], cases.day[kept])
    beside, found = _controls(history, cases.day, rng)
    ones = np.ones((len(kept), 1), np.bool_)
    return DealMoments(
        account=np.hstack([cases.account[:, None], beside]),
        day=cases.day,
        used=np.hstack([ones, found]),
        opportunities=len(np.unique(deal[kept])),
    )


def _controls(history: SignalHistory, days: Integers, rng: np.random.Generator) -> tuple[Integers, Mask]:
    """Return accounts at which nothing was about to open: (cases, CONTROLS), and which of them are."""
    drawn = rng.integers(0, history.accounts, (len(days), _DRAWN * CONTROLS))
    asked = Moments(drawn.ravel(), np.repeat(days, drawn.shape[1]))
    usable = (history.in_question(asked) & ~history.opened(asked, HORIZON_DAYS)).reshape(drawn.shape)
    best = np.argsort(~usable, axis=1, kind="stable")[:, :CONTROLS]  # the usable ones come first
    return np.take_along_axis(drawn, best, 1), np.take_along_axis(usable, best, 1)
