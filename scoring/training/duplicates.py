"""Duplicates by name: which companies are one although no domain says so.

Two names are compared within one country only. Equal names are one company, unless their domains or their
cities say that they are two; names one letter apart are one company where at most one of them has a domain. A
name that fits several companies joins none of them: to add up two customers by mistake spoils the figures of
both, while a duplicate that stays costs little.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import polars as pl
from rapidfuzz.distance import OSA

_MARKS = ("label", "city")  # what tells two companies of one name apart
SHORTEST_MISSPELT = 8  # letters; in a shorter name one letter makes another name
_SEPARATOR = "\x1f"  # stands in no name
# Words in which a letter is no slip: numbers, single letters, Roman numerals (Area 51, Plan B, Fund II).
_TELLING = re.compile(r"\b(?:\w|\w*\d\w*|[ivx]+)\b")


@dataclass(frozen=True, eq=False, slots=True)
class SameNames:
    """Which rows are one company: an entry per row, the place of a row of its group, or null.

    `ambiguous` counts rows whose name fits several companies, and that were left alone.
    """

    groups: pl.Series
    ambiguous: int


def find_same_names(companies: pl.DataFrame) -> SameNames:
    """Find the rows that are one company by their names; rows without a name or country are none.

    The groups do not depend on the order of the rows. Time and memory grow with the letters of all names:
    misspelt ones are looked up by what they have in common, never compared all with all.

    Args:
        companies: texts, with name (as `comparable_names` writes it), country, domain (its own, not one that
            many share) and city; null where it is not known.

    >>> rows = [
    ...     ("keba software", "keba.de"), ("keba software", None), ("keba sofware", None),
    ...     ("acme", "acme.de"), ("acme", "apex.de"),
    ... ]
    >>> companies = pl.DataFrame(rows, schema=["name", "domain"], orient="row")
    >>> find_same_names(companies.with_columns(country=pl.lit("de"), city=None)).groups.to_list()
    [0, 0, 0, None, None]
    """
    rows = companies.select(
        "name",
        "country",
        pl.col("domain").cast(pl.String).str.split(".").list.first().alias("label"),
        pl.col("city").cast(pl.String),
    ).with_row_index("at")
    same, unsure = _equal_names(rows.drop_nulls(["name", "country"]))
    same, unsure_misspelt = _misspelt_names(same)
    shared = same.filter(pl.col("group").is_duplicated()).select("at", "group")
    groups = rows.select("at").join(shared, on="at", how="left", maintain_order="left")["group"]
    return SameNames(groups, unsure + unsure_misspelt)


def _equal_names(known: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Group rows of one name; where its domains or cities are several, only those with the same.

    A domain counts without its ending: acme.de and acme.com are no contradiction. Rows that could belong to
    several of a name's companies are left out, and counted.
    """
    by_name = ["country", "name"]
    several = [
        (pl.col(mark).drop_nulls().n_unique() > 1).over(by_name).alias(f"several_{mark}") for mark in _MARKS
    ]
    marked = known.with_columns(several)
    unsure = pl.any_horizontal(pl.col(f"several_{mark}") & pl.col(mark).is_null() for mark in _MARKS)
    sure = marked.filter(~unsure)
    apart = [pl.when(f"several_{mark}").then(mark).alias(f"apart_{mark}") for mark in _MARKS]
    company = [*by_name, *(f"apart_{mark}" for mark in _MARKS)]
    grouped = sure.with_columns(apart).with_columns(
        pl.col("at").min().over(company).alias("group"),
        *(pl.col(mark).drop_nulls().first().over(company) for mark in _MARKS),
    )
    return grouped.select("at", "group", *by_name, *_MARKS), marked.height - sure.height


# Names one letter apart: those with a letter left out have one form in common


def _misspelt_names(same: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Join groups whose names are a letter apart, where at most one of their domains is known."""
    groups = same.filter(pl.col("at") == pl.col("group")).filter(
        pl.col("name").str.len_chars() >= SHORTEST_MISSPELT
    )
    pairs = list(_one_letter_apart(groups))
    if not pairs:
        return same, 0
    marks_of = {group: marks for group, *marks in groups.select("group", *_MARKS).iter_rows()}
    joined: dict[int, int] = {}
    unsure = 0
    for members in _components(pairs):
        several = [len(set(said) - {None}) > 1 for said in zip(*map(marks_of.get, members), strict=True)]
        if any(several):
            unsure += sum(marks_of[member][0] is None for member in members)
        else:
            joined |= dict.fromkeys(members, min(members))
    return same.with_columns(pl.col("group").replace(joined)), unsure


def _one_letter_apart(groups: pl.DataFrame) -> Iterator[tuple[int, int]]:
    """Yield pairs of groups in one country, at least one without a domain, a letter apart."""
    spelt = groups.select(
        "group",
        "name",
        pl.col("label").is_null().alias("free"),
        pl.concat_str(["country", "name"], separator=_SEPARATOR).alias("text"),
        pl.col("country").cast(pl.String).str.len_chars().alias("start"),
    )
    free = spelt.filter("free")
    forms = pl.concat(_forms(free)).unique()
    met: set[tuple[int, int]] = set()
    for others in _forms(spelt):
        candidates = others.join(forms, on="form", suffix="_free").filter(
            pl.col("group") != pl.col("group_free")
        )
        for first, second, name, other in candidates.select(
            "group", "group_free", "name", "name_free"
        ).rows():
            pair = (min(first, second), max(first, second))
            if pair not in met:
                met.add(pair)
                if _misspelt(name, other):
                    yield pair


def _forms(spelt: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield group, name and form: the text as it is, then without each of its letters in turn."""
    longest = spelt["name"].str.len_chars().max()
    yield spelt.select("group", "name", pl.col("text").alias("form"))
    for letter in range(longest if isinstance(longest, int) else 0):
        at = pl.col("start") + 1 + letter
        whole = spelt.filter(pl.col("name").str.len_chars() > letter)
        left_out = pl.concat_str(pl.col("text").str.slice(0, at), pl.col("text").str.slice(at + 1))
        yield whole.select("group", "name", left_out.alias("form"))


def _misspelt(name: str, other: str) -> bool:
    """Tell whether a slip of the pen parts two names: one letter, and none that tells companies apart."""
    if OSA.distance(name, other, score_cutoff=1) != 1:
        return False
    words, others = (_TELLING.findall(one) for one in (name, other))
    return words == others


def _components(pairs: Iterable[tuple[int, int]]) -> Iterator[list[int]]:
    """Yield the sorted members of each connected part."""
    neighbours: dict[int, list[int]] = {}
    for first, second in pairs:
        neighbours.setdefault(first, []).append(second)
        neighbours.setdefault(second, []).append(first)
    seen: set[int] = set()
    for start in sorted(neighbours):
        if start in seen:
            continue
        part, ahead = {start}, [start]
        while ahead:
            new = [one for one in neighbours[ahead.pop()] if one not in part]
            part.update(new)
            ahead.extend(new)
        seen |= part
        yield sorted(part)
