"""Demandbase: a HEAD call that wants its code back, then POSTs.

A failed call disables the hook there, so a call with the right token gets 200 whatever it holds; only a
wrong token (401) and a silent store (503) do not, because a write is acknowledged only when it is stored.
Demandbase publishes neither a signature nor a schema: the token stands in a header or in the URL, and
`mapping` can say where the fields are. A row with a strength is a level, `demandbase_intent`; without one it
is an event.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from api.webhooks.fields import Event, mapped, rows_of
from api.webhooks.sources import Source
from api.webhooks.tables import tables
from api.webhooks.verification import Delivery
from scoring.errors import RequestError

CODE_HEADER = "X-DemandbaseAPI-ValidationCode"
TYPE = "demandbase_intent"
EVENT_TYPE = "demandbase_activity"
_CODE = re.compile(rb"[A-Za-z0-9_-]{1,128}")


def handshake(delivery: Delivery) -> dict[str, str]:
    """Return the headers that answer a HEAD call: its code, if that is a plain token.

    Raises:
        RequestError: `handshake_invalid`. A code with other characters could write headers of its own.
    """
    code = delivery.header(CODE_HEADER)
    if not _CODE.fullmatch(code):
        message = f"send {CODE_HEADER} with 1 to 128 letters, digits, _ or -"
        raise RequestError(message, code="handshake_invalid")
    return {CODE_HEADER: code.decode()}


def signals(delivery: Delivery, source: Source) -> list[Any]:
    """Turn each row into a raw signal.

    Raises:
        RequestError: `body_not_json`.
    """
    return [_signal(row, source) for row in rows_of(delivery.body, source.kind, source)]


def _signal(row: Any, source: Source) -> Any:
    if not isinstance(row, Mapping):
        return row
    found = mapped(Event(row), source.kind, source)
    strength = found.get("strength")
    if isinstance(strength, str):
        found["strength"] = tables("levels")[TYPE].get(strength.strip().lower(), strength)
    level = "strength" in found
    return {"type": TYPE if level else EVENT_TYPE, "level": level, "channel": "ads", **found}
