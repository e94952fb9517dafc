import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.values import (
    as_amount,
    as_date,
    as_flag,
    as_number,
    as_tags,
    as_text,
    as_year,
    is_band,
    is_missing,
)

BLANKS = [
    "",
    "  ",
    "\u00a0",
    "N/A",
    "n/a",
    "NA",
    "null",
    "NULL",
    "-",
    "--",
    "none",
    "None",
    "unknown",
    "#N/A",
    "?",
]
READERS: list[Callable[[Any], Any]] = [as_number, as_amount, as_text, as_flag, as_tags, as_date, as_year]

finite = st.floats(allow_nan=False, allow_infinity=False)
days = st.dates(min_value=date(1000, 1, 1))  # a year in fewer than four digits is no ISO date
words = st.text(st.characters(categories=["Ll", "Nd"], max_codepoint=0x17F), min_size=1, max_size=8)


def says_something(word: str) -> bool:
    return not is_missing(word)


@pytest.mark.parametrize("blank", [*BLANKS, None, float("nan"), [], [None, ""]])
def test_every_reader_takes_a_blank_for_missing(blank: Any) -> None:
    assert is_missing(blank)
    assert [reader(blank) for reader in READERS] == [None] * len(READERS)


@pytest.mark.parametrize("value", [0, 0.0, False, "0", "no", ".", "nope", [0]])
def test_zero_and_no_are_not_missing(value: Any) -> None:
    assert not is_missing(value)


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("1,200", 1200),
        ("1,234,567.89", 1234567.89),
        ("1.234.567,89", 1234567.89),
        ("1.234,5", 1234.5),
        ("0,5", 0.5),
        ("1 200", 1200),
        ("1\u202f200", 1200),
        ("1'200", 1200),
        ("$12.5k", 12500),
        ("12.5 K", 12500),
        ("3m", 3e6),
        ("1.2bn", 1.2e9),
        ("€ 1.200,00", 1200),
        ("1200 EUR", 1200),
        ("USD 5", 5),
        ("US$ 7.50", 7.5),
        ("-$5", -5),
        ("$-5", -5),
        ("(1,200)", -1200),
        ("($3.5k)", -3500),
        ("\u22125", -5),
        ("27%", 0.27),
        ("5 %", 0.05),
        ("200+", 200),
        ("1e5", 1e5),
        (".5", 0.5),
        (" 42 ", 42),
        (7, 7),
        (True, 1),
    ],
)
def test_numbers_are_read_as_people_write_them(written: Any, number: float) -> None:
    assert as_number(written) == pytest.approx(number, rel=1e-12)


@pytest.mark.parametrize(
    "written", ["abc", "50-10", "1,200 desks", "0x10", "$", "1e400", "12 Main St", "inf"]
)
def test_what_is_no_number_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="number"):
        as_number(written)


def test_a_band_is_told_from_a_number_a_missing_value_and_a_text() -> None:
    values = ["51-200", "51 \u2212 200", " 51 TO 200 ", "200", "200+", "-", "a-b", "1-" + "9" * 70, 200, None]
    assert [is_band(value) for value in values] == [True] * 3 + [False] * 7


@pytest.mark.parametrize("written", ["51-200", "120 employees", "<50", "500 or more"])
def test_an_amount_is_exact(written: str) -> None:
    assert as_number(written) is not None
    with pytest.raises(ValueError, match="not a number"):
        as_amount(written)


@pytest.mark.parametrize("value", [float("inf"), 10**400, ["5"], {"a": 1}])
def test_numbers_that_cannot_be_computed_with_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="number"):
        as_number(value)


@given(finite)
def test_a_number_survives_being_written(number: float) -> None:
    assert as_number(repr(number)) == number


@given(st.integers(-(10**12), 10**12))
def test_thousands_separators_change_nothing(number: int) -> None:
    assert as_number(f"{number:,}") == number


@given(st.integers(-(10**9), 10**9), st.integers(1, 99))
def test_english_and_german_separators_agree(whole: int, hundredths: int) -> None:
    english = f"{whole:,}.{hundredths:02}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert as_number(english) == as_number(german)


