"""Countries: ISO 3166-1 alpha-2 codes for the codes and names that others write."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import pycountry

from scoring.spelling import squeezed
from scoring.values import as_text, is_missing

_SPELLINGS = Path(__file__).with_name("countries.toml")
_LONGEST_NAME = 160  # characters; a longer text names no country, and is not kept in the cache


def as_country(value: Any) -> str | None:
    """Read a country: its alpha-2 code, or the value's own text where it is not known.

    `NA` is missing, as it is everywhere; Namibia, whose code that is, reads as `NAM`.

    Raises:
        ValueError: the value is no text or number.

    >>> as_country("u.s."), as_country("DEU"), as_country("Republic of Korea"), as_country("UK")
    ('US', 'DE', 'KR', 'GB')
    >>> as_country("Middle  Earth"), as_country("N/A") is None
    ('middle earth', True)
    """
    text = as_text(value)
    if text is None or len(text) > _LONGEST_NAME:
        return text
    return _read(text)


def is_country(code: str | None) -> bool:
    """Tell whether this is the code that a country reads as, in upper case.

    >>> is_country("US"), is_country("us"), is_country("ZZ")
    (True, False, False)
    """
    return code in _codes()


@lru_cache(maxsize=16_384)
def _read(text: str) -> str:
    return _names().get(squeezed(text), text)


@cache
def _codes() -> frozenset[str]:
    return frozenset(_names().values())


@cache
def _names() -> Mapping[str, str]:
    """Return each squeezed name's code; a name that two countries share is left to the spellings file."""
    said: dict[str, set[str]] = defaultdict(set)
    for country in pycountry.countries:
        for name in _names_of(country):
            said[squeezed(name)].add(_code_of(country))
    names = {name: codes.pop() for name, codes in said.items() if len(codes) == 1}
    spelt = tomllib.loads(_SPELLINGS.read_text(encoding="utf-8"))
    return names | {squeezed(name): code for code, others in spelt.items() for name in (code, *others)}


def _code_of(country: Any) -> str:
    return str(country.alpha_3 if is_missing(country.alpha_2) else country.alpha_2)


def _names_of(country: Any) -> Iterator[str]:
    yield from (country.alpha_2, country.alpha_3)
    for field in ("name", "official_name", "common_name"):
        name = getattr(country, field, None)
        if name:
            yield name
            first, _, rest = name.partition(", ")
            if rest:  # `Korea, Republic of` is `Republic of Korea` too, and `Iran, Islamic ...` is `Iran`
                yield from (f"{rest} {first}", first)
