from datetime import date

import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st
from polars.testing import assert_series_equal

from scoring.training.cells import (
    find_day_first,
    read_cells,
    read_date_cells,
    read_own_columns,
    reject_unread,
)
from scoring.training.raw_table import RawTable
from scoring.training.rejects import LINE, TABLE, Log
from scoring.values import as_date, as_number, as_tags, is_missing

WRITTEN = st.one_of(
    st.datetimes().map(str),
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    st.dates().map(lambda day: day.strftime("%d/%m/%Y 10:00")),
    st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.+Z-]{0,9}", fullmatch=True),
    st.text("0129-/.T: Zn/a\n", max_size=14),
)


@given(st.lists(st.none() | WRITTEN))
@example(
    ["2026-01-01T00:00Z", "2026-01-01 00:00", "2026-01-01T", "2026-02-30T00:00", "2026-01-01T\n1", "n/a"]
)
def test_days_are_read_like_the_moments_they_are_cut_from(written: list[str | None]) -> None:
    column = pl.Series("at", written, dtype=pl.String)
    cut, whole = (read(column, as_date, pl.Date()) for read in (read_date_cells, read_cells))
    assert_series_equal(cut.values, whole.values)
    assert_series_equal(cut.reasons, whole.reasons)
    assert_series_equal(cut.written, column)


@given(st.lists(st.none() | st.sampled_from(["1k", "", "lots", "2", "n/a", "$3"])))
def test_each_row_gets_what_the_reader_says_of_its_value(written: list[str | None]) -> None:
    cells = read_cells(pl.Series("cac", written, dtype=pl.String), as_number, pl.Float64())
    for value, read, reason in zip(written, cells.values, cells.reasons, strict=True):
        assert reason == ("not a number" if value == "lots" else None)
        assert read == (None if value in (None, "lots") else as_number(value))


TEXTS = st.one_of(
    st.from_regex(r"[0-9]{1,17}(\.[0-9]{0,17})?\n?", fullmatch=True),
    st.text("0123456789.,- \u0660\u00a0\u2003\x1c\x85KnN/aA", max_size=8),
    st.sampled_from(["N/A", " null ", "#REF!", "\u2014", "K", "Unknown"]),
    st.text(max_size=5),
)


@given(st.lists(st.none() | TEXTS))
def test_what_is_read_all_at_once_is_read_as_one_by_one(written: list[str | None]) -> None:
    column = pl.Series("x", written, dtype=pl.String)
    raw = RawTable(
        "accounts",
        "a.csv",
        pl.DataFrame({TABLE: "accounts", LINE: range(len(written)), "name": column}),
        {},
        {},
    )
    for text, label in zip(written, read_own_columns(raw, Log())["name"], strict=True):
        assert label == (None if is_missing(text) else str(text).strip())
    cells = read_cells(column, as_number, pl.Float64())
    for text, value, reason in zip(written, cells.values, cells.reasons, strict=True):
        try:
            assert (value, reason) == (as_number(text), None)
        except ValueError:
            assert (value, reason) == (None, "not a number")


def test_typed_columns_and_tag_lists_are_read() -> None:
    assert read_cells(pl.Series("n", [2, None, 2]), as_number, pl.Float64()).values.to_list() == [2, None, 2]
    tags = read_cells(pl.Series("tech", ["b;a", "", "a;b"]), as_tags, pl.List(pl.String)).values
    assert tags.to_list() == [["a", "b"], None, ["a", "b"]]
    days = pl.Series("at", [date(2026, 1, 1), None])
    assert_series_equal(read_date_cells(days, as_date, pl.Date()).values, days)


def test_an_unreadable_cell_is_rejected_as_it_was_written() -> None:
    frame = pl.DataFrame({TABLE: ["events"] * 3, LINE: [2, 5, 7]})
    written = pl.Series("at", ["2026-01-01", "2026-02-30T10:00:00Z", "x" * 60])
    log = Log()
    reject_unread(frame, read_date_cells(written, as_date, pl.Date()), log)
    assert log.rejects == [
        ("events", 5, "at", "not a date: '2026-02-30T10:00:00Z'"),
        ("events", 7, "at", f"not a date: '{'x' * 40}'"),
    ]


def test_dates_that_are_typed_or_name_the_year_first_do_not_vote() -> None:
    log = Log()
    columns = [
        pl.Series("typed", [date(2026, 3, 4)]),
        pl.Series("iso", ["2026-03-04", "2026.12.31 10:00", None]),
        pl.Series("empty", [None], dtype=pl.String),
    ]
    assert find_day_first("t.csv", columns, log) == {"typed": False, "iso": False, "empty": False}
    assert log.notes == []
