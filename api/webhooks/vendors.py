"""Every kind of source, and how its calls are checked, read and answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from api.webhooks import (
    bombora,
    demandbase,
    g2,
    generic,
    hubspot,
    rudderstack,
    segment,
    sixsense,
    standard,
)
from api.webhooks.sources import Kind, Source
from api.webhooks.verification import Delivery, check_token


@dataclass(frozen=True, slots=True)
class Vendor:
    """One kind of source.

    Attributes:
        verify: raises a RequestError where the caller is not proven.
        signals: raw signals, with a RequestError in place of each that is none.
        forgiving: whether a proven call gets 200 even where nothing of it can be stored; its module says why.
        handshake: the headers that answer a HEAD call, for a vendor that makes one.
    """

    verify: Callable[[Delivery, Source], None]
    signals: Callable[[Delivery, Source], list[Any]]
    forgiving: bool
    handshake: Callable[[Delivery], dict[str, str]] | None = None


VENDORS: Mapping[Kind, Vendor] = {
    "6sense": Vendor(check_token, sixsense.signals, forgiving=False),
    "bombora": Vendor(bombora.verify, bombora.signals, forgiving=True),
    "demandbase": Vendor(check_token, demandbase.signals, forgiving=True, handshake=demandbase.handshake),
    "g2": Vendor(check_token, g2.signals, forgiving=True),
    "generic": Vendor(check_token, generic.signals, forgiving=False),
    "hubspot": Vendor(hubspot.verify, hubspot.signals, forgiving=True),
    "rudderstack": Vendor(check_token, rudderstack.signals, forgiving=True),
    "segment": Vendor(segment.verify, segment.signals, forgiving=True),
    "standard": Vendor(standard.verify, standard.signals, forgiving=True),
}
