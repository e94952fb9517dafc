"""Segment's webhook destinations: one event, or an array of them, signed with X-Signature.

X-Signature is the hexadecimal HMAC-SHA1 of the body; of an array Segment signs the first element alone, so a
batch has to carry a header of ours as well (`header`, `header_secrets`; Segment lets you set headers).

Segment does not try a 4xx again. An event of nobody we could place is nothing to alarm anyone about, so all
that is signed and understood or not gets 200, with what was rejected in the answer.
"""

from __future__ import annotations

from typing import Any

from api.webhooks import tracking
from api.webhooks.batches import elements, is_batch
from api.webhooks.fields import rows_of
from api.webhooks.sources import Source
from api.webhooks.verification import Delivery, check_token, hex_digests, is_one_of, wrong_signature
from scoring.errors import RequestError

_ALGORITHM = "sha1"  # Segment's choice; as an HMAC it is not known to be broken


def verify(delivery: Delivery, source: Source) -> None:
    """Check X-Signature, and of a batch the header too.

    Raises:
        RequestError: `signature_invalid`.
    """
    signed = delivery.body
    if is_batch(delivery.body):
        if not source.header:
            raise wrong_signature("of a batch only the first event is signed; set header and header_secrets")
        check_token(delivery, source)
        signed = _first(delivery.body)
    if not is_one_of(delivery.header("x-signature").lower(), hex_digests(source, signed, _ALGORITHM)):
        raise wrong_signature("the shared secret must be that of the destination")


def signals(delivery: Delivery, source: Source) -> list[Any]:
    """Turn each event into a raw signal.

    Raises:
        RequestError: `body_not_json`.
    """
    return [tracking.signal(event, source) for event in rows_of(delivery.body, "tracking", source)]


def _first(body: bytes) -> bytes:
    try:
        return next(iter(elements(body)), b"")
    except RequestError:  # nothing that Segment has signed
        raise wrong_signature("the body is not a JSON array") from None
