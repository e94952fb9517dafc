"""The usual body of `/signals`: an array of plain signals, decoded straight into what reads them together."""

from __future__ import annotations

import msgspec

from scoring.signals.together import SentSignal


class _Sent(SentSignal):
    specversion: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET  # a CloudEvent has its signal inside


class _Many(msgspec.Struct):
    signals: list[_Sent]


_DECODER = msgspec.json.Decoder(list[_Sent] | _Many)


def plain_signals(body: bytes) -> list[_Sent] | None:
    """Return the signals of a body, or None where it has another shape, or a field an odd type.

    >>> plain_signals(b'[{"type": "visit", "domain": "acme.com"}]')[0].domain
    'acme.com'
    >>> plain_signals(b'[7]') is None
    True
    """
    try:
        found = _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):  # the other reader says what is wrong
        return None
    sent = found.signals if isinstance(found, _Many) else found
    return None if any(one.specversion is not msgspec.UNSET for one in sent) else sent
