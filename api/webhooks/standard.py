"""Standard Webhooks (standardwebhooks.com): what many products sign their calls with.

Senders try again on anything but a 2xx, for days, so what can never be stored gets 200 and is named in the
answer. `webhook-id` is the idempotency key of its source: it is the same in each attempt, and so are our
event ids. Of the two schemes the symmetric one (`v1`, secrets `whsec_...`) is known; `v1a` is not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from api.event_ids import event_id_of
from api.webhooks.fields import rows_of
from api.webhooks.generic import signal
from api.webhooks.sources import Source
from api.webhooks.verification import Delivery, check_timestamp, wrong_signature

_SIGNATURE = re.compile(r"v1,[A-Za-z0-9+/]{43}=")  # base64 of 32 bytes: others would stop the package


def verify(delivery: Delivery, source: Source) -> None:
    """Check webhook-signature over `{id}.{timestamp}.{raw body}`.

    Raises:
        RequestError: `signature_invalid` or `timestamp_stale`.
    """
    moment = delivery.header("webhook-timestamp")
    check_timestamp(moment, delivery.now)
    signatures = _SIGNATURE.findall(delivery.headers.get("webhook-signature", ""))
    headers = {
        "webhook-id": delivery.headers.get("webhook-id", ""),
        "webhook-timestamp": moment.decode(),
        "webhook-signature": " ".join(signatures),  # together: each secret hashes the body once
    }
    secrets = [secret.get_secret_value() for secret in source.secrets]
    if not any([_holds(secret, delivery.body, headers) for secret in secrets]):  # noqa: C419  # all, in any case
        raise wrong_signature("the secret must be that of the endpoint, and the body as it was signed")


def _holds(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError):
        # The package lets out binascii.Error and UnicodeDecodeError, both of them ValueErrors, on hostile
        # calls.
        return False
    return True


def signals(delivery: Delivery, source: Source) -> list[Any]:
    """Turn the event, or each of those it holds, into a raw signal.

    Raises:
        RequestError: `body_not_json`.
    """
    message_id = delivery.headers.get("webhook-id", "")
    found = [signal(raw, source) for raw in rows_of(delivery.body, source.kind, source)]
    return [
        {**raw, "event_id": event_id_of("webhook", source.name, message_id, str(index))}
        if isinstance(raw, Mapping)
        else raw
        for index, raw in enumerate(found)
    ]
