from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from scoring.training.company_names import comparable_names
from scoring.training.duplicates import SHORTEST_MISSPELT, SameNames, find_same_names

Row = tuple[str | None, str | None, str | None, str | None]  # name, country, domain, city

NAMES = [
    "keba software",
    "keba sofware",
    "kebasoftware",
    "kebe software",
    "acme",
    "acne",
    "north foods",
    None,
]
ROWS = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from(["de", "us", None]),
        st.sampled_from(["keba.de", "keba.com", "other.de", None, None]),
        st.sampled_from(["bonn", "ulm", None, None]),
    ),
    max_size=10,
)


def find(rows: Sequence[Row]) -> SameNames:
    schema = dict.fromkeys(("name", "country", "domain", "city"), pl.String)
    return find_same_names(pl.DataFrame(rows, schema=schema, orient="row"))


def groups(rows: Sequence[Row]) -> list[list[int]]:
    """The places of the rows that are one company, each group sorted."""
    found: dict[int, list[int]] = {}
    for at, group in enumerate(find(rows).groups):
        if group is not None:
            found.setdefault(group, []).append(at)
    return sorted(found.values())


def in_germany(*rows: tuple[str, str | None]) -> list[Row]:
    return [(name, "de", domain, None) for name, domain in rows]


def test_one_name_in_one_country_is_one_company() -> None:
    assert groups(in_germany(("keba", None), ("keba", "keba.de"), ("keba", None))) == [[0, 1, 2]]


def test_one_name_in_two_countries_is_two() -> None:
    assert groups([("keba", "de", None, None), ("keba", "us", None, None)]) == []


def test_rows_without_a_country_or_a_name_are_compared_with_nobody() -> None:
    assert groups([("keba", None, None, None)] * 2 + [(None, "de", None, None)] * 2) == []


def test_two_domains_of_one_name_are_two_companies_and_a_row_without_one_joins_neither() -> None:
    rows = in_germany(("delta", "delta-air.de"), ("delta", "deltafaucets.de"), ("delta", None))
    assert groups(rows) == []
    assert find(rows).ambiguous == 1


def test_domains_that_differ_in_their_ending_alone_are_no_contradiction() -> None:
    assert groups(in_germany(("delta", "delta.de"), ("delta", "delta.com"), ("delta", None))) == [[0, 1, 2]]


def test_two_cities_of_one_name_are_two_companies() -> None:
    rows: list[Row] = [("bike shop", "us", None, city) for city in ("boston", "reno", None)]
    assert groups(rows) == []
    assert find(rows).ambiguous == 1
    assert groups([*rows, ("bike shop", "us", None, "reno")]) == [[1, 3]]


@pytest.mark.parametrize(
    "slip", ["keba sofware", "keba softwaree", "keba sfotware", "keba softwara", "kebasoftware"]
)
def test_a_slip_of_one_letter_is_the_same_name_where_a_domain_is_missing(slip: str) -> None:
    assert groups(in_germany(("keba software", "keba.de"), (slip, None))) == [[0, 1]]
    assert groups(in_germany(("keba software", None), (slip, None))) == [[0, 1]]
    assert groups(in_germany(("keba software", "keba.de"), (slip, "kebasoft.de"))) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("acme", "acne"),  # too short
        ("north west foods", "south west foods"),  # two letters
        ("area 51 records", "area 52 records"),
        ("growth fund ii", "growth fund iii"),
        ("plan b ventures", "plan c ventures"),
    ],
)
def test_names_in_which_a_letter_makes_another_company_are_two(one: str, other: str) -> None:
    assert groups(in_germany((one, None), (other, None))) == []


def test_a_misspelt_name_that_fits_two_companies_joins_neither() -> None:
    rows = in_germany(("marina foods", "marinafoods.de"), ("marine foods", "mf.de"), ("marin foods", None))
    assert groups(rows) == []
    assert find(rows).ambiguous == 1


def test_slips_are_followed_through_a_chain() -> None:
    rows = in_germany(("keba softwares", None), ("keba software", "keba.de"), ("keba sofware", None))
    assert groups(rows) == [[0, 1, 2]]


@settings(deadline=None, max_examples=50)
@given(ROWS.flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(range(len(rows))))))
def test_the_order_of_rows_changes_no_group(drawn: tuple[list[Row], list[int]]) -> None:
    rows, order = drawn
    reordered = [rows[at] for at in order]
    assert sorted(sorted(order[at] for at in group) for group in groups(reordered)) == groups(rows)
    assert find(rows).ambiguous == find(reordered).ambiguous


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text("ab ", min_size=6, max_size=11), min_size=2, max_size=8))
def test_all_pairs_a_letter_apart_are_found_without_comparing_all(names: list[str]) -> None:
    found = find([(name, "de", None, None) for name in names]).groups.to_list()
    for at, name in enumerate(names):
        for other_at, other in enumerate(names[:at]):
            long_enough = min(len(name), len(other)) >= SHORTEST_MISSPELT
            single = [[word for word in one.split() if len(word) == 1] for one in (name, other)]
            close = OSA.distance(name, other) <= 1 and long_enough and single[0] == single[1]
            if name == other or close:
                assert found[at] is not None
                assert found[at] == found[other_at]


@settings(deadline=None, max_examples=50)
@given(ROWS)
def test_no_group_has_two_domains_or_two_cities_or_two_countries(rows: list[Row]) -> None:
    for group in groups(rows):
        labels = {(rows[at][2] or "").split(".")[0] for at in group} - {""}
        assert len(labels) <= 1
        assert len({rows[at][3] for at in group} - {None}) <= 1
        assert len({rows[at][1] for at in group}) == 1


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("ACME Holdings GmbH & Co. KG", "acme holdings"),
        ("Acme Holdings, Inc.", "acme holdings"),
        ("The Coca-Cola Company", "coca cola"),
        ("Société Générale S.A.", "societe generale"),
        ("Société Générale", "societe generale"),
        ("O'Reilly Media", "oreilly media"),
        ("Kao Inc Ltd", "kao"),
        ("Smith & Sons", "smith and sons"),
        ("Virgin UK", "virgin uk"),
        ("Ltd", "ltd"),
        ("  ", None),
        ("Test Account", None),
        ("!!!", None),
    ],
)
def test_names_are_compared_without_case_accents_punctuation_and_legal_form(
    written: str, compared: str | None
) -> None:
    assert comparable_names(pl.Series([written])).to_list() == [compared]


@given(st.lists(st.none() | st.text(max_size=12)))
def test_any_text_can_be_compared(names: list[str | None]) -> None:
    compared = comparable_names(pl.Series(names, dtype=pl.String))
    assert len(compared) == len(names)
    assert compared.null_count() >= sum(name is None for name in names)
