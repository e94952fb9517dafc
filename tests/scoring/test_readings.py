from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.readings import Reading, read_all, readers
from scoring.values import as_text

INDUSTRY = Reading("industry", "industry", (("industry", None), ("naics", "naics"), ("sic", "sic")))
COUNTRY = Reading("country", "country", (("country", None),))


@pytest.mark.parametrize(
    ("attributes", "read", "written"),
    [
        ({"industry": "Fin-Tech", "naics": "62", "sic": "60"}, "fintech", "Fin-Tech"),
        ({"industry": "n/a", "naics": 522320}, "fintech", 522320),
        ({"naics": "", "sic": "6021"}, "banking", "6021"),
        ({"industry": "Weaving", "naics": "999", "sic": 7372}, "software", 7372),
        ({"industry": "Weaving", "naics": "999"}, "weaving", "Weaving"),
        ({"naics": "999"}, "999", "999"),
        ({"industry": {"a": 1}, "naics": "62"}, "healthcare", "62"),
        ({"industry": {"a": 1}}, {"a": 1}, {"a": 1}),
        (
            {"industry": ["Fin-Tech", None, "Weaving"]},
            ["fintech", None, "weaving"],
            ["Fin-Tech", None, "Weaving"],
        ),
        ({}, None, None),
    ],
)
def test_the_first_source_that_is_recognised_decides(
    attributes: Mapping[str, Any], read: object, written: object
) -> None:
    assert INDUSTRY.of(attributes) == (read, written)


def test_attributes_without_a_reading_stay_as_they_are() -> None:
    attributes = {"country": "Germany", "employees": "1,200", "tools": ["a"]}
    known = read_all([COUNTRY], attributes)
    assert known.values == {"country": "DE", "employees": "1,200", "tools": ["a"]}
    assert known.written == attributes
    assert attributes["country"] == "Germany"


def test_what_is_absent_stays_absent_and_what_is_filled_keeps_how_it_was_written() -> None:
    known = read_all([INDUSTRY, COUNTRY], {"naics": "522320"})
    assert known.values == {"naics": "522320", "industry": "fintech"}
    assert known.written == {"naics": "522320", "industry": "522320"}


@given(
    st.dictionaries(st.sampled_from(["industry", "naics", "country", "x"]), st.text(max_size=8) | st.none())
)
def test_reading_what_was_read_changes_nothing(attributes: dict[str, object]) -> None:
    once = read_all([INDUSTRY, COUNTRY], attributes).values
    assert read_all([INDUSTRY, COUNTRY], once).values == once


@given(st.text(max_size=12))
def test_nothing_is_lost_on_the_way(text: str) -> None:
    read, _ = COUNTRY.of({"country": text})
    assert COUNTRY.recognises(read) or as_text(read) == as_text(text)


def test_each_attribute_has_one_reader() -> None:
    by_name = readers([INDUSTRY, COUNTRY])
    assert {name: reader("Germany") for name, reader in by_name.items()} == {
        "industry": "germany",
        "country": "DE",
    }


@pytest.mark.parametrize(
    ("kind", "sources"),
    [("colour", (("colour", None),)), ("industry", (("a", "isic"),)), ("industry", ())],
)
def test_a_reading_nobody_knows_is_refused(kind: Any, sources: Any) -> None:
    with pytest.raises(ValueError, match="no such reading"):
        Reading("a", kind, sources)
