from datetime import date

import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st
from polars.testing import assert_series_equal

from scoring.training.cells import find_day_first, read_cells, read_date_cells, reject_unread
from scoring.training.rejects import LINE, TABLE, Log
from scoring.values import as_date, as_number, as_tags

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
