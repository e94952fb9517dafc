"""What two ways of ranking accounts were worth: which found the accounts that opened an opportunity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.training.signal_history import Floats, Integers, Mask

DRAWS = 500
TOP_SHARE = 0.1
GUESSING = 0.5  # the AUC of a ranking by chance
_AT_ONCE = 2_000_000  # weights held in memory together
INTERVAL = (5.0, 95.0)  # percent: a 90% interval
SURE = 2.5  # percent: two questions are asked of one test, so each may be wrong half as often


@dataclass(frozen=True, slots=True)
class Rank:
    """One way of ranking: of an account that opened and one that did not, how often it knew which."""

    auc: float
    top_lift: float  # times the average's share of openings, of the tenth that it ranks highest


@dataclass(frozen=True, slots=True)
class RankGain:
    """A way of ranking against another, on the same accounts and moments."""

    moments: int
    accounts: int
    opened: int  # moments after which an opportunity opened
    ours: Rank
    theirs: Rank
    auc_gain: float
    low: float  # 90% interval of the gain, by bootstrap over accounts
    high: float
    sure: float  # what the gain exceeds with a certainty of 97.5%
    sure_auc: float  # and what our AUC exceeds
    lift_gain: float
    lift_low: float
    lift_high: float

    @property
    def better(self) -> bool:
        """Whether ours is better beyond chance, both than theirs and than guessing.

        Of two rankings that only guess, one is always better on the day.
        """
        return self.sure > 0 and self.sure_auc > GUESSING


def rank_gain(ours: Floats, theirs: Floats, opened: Mask, account: Integers, *, seed: int) -> RankGain:
    """Hold two rankings against what happened.

    Args:
        ours: (moments,), higher is sooner.
        theirs: likewise.
        opened: (moments,), whether an opportunity opened; some did and some did not.
        account: (moments,), whose moment it is: a resample takes all moments of an account or none.
        seed: of the bootstrap.
    """
    whole = [_ranks(score, opened, np.ones((1, len(opened)))) for score in (ours, theirs)]
    drawn = _resampled((ours, theirs), opened, account, seed)
    auc_gain, lift_gain = drawn[0] - drawn[1]
    low, high = np.percentile(auc_gain, INTERVAL).tolist()
    lift_low, lift_high = np.percentile(lift_gain, INTERVAL).tolist()
    first, second = (Rank(float(found[0, 0]), float(found[1, 0])) for found in whole)
    return RankGain(
        moments=len(opened),
        accounts=len(np.unique(account)),
        opened=int(opened.sum()),
        ours=first,
        theirs=second,
        auc_gain=first.auc - second.auc,
        low=low,
        high=high,
        sure=float(np.percentile(auc_gain, SURE)),
        sure_auc=float(np.percentile(drawn[0, 0], SURE)),
        lift_gain=first.top_lift - second.top_lift,
        lift_low=lift_low,
        lift_high=lift_high,
    )


def _resampled(
    scores: tuple[Floats, Floats], opened: Mask, account: Integers, seed: int
) -> NDArray[np.float64]:
    """Return both rankings' figures over resamples of accounts: (rankings, figures, draws)."""
    rng = np.random.default_rng(seed)
    _, owner = np.unique(account, return_inverse=True)
    n, step = int(owner.max()) + 1, max(_AT_ONCE // len(owner), 1)
    found: list[NDArray[np.float64]] = []
    for start in range(0, DRAWS, step):
        times = rng.multinomial(n, np.full(n, 1 / n), min(step, DRAWS - start))[:, owner].astype(np.float64)
        found.append(np.stack([_ranks(score, opened, times) for score in scores]))
    drawn = np.concatenate(found, axis=-1)
    return drawn[:, :, np.isfinite(drawn).all(axis=(0, 1))]


def _ranks(score: Floats, opened: Mask, times: Floats) -> NDArray[np.float64]:
    """Return AUC and top lift when moments count so many times: (figures, draws).

    Args:
        score: (moments,).
        opened: (moments,).
        times: (draws, moments).
    """
    order = np.argsort(-score, kind="stable")
    did = np.flatnonzero(opened[order])  # places from the top of those that opened
    placed = -score[order]
    begin, end = (np.searchsorted(placed, placed[did], side=side) for side in ("left", "right"))  # its ties
    everybody, openers = _summed(times[:, order]), _summed(times[:, order[did]])
    weight = np.diff(openers, axis=1)
    tied = everybody[:, end] - everybody[:, begin]
    tied_openers = openers[:, np.searchsorted(did, end)] - openers[:, np.searchsorted(did, begin)]
    total, total_openers = everybody[:, -1:], openers[:, -1:]
    below = (total - everybody[:, end]) - (total_openers - openers[:, np.searchsorted(did, end)])
    room = np.clip(TOP_SHARE * total - everybody[:, begin], 0.0, tied)
    with np.errstate(invalid="ignore", divide="ignore"):  # a resample in which nothing opened has neither
        pairs = total_openers * (total - total_openers)
        auc = (weight * (below + (tied - tied_openers) / 2)).sum(axis=1) / pairs[:, 0]
        inside = np.divide(room, tied, out=np.zeros_like(tied), where=tied > 0)
        lift = (weight * inside).sum(axis=1) / (TOP_SHARE * total_openers[:, 0])
    return np.stack([auc, lift])


def _summed(times: Floats) -> NDArray[np.float64]:
    """Return running sums along rows, each beginning with 0."""
    sums = np.zeros((times.shape[0], times.shape[1] + 1))
    np.cumsum(times, axis=1, out=sums[:, 1:])
    return sums
