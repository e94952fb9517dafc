"""What a book teaches about signals: half-lives, weights of types, and the shares of I, R and E in the score.

What is learnt from the earlier part of the history is held against the defaults on the later part, and
proposed only where it ranked the accounts that were about to open an opportunity better, beyond chance. What
is proposed is what was tested. Nothing here decides: the plan does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from threadpoolctl import threadpool_limits

from scoring.plan import FireSection, Plan
from scoring.signals.activation import measure
from scoring.signals.policy import Policy
from scoring.training.activation_lift import RankGain, rank_gain
from scoring.training.book import Book
from scoring.training.deal_moments import deal_moments
from scoring.training.fire_weights import PARTS, learn_fire
from scoring.training.given import given
from scoring.training.half_lives import (
    HORIZON_DAYS,
    LearntPolicy,
    LearntType,
    learn_half_lives,
)
from scoring.training.progress import Begin
from scoring.training.signal_history import Floats, Mask, Moments, SignalHistory, history_of

STEPS = 3  # how often `on_step` is called at most
BURN_IN_DAYS = 90  # at the start of the history, in which what had come before cannot be seen
LEARNT_SHARE = 0.6  # of the rest is learnt from
STEP_DAYS = 30  # from one moment of asking to the next
MOST_MOMENTS = 20_000  # of more, a sample
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
    policy_gain: RankGain
    fire: FireSection | str  # proposed, or why the plan's weights stay
    fire_gain: RankGain | None


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
    policy, policy_gain, fire, fire_gain = _tested(history, plan.fire, found, earlier, later, seed)
    return SignalLessons(
        events=len(history.day),
        unplaced=history.unplaced,
        opportunities=found.opportunities,
        learnt_until=str(np.datetime64(cut, "D")),
        types=found.types,
        too_few=found.too_few,
        policy=policy if policy_gain.better else _why_not(policy_gain, "the defaults stay"),
        policy_gain=policy_gain,
        fire=_fire_proposed(plan.fire, fire, fire_gain),
        fire_gain=fire_gain,
    )


def _tested(
    history: SignalHistory,
    planned: FireSection,
    found: LearntPolicy,
    earlier: _Asked,
    later: _Asked,
    seed: int,
) -> tuple[Policy, RankGain, FireSection | None, RankGain | None]:
    """Test the types, and then the shares of I, R and E under the types that passed."""
    defaults = Policy()
    usual_before, usual_after = (_parts(history, defaults, asked) for asked in (earlier, later))
    policy = _policy_of(found)
    before, after = (_parts(history, policy, asked) for asked in (earlier, later))

    def gain(ours: Floats, theirs: Floats) -> RankGain:
        return rank_gain(ours, theirs, later.opened, later.moments.account, seed=seed)

    policy_gain = gain(_activation(after, planned), _activation(usual_after, planned))
    if not policy_gain.better:
        before, after = usual_before, usual_after
    fire = learn_fire(before, earlier.opened, planned, counts_as=STEP_DAYS / HORIZON_DAYS)
    if fire is None:
        return policy, policy_gain, None, None
    return policy, policy_gain, fire, gain(_activation(after, fire), _activation(after, planned))


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


def _policy_of(found: LearntPolicy) -> Policy:
    defaults = Policy()
    return defaults.model_copy(
        update={"types": {**defaults.types, **{one.type: one.policy for one in found.types}}}
    )


# What is proposed


def _why_not(gain: RankGain, stays: str) -> str:
    return (
        f"{stays}: on the later part the learnt ones ranked accounts no better beyond chance (AUC "
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
    return fire if gain.better else _why_not(gain, "the plan's weights stay")
