import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from scoring.errors import BookError
from scoring.plan import FileSpec
from scoring.training.csv_rows import read_csv
from scoring.training.rejects import LINE, Log


def read(data: str | bytes, **spec: object) -> tuple[pl.DataFrame, int, Log]:
    log = Log()
    written = data.encode() if isinstance(data, str) else data
    frame, rows = read_csv("events", "e.csv", written, FileSpec.model_validate({"path": "e.csv"} | spec), log)
    return frame, rows, log


@given(st.lists(st.text("a ,;\n", max_size=6), max_size=8), st.sampled_from(["\n", "\r\n"]), st.booleans())
@example(["", "a,b", "", "a,b,", "a,b,c", "a", " ", ",", ""], "\r\n", False)
def test_a_file_without_quotes_is_read_as_one_with_quotes(lines: list[str], end: str, blank: bool) -> None:
    body = "\n".join(["\n" if blank else "", *lines]).replace("\n", end)
    plain, plain_rows, plain_log = read("x,y" + body)
    quoted, quoted_rows, quoted_log = read('"x",y' + body)
    assert_frame_equal(plain, quoted)
    assert plain_rows == quoted_rows
    assert sorted(plain_log.rejects) == sorted(quoted_log.rejects)


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_header_from_the_plan_leaves_the_first_line_a_row(quote: str) -> None:
    frame, rows, _ = read(f"{quote}a{quote}|b\n\nc|d", separator="|", header=["x", "y"])
    assert (frame.rows(), rows) == ([(1, "a", "b"), (3, "c", "d")], 2)


def test_rows_beyond_one_batch_keep_their_lines() -> None:
    body = "".join(f'"{at}",b\n' for at in range(45_000)) + "lonely\n"
    frame, rows, log = read("x,y\n" + body)
    assert (frame.height, rows) == (45_000, 45_001)
    assert frame[LINE].to_list() == list(range(2, 45_002))
    assert frame["x"].to_list() == [str(at) for at in range(45_000)]
    assert log.rejects == [("events", 45_002, "", "the row has 1 fields, the header 2")]


def test_a_carriage_return_alone_ends_a_line() -> None:
    assert read("x,y\ra,b\r\rc,d\n")[0].rows() == [(2, "a", "b"), (4, "c", "d")]


def test_columns_without_a_name_are_left_out_and_noted() -> None:
    frame, _, log = read("x,,y, \na,b,c,d\n")
    assert frame.rows() == [(2, "a", "c")]
    assert log.notes == ["e.csv: a column without a name was left out"]


def test_a_column_alone_is_read() -> None:
    assert read("x\na\n\nb,\n")[0].rows() == [(2, "a"), (4, "b")]


@pytest.mark.parametrize("before", [b"x\n", b"\xef\xbb\xbfx\n"])
def test_a_byte_that_is_not_utf_8_is_found_far_into_a_file(before: bytes) -> None:
    data = before + b"a\n" * 100_000
    with pytest.raises(BookError) as refused:
        read(data + b"caf\xe9\n")
    assert f"(byte {len(data) + 4})" in str(refused.value)