@given(st.text(max_size=20))
def test_any_text_is_a_finite_number_or_missing_or_refused(text: str) -> None:
    try:
        number = as_number(text)
    except ValueError:
        return
    assert number is None or math.isfinite(number)


def test_categories_have_one_spelling() -> None:
    assert as_text(" Financial  Services") == as_text("FINANCIAL SERVICES\u00a0") == "financial services"
    assert (as_text(7.0), as_text(7), as_text("7"), as_text(7.5)) == ("7", "7", "7", "7.5")
    assert as_text(value=False) == "false"
    with pytest.raises(ValueError, match="text"):
        as_text({"a": 1})


@given(st.text(max_size=20))
def test_a_category_read_twice_is_itself(text: str) -> None:
    once = as_text(text)
    assert as_text(once) == once


@pytest.mark.parametrize("written", ["yes", "Y", "TRUE", "t", "1", 1, 1.0, True, "on", "x"])
def test_yes_in_many_spellings(written: Any) -> None:
    assert as_flag(written) is True


@pytest.mark.parametrize("written", ["no", "N", "False", "f", "0", 0, 0.0, False, "off"])
def test_no_in_many_spellings(written: Any) -> None:
    assert as_flag(written) is False


@pytest.mark.parametrize("written", ["maybe", "2", 2])
def test_what_is_no_flag_is_refused(written: Any) -> None:
    with pytest.raises(ValueError, match="neither yes nor no"):
        as_flag(written)


@given(st.lists(words.filter(says_something), min_size=1, max_size=6))
def test_tags_are_a_set_however_they_are_written(tags: list[str]) -> None:
    expected = tuple(sorted({as_text(tag) or "" for tag in tags}))
    assert as_tags(tags) == as_tags(";".join(tags)) == as_tags(" ; ".join(reversed(tags))) == expected


def test_commas_separate_tags_only_where_no_semicolon_does() -> None:
    assert as_tags("b, a") == ("a", "b")
    assert as_tags("acme, inc; beta") == ("acme, inc", "beta")
    assert as_tags(";;") is None


@given(days)
def test_a_date_survives_being_written_in_any_order(day: date) -> None:
    assert as_date(day.isoformat()) == day
    assert as_date(f"{day:%d-%m-}{day.year:04}", day_first=True) == day
    assert as_date(f"{day:%d.%m.}{day.year:04}", day_first=True) == day
    assert as_date(f"{day:%m/%d/}{day.year:04}") == day


@pytest.mark.parametrize(
    "written",
    [
        "2026-06-30T23:59:00Z",
        "2026-06-30 08:26:00",
        "2026-06-30T08:26:00.123+02:00",
        "6/30/2026 8:15",
        datetime(2026, 6, 30, 5, tzinfo=UTC),
        date(2026, 6, 30),
    ],
)
def test_a_time_of_day_is_dropped(written: Any) -> None:
    assert as_date(written) == date(2026, 6, 30)


@pytest.mark.parametrize("written", ["2026-02-30", "31/31/2026", "soon", "2026", 20260630, "13/1/26"])
def test_what_is_no_date_is_refused(written: Any) -> None:
    with pytest.raises(ValueError, match="not a date"):
        as_date(written)


@given(days, days)
def test_years_order_days_and_keep_the_calendar_year(first: date, second: date) -> None:
    early, late = as_year(min(first, second)), as_year(max(first, second))
    assert early is not None
    assert late is not None
    assert early <= late
    assert math.floor(late) == max(first, second).year


@pytest.mark.parametrize("read", [as_number, as_amount, as_date])
def test_a_long_text_is_refused_before_it_is_looked_at(read: Callable[[Any], Any]) -> None:
    """A pattern over `1`, a million blanks and an `x` would take hours."""
    with pytest.raises(ValueError, match="not a"):
        read("1" + " " * 1_000_000 + "x")


def test_decimals_as_warehouses_export_them_are_numbers() -> None:
    assert as_number(Decimal("1200.50")) == 1200.5
    assert as_text(Decimal("7.00")) == "7"
    assert as_number(Decimal("NaN")) is None
