"""Senders as vendors build them: each signs a body in its own way, and posts it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
from standardwebhooks.webhooks import Webhook

OLD, NEW = "the-secret-of-last-year", "the-secret-of-this-year"
FOREIGN = "a-secret-of-nobody-here"
STANDARD_OLD = "whsec_" + base64.b64encode(OLD.encode()).decode()
STANDARD_NEW = "whsec_" + base64.b64encode(NEW.encode()).decode()
HEADER_VALUE = "a-header-beside-the-signature"
PUBLIC_URL = "https://signals.acme.com/webhooks/hubspot?from=hub%40spot"
SOURCES = f"""
[source.hubspot]
kind = "hubspot"
secrets = ["{OLD}", "{NEW}"]
public_url = "{PUBLIC_URL}"

[source.segment]
kind = "segment"
secrets = ["{OLD}", "{NEW}"]
header = "X-Firebrand-Token"
header_secrets = ["{HEADER_VALUE}"]
types = {{"Plan Compared" = "pricing_page", "Password Reset" = ""}}
mapping = {{account_id = ["properties.org.id", "context.groupId", "groupId"]}}

[source.segment-one-by-one]
kind = "segment"
secrets = ["{OLD}"]

[source.rudderstack]
kind = "rudderstack"
secrets = ["{OLD}", "{NEW}"]

[source.demandbase]
kind = "demandbase"
secrets = ["{OLD}", "{NEW}"]
token_in_url = true

[source.bombora]
kind = "bombora"
secrets = ["{OLD}", "{NEW}"]

[source.bombora-csv]
kind = "bombora"
secrets = ["{OLD}"]
mapping = {{domain = "site", occurred_at = "through", strength = "points"}}

[source."6sense"]
kind = "6sense"
secrets = ["{OLD}", "{NEW}"]

[source.g2]
kind = "g2"
secrets = ["{OLD}", "{NEW}"]
header = "X-Token"

[source.crm]
kind = "generic"
secrets = ["{OLD}", "{NEW}"]
rows = "payload.items"
mapping = {{account_id = "company.id", email = ["who.work", "who.mail"], type = "what", event_id = "no"}}
fixed = {{channel = "phone", strength = 2}}
types = {{"Call Held" = "meeting"}}

[source.standard]
kind = "standard"
secrets = ["{STANDARD_OLD}", "{STANDARD_NEW}"]

[source.standard-2]
kind = "standard"
secrets = ["{STANDARD_OLD}"]
"""


def body_of(value: Any) -> bytes:
    return value if isinstance(value, bytes) else orjson.dumps(value)


def hubspot(value: Any, *, secret: str = NEW, moment: float | None = None) -> dict[str, Any]:
    body = body_of(value)
    sent = str(int((time.time() if moment is None else moment) * 1000))
    message = b"POST" + PUBLIC_URL.replace("%40", "@").encode() + body + sent.encode()
    signature = base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()
    headers = {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": sent}
    return {"content": body, "headers": headers}


def segment(value: Any, *, secret: str = NEW, header: str = HEADER_VALUE) -> dict[str, Any]:
    """Sign as Segment does: of a batch the first element alone."""
    signed = body_of(value[0] if isinstance(value, list) else value)
    signature = hmac.new(secret.encode(), signed, hashlib.sha1).hexdigest()
    return {
        "content": body_of(value),
        "headers": {"X-Signature": signature, "X-Firebrand-Token": header},
    }


def bombora(value: Any, *, secret: str = NEW, form: str = "hex") -> dict[str, Any]:
    body = body_of(value)
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    text = digest.hex() if form == "hex" else base64.b64encode(digest).decode()
    return {"content": body, "headers": {"X-Bombora-Signature-256": text}}


def token(value: Any, *, secret: str = NEW, header: str = "Authorization") -> dict[str, Any]:
    return {"content": body_of(value), "headers": {header: secret}}


def standard(
    value: Any, *, secret: str = STANDARD_NEW, moment: float | None = None, message_id: str = "msg_1"
) -> dict[str, Any]:
    body = body_of(value)
    at = datetime.fromtimestamp(int(time.time() if moment is None else moment), tz=UTC)
    signature = Webhook(secret).sign(message_id, at, body.decode())
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }
    return {"content": body, "headers": headers}


def counts(response: httpx.Response) -> tuple[int, int, int, int]:
    assert response.status_code == 200, response.text
    answer = response.json()
    return answer["accepted"], answer["duplicates"], answer["dropped"], answer["rejected"]


def codes(response: httpx.Response) -> list[tuple[int, str]]:
    return [(result["index"], result.get("code", "")) for result in response.json()["results"]]
