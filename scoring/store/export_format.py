"""The lines of an export, one JSON object each: a header, logs with their signals, and an end."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from scoring.account import LONGEST_IDENTITY
from scoring.signals.signal import LONGEST_TEXT
from scoring.signals.stored_signal import StoredSignal

# An account's id or domain, as `stored_keys` spells it. No e-mail address: those are hashed.
LogName = Annotated[str, Meta(pattern=r"^[ad]:[^@\x00-\x1f\x7f]+$", max_length=LONGEST_IDENTITY + 2)]
Name = tuple[
    Annotated[str, Meta(pattern="^(type|topic|channel)$")],
    Annotated[str, Meta(min_length=1, max_length=LONGEST_TEXT)],
]


class ExportHeader(msgspec.Struct, frozen=True, kw_only=True, tag_field="firebrand", tag="signals"):
    """The first line.

    Attributes:
        format: of the lines.
        made_at: ISO 8601.
        key_check: a keyed hash of nothing, 16 hex digits, that tells the key that hashes people from another.
        names: of types, topics and channels in the order of their numbers, so that they get the same again.
    """

    format: Literal[1] = 1
    made_at: str = ""
    key_check: Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
    names: list[Name]


class ExportEnd(msgspec.Struct, frozen=True):
    """How much there was."""

    logs: int
    records: int


class ExportLine(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Any further line: a signal of a log, the logs that a log is linked with, or, of no log, the end."""

    log: LogName | None = None
    signal: StoredSignal | None = None
    linked: tuple[LogName, ...] = ()
    end: ExportEnd | None = None


encoder = msgspec.json.Encoder()
header_decoder = msgspec.json.Decoder(ExportHeader)
line_decoder = msgspec.json.Decoder(ExportLine)
