"""Events of the Segment spec (track, page, screen, identify, group, alias), which RudderStack sends as well.

The account is the group's id, the domain of the company in the traits, or that of the e-mail address. Visits
of people who are not known yet have none of these and are rejected for want of an account.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from api.webhooks.event_types import table, type_of
from api.webhooks.fields import Event, mapped
from api.webhooks.sources import Source
from scoring.errors import RequestError
from scoring.signals.signal import signal_type

WEB = "web"
_WORD = re.compile(r"[a-z0-9]+")
_READ_HERE = {"website", "medium", "page"}


def signal(raw: Any, source: Source) -> Any:
    """Turn a call into a raw signal, or into the RequestError that says why it is none."""
    if not isinstance(raw, Mapping):
        return raw
    event = Event(raw)
    found = mapped(event, "tracking", source)
    call = str(raw.get("type") or "").lower()
    try:
        kind = _type(call, event, found, source)
    except RequestError as error:
        return error
    if call == "group":  # what it has traits of is the company; a website elsewhere is the person's own
        found.setdefault("domain", found.get("website"))
    found.setdefault("channel", _channel(found))
    if "email" in found:  # who is known by it is so everywhere, and by a user id here alone
        found.pop("person", None)
    return {"type": kind, **{name: value for name, value in found.items() if name not in _READ_HERE}}


def _type(call: str, event: Event, found: Mapping[str, Any], source: Source) -> str:
    if call == "track":
        name = event.at("event")
        return type_of([name if isinstance(name, str) and name else call], table("track"), source)
    if call == "page":
        words = _WORD.findall(str(found.get("page", "")).lower())
        telling = [word for word in words if word in table("pages")]
        return type_of(telling or [call], {**table("calls"), **table("pages")}, source)
    return type_of([call], table("calls"), source)


def _channel(found: Mapping[str, Any]) -> str:
    return table("medium").get(signal_type(str(found.get("medium", ""))), WEB)
