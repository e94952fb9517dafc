"""Taking in raw signals, from whichever door: each is read, stored, and its fate told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import compress, islice
from typing import Any, Literal

import numpy as np
import orjson
from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from api.problems import problem
from api.service import Service
from api.webhooks import sixsense
from scoring.errors import RequestError
from scoring.signals.columns import SignalColumns
from scoring.signals.signal import Signal
from scoring.signals.together import SentSignal, read_together
from scoring.store.writes import Outcome

SMALL_BATCH = 200  # items read on the event loop; more would hold up other requests there
MOST_UNKNOWN_TYPES = 20  # named in an answer; a sender of made-up names gets the rest as one number
OTHER_TYPES = "(other)"
REJECTED = "rejected"
_RANK = {REJECTED: 0, Outcome.DROPPED: 1, Outcome.DUPLICATE: 2, Outcome.ACCEPTED: 3}
STATUSES = (*_RANK,)
_NOT_STORED = (REJECTED, Outcome.DROPPED)

TOO_OLD = RequestError(
    "it is older than the store keeps signals, or than all that count of an account with very many",
    field="occurred_at",
    code="too_old",
)

WhichResults = Literal["exceptions", "all"]


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of n items.

    Attributes:
        statuses: (n,), in order: accepted, duplicate, dropped or rejected.
        faults: by index, why an item was rejected.
        unknown_types: how many were accepted of types that weigh nothing in the model that is served.
    """

    statuses: list[str] = field(default_factory=list)
    faults: dict[int, RequestError] = field(default_factory=dict)
    unknown_types: Counter[str] = field(default_factory=Counter)

    @property
    def useless(self) -> bool:
        """Whether there were items and every one was rejected."""
        return bool(self.statuses) and len(self.faults) == len(self.statuses)

    def answer(self, which: WhichResults = "exceptions", most_results: int | None = None) -> dict[str, Any]:
        """Return a `SignalsAnswer` as plain values.

        A batch that went well is a short answer: its counts. So is one that is sent again after a fault, all
        of it duplicates. What is not in the store is listed: rejected and dropped items, the first
        `most_results` of them.
        """
        counts = self.counts()
        told = STATUSES if which == "all" else [status for status in _NOT_STORED if counts[status]]
        return {
            "accepted": counts[Outcome.ACCEPTED],
            "duplicates": counts[Outcome.DUPLICATE],
            "dropped": counts[Outcome.DROPPED],
            "rejected": counts[REJECTED],
            "results": list(islice(self._results(told), most_results)),
            "unknown_types": _bounded(self.unknown_types),
        }

    def counts(self) -> dict[str, int]:
        """Return how many items have each status."""
        return {status: self.statuses.count(status) for status in STATUSES}

    def _results(self, told: Sequence[str]) -> Iterator[dict[str, Any]]:
        for index, status in enumerate(self.statuses if told else ()):
            if status in told:
                yield self._result(index, status)

    def _result(self, index: int, status: str) -> dict[str, Any]:
        fault = TOO_OLD if status == Outcome.DROPPED else self.faults.get(index)
        why = {"code": fault.code, "field": fault.field, "message": str(fault)} if fault else {}
        return {"index": index, "status": str(status), **why}


@dataclass(frozen=True, slots=True)
class _Read:
    """What could be read of some items: signals, and which item each is of."""

    signals: SignalColumns
    owners: Sequence[int]


async def take_in(service: Service, items: Sequence[Any], *, now: float) -> Taken:
    """Store what can be read of the items.

    Args:
        service: whose store takes them.
        items: raw signals; a RequestError stands for an item that its reader has refused already.
        now: unix seconds.

    Raises:
        StoreUnavailableError: not everything was stored; sending all of it again is safe.
    """
    read = partial(_read, items, range(len(items)), now)
    one_by_one, faults = await run_in_threadpool(read) if len(items) > SMALL_BATCH else read()
    return await _stored(service, len(items), [one_by_one], faults, now)


