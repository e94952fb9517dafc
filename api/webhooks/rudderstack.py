"""RudderStack's webhook destination: the event as it came in, with a header that you set there.

Nothing is signed; `messageId` makes a resend harmless. How RudderStack takes a refusal is not documented, so
a call with the right header gets 200 and what was rejected in the answer. An event is at most 32 KB there: a
larger one is none of its own.
"""

from __future__ import annotations

from typing import Any

from api.bodies import read_json
from api.webhooks import tracking
from api.webhooks.batches import elements, is_batch
from api.webhooks.sources import Source
from api.webhooks.verification import Delivery
from scoring.errors import RequestError

LARGEST_EVENT = 32 * 1024  # bytes


def signals(delivery: Delivery, source: Source) -> list[Any]:
    """Turn the event, or each of an array, into a raw signal.

    Raises:
        RequestError: `body_not_json`.
    """
    events = elements(delivery.body) if is_batch(delivery.body) else [delivery.body]
    return [_signal(event, source) for event in events]


def _signal(event: bytes, source: Source) -> Any:
    if len(event) > LARGEST_EVENT:
        return RequestError("the event is larger than the 32 KB RudderStack sends", code="event_too_large")
    return tracking.signal(read_json(event), source)
