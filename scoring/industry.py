"""Industries: one taxonomy for the names, picklists and codes that others write.

A value is read in steps, each of which can be foretold; nothing is guessed by likeness:

1. A code (`522320`, `31-33`, `SIC 7372`, `5112 - Software Publishers`) is the industry of the longest code
   of `industries.toml` that it begins with.
2. A name that stands there is that industry, also with words that say nothing (`Insurance companies`).
3. A list of names (`Software / SaaS`) is the industry that all of them mean, or the narrowest of those that
   lie within each other. If one is not known, or they mean two industries, the list is not known.
4. A longer name is what its last words say where these can end a name (`car insurance`).

What is not known keeps its own text, so that a company's own categories work too.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

from scoring.spelling import squeezed, words
from scoring.values import as_text

System: TypeAlias = Literal["naics", "sic"]

_DATA = Path(__file__).with_name("industries.toml")
_LONGEST_NAME = 160  # characters; a longer text narrates, and is not kept in the cache
_CODE = re.compile(
    r"(?:(?P<system>naics|sic)\s*(?:20\d\d|19\d\d)?\s*(?:codes?)?\s*[:#-]?\s*)?"
    r"(?P<code>[0-9]{2}\s?[-\u2013\u2014]\s?[0-9]{2}|[0-9]{2,8})(?:\s*[-:\u2013\u2014]\s*[^\W\d].*)?"
)
_LONGEST_CODE: Mapping[System, int] = {"naics": 6, "sic": 8}  # some vendors lengthen SIC codes
_LIST = re.compile(r"[/,;|>+&()\[\]:]|\s[-\u2013\u2014]\s|\b(?:and|und|et)\b")
_SAY_NOTHING = frozenset(
    {"business", "businesses", "companies", "company", "firm", "firms", "general", "industries", "industry"}
    | {"misc", "miscellaneous", "organisations", "organizations", "other", "products", "provider"}
    | {"providers", "sector", "sectors", "service", "services", "solution", "solutions", "branche"}
)


@dataclass(frozen=True, eq=False, slots=True)
class _Taxonomy:
    within: Mapping[str, frozenset[str]]  # industry -> all that it is part of, near and far
    codes: Mapping[System, Mapping[str, str]]  # code -> industry
    names: Mapping[str, str]  # squeezed name -> industry
    heads: Mapping[tuple[str, ...], str]  # words -> industry


def as_industry(value: Any, *, system: System | None = None) -> str | None:
    """Read an industry: its name in the taxonomy, or the value's own text where it is not known.

    Args:
        value: a name, a value of a picklist, or a code.
        system: what a code without a prefix is; NAICS where nobody says.

    Raises:
        ValueError: the value is no text or number.

    >>> as_industry("Financial Technology"), as_industry("COMPUTER_SOFTWARE"), as_industry(522320)
    ('fintech', 'software', 'fintech')
    >>> as_industry("7372", system="sic"), as_industry("31-33"), as_industry(" Basket  Weaving")
    ('software', 'manufacturing', 'basket weaving')
    """
    text = as_text(value)
    if text is None or len(text) > _LONGEST_NAME:
        return text
    return _read(text, system)


def industries() -> tuple[str, ...]:
    """Return the names of all industries, sorted."""
    return tuple(_taxonomy().within)


def is_industry(name: str | None) -> bool:
    """Tell whether this is an industry's name in the taxonomy.

    >>> is_industry("fintech"), is_industry("Financial Technology")
    (True, False)
    """
    return name in _taxonomy().within


def agree(one: str, other: str) -> bool:
    """Tell whether two industries are the same, or one is part of the other.

    >>> agree("fintech", "financial services"), agree("fintech", "banking")
    (True, False)
    """
    within = _taxonomy().within
    return one == other or other in within[one] or one in within[other]


@cache
def _taxonomy() -> _Taxonomy:
    rows = tomllib.loads(_DATA.read_text(encoding="utf-8"))["industry"]
    by_name = {row["name"]: row for row in sorted(rows, key=lambda row: str(row["name"]))}
    naics = _claimed((code, name) for name, row in by_name.items() for code in row.get("naics", ()))
    sic = _claimed((code, name) for name, row in by_name.items() for code in row.get("sic", ()))
    return _Taxonomy(
        within={name: frozenset(_broader(name, by_name)) for name in by_name},
        codes={"naics": naics, "sic": sic},
        names=_claimed(
            (squeezed(alias), name)
            for name, row in by_name.items()
            for alias in (name, *row.get("heads", ()), *row.get("names", ()))
        ),
        heads={words(head): name for name, row in by_name.items() for head in row.get("heads", ())},
    )


def _claimed(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, name in pairs:
        if not key or found.setdefault(key, name) != name:
            raise ValueError(f"{_DATA.name}: {key!r} stands under {found.get(key)} and {name}")
    return found


def _broader(name: str, by_name: Mapping[str, Mapping[str, Any]]) -> Iterable[str]:
    for parent in by_name[name].get("within", ()):
        yield parent
        yield from _broader(parent, by_name)


@lru_cache(maxsize=16_384)
def _read(text: str, system: System | None) -> str:
    coded = _CODE.fullmatch(text)
    found = _of_code(coded, system) if coded else _of_names(text)
    return found or text


def _of_code(coded: re.Match[str], system: System | None) -> str | None:
    spoken = cast("System", coded["system"] or system or "naics")
    code = re.sub(r"\s?[\u2013\u2014-]\s?", "-", coded["code"])
    known = _taxonomy().codes[spoken]
    if "-" in code:
        return known.get(code)
    if len(code) > _LONGEST_CODE[spoken]:
        return None
    return next((known[code[:n]] for n in range(len(code), 1, -1) if code[:n] in known), None)


def _of_names(text: str) -> str | None:
    taxonomy = _taxonomy()
    whole = taxonomy.names.get(squeezed(text))
    if whole:
        return whole
    found = {_of_name(part) for part in map(words, _LIST.split(text)) if part}
    if None in found:
        return None
    return next((name for name in found if name and found <= taxonomy.within[name] | {name}), None)


def _of_name(said: tuple[str, ...]) -> str | None:
    """Look a name up: as it is, without the words that say nothing, and by the longest head it ends in."""
    taxonomy = _taxonomy()
    telling = tuple(word for word in said if word not in _SAY_NOTHING)
    exact = taxonomy.names.get("".join(said)) or taxonomy.names.get("".join(telling))
    ends = (telling[n:] for n in range(1, len(telling)))
    return exact or next((taxonomy.heads[end] for end in ends if end in taxonomy.heads), None)
