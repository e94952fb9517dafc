from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.plan import Plan
from scoring.training.attributes import Attribute
from scoring.training.book import Book, read_book
from scoring.training.plan_exclusions import (
    LEAST_AT_EDGE,
    Proposed,
    beyond,
    paying,
    propose_exclusions,
    two_digits,
)
from scoring.training.plan_meanings import meant, words

MakeBook = Callable[..., Book]


@pytest.fixture
def make_book(tmp_path: Path) -> MakeBook:
    """Write a book of 40 accounts; the last never bought anything."""

    def make(prospects: Sequence[dict[str, object]] = (), **columns: Sequence[object]) -> Book:
        names = ",".join(columns)
        rows = [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
        accounts = [f"account_id,{names}", *(f"a{n:03},{row}" for n, row in enumerate(rows))]
        (tmp_path / "accounts.csv").write_text("\n".join(accounts))
        ledger = ["account_id,start,mrr", *(f"a{n:03},2025-01-01,10" for n in range(len(rows) - 1))]
        (tmp_path / "subscriptions.csv").write_text("\n".join(ledger))
        if prospects:
            others = [
                f"p{n},{','.join(str(row.get(name, '')) for name in columns)}"
                for n, row in enumerate(prospects)
            ]
            (tmp_path / "prospects.csv").write_text("\n".join([f"account_id,{names}", *others]))
        return read_book(tmp_path, Plan())

    return make


def said(proposed: Sequence[Proposed]) -> dict[str, str]:
    return {one.id: one.rule.sentence for one in proposed}


def test_the_smallest_tenth_comes_too_early_and_what_no_customer_reaches_is_too_large(
    make_book: MakeBook,
) -> None:
    sizes = [10 * n for n in range(1, 40)] + [9_999]
    found = propose_exclusions(make_book(employees=sizes, flavour=["a", "b"] * 20))
    assert said(found) == {
        "too-early-by-employees": "employees is at most 40",
        "too-large-by-employees": "employees is at least 400",
    }
    assert [one.kind for one in found] == ["too_early", "too_large"]
    assert all(one.reason for one in found)


def test_the_account_that_never_bought_is_no_customer(make_book: MakeBook) -> None:
    assert paying(make_book(employees=range(40)))["account_id"].to_list() == [f"a{n:03}" for n in range(39)]


def test_the_youngest_tenth_comes_too_early_and_the_oldest_too_late(make_book: MakeBook) -> None:
    found = propose_exclusions(make_book(YearFounded=[*range(1980, 2019), 1900]))
    assert said(found) == {
        "too-early-by-yearfounded": "YearFounded is at least 2,014",
        "too-late-by-yearfounded": "YearFounded is at most 1,983",
    }


def test_stages_of_funding_that_the_book_has_come_too_early_or_too_late(make_book: MakeBook) -> None:
    stages = (["Seed", "Angel", "Series A", "IPO"] * 10)[:40]
    assert said(propose_exclusions(make_book(funding_stage=stages))) == {
        "too-early-by-funding-stage": "funding_stage is angel or seed",
        "too-late-by-funding-stage": "funding_stage is ipo",
    }


def test_the_vendors_that_most_prospects_are_with_lock_them_in(make_book: MakeBook) -> None:
    vendors = (["Acme", "Bolt", "Core", "Dyn"] * 10)[:40]
    prospects = [{"competitor": name} for name in ("Dyn", "Dyn", "Bolt", "Bolt", "Core", "Acme", "Acme")]
    (found,) = propose_exclusions(make_book(prospects, competitor=vendors))
    assert (found.kind, found.rule.sentence) == ("locked_in", "competitor is acme or bolt or dyn")


def test_a_flag_or_a_list_of_tags_may_lock_in(make_book: MakeBook) -> None:
    flags = ["yes", "no"] * 20
    assert said(propose_exclusions(make_book(under_contract=flags))) == {
        "locked-in-by-under-contract": "under_contract is yes"
    }
    tags = ["acme;bolt", "acme"] * 20
    assert said(propose_exclusions(make_book(incumbent=tags))) == {
        "locked-in-by-incumbent": "incumbent has acme"
    }


def test_a_book_without_such_attributes_proposes_nothing(make_book: MakeBook) -> None:
    assert propose_exclusions(make_book(flavour=["a", "b"] * 20, weight=range(40))) == ()


def test_few_customers_have_no_edge(make_book: MakeBook) -> None:
    sizes = ["" for _ in range(40 - LEAST_AT_EDGE)] + [str(n) for n in range(1, LEAST_AT_EDGE + 1)]
    assert said(propose_exclusions(make_book(employees=sizes, flavour=["a", "b"] * 20))) == {
        "too-large-by-employees": f"employees is at least {LEAST_AT_EDGE}"
    }


@given(st.floats(1e-6, 1e12) | st.integers(1, 10**12).map(float))
def test_what_is_beyond_is_beyond_and_near(number: float) -> None:
    further = beyond(number)
    assert number < further <= max(number * 1.1, number + 1) * (1 + 1e-9)
    if number.is_integer():
        assert further.is_integer()


@given(st.floats(1e-6, 1e12))
def test_a_number_of_two_digits_is_near(number: float) -> None:
    assert two_digits(number) == pytest.approx(number, rel=0.051)
    assert two_digits(two_digits(number)) == two_digits(number)


@pytest.mark.parametrize(
    ("name", "meaning", "kind"),
    [
        ("employees", "size", "number"),
        ("NumberEmployees", "size", "number"),
        ("number_of_employees", "size", "number"),
        ("YearOpened", "founded", "number"),
        ("Funding Stage", "funding", "category"),
        ("use_case", "use_case", "category"),
        ("Exec. Sponsor", "champion", "flag"),
        ("current_vendor", "locked_in_with", "category"),
        ("Contract End Date", "contract_end", "date"),
        ("hiring", "change", "flag"),
        ("last_funding_date", "changed_on", "date"),
    ],
)
def test_an_attribute_is_taken_for_what_its_name_says(name: str, meaning: str, kind: str) -> None:
    attribute = Attribute(name, kind)  # type: ignore[arg-type] # one of the kinds, from a table of texts
    assert meant([attribute], meaning) == (attribute,)


@pytest.mark.parametrize(
    ("name", "meaning", "kind"),
    [
        ("employees", "size", "category"),
        ("unfounded", "founded", "number"),
        ("staffing_agency", "size", "number"),
        ("already", "readiness", "flag"),
    ],
)
def test_a_name_that_only_contains_the_letters_or_is_of_another_kind_means_nothing(
    name: str, meaning: str, kind: str
) -> None:
    assert meant([Attribute(name, kind)], meaning) == ()  # type: ignore[arg-type] # as above


def test_the_likeliest_attribute_stands_first_whatever_the_order() -> None:
    staff, employees = Attribute("staff", "number"), Attribute("Employees", "number")
    assert meant([staff, employees], "size") == meant([employees, staff], "size") == (employees, staff)


def test_the_situations_are_in_the_words_of_signals() -> None:
    read = Plan.model_validate({"trigger": words()["situation"]})
    assert len(read.trigger) == len(words()["situation"]) > 1
