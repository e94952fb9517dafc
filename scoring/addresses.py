"""Telling texts that hold an e-mail address, however they are written: names and keys must hold none."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

_AT = re.compile(r"[^\s@]@[^\s@]|[^\s@]\s+@\s*[^\s@]+\.[^\s@]|[^\s@]@\s+[^\s@]+\.[^\s@]")


def holds_address(text: str) -> bool:
    r"""Tell whether a text holds what may be an e-mail address, also percent-encoded or in wide letters.

    >>> written = ("jo@acme.com", "unsub/jo%2540acme.com", "jo\uff20acme", "jo @ acme.com")
    >>> [holds_address(text) for text in written]
    [True, True, True, True]
    >>> [holds_address(text) for text in ("pricing @ scale", "fraud detection", "50% off")]
    [False, False, False]
    """
    if text.isascii() and "@" not in text and "%" not in text:
        return False  # most texts, at no cost
    plain = unicodedata.normalize("NFKC", unquote(unquote(text)))  # links are often encoded twice
    return _AT.search(plain) is not None


def without_query(text: str) -> str:
    """Return a URL without its query and fragment, in which addresses and ids of people stand; else the text.

    >>> without_query("https://acme.com/pricing?email=jo"), without_query("what is fit?")
    ('https://acme.com/pricing', 'what is fit?')
    """
    return re.split(r"[?#]", text, maxsplit=1)[0] if "://" in text or text.startswith("/") else text
