"""What is known about one account: its signals, newest first, a page at a time, and their counts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scoring.errors import RequestError
from scoring.moments import say_second
from scoring.signals.log import SignalBatch
from scoring.signals.names import Names
from scoring.signals.policy import Policy
from scoring.signals.record import Records, is_level
from scoring.signals.stored_signal import StoredSignal, read_stored
from scoring.values import as_moment

_PLACE = re.compile(r"(\d{1,10})-([0-9a-f]{16})", re.ASCII)
_LATEST = 2**32  # unix seconds; later than any record


@dataclass(frozen=True, slots=True)
class KnownSignal:
    """One signal. `weighed`: the model weighs its type. `person` is the same for the same, and no name."""

    type: str
    topic: str  # empty where it is about nothing in particular
    occurred_at: str  # ISO 8601, to the second
    strength: float  # on the sender's own scale
    channel: str
    level: bool  # a gauge, of which the latest counts
    person: str
    role: str  # one of `people.ROLES`, empty where not known
    seniority: str  # one of `people.SENIORITIES`, likewise
    weighed: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about an account, of all that counts; older signals than the horizon do not.

    Attributes:
        events: how many; so `levels`, with their earlier values.
        people: how many distinct ones are named.
        oldest: ISO 8601, empty where there is nothing; so `newest`.
        signals: one page, newest first.
        next: what to ask for as `before` to get the next page; empty where this is the last.
    """

    events: int
    levels: int
    people: int
    oldest: str
    newest: str
    signals: list[KnownSignal]
    next: str


def look(batch: SignalBatch, policy: Policy, *, limit: int, before: str = "") -> Known:
    """Describe the only account of a batch.

    Args:
        batch: of one account, which could be read.
        policy: of the model that is served.
        limit: signals on a page.
        before: a `next` of an earlier page, or a moment: only signals before it are listed.

    Raises:
        RequestError: `before` is neither (`time_invalid`).

    >>> look(SignalBatch.empty(1), Policy(), limit=10)
    Known(events=0, levels=0, people=0, oldest='', newest='', signals=[], next='')
    """
    records = batch.records
    at, number = _place(before)
    end = int(np.count_nonzero((records["at"] < at) | ((records["at"] == at) & (records["id"] < number))))
    page = records[max(0, end - limit) : end]
    levels = int(is_level(records).sum())
    people = np.unique(records["person"])
    return Known(
        events=len(records) - levels,
        levels=levels,
        people=int(np.count_nonzero(people)),
        oldest=_moments(records[:1]),
        newest=_moments(records[-1:]),
        signals=_signals(page, batch, policy)[::-1],
        next=f"{page['at'][0]}-{page['id'][0]:016x}" if end > limit else "",
    )


def _place(before: str) -> tuple[int, int]:
    """Read the place in the order of records (at, id) that a page ends before."""
    if not before:
        return _LATEST, 0
    if place := _PLACE.fullmatch(before):
        return int(place[1]), int(place[2], 16)
    try:
        moment = as_moment(before.strip())
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        message = "before must be the `next` of an earlier answer, or an ISO 8601 time"
        raise RequestError(message, field="before", code="time_invalid")
    return -int(-moment // 1), 0  # records lie at whole seconds: before .5 is before the next


def _moments(records: Records) -> str:
    return say_second(int(records["at"][0])) if len(records) else ""


def _signals(records: Records, batch: SignalBatch, policy: Policy) -> list[KnownSignal]:
    names = Names(batch.types, batch.topics, batch.channels)
    return [_signal(one, policy) for one in read_stored(records, names)]


def _signal(one: StoredSignal, policy: Policy) -> KnownSignal:
    worth = policy.of(one.type)
    return KnownSignal(
        type=one.type,
        topic=one.topic,
        occurred_at=say_second(one.at),
        strength=one.strength,
        channel=one.channel,
        level=one.level,
        person=one.person,
        role=one.role,
        seniority=one.seniority,
        weighed=worth is not None and worth.intent + worth.depth > 0,
    )


def kinds(keys: Sequence[str]) -> list[str]:
    """Say which names of an account its keys are.

    >>> kinds(["a:acme.com", "d:acme.com"])
    ['account_id', 'domain']
    """
    return [{"a": "account_id", "d": "domain"}[key[0]] for key in keys]
