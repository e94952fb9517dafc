"""Company names made comparable: one spelling for case, accents and punctuation, without the legal form."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Any

import polars as pl
from cleanco.clean import get_unique_terms


def comparable_names(names: pl.Series) -> pl.Series:
    """Return names by which two spellings of one company are equal; null where a name names nobody.

    Case, accents, punctuation, a leading "the" and legal forms at the end say nothing. One pass of regular
    expressions over all names, several million a minute.

    >>> written = ["The Müller & Söhne GmbH", "MULLER AND SOHNE", "Foo-Bar, Inc.", "Co", "Test"]
    >>> comparable_names(pl.Series(written)).to_list()
    ['muller and sohne', 'muller and sohne', 'foo bar', 'co', None]
    """
    plain = _plain(names)
    without_form = plain.str.replace(_legal_forms(), "").str.replace(r"^the ", "")
    return (
        pl.select(pl.when(without_form != "").then(without_form).otherwise(plain).alias("name"))
        .select(
            pl.when((pl.col("name") != "") & ~pl.col("name").is_in(_words()["names_nobody"])).then("name")
        )
        .to_series()
        .alias(names.name)
    )


def _plain(names: pl.Series) -> pl.Series:
    return (
        names.str.normalize("NFKD")
        .str.replace_all(r"\p{Mn}", "")
        .str.to_lowercase()
        .str.replace_all("ß", "ss")
        .str.replace_all(r"[.'`\u{2019}\u{b4}]", "")
        .str.replace_all("&", " and ", literal=True)
        .str.replace_all(r"[^\p{L}\p{N}]+", " ")
        .str.strip_chars(" ")
    )


@cache
def _legal_forms() -> str:
    """Return the expression that finds one or more legal forms at the end of a plain name, after a word."""
    terms = set(_plain(pl.Series(sorted(get_unique_terms()))).to_list()) - {
        "",
        *_words()["never_a_legal_form"],
    }
    longest_first = sorted(terms, key=lambda term: (-len(term), term))
    return f"(?: and co)?(?: (?:{'|'.join(map(re.escape, longest_first))}))+$"


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads(
        resources.files(__package__).joinpath("company_names.toml").read_text(encoding="utf-8")
    )