async def take_in_together(
    service: Service, sent: Sequence[SentSignal], items: Callable[[], Sequence[Any]], *, now: float
) -> Taken:
    """Store signals that look plain: together those that are, and one by one those that are not.

    Args:
        service: whose store takes them.
        sent: the signals.
        items: gives the same signals raw, as `take_in` has them; asked only where one is not plain.
        now: unix seconds.

    Raises:
        StoreUnavailableError: as `take_in`.
    """
    signals, plain = read_together(sent, now=now)
    if plain.all():
        return await _stored(service, len(sent), [_Read(signals, range(len(sent)))], {}, now)
    read = partial(_read, items(), np.flatnonzero(~plain).tolist(), now)
    odd, faults = await run_in_threadpool(read) if (~plain).sum() > SMALL_BATCH else read()
    return await _stored(
        service, len(sent), [_Read(signals, np.flatnonzero(plain).tolist()), odd], faults, now
    )


async def _stored(
    service: Service, n: int, reads: Sequence[_Read], faults: dict[int, RequestError], now: float
) -> Taken:
    """Store in portions of bounded size: a vendor's weekly report is one call of any length."""
    portion = service.settings.max_signals
    statuses: list[str] = [REJECTED] * n
    accepted: Counter[str] = Counter()
    for read in reads:
        outcomes: list[Outcome] = []
        for start in range(0, len(read.signals), portion):
            outcomes += await service.store.append(read.signals.part(start, start + portion), now=now)
        accepted.update(compress(read.signals.type, [outcome is Outcome.ACCEPTED for outcome in outcomes]))
        if read.owners == range(n):
            statuses = [*outcomes]
        else:
            _note(statuses, read.owners, outcomes)
    known = service.scorer.artifact.policy.of
    unknown = Counter({name: number for name, number in accepted.items() if known(name) is None})
    taken = Taken(statuses, faults, unknown)
    service.metrics.count_signals(taken.counts())
    service.metrics.count_unknown_type(unknown.total())
    return taken


def _note(statuses: list[str], owners: Sequence[int], outcomes: Sequence[Outcome]) -> None:
    """Note what became of each item: of a row that is several signals, the best says it."""
    for owner, outcome in zip(owners, outcomes, strict=True):
        if _RANK[outcome] > _RANK[statuses[owner]]:
            statuses[owner] = outcome


def _read(items: Sequence[Any], which: Sequence[int], now: float) -> tuple[_Read, dict[int, RequestError]]:
    """Read items one by one; one row of a vendor may be several signals, and then all of them or none."""
    owners: list[int] = []
    signals: list[Signal] = []
    faults: dict[int, RequestError] = {}
    for index in which:
        try:
            found = [Signal.parse(raw, now=now) for raw in _parts(items[index])]
        except RequestError as error:
            faults[index] = error
        else:
            owners += [index] * len(found)
            signals += found
    return _Read(SignalColumns.of(signals), owners), faults


def _parts(item: Any) -> list[Mapping[str, object]]:
    if isinstance(item, RequestError):
        raise item
    if not isinstance(item, dict):  # what JSON objects are; to ask for a Mapping takes ten times as long
        raise RequestError("a signal is a JSON object", code="signal_invalid")
    return sixsense.levels(item) if sixsense.is_row(item) else [item]


def _bounded(counts: Counter[str]) -> dict[str, int]:
    named = dict(counts.most_common(MOST_UNKNOWN_TYPES))
    rest = counts.total() - sum(named.values())
    return {**named, OTHER_TYPES: rest} if rest else named


def answered(
    taken: Taken, which: WhichResults = "exceptions", *, most_results: int | None = None
) -> Response:
    """Return the answer to a request of which something, or nothing at all, was taken in."""
    return Response(orjson.dumps(taken.answer(which, most_results)), media_type="application/json")


def refused(request: Request, taken: Taken) -> Response:
    """Return the answer to a request of which every item was rejected: 422, with the counts and why."""
    first = taken.faults[0]
    several = len(taken.faults) > 1
    detail = (
        f"none of the {len(taken.faults)} signals could be read; `results` says why"
        if several
        else str(first)
    )
    code = "signals_rejected" if several else first.code
    return problem(
        request, 422, code, detail, field="" if several else first.field, extensions=taken.answer()
    )
