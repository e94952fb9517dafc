"""Attribute names: found however a caller writes them, `Uses ERP`, `uses_erp` or `uses-erp`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

_NOT_A_WORD = re.compile(r"[\W_]+")


@lru_cache(maxsize=16_384)
def folded(name: str) -> str:
    """Return a name without letter case, and with one underscore for whatever parts its words.

    >>> folded("Uses ERP"), folded("uses-erp "), folded("Anzahl (Köpfe)")
    ('uses_erp', 'uses_erp', 'anzahl_köpfe')
    """
    return _NOT_A_WORD.sub("_", name.casefold()).strip("_")


def alike(names: Iterable[str], known: Iterable[str]) -> dict[str, list[str]]:
    """Return the known names that are among these names, each with all that read as it does, in order.

    >>> alike(["Account ID", "MRR", "mrr", "colour"], ["account_id", "mrr", "start"])
    {'account_id': ['Account ID'], 'mrr': ['MRR', 'mrr']}
    """
    by_folded: dict[str, list[str]] = {}
    for name in names:
        by_folded.setdefault(folded(name), []).append(name)
    return {one: by_folded[folded(one)] for one in known if folded(one) in by_folded}


class AttributeNames:
    """The attributes that a model and its plan know.

    >>> names = AttributeNames(["Uses ERP", "Staff"])
    >>> names.recognise({"uses_erp": "yes", "staff": 7, "colour": "red"})
    ({'Uses ERP': 'yes', 'Staff': 7}, ['colour'])
    """

    def __init__(self, known: Iterable[str]) -> None:
        self._known = frozenset(known)
        self._by_folded = {folded(name): name for name in sorted(self._known, reverse=True)}

    @property
    def all(self) -> list[str]:
        """The names as the book writes them, sorted."""
        return sorted(self._known)

    def recognise(self, attributes: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Return the attributes that are known, under their known names, and the names that are not.

        A name written exactly as it is known goes before one that only reads alike.
        """
        known: dict[str, Any] = {}
        unknown: list[str] = []
        for name, value in attributes.items():
            if name in self._known:
                known[name] = value
            elif (meant := self._by_folded.get(folded(name))) is None:
                unknown.append(name)
            elif meant not in attributes:
                known.setdefault(meant, value)
        return known, unknown
