"""HubSpot's webhooks API: arrays of at most 100 events, signed over method, public URI, body and time.

HubSpot tries a failed call ten times in 24 hours whatever its 4xx or 5xx was, so what can never be stored is
answered with 200 and named in the answer; only a wrong signature (401) and a silent store (503) are tried
again.

An event names its object by HubSpot's id and little else: a company is an account by that id, a contact
tells its account only by an association with a company or by the value of an e-mail or domain property. The
rest is rejected for want of an account. A workflow's webhook can send more: to `/signals`, or as kind
generic.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from api.event_ids import event_id_of
from api.webhooks.event_types import table, type_of
from api.webhooks.fields import rows_of
from api.webhooks.sources import Source
from api.webhooks.verification import Delivery, check_timestamp, digests, is_one_of, wrong_signature
from scoring.errors import RequestError

# Characters that are decoded in the URI before it is signed (HubSpot, "Validating requests", v3).
_DECODED = ":/?@!$'()*,;"
_OBJECTS = {"0-1": "contact", "0-2": "company", "0-3": "deal", "0-5": "ticket"}  # objectTypeId of `object.*`
_IDENTITY = ("portalId", "subscriptionId", "eventId", "objectId", "occurredAt", "fromObjectId", "toObjectId")
_COMPANY_PROPERTIES = {"associatedcompanyid": "account_id", "email": "email"}
_COMPANY_PROPERTIES |= {"domain": "domain", "website": "domain", "hs_email_domain": "domain"}


def verify(delivery: Delivery, source: Source) -> None:
    """Check X-HubSpot-Signature-v3: base64 HMAC-SHA256 of method, URI, raw body and time in milliseconds.

    Raises:
        RequestError: `signature_invalid` or `timestamp_stale`.
    """
    moment = delivery.header("x-hubspot-request-timestamp")
    check_timestamp(moment, delivery.now, per_second=1000)
    message = b"POST" + _decoded(source.public_url).encode() + delivery.body + moment
    accepted = [base64.b64encode(digest) for digest in digests(source, message)]
    if not is_one_of(delivery.header("x-hubspot-signature-v3"), accepted):
        raise wrong_signature("the client secret and public_url must be exactly those of the app")


def signals(delivery: Delivery, source: Source) -> list[Any]:
    """Turn each event into a raw signal.

    Raises:
        RequestError: `body_not_json`.
    """
    return [_signal(event, source) for event in rows_of(delivery.body, "hubspot", source)]


def _decoded(uri: str) -> str:
    for character in _DECODED:
        uri = re.sub(f"%{ord(character):02X}", character, uri, flags=re.IGNORECASE)
    return uri


def _signal(event: Any, source: Source) -> Any:
    if not isinstance(event, Mapping):
        return event
    kind, what = _kind_of(event)
    if event.get("associationRemoved") is True:
        return RequestError("an association that ended is no activity", code="event_ignored")
    try:
        found = type_of(_names(kind, what, event), table("hubspot"), source)
    except RequestError as error:
        return error
    return {
        "type": found,
        "occurred_at": event.get("occurredAt"),
        # HubSpot calls its eventId not guaranteed to be unique.
        "event_id": event_id_of(
            "hubspot", *(str(event.get(name, "")) for name in (*_IDENTITY, "propertyName"))
        ),
        "channel": "crm",
        **_who(kind, event),
    }


def _kind_of(event: Mapping[str, Any]) -> tuple[str, str]:
    """Return an event's object and what happened to it; generic subscriptions name the object by number."""
    subscription = event.get("subscriptionType")
    kind, _, what = (subscription if isinstance(subscription, str) else "").partition(".")
    return (_OBJECTS.get(str(event.get("objectTypeId")), kind) if kind == "object" else kind), what


def _names(kind: str, what: str, event: Mapping[str, Any]) -> list[str]:
    changed = event.get("propertyName")
    return [f"{what}.{changed}", f"{kind}.{what}"] if isinstance(changed, str) else [f"{kind}.{what}"]


def _who(kind: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """Say which account an event is of, as far as it tells, and which contact."""
    ids = {kind: event.get("objectId")}
    if isinstance(association := event.get("associationType"), str):
        ends = association.lower().split("_to_")
        ids |= dict(zip(ends, (event.get("fromObjectId"), event.get("toObjectId")), strict=False))
    who: dict[str, Any] = {"account_id": ids.get("company")}
    name = _COMPANY_PROPERTIES.get(str(event.get("propertyName")).lower())
    if name is not None:
        who[name] = event.get("propertyValue")
    if ids.get("contact") is not None:
        who["person"] = f"hubspot contact {ids['contact']}"
    return who
