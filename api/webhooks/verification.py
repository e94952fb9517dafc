"""How callers prove who they are: what the vendors' schemes have in common.

Everything is over the raw bytes and compared in constant time, with every secret that is live.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from api.webhooks.sources import Source
from scoring.errors import RequestError

WINDOW = 300.0  # seconds a signed timestamp may be from now: what HubSpot and Standard Webhooks ask for
AUTHORIZATION = "Authorization"
TOKEN_PARAMETER = "token"  # noqa: S105  # the parameter's name


@dataclass(frozen=True, slots=True)
class Delivery:
    """One call of a source.

    Attributes:
        body: the bytes as they came.
        headers: whatever the letter case they are asked for in.
        query: the URL's parameters.
        now: when it came, unix seconds.
    """

    body: bytes
    headers: Mapping[str, str]
    query: Mapping[str, str]
    now: float

    def header(self, name: str) -> bytes:
        """Return a header's raw bytes; none where it is missing."""
        return self.headers.get(name, "").encode("latin-1")  # as the server decoded them


def is_one_of(sent: bytes, accepted: Iterable[bytes]) -> bool:
    """Compare with every accepted value, in constant time.

    >>> is_one_of(b"b", [b"a", b"b"]), is_one_of(b"", [b"a"])
    (True, False)
    """
    return any([hmac.compare_digest(sent, value) for value in accepted])  # noqa: C419  # no early end


def digests(source: Source, message: bytes, algorithm: str = "sha256") -> list[bytes]:
    """Return a message's HMAC under each secret of a source."""
    return [hmac.new(key, message, algorithm).digest() for key in source.keys]


def hex_digests(source: Source, message: bytes, algorithm: str) -> list[bytes]:
    """Return the same in hexadecimal, lower-case."""
    return [digest.hex().encode() for digest in digests(source, message, algorithm)]


def check_timestamp(sent: bytes, now: float, *, per_second: int = 1) -> None:
    """Refuse a signed moment too far from now, so that a call which was overheard soon is worth nothing.

    Args:
        sent: unix time in digits.
        now: unix seconds.
        per_second: 1000 for milliseconds.

    Raises:
        RequestError: `signature_invalid` for no digits, `timestamp_stale`.

    >>> check_timestamp(b"1782820800000", 1_782_820_900.0, per_second=1000)
    """
    if not sent.isdigit() or len(sent) > 16:
        raise RequestError("the call lacks its timestamp, or it is not unix time", code="signature_invalid")
    if abs(int(sent) / per_second - now) > WINDOW:
        message = (
            "the timestamp is more than 5 minutes from now: check the clocks, and sign each attempt anew"
        )
        raise RequestError(message, code="timestamp_stale")


def check_token(delivery: Delivery, source: Source) -> None:
    """Ask for one of the source's tokens in its header, or in the URL where the source may.

    Raises:
        RequestError: `signature_invalid`.
    """
    name = source.header or AUTHORIZATION
    sent = delivery.header(name)
    _, _, after_scheme = sent.partition(b" ")  # "Bearer TOKEN" as well as the token alone
    offered = [sent, after_scheme.strip()]
    if source.token_in_url:
        offered.append(delivery.query.get(TOKEN_PARAMETER, "").encode(errors="surrogatepass"))
    if not any([is_one_of(value, source.header_values) for value in offered]):  # noqa: C419  # as above
        raise wrong_signature(f"send one of the source's secrets in the header {name}")


def wrong_signature(what_to_do: str) -> RequestError:
    """Return the refusal of a call whose sender is not proven."""
    return RequestError(
        f"the call is not signed with a secret of this source: {what_to_do}", code="signature_invalid"
    )
