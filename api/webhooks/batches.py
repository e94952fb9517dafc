"""A body's events as the bytes they came in: what a signature or a size is about."""

from __future__ import annotations

import msgspec

from scoring.errors import RequestError

_SPACE = b" \t\r\n"
_elements = msgspec.json.Decoder(list[msgspec.Raw])


def is_batch(body: bytes) -> bool:
    """Tell an array from one event.

    >>> is_batch(b" [1]"), is_batch(b"{}")
    (True, False)
    """
    return body.lstrip(_SPACE).startswith(b"[")


def elements(body: bytes) -> list[bytes]:
    """Return the elements of an array, each as it stands.

    Raises:
        RequestError: `body_not_json`.

    >>> elements(b'[{"a": 1},2 ]')
    [b'{"a": 1}', b'2']
    """
    try:
        return [bytes(element) for element in _elements.decode(body)]
    except (msgspec.DecodeError, RecursionError):  # the second where it is nested very deep
        raise RequestError("the body is not a JSON array", code="body_not_json") from None
