from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.training.rejects import Log
from scoring.training.written_numbers import currency_signs, note_currencies, settle_decimals
from scoring.values import as_number
from tests.scoring.training.books import book_of

AMOUNTS = st.lists(st.decimals(0, 9_999_999, places=2, allow_nan=False), min_size=1, max_size=20)


def column(*written: str | None) -> pl.Series:
    return pl.Series("amount", written, dtype=pl.String)


@given(AMOUNTS)
def test_amounts_written_the_german_way_are_read_as_they_are_meant(amounts: list[float]) -> None:
    written = [f"{amount:,.2f}" for amount in amounts] + [f"{int(amount):,}" for amount in amounts]
    german = column(*(text.translate(str.maketrans(",.", ".,")) for text in written), "0,50")
    meant = [as_number(text) for text in written] + [0.5]
    assert [as_number(text) for text in settle_decimals("a.csv", german, Log())] == meant


@given(AMOUNTS)
def test_amounts_written_the_english_way_are_left_as_they_are(amounts: list[float]) -> None:
    log, english = Log(), column(*(f"{amount:,.2f}" for amount in amounts))
    assert settle_decimals("a.csv", english, log).to_list() == english.to_list()
    assert log.notes == []


def test_thousands_after_a_point_are_noted() -> None:
    log = Log()
    assert settle_decimals("a.csv", column("1.234", "-2.000 €", "5,50"), log).to_list() == [
        "1234",
        "-2000 €",
        "5,50",
    ]
    assert log.notes == [
        "a.csv: amount writes decimals after a comma, so 2 values such as 1.234 were read as thousands"
    ]


def test_a_column_that_writes_both_ways_is_left_and_noted() -> None:
    log = Log()
    mixed = column("1.234", "5,50", "7.25")
    assert settle_decimals("a.csv", mixed, log).to_list() == mixed.to_list()
    assert "amount mixes 1,234.5 and 1.234,5" in log.notes[0]


def test_a_typed_column_is_left_alone() -> None:
    numbers = pl.Series("amount", [1.5, None])
    assert settle_decimals("a.parquet", numbers, Log()) is numbers
    assert currency_signs(numbers) == {}


@pytest.mark.parametrize(
    ("written", "currency", "said"),
    [
        (
            ["$5", "€7", "€8"],
            "USD",
            "amount mixes currencies (€ 2 times, $ 1 times); amounts are not converted",
        ),
        (
            ["5 EUR", "7"],
            "USD",
            "amount is written in €, the plan's currency is USD; amounts are not converted",
        ),
    ],
)
def test_currencies_that_are_not_the_plans_are_noted(written: list[str], currency: str, said: str) -> None:
    log = Log()
    note_currencies("a.csv", column(*written), currency, log)
    assert log.notes == [f"a.csv: {said}"]


@pytest.mark.parametrize(
    ("written", "currency"), [(["US$ 5", "7 USD"], "USD"), (["5", "7"], "EUR"), (["5€"], "EUR")]
)
def test_the_plans_own_currency_needs_no_note(written: list[str], currency: str) -> None:
    log = Log()
    note_currencies("a.csv", column(*written), currency, log)
    assert log.notes == []


def test_a_book_with_german_numbers_and_two_currencies_is_read_and_says_so(tmp_path: Path) -> None:
    book = book_of(
        tmp_path,
        accounts="account_id;revenue\na;1.234\nb;12,5\n",
        subscriptions="account_id;start;mrr\na;2025-01-01;$1.500\nb;2025-01-01;€99,90\n",
    )
    assert book.subscriptions is not None
    assert book.subscriptions["mrr"].to_list() == [1500.0, 99.9]
    assert book.accounts["revenue"].to_list() == [1234.0, 12.5]
    assert any("mrr mixes currencies ($ 1 times, € 1 times)" in note for note in book.notes)
