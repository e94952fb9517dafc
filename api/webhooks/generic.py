"""Any sender that can set a header or a URL, with its fields mapped in the settings.

Whoever sets this up sees the status codes, so they are those of `/signals`: 400 for what is no JSON, 422
where every event was rejected, 200 for all else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.webhooks.event_types import type_of
from api.webhooks.fields import Event, mapped, rows_of
from api.webhooks.sources import Source
from api.webhooks.verification import Delivery
from scoring.errors import RequestError


def signals(delivery: Delivery, source: Source) -> list[Any]:
    """Turn each event into a raw signal.

    Raises:
        RequestError: `body_not_json`.
    """
    return [signal(raw, source) for raw in rows_of(delivery.body, source.kind, source)]


def signal(raw: Any, source: Source) -> Any:
    """Turn one event into a raw signal by the mapping of its source, or into why it is none."""
    if not isinstance(raw, Mapping):
        return raw
    found = mapped(Event(raw), source.kind, source)
    name = found.get("type")
    try:
        return {**found, "type": type_of([name], {}, source)} if isinstance(name, str) else found
    except RequestError as error:
        return error
