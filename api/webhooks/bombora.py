"""Bombora Company Surge: weekly rows of a domain, a topic and a composite score from 0 to 100.

X-Bombora-Signature-256 is the HMAC-SHA256 of the body; whether in hexadecimal or base64 is not published, so
both are taken. No timestamp is signed, so a call can be played again by whoever recorded it: of a week that
is over that changes nothing, for a row is a level of its week and topic; of the week that runs, which counts
as of now, the report that comes last counts.
How Bombora takes a refusal is not published either: what is signed gets 200, with the rejected rows in the
answer, because one bad row must not keep a week's report out.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from api.webhooks.fields import Event, mapped, rows_of
from api.webhooks.sources import Source
from api.webhooks.verification import Delivery, digests, is_one_of, wrong_signature
from scoring.errors import RequestError
from scoring.values import as_date, as_moment

TYPE = "bombora_surge"
_WEEK = 7 * 86_400.0


def verify(delivery: Delivery, source: Source) -> None:
    """Check X-Bombora-Signature-256.

    Raises:
        RequestError: `signature_invalid`.
    """
    sent = delivery.header("x-bombora-signature-256").removeprefix(b"sha256=").strip()
    made = digests(source, delivery.body)
    in_hexadecimal = is_one_of(sent.lower(), [digest.hex().encode() for digest in made])
    in_base64 = is_one_of(sent.rstrip(b"="), [base64.b64encode(digest).rstrip(b"=") for digest in made])
    if not (in_hexadecimal or in_base64):
        raise wrong_signature("the secret must be that of the Bombora integration")


def signals(delivery: Delivery, source: Source) -> list[Any]:
    """Turn each row into a raw level.

    Raises:
        RequestError: `body_not_json`.
    """
    return [_level(row, source, delivery.now) for row in rows_of(delivery.body, "bombora", source)]


def _level(row: Any, source: Source, now: float) -> Any:
    if not isinstance(row, Mapping):
        return row
    found = mapped(Event(row), "bombora", source)
    week = found.pop("week", None)  # before the next line, which is for a mapping of one's own
    try:
        occurred_at = _moment(found.pop("occurred_at", week), now)
    except ValueError:
        return RequestError("the week must be a date", field="week", code="time_invalid")
    return {"type": TYPE, "level": True, "channel": "partner", **found, "occurred_at": occurred_at}


def _moment(week: Any, now: float) -> float | None:
    """Return a week's date as a moment: that of a week which still runs is now, for it lies ahead."""
    if week is None:
        return None
    try:
        at = as_moment(week)
    except ValueError:
        day = as_date(week)  # as spreadsheets write it
        at = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() if day else None
    return now if at is not None and now < at <= now + _WEEK else at
