"""Putting a file of signals into a store: in batches, several under way; each row is stored or refused."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from scoring.errors import RequestError, StoreUnavailableError
from scoring.signals.columns import SignalColumns
from scoring.signals.signal import CLOCK_SKEW, Signal
from scoring.signals.stored_signal import StoredSignal
from scoring.signals.together import SentSignal, read_together
from scoring.store.export_format import ExportLine
from scoring.store.signal_file import FIELDS, Row, SignalFile
from scoring.store.store import SignalStore
from scoring.store.writes import Outcome
from scoring.values import is_missing

ROWS_TOGETHER = 500
BATCHES_UNDER_WAY = 4
Numbered = Sequence[tuple[int, Row]]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row was not stored. It repeats nothing of the row, which may be personal data."""

    line: int
    field: str
    code: str
    message: str


@dataclass(slots=True)
class Imported:
    """What became of the rows of a file.

    Attributes:
        outcomes: of those that were stored, or need not be.
        faulty: rows that are not stored.
        cut: an export that ends before its end.
    """

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    faulty: int = 0
    cut: bool = False


class Import:
    """One import.

    Args:
        store: where to.
        now: unix seconds, from which the horizon is counted.
        on_fault: told each row that is not stored, in the order of the file.
        on_progress: told after each batch.
    """

    def __init__(
        self,
        store: SignalStore,
        *,
        now: float,
        on_fault: Callable[[Fault], object],
        on_progress: Callable[[], object],
    ) -> None:
        self._store = store
        self._now = now
        self._on_fault = on_fault
        self._on_progress = on_progress
        self._signals = 0  # lines of an export that were signals
        self._announced: int | None = None  # how many of them its end says there are
        self.done = Imported()

    async def run(self, file: SignalFile) -> Imported:
        """Store the rows of a file.

        Raises:
            PersonKeyError: people were hashed with another key, in this store or in the export.
            StoreUnavailableError: not everything was stored; the message says how far it got.
        """
        await self._store.transfer.begin(file.header)
        while rows := list(islice(file.rows, ROWS_TOGETHER * BATCHES_UNDER_WAY)):
            # Nothing is under way while rows are read: they may come from a pipe that is slow.
            batches = (rows[start : start + ROWS_TOGETHER] for start in range(0, len(rows), ROWS_TOGETHER))
            for error in await asyncio.gather(*map(self._store_rows, batches), return_exceptions=True):
                if isinstance(error, StoreUnavailableError):
                    count = self.done.outcomes.total()
                    message = f"{count:,} rows were stored, then the store went away ({error})"
                    what = "Run the same again: what is stored already counts once"
                    raise StoreUnavailableError(f"{message}. {what}") from error
                if error is not None:
                    raise error
        self.done.cut = file.header is not None and self._announced != self._signals
        return self.done

    async def _store_rows(self, rows: Numbered) -> None:
        faults = [(line, row) for line, row in rows if isinstance(row, RequestError)]
        exported = [(line, row) for line, row in rows if isinstance(row, ExportLine)]
        signals, odd = _read_sent(rows, self._now)
        restored, wrong = _read_stored(exported, self._now)
        self._refuse([*faults, *odd, *wrong])
        self._signals += sum(row.signal is not None for _, row in exported)
        for _, row in exported:
            self._announced = row.end.records if row.end else self._announced
        # Links first: an erasure meanwhile must find every log.
        if pairs := [(row.log, other) for _, row in exported if row.log for other in row.linked]:
            await self._store.transfer.link(pairs, now=self._now)
        for columns in signals:
            self.done.outcomes.update(await self._store.append(columns, now=self._now))
        if restored:
            logs, stored = zip(*restored, strict=True)
            self.done.outcomes.update(await self._store.transfer.restore(logs, stored, now=self._now))
        self._on_progress()

    def _refuse(self, faults: list[tuple[int, RequestError]]) -> None:
        for line, error in sorted(faults, key=lambda fault: fault[0]):
            self.done.faulty += 1
            self._on_fault(Fault(line, error.field, error.code, str(error)))


def _read_sent(rows: Numbered, now: float) -> tuple[list[SignalColumns], list[tuple[int, RequestError]]]:
    """Read signals as senders have them: the plain ones together, the others one by one."""
    looked_plain = [(line, row) for line, row in rows if isinstance(row, SentSignal)]
    columns, plain = read_together([row for _, row in looked_plain], now=now)
    odd: list[tuple[int, Mapping[str, object]]] = [
        (line, {name: getattr(row, name) for name in FIELDS})
        for (line, row), is_plain in zip(looked_plain, plain.tolist(), strict=True)
        if not is_plain
    ]
    odd += [(line, row) for line, row in rows if isinstance(row, Mapping)]
    signals, faults = [], []
    for line, raw in odd:
        try:
            signals.append(_read_odd(raw, now))
        except RequestError as error:
            faults.append((line, error))
    return [some for some in (columns, SignalColumns.of(signals)) if len(some)], faults


def _read_odd(raw: Mapping[str, object], now: float) -> Signal:
    signal = Signal.parse(raw, now=now)
    if is_missing(raw.get("occurred_at")):  # what happened long ago must not count as happened now
        message = "occurred_at is missing; a signal from a file must say when it happened"
        raise RequestError(message, field="occurred_at", code="time_missing")
    return signal


def _read_stored(
    rows: Sequence[tuple[int, ExportLine]], now: float
) -> tuple[list[tuple[str, StoredSignal]], list[tuple[int, RequestError]]]:
    found, faults = [], []
    for line, row in rows:
        if row.log and row.signal:
            if row.signal.at <= now + CLOCK_SKEW:
                found.append((row.log, row.signal))
            else:
                message = "at is more than 5 minutes ahead; check the clocks of both machines"
                faults.append((line, RequestError(message, field="at", code="time_in_future")))
        elif not (row.end or (row.log and row.linked)):
            message = "this line of an export says nothing"
            faults.append((line, RequestError(message, code="line_unreadable")))
    return found, faults
