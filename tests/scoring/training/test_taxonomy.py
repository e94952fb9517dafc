"""Industries and countries in a book: which columns they are, and how several columns become one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.features import CountryEncoder, IndustryEncoder
from scoring.industry import industries
from scoring.plan import Plan
from scoring.readings import Reading, Source, read_all, readers
from scoring.training.book import Book, read_book
from scoring.training.schema import build_schema
from scoring.training.taxonomy import fill, find_readings
from scoring.values import is_missing

Columns = Mapping[str, Sequence[Any]]
Read = Callable[..., Book]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read a book whose accounts, and prospects, have these columns."""

    def make(plan: Plan | None = None, prospects: Columns | None = None, **columns: Sequence[Any]) -> Book:
        for table, of in (("accounts", columns), ("prospects", prospects)):
            if of is not None:
                rows = len(next(iter(of.values())))
                ids = {"account_id": [f"{table[0]}{n}" for n in range(rows)]}
                pl.DataFrame(ids | {name: list(values) for name, values in of.items()}).write_csv(
                    tmp_path / f"{table}.csv"
                )
        (tmp_path / "subscriptions.csv").write_text(
            "account_id,start,mrr\na0,2024-01-01,100\n", encoding="utf-8"
        )
        return read_book(tmp_path, plan or Plan())

    return make


def kinds(book: Book) -> dict[str, str]:
    return {attribute.name: attribute.kind for attribute in book.attributes}


def plan(**attributes: list[str]) -> Plan:
    return Plan.model_validate({"attributes": attributes})


# Which columns are industries and countries


@pytest.mark.parametrize(
    "name", ["industry", "Industry", "Sector", "vertical", "property_industry", "Primary Industry (LinkedIn)"]
)
def test_a_column_named_so_with_known_values_is_an_industry(read: Read, name: str) -> None:
    book = read(**{name: ["Fin-Tech", "COMPUTER_SOFTWARE", "Weaving", "fintech"]})
    assert kinds(book) == {name: "industry"}
    assert book.accounts[name].to_list() == ["fintech", "software", "weaving", "fintech"]


@pytest.mark.parametrize(
    "name", ["country", "Country", "billing_country", "BillingCountryCode", "Country/Region"]
)
def test_a_column_named_so_with_known_values_is_a_country(read: Read, name: str) -> None:
    book = read(**{name: ["Germany", "us", "Middle Earth", "DEU"]})
    assert kinds(book) == {name: "country"}
    assert book.accounts[name].to_list() == ["DE", "US", "middle earth", "DE"]


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("industry", ["Alpha", "Beta", "Fintech", "Gamma"], "category"),  # a company's own categories
        (
            "business_line",
            ["Fintech", "Retail", "Fintech", "Retail"],
            "category",
        ),  # a name that does not say it
        ("country", ["north", "south", "north", "us"], "category"),
        ("in_country", ["yes", "no", "no", "no"], "flag"),  # `no` is Norway elsewhere
        ("industry", ["Fintech;Retail", "Retail", "Fintech;Media", "Media"], "tags"),
        ("sector", ["1", "2", "3", "4"], "number"),
        ("sic_desc", ["weaving", "knitting", "weaving", "knitting"], "category"),
        ("naics_code", ["999999", "888888", "999999", "1"], "number"),
    ],
)
def test_other_columns_keep_the_kind_their_values_say(
    read: Read, name: str, values: list[str], kind: str
) -> None:
    book = read(**{name: values})
    assert kinds(book) == {name: kind}
    assert book.readings == ()


def test_an_industry_is_one_from_half_of_its_values_on() -> None:
    def found(values: list[str]) -> int:
        return len(find_readings(pl.DataFrame({"industry": values}), Plan()))

    assert [found(["fintech", "weaving"]), found(["fintech", "weaving", "knitting"])] == [1, 0]
    assert found(["fintech", "weaving", "n/a", "", "unknown"]) == 1  # what is missing does not count


def test_a_column_that_cannot_be_read_as_text_is_none() -> None:
    days = pl.Series("country", ["2024-01-01", "2024-01-02"]).str.to_date()
    assert find_readings(days.to_frame(), Plan()) == ()


def test_ignored_columns_have_a_reading_too_for_rules(read: Read) -> None:
    book = read(
        plan(drop=["industry"]), country=["US"] * 4, industry=["Fin-Tech", "Retail"] * 2, sector=[""] * 4
    )
    assert kinds(book) == {}
    assert set(book.ignored) == {"country", "industry", "sector"}
    assert {reading.attribute: reading.kind for reading in book.readings} == {
        "country": "country",
        "industry": "industry",
        "sector": "industry",
    }


def test_the_schema_encodes_them_as_what_they_are(read: Read) -> None:
    book = read(industry=["Fin-Tech", "fintech"] * 10 + ["Retail"] * 20, country=["Germany", "US"] * 20)
    schema = build_schema(book.attributes, book.accounts, book.readings)
    industry, country = schema.encoders
    assert industry == IndustryEncoder("industry", ("fintech", "retail"))
    assert country == CountryEncoder("country", ("DE", "US"))
    assert schema.readings == book.readings
    written = [
        {"industry": "FINANCIAL_TECHNOLOGY", "country": "Deutschland"},
        {"industry": "fintech", "country": "de"},
    ]
    first, second = schema.encode(written).codes.tolist()
    assert first == second == [2, 2]


# Several columns, one attribute


