"""Names that mean one thing however they are spelt: `Fin-Tech`, `fin tech` and `FINTECH`."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")
_JOINING = frozenset({"and", "et", "of", "or", "the", "und"})


def words(text: str) -> tuple[str, ...]:
    """Return the words of a name without letter case, accents, punctuation and words that only join others.

    >>> words("Énergie & the OIL/Gas_Industry")
    ('energie', 'oil', 'gas', 'industry')
    >>> words("ET")
    ('et',)
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    found = _WORD.findall(plain)
    return tuple(word for word in found if word not in _JOINING) or tuple(found)


def squeezed(text: str) -> str:
    """Return one spelling of a name: its words without blanks; empty where it has no words.

    >>> squeezed("Health Care"), squeezed("HealthCare"), squeezed("U.S. of A."), squeezed("-")
    ('healthcare', 'healthcare', 'usa', '')
    """
    return "".join(words(text))
