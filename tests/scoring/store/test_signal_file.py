from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.errors import RequestError, SignalFileError
from scoring.signals.together import SentSignal
from scoring.store.signal_file import FIELDS, read_signal_file

HEADER = b"account_id,type,occurred_at,event_id,strength,level,topic\n"


def rows(content: bytes) -> list[Any]:
    return [row for _, row in read_signal_file(content.splitlines(keepends=True)).rows]


def test_a_csv_is_read_by_the_names_of_its_columns() -> None:
    content = b"\xef\xbb\xbfType ,OCCURRED_AT,domain,colour\r\nvisit,2026-06-30,acme.com,red\r\n\r\n"
    found = read_signal_file(content.splitlines(keepends=True))
    assert (found.header, found.unknown) == (None, 1)
    assert list(found.rows) == [(2, SentSignal(type="visit", occurred_at="2026-06-30", domain="acme.com"))]


@pytest.mark.parametrize("delimiter", [b";", b"\t"])
def test_other_delimiters_are_told_by_the_header(delimiter: bytes) -> None:
    content = HEADER.replace(b",", delimiter) + delimiter.join([b"1", b"visit", b"2026-06-30"]) + b"\n"
    assert rows(content) == [SentSignal(account_id="1", type="visit", occurred_at="2026-06-30")]


def test_cells_are_numbers_and_flags_where_a_signal_has_such() -> None:
    (row,) = rows(HEADER + b"1,surge,2026-06-30,e1,70.5,yes,\n")
    assert (row.strength, row.level, row.topic) == (70.5, True, None)


def test_what_is_no_number_or_flag_is_left_for_the_reader_that_says_why() -> None:
    for cells, name in ((b"many,", "strength"), (b"7,perhaps", "level")):
        (row,) = rows(HEADER + b"1,surge,2026-06-30,e1," + cells + b",x\n")
        assert isinstance(row, dict)
        assert isinstance(row[name], str)


def test_lines_are_numbered_as_an_editor_does_and_quotes_may_span_them() -> None:
    content = HEADER + b'1,visit,2026-06-30,e1,1,,"a, b\nc"\n\n2,visit,2026-06-30,e2,,,\n3,a,b,c,d,e,f,g\n'
    found = list(read_signal_file(content.splitlines(keepends=True)).rows)
    assert [line for line, _ in found] == [3, 5, 6]
    assert isinstance(found[0][1], SentSignal)
    assert found[0][1].topic == "a, b\nc"
    assert isinstance(found[2][1], RequestError)


def test_what_is_not_utf8_does_not_stop_the_others() -> None:
    first, second = rows(HEADER + b"1,visit,2026-06-30,caf\xe9,,,\n2,visit,2026-06-30,e2,,,\n")
    assert first.event_id == "caf\udce9", "which no field may hold"
    assert second.account_id == "2"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b'[{"type": "visit"}]', "a line"),
        (b"type,occurred_at\n", "account_id, domain, email"),
        (b"domain,when\n", "type and occurred_at"),
        (b"domain,type,type,occurred_at\n", "two columns"),
        (b'{"firebrand":"signals","format":2,"key_check":"0000000000000000","names":[]}\n', "version"),
        (b'{"firebrand":"plans"}\n', "version"),
    ],
)
def test_a_file_of_something_else_is_refused_with_what_to_do(content: bytes, says: str) -> None:
    with pytest.raises(SignalFileError, match=says):
        rows(content)


def test_ndjson_is_told_by_its_brace() -> None:
    content = b'\n{"domain":"acme.com","type":"visit","extra":1}\n{"level":"yes","type":"x"}\n[1]\n{"type"\n'
    found = list(read_signal_file(content.splitlines(keepends=True)).rows)
    assert [line for line, _ in found] == [2, 3, 4, 5]
    plain, odd, array, broken = (row for _, row in found)
    assert plain == SentSignal(domain="acme.com", type="visit")
    assert odd == {"level": "yes", "type": "x"}
    assert isinstance(array, RequestError)
    assert isinstance(broken, RequestError)
    assert (array.code, broken.code) == ("signal_invalid", "line_unreadable")


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_any_bytes_are_rows_or_a_refusal(lines: list[bytes]) -> None:
    for first in (HEADER, b'{"type":"visit"}\n'):
        for row in rows(first + b"\n".join(lines)):
            assert isinstance(row, (SentSignal, dict, RequestError))
    with suppress(SignalFileError):
        rows(b"\n".join(lines))


def test_the_columns_are_the_fields_of_a_signal() -> None:
    assert {"account_id", "domain", "email", "type", "occurred_at", "event_id"} <= set(FIELDS)
