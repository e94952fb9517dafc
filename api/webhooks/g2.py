"""G2's buyer intent: somebody of a company looked at a page about the product, or about a competitor.

G2 publishes no schema: the usual names of its exports are tried, and `mapping` can say others. The kind of
page (pricing, comparison, ...) is the signal's topic, which a policy can weigh. A call with the right token
gets 200, with what was rejected in the answer: nobody at G2 would mend a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.webhooks.event_types import type_of
from api.webhooks.fields import Event, mapped, rows_of
from api.webhooks.sources import Source
from api.webhooks.verification import Delivery
from scoring.errors import RequestError

TYPE = "g2_buyer_intent"


def signals(delivery: Delivery, source: Source) -> list[Any]:
    """Turn each event into a raw signal.

    Raises:
        RequestError: `body_not_json`.
    """
    return [_signal(event, source) for event in rows_of(delivery.body, source.kind, source)]


def _signal(raw: Any, source: Source) -> Any:
    if not isinstance(raw, Mapping):
        return raw
    found = {"channel": "review_site", **mapped(Event(raw), source.kind, source)}
    try:
        kind = type_of([*(name for name in [found.get("topic")] if isinstance(name, str)), TYPE], {}, source)
    except RequestError as error:
        return error
    return {"type": kind, **found}
