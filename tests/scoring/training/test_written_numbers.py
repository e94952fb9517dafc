from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.training.rejects import Log
from scoring.training.written_numbers import (
    currency_signs,
    either_way,
    is_exact_number,
    note_currencies,
    note_either_way,
    read_as,
    settle_decimals,
)
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


def test_a_number_parted_by_two_points_settles_that_points_part_thousands() -> None:
    log = Log()
    assert settle_decimals("a.csv", column("1.234", "1.234.567", "80"), log).to_list() == [
        "1234",
        "1.234.567",
        "80",
    ]
    assert log.notes == [
        "a.csv: amount has numbers such as 1.234.567, so 1 values such as 1.234 were read as thousands"
    ]


def test_both_ends_of_a_band_are_settled() -> None:
    settled = settle_decimals("a.csv", column("1.001-5.000", "1,5"), Log())
    assert as_number(settled[0]) == pytest.approx((1001 * 5000) ** 0.5)


@given(st.lists(st.integers(1000, 999_999).map(lambda count: f"{count:,}".replace(",", ".")), min_size=1))
def test_counts_parted_by_points_alone_are_ambiguous_until_one_value_shows_how_they_are_meant(
    counts: list[str],
) -> None:
    assert either_way(column(*counts, "950", None)).to_list() == counts
    for telling in ("0.5", "1.25", "1,5", "1.234.567", "12,500", "0.125", "1.2345", ".5"):
        assert either_way(column(*counts, telling)).to_list() == []


@given(st.lists(st.text("1250.,- $€k%(e)+v", max_size=9) | st.just("1.200"), min_size=1))
def test_any_column_can_be_asked_and_only_what_reads_is_an_example(written: list[str]) -> None:
    log, texts = Log(), column(*written)
    note_either_way("a.csv", settle_decimals("a.csv", texts, log), log)
    values = either_way(texts)
    assert bool(read_as(values)) == any(map(is_exact_number, values))


def test_a_typed_column_is_left_alone() -> None:
    numbers = pl.Series("amount", [1.5, None])
    assert either_way(numbers).is_empty()
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


def test_a_book_whose_points_may_part_thousands_says_how_they_were_read(tmp_path: Path) -> None:
    book = book_of(
        tmp_path,
        accounts="account_id,staff\na,1.200\nb,950\n",
        subscriptions="account_id,start,mrr\na,2025-01-01,$1.500\nb,2025-01-01,99\n",
    )
    assert book.accounts["staff"].to_list() == [1.2, 950.0]
    said = "does not show whether a point parts thousands or decimals; 1 of its values were read as decimals"
    end = "Write thousands without a point to be sure"
    assert f"accounts.csv: staff {said}: 1.200 as 1.2, not 1,200. {end}" in book.notes
    assert f"subscriptions.csv: mrr {said}: $1.500 as 1.5, not 1,500. {end}" in book.notes
