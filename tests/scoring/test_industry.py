from __future__ import annotations

import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.industry import agree, as_industry, industries, is_industry
from scoring.spelling import squeezed
from scoring.values import as_text

PICKLISTS = tomllib.loads(Path(__file__).with_name("picklists.toml").read_text(encoding="utf-8"))
SPELLINGS = st.sampled_from([str.upper, str.title, lambda s: f"  {s} ", lambda s: s.replace(" ", "_")])


@pytest.mark.parametrize("picklist", ["salesforce", "hubspot", "linkedin"])
def test_every_value_of_a_picklist_is_known(picklist: str) -> None:
    assert len(PICKLISTS[picklist]) == {"salesforce": 31, "hubspot": 148, "linkedin": 102}[picklist]
    assert [value for value in PICKLISTS[picklist] if not is_industry(as_industry(value))] == []


def test_the_canonical_names_that_sellers_expect_are_there() -> None:
    expected = {
        "fintech",
        "logistics",
        "media",
        "healthcare",
        "manufacturing",
        "retail",
        "energy",
        "education",
    }
    expected |= {
        "software",
        "insurance",
        "banking",
        "telecom",
        "government",
        "nonprofit",
        "utilities",
        "mining",
    }
    assert expected <= set(industries())


@pytest.mark.parametrize("name", industries())
def test_an_industry_reads_as_itself(name: str) -> None:
    assert as_industry(name) == name == as_text(name)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Financial Technology", "fintech"),
        ("Fin-Tech", "fintech"),
        ("FIN TECH", "fintech"),
        ("Banking & Finance", "banking"),
        ("Finance and Insurance", "financial services"),
        ("SaaS", "software"),
        ("B2B SaaS", "software"),
        ("Enterprise Software (SaaS)", "software"),
        ("Technology - Software", "software"),
        ("Computer Software > Cloud", "software"),
        ("car insurance", "insurance"),
        ("Insurance companies", "insurance"),
        ("the insurance industry", "insurance"),
        ("Steel manufacturing", "manufacturing"),
        ("E-Commerce", "retail"),
        ("HealthCare", "healthcare"),
        ("Maschinenbau", "manufacturing"),
        ("Großhandel", "wholesale"),
        ("Énergie", "energy"),
        ("Data Mining", "software"),
        ("Cybersecurity Software", "cybersecurity"),
        ("Software / Cyber Security", "cybersecurity"),
        ("bitcoin mining", "fintech"),
    ],
)
def test_names_are_read(written: str, expected: str) -> None:
    assert as_industry(written) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (522320, "fintech"),
        (522320.0, "fintech"),
        ("522320", "fintech"),
        ("NAICS 522320", "fintech"),
        ("naics code: 522320", "fintech"),
        ("522110", "banking"),
        ("52", "financial services"),
        ("31-33", "manufacturing"),
        ("44\u201345", "retail"),
        ("48 - 49", "logistics"),
        ("3254", "life sciences"),
        ("511210", "software"),  # edition 2017
        ("513210", "software"),  # edition 2022
        ("5112 - Software Publishers", "software"),
        ("334111", "electronics"),
        ("11", "agriculture"),
        ("SIC 7372", "software"),
        ("sic: 6021", "banking"),
    ],
)
def test_codes_are_naics_where_nothing_says_otherwise(code: object, expected: str) -> None:
    assert as_industry(code) == expected
    assert as_industry(code, system="naics") == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("7372", "software"),
        (6021, "banking"),
        ("01", "agriculture"),
        ("2834", "life sciences"),
        ("28", "manufacturing"),
        ("4953", "environmental services"),
        ("73720102", "software"),  # lengthened by a vendor
        ("NAICS 522320", "fintech"),
        ("Computer Software", "software"),
    ],
)
def test_codes_are_sic_where_the_caller_says_so(code: object, expected: str) -> None:
    assert as_industry(code, system="sic") == expected


@pytest.mark.parametrize(
    "written",
    [
        "Basket weaving",
        "Other",
        "24 hour fitness",
        "999999",
        "100",
        "1",
        "5",
        "51111111",
        "52-53",
        "3-D printing!",
        "日本",
        "-+-",
        "Retail & Wholesale",
        "Software / Basket weaving",
        "Anti-software league",
        "x" * 500,
        "Services",
        "Tier 1",
    ],
)
def test_what_is_not_known_keeps_its_own_text(written: str) -> None:
    assert as_industry(written) == as_text(written)
    assert not is_industry(as_industry(written))


@pytest.mark.parametrize("missing", [None, "", "n/a", float("nan"), [], " unknown "])
def test_missing_is_missing(missing: object) -> None:
    assert as_industry(missing) is None


@pytest.mark.parametrize("unreadable", [{"a": 1}, ["fintech"], object()])
def test_what_is_no_text_is_refused(unreadable: object) -> None:
    with pytest.raises(ValueError, match="not a text"):
        as_industry(unreadable)


ANY_TEXT = st.text(max_size=30) | st.sampled_from([v for values in PICKLISTS.values() for v in values])
ANY_CODE = st.from_regex(r"(sic |naics )?[0-9]{1,8}(-[0-9]{2})?( - [a-z]{1,9})?", fullmatch=True)


@given(ANY_TEXT | ANY_CODE | st.integers(0, 10**7), st.sampled_from([None, "naics"]))
def test_reading_twice_is_reading_once(value: object, system: None) -> None:
    once = as_industry(value, system=system)
    assert as_industry(once) == once


@given(st.sampled_from(PICKLISTS["hubspot"] + PICKLISTS["linkedin"]), SPELLINGS, SPELLINGS)
def test_spelling_makes_no_difference(name: str, one: object, other: object) -> None:
    assert callable(one)
    assert callable(other)
    assert as_industry(other(one(name))) == as_industry(name)


@given(st.text(max_size=30))
def test_the_answer_is_a_known_industry_or_the_text_itself(text: str) -> None:
    read = as_industry(text)
    assert read == as_text(text) or is_industry(read)


@given(st.sampled_from(industries()), st.sampled_from(industries()))
def test_agreement_does_not_ask_who_comes_first(one: str, other: str) -> None:
    assert agree(one, other) == agree(other, one)
    assert agree(one, one)


def test_a_list_of_two_industries_is_neither_unless_it_is_a_name_itself() -> None:
    pairs = [(a, b) for a in industries() for b in industries() if not agree(a, b)]
    assert len(pairs) > 1000
    known = {(a, b): as_industry(f"{a} / {b}") for a, b in pairs if is_industry(as_industry(f"{a} / {b}"))}
    assert known == {(a, b): as_industry(squeezed(f"{a} {b}")) for a, b in known}  # names of their own
    assert len(known) < 10


def test_a_list_is_the_narrower_of_two_that_lie_within_each_other() -> None:
    pairs = [(a, b) for a in industries() for b in industries() if a < b and agree(a, b)]
    assert len(pairs) > 15
    for one, other in pairs:
        both = as_industry(f"{one}; {other}")
        assert both in (one, other)
        assert both == as_industry(f"{other}; {one}") == as_industry(f"{both} & {both}")


def test_a_value_seen_before_is_read_within_microseconds() -> None:
    as_industry("Financial Technology")
    start = time.perf_counter()
    for _ in range(2_000):
        as_industry("Financial Technology")
    assert (time.perf_counter() - start) / 2_000 < 50e-6
