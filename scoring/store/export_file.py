"""Writing an export: the logs of a store as lines, some logs at a time, so that memory stays flat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scoring.store.export_format import ExportEnd, ExportLine, encoder
from scoring.store.transfer import StoredLog, Transfer


@dataclass(slots=True)
class Exported:
    """What was written.

    Attributes:
        logs: how many with signals.
        records: how many.
        damaged: logs that something else wrote to; they are left out.
    """

    logs: int = 0
    records: int = 0
    damaged: int = 0


async def write_export(
    transfer: Transfer,
    write: Callable[[bytes], object],
    *,
    now: float,
    keys: Sequence[str] = (),
    on_progress: Callable[[Exported], None],
) -> Exported:
    """Write an export.

    Args:
        transfer: of the store.
        write: takes some lines at a time.
        now: unix seconds.
        keys: of accounts; all of them where there are none.
        on_progress: told what was written so far.

    Raises:
        PersonKeyError: people were hashed with another key than ours.
        StoreUnavailableError: not everything could be read; what was written has no end and is of no use.
    """
    done = Exported()
    write(encoder.encode_lines([await transfer.header(now=now)]))
    async for logs in transfer.logs(keys):
        write(encoder.encode_lines([line for log in logs for line in _lines(log, done)]))
        on_progress(done)
    write(encoder.encode_lines([ExportLine(end=ExportEnd(done.logs, done.records))]))
    return done


def _lines(log: StoredLog, done: Exported) -> list[ExportLine]:
    if log.signals is None:
        done.damaged += 1
        return []
    done.logs += bool(log.signals)
    done.records += len(log.signals)
    links = [ExportLine(log=log.name, linked=log.linked)] if log.linked else []
    return links + [ExportLine(log=log.name, signal=one) for one in log.signals]