def test_codes_fill_the_industry_that_no_text_says(read: Read) -> None:
    book = read(
        industry=["Fin-Tech", "", "Weaving", "Weaving", "", "Retail"],
        naics_code=["", "522320", "622110", "999999", "", ""],
        sic=["", "7372", "", "2834", "7372", ""],
    )
    assert kinds(book) == {"industry": "industry"}
    filled = ["fintech", "fintech", "healthcare", "life sciences", "software", "retail"]
    assert book.accounts["industry"].to_list() == filled
    reason = "read into industry; [attributes] keep makes it a category too"
    assert book.ignored == {"naics_code": reason, "sic": reason}
    sources: tuple[Source, ...] = (("industry", None), ("naics_code", "naics"), ("sic", "sic"))
    assert book.readings == (Reading("industry", "industry", sources),)


def test_naics_goes_before_sic_wherever_they_stand(read: Read) -> None:
    book = read(sic=["7372", "6021"], naics=["62", ""])
    assert book.accounts["industry"].to_list() == ["healthcare", "banking"]


def test_codes_alone_make_an_industry_that_requests_may_say_in_words(read: Read) -> None:
    book = read(size=[1, 2, 3, 4], naics=["522320", "44-45", "5112", "622110"])
    assert list(kinds(book)) == ["size", "industry"]
    assert book.accounts["industry"].to_list() == ["fintech", "retail", "software", "healthcare"]
    assert book.readings[0].of({"industry": "Fin-Tech"})[0] == "fintech"


def test_codes_stay_apart_from_categories_of_a_companys_own(read: Read) -> None:
    book = read(industry=["Alpha", "Beta", "Alpha", "Beta"], sic=["7372", "6021", "7372", "2834"])
    assert kinds(book) == {"industry": "category", "sic": "industry"}
    assert book.accounts["sic"].to_list() == ["software", "banking", "software", "life sciences"]
    assert book.readings[0].of({"sic": 7372})[0] == "software"


def test_codes_that_the_plan_keeps_are_categories_too(read: Read) -> None:
    book = read(plan(keep=["naics"]), industry=["", "Retail"], naics=[522320, 445110])
    assert kinds(book) == {"industry": "industry", "naics": "category"}
    assert book.accounts["naics"].to_list() == ["522320", "445110"]


def test_codes_that_the_plan_drops_fill_nothing(read: Read) -> None:
    book = read(plan(drop=["naics"]), industry=["", "Retail", "Media"], naics=[522320, 445110, 5112])
    assert book.accounts["industry"].to_list() == [None, "retail", "media"]
    assert book.ignored == {"naics": "dropped by the plan"}


def test_disagreement_is_noted_with_examples_and_a_broader_name_is_none(read: Read) -> None:
    book = read(
        industry=["Retail", "Financial services", "Software", "Media", "Media", "Media"],
        naics=["445110", "522320", "622110", "62", "62", ""],
    )
    assert book.accounts["industry"].to_list()[:3] == ["retail", "financial services", "software"]
    (note,) = [note for note in book.notes if note.startswith("industry")]
    assert note == (
        "industry: 3 rows say another industry in naics, and the one that stands before it was kept: "
        "accounts row 4: software, not 622110 (healthcare); accounts row 5: media, not 62 (healthcare); "
        "accounts row 6: media, not 62 (healthcare)"
    )


def test_prospects_are_read_with_the_accounts(read: Read) -> None:
    book = read(
        industry=["Retail", "Fintech"], prospects={"naics": ["522320", "5112"], "industry": ["", "Weaving"]}
    )
    assert book.prospects is not None
    assert book.prospects["industry"].to_list() == ["fintech", "software"]


# Training and serving read alike

_WORDS = st.sampled_from(["Fin-Tech", "RETAIL", "Weaving", "n/a", "", "52", "SIC 7372", "A & B"])
_SAID = st.none() | _WORDS | st.sampled_from(industries()) | st.text(max_size=6)
_CODE = st.none() | st.sampled_from(["522320", "62", "7372", "999999", "31-33", "", "tbd", "6021"])
_ROWS = st.lists(st.tuples(_SAID, _CODE, _CODE), min_size=1, max_size=12)


@given(_ROWS)
def test_a_column_is_read_as_each_request_is(rows: list[tuple[str | None, str | None, str | None]]) -> None:
    names = ("industry", "naics", "sic")
    reading = Reading("industry", "industry", (("industry", None), ("naics", "naics"), ("sic", "sic")))
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    requests = [dict(zip(names, row, strict=True)) for row in rows]
    served = [reading.of(request)[0] for request in requests]
    trained = fill(frame, reading).values.to_list()
    assert trained == [None if is_missing(value) else value for value in served]
    encoder = IndustryEncoder("industry", industries())
    assert [encoder.encode(value) for value in trained] == [encoder.encode(value) for value in served]


RAW = {
    "industry": ["Fin-Tech", "522320", "", "Weaving", "Financial services", "Retail", "fintech", "Payments"],
    "naics": ["", "", "522320", "522320", "522320", "", "44", ""],
    "country": ["Germany", "de", "DEU", "Deutschland", "DE", "DE", "France", "Middle Earth"],
}


@pytest.mark.parametrize(
    "where",
    [
        [{"industry": ["Financial Technology"]}],
        [{"industry": ["52"]}, {"country": ["Germany"]}],
        [{"country": ["middle earth", "FRA"]}],
        [{"industry": {"missing": False}}, {"country": ["DE"]}],
    ],
)
def test_a_rule_holds_for_the_same_accounts_in_a_book_and_in_requests(read: Read, where: list[Any]) -> None:
    book = read(**RAW)
    plan = Plan.model_validate({"segment": [{"id": "s", "where": where}]}).spelt(readers(book.readings))
    rule = plan.segment[0].rule
    requests = [dict(zip(RAW, row, strict=True)) for row in zip(*RAW.values(), strict=True)]
    served = [rule.matches(read_all(book.readings, request).values) for request in requests]
    assert [rule.matches(row) for row in book.accounts.to_dicts()] == served
    assert 0 < sum(served) < len(served)
