"""What a book teaches about signals: half-lives, weights of types, and the shares of I, R and E in the score.

What is learnt from the earlier part of the history is held against the defaults on the later part, and
proposed only where it ranked the accounts that were about to open an opportunity better, beyond chance. What
is proposed is what was tested. Nothing here decides: the plan does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from threadpoolctl import threadpool_limits

from scoring.plan import FireSection, Plan
from scoring.signals.activation import measure
from scoring.signals.policy import Policy
from scoring.training.activation_lift import RankGain, rank_gain
from scoring.training.book import Book
from scoring.training.deal_moments import HORIZON_DAYS, deal_moments
from scoring.training.fire_weights import PARTS, learn_fire
from scoring.training.given import given
from scoring.training.half_lives import (
    LearntPolicy,
    LearntType,
    learn_half_lives,
    rounded,
)
from scoring.training.progress import Begin
from scoring.training.signal_history import Floats, Mask, Moments, SignalHistory, history_of

STEPS = 3  # how often `on_step` is called at most
BURN_IN_DAYS = 90  # at the start of the history, in which what had come before cannot be seen
LEARNT_SHARE = 0.6  # of the rest is learnt from
STEP_DAYS = 30  # from one moment of asking to the next
MOST_MOMENTS = 20_000  # of more, a sample
_UNSATURATED = 1e6  # a scale of Intent at which 1 - exp(-x / scale) keeps x to nine digits
LEAST_OPENED = 40  # moments after which an opportunity opened


@dataclass(frozen=True, slots=True)
class SignalLessons:
    """What was learnt, what it was worth, and what is proposed; a sentence stands for what is not."""

    events: int
    unplaced: int  # events that name no account of the book
    opportunities: int  # that opened on the days learnt from, with what went before them
    learnt_until: str  # ISO 8601 date: what is later served to test
    types: tuple[LearntType, ...]
    too_few: Mapping[str, int]  # type -> its events: too few to learn from
    policy: Policy | str  # proposed, or why the defaults stay
    intent_gain: RankGain  # of Intent by the learnt types over Intent by the defaults
    policy_gain: RankGain  # of all three together, under the plan's shares
    fire: FireSection | str  # proposed, or why the plan's weights stay
    fire_gain: RankGain | None  # of the learnt shares over the plan's


@dataclass(frozen=True, eq=False, slots=True)
class _Asked:
    """Accounts at moments, and what followed."""

    moments: Moments
    opened: Mask


def learn_signals(
    book: Book, plan: Plan, as_of: date, *, seed: int, on_step: Begin = lambda _: None
) -> SignalLessons | str:
    """Learn from the events and opportunities of a book, and test what was learnt.

    Args:
        book: the book.
        plan: its FIRE weights are what learnt ones are held against.
        as_of: the day the book speaks of.
        seed: of samples and bootstraps.
        on_step: told the name of each step as it begins.

    Returns:
        The lessons, or why nothing could be learnt, as a sentence.
    """
    on_step("placing events")
    history = history_of(book, as_of, seed=seed)
    if isinstance(history, str):
        return history
    first = history.days[0] + BURN_IN_DAYS
    last = min(history.days[-1] + 1, (as_of - date(1970, 1, 1)).days + 1 - HORIZON_DAYS)
    cut = first + int(LEARNT_SHARE * (last - first))
    if cut - first < 2 * HORIZON_DAYS:
        return "the events cover too few days to learn from the earlier ones and to test on the later"
    on_step("learning half-lives")
    with threadpool_limits(1):  # sums then have one order on any machine
        return _lessons(history, plan, (first, cut, last), seed, on_step)


def _lessons(
    history: SignalHistory, plan: Plan, days: tuple[int, int, int], seed: int, on_step: Begin
) -> SignalLessons | str:
    first, cut, last = days
    defaults = Policy()
    deals = deal_moments(history, first, cut, seed=seed)
    found = learn_half_lives(given(history, defaults), history.names.types, defaults, deals)
    if isinstance(found, str):
        return found
    earlier = _asked(history, range(first, cut - HORIZON_DAYS + 1, STEP_DAYS), seed)
    later = _asked(history, range(cut, last + 1, STEP_DAYS), seed)
    if min(earlier.opened.sum(), later.opened.sum()) < LEAST_OPENED:
        return (
            f"opportunities opened after fewer than {LEAST_OPENED} moments of the earlier or the later part "
            "of the events"
        )
    on_step("testing what was learnt from signals")
    tested = _tested(history, plan.fire, found, earlier, later, seed)
    return SignalLessons(
        events=len(history.day),
        unplaced=history.unplaced,
        opportunities=found.opportunities,
        learnt_until=str(np.datetime64(cut, "D")),
        types=found.types,
        too_few=found.too_few,
        policy=tested.policy_proposed,
        intent_gain=tested.intent_gain,
        policy_gain=tested.policy_gain,
        fire=_fire_proposed(plan.fire, tested.fire, tested.fire_gain),
        fire_gain=tested.fire_gain,
    )


@dataclass(frozen=True, slots=True)
class _Tested:
    policy: Policy
    intent_gain: RankGain
    policy_gain: RankGain
    fire: FireSection | None
    fire_gain: RankGain | None

    @property
    def policy_proposed(self) -> Policy | str:
        """The policy, where its Intent is better and the three together are no worse."""
        if not self.intent_gain.better:
            return _why_not(self.intent_gain, "the defaults stay", "Intent by the learnt types")
        if self.policy_gain.auc_gain < 0:
            together = "Intent, Recency and Engagement together"
            return _why_not(self.policy_gain, "the defaults stay", together)
        return self.policy


def _tested(
    history: SignalHistory,
    planned: FireSection,
    found: LearntPolicy,
    earlier: _Asked,
    later: _Asked,
    seed: int,
) -> _Tested:
    """Test the types, and then the shares of I, R and E under the types that passed."""
    defaults = Policy()
    usual_before, usual_after = (_parts(history, defaults, asked) for asked in (earlier, later))
    policy, before = _scaled(history, found, earlier, float(usual_before[:, 0].mean()))
    after = _parts(history, policy, later)

    def gain(ours: Floats, theirs: Floats) -> RankGain:
        return rank_gain(ours, theirs, later.opened, later.moments.account, seed=seed)

    tested = _Tested(
        policy=policy,
        intent_gain=gain(after[:, 0], usual_after[:, 0]),
        policy_gain=gain(_activation(after, planned), _activation(usual_after, planned)),
        fire=None,
        fire_gain=None,
    )
    if isinstance(tested.policy_proposed, str):
        before, after = usual_before, usual_after
    fire = learn_fire(before, earlier.opened, planned, counts_as=STEP_DAYS / HORIZON_DAYS)
    if fire is None:
        return tested
    return replace(tested, fire=fire, fire_gain=gain(_activation(after, fire), _activation(after, planned)))


def _asked(history: SignalHistory, days: range, seed: int) -> _Asked:
    """Ask about every account on some days, as far as it can be asked about; of many moments a sample."""
    account = np.tile(np.arange(history.accounts), len(days))
    moments = Moments(account, np.repeat(np.array(days, np.int64), history.accounts))
    moments = moments.where(history.in_question(moments))
    if len(moments.day) > MOST_MOMENTS:
        drawn = np.random.default_rng(seed).choice(len(moments.day), MOST_MOMENTS, replace=False)
        moments = moments.where(np.isin(np.arange(len(moments.day)), drawn))
    return _Asked(moments, history.opened(moments, HORIZON_DAYS))


def _parts(history: SignalHistory, policy: Policy, asked: _Asked) -> Floats:
    """Return Intent, Recency and Engagement as the service would have given them: (moments, 3)."""
    found = measure(policy, history.batch(asked.moments), asked.moments.as_of)
    return np.stack([found.intent, found.recency, found.engagement], axis=1)


def _activation(parts: Floats, fire: FireSection) -> Floats:
    return np.asarray((parts * [getattr(fire, name) for name in PARTS]).sum(axis=1))


def _scaled(history: SignalHistory, found: LearntPolicy, asked: _Asked, mean: float) -> tuple[Policy, Floats]:
    """Make the policy of what was learnt, and return it with its I, R and E.

    Intent's scale is set so that its mean is what it was: it keeps its part beside Recency and Engagement,
    and the plan's tiers keep their meaning.
    """
    types = {one.type: one.policy for one in found.types}
    defaults = Policy()
    raw = defaults.model_copy(update={"types": {**defaults.types, **types}, "intent_scale": _UNSATURATED})
    parts = _parts(history, raw, asked)
    total = -_UNSATURATED * np.log1p(-parts[:, 0])
    scale = rounded(_scale_for(total, mean))
    parts[:, 0] = -np.expm1(-total / scale)
    return raw.model_copy(update={"intent_scale": scale}), parts


def _scale_for(total: Floats, mean: float) -> float:
    """Return the scale at which 1 - exp(-total / scale) has a mean, by bisection of its logarithm."""
    low, high = np.log(1e-6), np.log(1e6)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if -np.expm1(-total / np.exp(middle)).mean() > mean else (low, middle)
    return float(np.exp((low + high) / 2))


# What is proposed


def _why_not(gain: RankGain, stays: str, what: str) -> str:
    return (
        f"{stays}: on the later part {what} ranked accounts no better beyond chance (AUC "
        f"{gain.ours.auc:.3f} against {gain.theirs.auc:.3f}, 90% interval of the difference {gain.low:+.3f} "
        f"to {gain.high:+.3f})"
    )


def _fire_proposed(
    planned: FireSection, fire: FireSection | None, gain: RankGain | None
) -> FireSection | str:
    if fire is None or gain is None:
        return "the plan's weights stay: it leaves fewer than two of Intent, Recency and Engagement to weigh"
    if fire == planned:
        return "the plan's weights stay: the learnt ones are the same"
    return fire if gain.better else _why_not(gain, "the plan's weights stay", "the learnt ones")
