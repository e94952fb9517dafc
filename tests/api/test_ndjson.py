from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ndjson import NDJSON, is_ndjson, looks_like_lines, read_lines
from scoring.errors import RequestError

ROWS = st.lists(st.dictionaries(st.text(max_size=5), st.integers(0, 9) | st.text(max_size=5), max_size=3))


def lines(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == NDJSON
    assert response.content == b"" or response.content.endswith(b"\n")
    return [json.loads(line) for line in response.content.splitlines()]


@given(rows=ROWS, end=st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_lines_are_read_in_order_whatever_ends_them(rows: list[dict[str, Any]], end: str) -> None:
    assert read_lines("".join(json.dumps(row) + end for row in rows).encode()) == rows


@given(rows=ROWS)
def test_json_as_a_whole_never_looks_like_lines(rows: list[dict[str, Any]]) -> None:
    for indent in (None, 1):
        assert not looks_like_lines(json.dumps({"accounts": rows}, indent=indent).encode())


def test_a_line_that_is_not_json_is_an_error_in_its_place() -> None:
    first, second, third = read_lines(b'{"a": 1}\n\xff\n{"a": NaN}')
    assert first == {"a": 1}
    assert [(type(fault), fault.code, "line" in str(fault)) for fault in (second, third)] == [
        (RequestError, "body_not_json", True)
    ] * 2


@pytest.mark.parametrize("name", ["application/x-ndjson", "application/ndjson", "application/jsonl"])
def test_every_name_of_the_type_is_known(name: str) -> None:
    assert is_ndjson(name)
    assert not is_ndjson("application/json")


def test_lines_in_give_lines_out_with_a_status_each(client: httpx.Client) -> None:
    body = b'{"account_id": "1", "reference": "a"}\n\n{"reference": "b"}\nnot json\n{"account_id": 4}\n'
    answered = lines(client.post("/score/bulk", content=body, headers={"Content-Type": NDJSON}))
    assert [line["status"] for line in answered] == [200, 422, 400, 200]
    assert [line.get("code") for line in answered] == [None, "identity_missing", "body_not_json", None]
    assert [line.get("reference") for line in answered] == ["a", "b", "", ""]
    assert answered[2]["message"].startswith("line 4")


def test_lines_score_as_an_array_does(client: httpx.Client) -> None:
    rows = [{"account_id": str(n), "employees": 10 * n, "as_of": "2026-07-01"} for n in range(1, 30)]
    headers = {"X-Request-ID": "the-same"}
    body = "\n".join(map(json.dumps, rows))
    by_lines = client.post("/score/bulk", content=body, headers={**headers, "Content-Type": NDJSON})
    by_array = client.post("/score/bulk", json=rows, headers=headers).json()["results"]
    assert lines(by_lines) == by_array


@pytest.mark.parametrize(
    ("accept", "content_type", "in_lines"),
    [
        ("*/*", NDJSON, True),
        ("application/json", NDJSON, False),
        ("application/x-ndjson", NDJSON, True),
        ("application/x-ndjson", "application/json", True),
        ("application/json, application/ndjson;q=0.5", "application/json", True),
        ("*/*", "application/json", False),
        ("*/*", "text/plain", False),
    ],
)
def test_the_answer_has_the_form_that_is_accepted(
    client: httpx.Client, accept: str, content_type: str, *, in_lines: bool
) -> None:
    body = b'{"account_id": 1}\n{"account_id": 2}' if content_type == NDJSON else b'[{"account_id": 1}]'
    response = client.post(
        "/score/bulk", content=body, headers={"Accept": accept, "Content-Type": content_type}
    )
    if in_lines:
        assert lines(response)[0]["account_id"] == "1"
    else:
        assert response.json()["results"][0]["account_id"] == "1"


def test_lines_are_known_without_their_type(client: httpx.Client) -> None:
    body = b'{"account_id": 1}\n{"account_id": 2}\n'
    for headers in ({}, {"Content-Type": "application/x-www-form-urlencoded"}):
        answered = lines(client.post("/score/bulk", content=body, headers=headers))
        assert [line["account_id"] for line in answered] == ["1", "2"]


@pytest.mark.parametrize("body", [b"", b"\n \r\n"])
def test_no_lines_have_no_answers(client: httpx.Client, body: bytes) -> None:
    assert lines(client.post("/score/bulk", content=body, headers={"Content-Type": NDJSON})) == []
