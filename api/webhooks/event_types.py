"""What a vendor's events are called here: `event_types.toml`, and before it what a source itself says."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from api.webhooks.sources import Source
from api.webhooks.tables import tables
from scoring.errors import RequestError
from scoring.signals.signal import signal_type


@cache
def table(name: str) -> Mapping[str, str]:
    """Return a table of `event_types.toml`, its keys in the one spelling of signal types."""
    return {signal_type(key): value for key, value in tables("event_types")[name].items()}


def type_of(names: list[str], known: Mapping[str, str], source: Source) -> str:
    """Return the signal type of an event.

    Args:
        names: what the event goes by, the most telling first.
        known: a `table`.
        source: whose own `types` go first.

    Raises:
        RequestError: `event_ignored` where such events say nothing of an account, and are left out;
            `type_missing` where the event has no name.

    >>> type_of(["Demo Requested"], table("track"), Source(kind="g2", secrets=["sixteen letters."]))
    'demo_request'
    """
    spelt = [signal_type(name) for name in names]
    given = (source.types[name] for name in spelt if name in source.types)
    found = next(given, next((known[name] for name in spelt if name in known), None))
    if found is None and not spelt[-1]:
        raise RequestError("the event does not say what happened", field="type", code="type_missing")
    if found == "":
        raise RequestError(
            "events of this kind say nothing of an account; they are left out", code="event_ignored"
        )
    return found or spelt[-1]
