"""What raised or lowered a score since a moment, split into decay, new signals, attributes and model.

From the state of then to that of now one thing is exchanged after another, always in this order:

    then            the model, the attributes, the signals and the time of then
    decay           time passes: the same signals are older, and what the plan dates has come or gone
    new signals     those that happened since
    attributes      what is known of the account now
    model           the model that is served now, with its plan and policy

Each part is the difference that its step makes to the score as it is shown, so the parts sum to the whole
change to the last decimal, and one whose cause did not change is 0. What two causes do only together falls
to the later step. Within decay and new signals, those of a type, topic and day are told by what they add when
the log grows in order of time: the new ones sum to their part, and so do the others, but for situations of
the plan that only time brings or ends.

A signal counts as known from the moment it happened: one that arrived late counts as known then. Of a log
that held more than it may, what was pushed out since is seen on neither side; nor is what was erased.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from scoring.account import Account
from scoring.answer import Answer
from scoring.changes_answer import AttributeEffect, Changes, ChangesDetail, Part, SignalEffect, StateDetail
from scoring.changes_words import AttributesRead, attribute_effects, model_words, reasons, standing_words
from scoring.errors import RequestError, StoreUnavailableError
from scoring.explain_signals import LONGEST_REASON, say_signal, shortened
from scoring.fire import DECIMALS
from scoring.fit import Objective
from scoring.moments import say_ago, say_moment, say_span
from scoring.scorer import Scorer, ScoreRequest
from scoring.signal_groups import SignalGroup, as_driver, growing, side_by_side, signal_groups
from scoring.signals.log import SignalBatch

SHOWN: int = 10**DECIMALS  # units of the last decimal in a point
_LATE = "signals that happened before `since` count as known then, also those that arrived later"
_OTHER_OBJECTIVE = (
    "the model of then has not learnt the objective asked for; the weights of its own plan stand in"
)


@dataclass(frozen=True, slots=True)
class State:
    """What makes a score, beside the signals."""

    scorer: Scorer
    attributes: Mapping[str, Any]
    at: float  # unix seconds


@dataclass(frozen=True, slots=True)
class ChangesRequest:
    """Whose score changed, and between which states."""

    account: Account
    asked: Mapping[str, float] | str | None  # the objective, as `Scorer.objective` takes it
    then: State
    now: State
    notes: tuple[str, ...] = ()  # to be said with the answer


@dataclass(frozen=True, slots=True)
class _Climb:
    """The answers while a log grows: one before the first group, and one after each."""

    groups: Sequence[SignalGroup]
    answers: Sequence[Answer]

    @property
    def gains(self) -> list[int]:
        """What each group added to the score, in hundredths."""
        scores = [_hundredths(answer.score) for answer in self.answers]
        return [after - before for before, after in pairwise(scores)]


def changes(request: ChangesRequest, signals: SignalBatch) -> Changes:
    """Split the change of a score.

    Args:
        request: the account and both states.
        signals: the account's log, of one owner.

    Raises:
        RequestError: the model of now does not know the objective.
        StoreUnavailableError: the log could not be read.
    """
    if not signals.available[0]:
        raise StoreUnavailableError("the account's signals could not be read; try again")
    then, now = request.then, request.now
    new_objective = now.scorer.objective(request.asked)
    old_objective, notes = _objective_then(request)
    before, aged, grown, changed = _climbs(request, signals, old_objective)
    (last,) = now.scorer.score_many([_score_request(request, now, now.at, new_objective)], signals)
    ends = [before.answers[-1], aged.answers[-1], grown.answers[-1], changed]
    read = AttributesRead.of(then.scorer, then.attributes, now.attributes)
    detail = ChangesDetail(
        then=_state(ends[0]),
        now=_state(last),
        decay=_part(ends[0], ends[1], signals=_faded(signals, before, aged, now.at)),
        new_signals=_part(ends[1], ends[2], signals=_added(signals, grown, now.at)),
        attributes=_part(ends[2], ends[3], attributes=attribute_effects(read, ends[2], ends[3])),
        model=_part(ends[3], last, words=model_words(then.scorer, now.scorer, ends[3], last)),
    )
    return _flat(request, detail, last, [*request.notes, *notes, *_reading_notes(signals, before, last)])


def _objective_then(request: ChangesRequest) -> tuple[Objective, list[str]]:
    scorer = request.then.scorer
    try:
        return scorer.objective(request.asked), []
    except RequestError:
        return scorer.objective(None), [_OTHER_OBJECTIVE]


def _climbs(
    request: ChangesRequest, signals: SignalBatch, objective: Objective
) -> tuple[_Climb, _Climb, _Climb, Answer]:
    """Score by the model of then: as the log grew then, the same now, what is new; and the new attributes."""
    then, now = request.then, request.now
    known = signal_groups(signals, after=-1.0, until=then.at)
    new = signal_groups(signals, after=then.at, until=now.at)
    steps = growing(np.empty(0, np.intp), known)
    more = growing(steps[-1], new)
    at_then = _score_request(request, then, then.at, objective)
    at_now = replace(at_then, as_of=now.at)
    told = _score_request(request, replace(then, attributes=now.attributes), now.at, objective)
    answers = then.scorer.score_many(
        [at_then] * len(steps) + [at_now] * (len(steps) + len(more)) + [told],
        side_by_side(signals, [*steps, *steps, *more, more[-1]]),
    )
    before, aged = answers[: len(steps)], answers[len(steps) : 2 * len(steps)]
    return _Climb(known, before), _Climb(known, aged), _Climb(new, answers[2 * len(steps) : -1]), answers[-1]


def _score_request(request: ChangesRequest, state: State, as_of: float, objective: Objective) -> ScoreRequest:
    account = request.account
    return ScoreRequest(Account(account.account_id, account.domain, state.attributes), as_of, objective)


def _part(
    before: Answer,
    after: Answer,
    *,
    signals: Sequence[SignalEffect] = (),
    attributes: Sequence[AttributeEffect] = (),
    words: Sequence[str] = (),
) -> Part:
    """Return the difference between two answers as they are shown, and what was behind it."""

    def gained(name: str) -> float:
        return _points(_hundredths(getattr(after, name)) - _hundredths(getattr(before, name)))

    effects = [one.words for one in signals if one.points] + [
        one.words for one in attributes if one.fit_points
    ]
    return Part(
        score=gained("score"),
        fit=gained("fit"),
        intent=gained("intent"),
        recency=gained("recency"),
        engagement=gained("engagement"),
        signals=list(signals),
        attributes=list(attributes),
        words=[*words, *standing_words(before, after), *effects],
    )


def _faded(signals: SignalBatch, before: _Climb, aged: _Climb, as_of: float) -> list[SignalEffect]:
    """Tell what each signal that was known then lost by growing older."""
    lost = [now - then for then, now in zip(before.gains, aged.gains, strict=True)]
    effects = []
    for group, hundredths in zip(before.groups, lost, strict=True):
        if hundredths:
            points = _points(hundredths)
            unit = "point" if abs(points) == 1 else "points"
            amount = f" counts {abs(points):g} {unit} {'less' if points < 0 else 'more'}"
            effects.append(_effect(signals, group, as_of, points, amount))
    return _strongest_first(effects)


def _added(signals: SignalBatch, climb: _Climb, as_of: float) -> list[SignalEffect]:
    """Tell what each new signal added."""
    effects = [
        _effect(signals, group, as_of, _points(gain), f": {_points(gain):+g} points")
        for group, gain in zip(climb.groups, climb.gains, strict=True)
    ]
    return _strongest_first(effects)


def _effect(
    signals: SignalBatch, group: SignalGroup, as_of: float, points: float, ending: str
) -> SignalEffect:
    driver = as_driver(signals, group, as_of=as_of, points=points)
    name = say_signal(driver) if group.type else f"{driver.times} earlier signals until"
    words = (
        shortened(f"{name} {say_ago(driver.at, say_moment(as_of))}", LONGEST_REASON - len(ending)) + ending
    )
    return SignalEffect(group.type, group.topic, driver.at, driver.times, points, words)


def _strongest_first(effects: list[SignalEffect]) -> list[SignalEffect]:
    latest_first = sorted(effects, key=lambda effect: effect.at, reverse=True)
    return sorted(latest_first, key=lambda effect: -abs(effect.points))


def _reading_notes(signals: SignalBatch, before: _Climb, last: Answer) -> list[str]:
    notes = [_LATE] if before.groups else []
    if last.detail.icp.gate == 0 and len(signals.records):
        notes.append("outside the ICP, or below its floor of Fit: signals add nothing to the score now")
    if (ago := float(signals.read_ago[0])) > 0:
        notes.append(f"the store did not answer; signals are those read {say_span(ago)} ago")
    return notes


def _state(answer: Answer) -> StateDetail:
    return StateDetail(**{name: getattr(answer, name) for name in StateDetail.__slots__})


def _flat(request: ChangesRequest, detail: ChangesDetail, last: Answer, notes: list[str]) -> Changes:
    then, now = detail.then, detail.now
    return Changes(
        account_id=request.account.account_id,
        domain=request.account.domain,
        since=then.as_of,
        as_of=now.as_of,
        score_then=then.score,
        score_now=now.score,
        change=_points(_hundredths(now.score) - _hundredths(then.score)),
        decay=detail.decay.score,
        new_signals=detail.new_signals.score,
        attributes=detail.attributes.score,
        model=detail.model.score,
        degraded=last.degraded,
        reasons=reasons(detail),
        notes=notes,
        detail=detail,
    )


def _hundredths(shown: float | None) -> int:
    """Return a number as it is shown in units of its last decimal, in which sums are exact."""
    return round((shown or 0.0) * SHOWN)


def _points(hundredths: int) -> float:
    return hundredths / SHOWN
