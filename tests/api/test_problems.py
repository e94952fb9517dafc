from __future__ import annotations

import json
import logging
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from api.app import create_app
from api.settings import Settings
from scoring.errors import RequestError, StoreUnavailableError

if TYPE_CHECKING:
    from tests.api.conftest import Host, Service

MARKER = "Zaphod"  # stands for personal data: no problem may repeat it
SCORE, BULK, SIGNALS = "/score", "/score/bulk", "/signals"
JSON_ACCOUNT = b'{"account_id": "1", "employees": 850}'


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert (response.status_code, response.json().get("code")) == (status, code), response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["type"].endswith(code)
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == response.headers["x-request-id"]
    assert MARKER.lower() not in response.text.lower(), "it repeats what was sent"
    assert MARKER.lower() not in str(response.headers).lower()
    return problem


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml", "?"],
)
def test_json_is_read_whatever_the_content_type_says(client: httpx.Client, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    assert client.post(SCORE, content=JSON_ACCOUNT, headers=headers).json()["account_id"] == "1"
    assert client.post(BULK, content=b"[%b]" % JSON_ACCOUNT, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Zaphod",
        b'{"account_id": "Zaphod"',
        b'{"account_id": "1", "Zaphod": NaN}',
        b'{"account_id": "1", "Zaphod": Infinity}',
        b'{"account_id": "1", "Zaphod": 1e999}',
        b'{"account_id": "Zaphod\\ud800"}',
        b'{"account_id": "Zaphod\xff"}',
        b'{"account_id": "Zaphod"} and more',
        b"account_id=Zaphod",
        b"[" * 100_000,
        b'{"Zaphod":' * 2_000 + b"1" + b"}" * 2_000,
    ],
    ids=lambda body: body[:30].decode("latin-1"),
)
@pytest.mark.parametrize("path", [SCORE, BULK, SIGNALS])
def test_a_body_that_is_not_json(client: httpx.Client, path: str, body: bytes) -> None:
    problem = assert_problem(client.post(path, content=body), 400, "body_not_json")
    assert "line" in problem["detail"]


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "identity_missing", "account_id"),
        ({"reference": MARKER, "attributes": {MARKER: MARKER}}, "identity_missing", "account_id"),
        ({"domain": MARKER}, "identity_missing", "account_id"),
        ({"domain": f"{MARKER}@gmail.com"}, "identity_missing", "account_id"),
        ({"account_id": "  ", "domain": None}, "identity_missing", "account_id"),
        (None, "request_invalid", ""),
        (MARKER, "request_invalid", ""),
        (42, "request_invalid", ""),
        (True, "request_invalid", ""),
        ({"account_id": [MARKER]}, "request_invalid", "account_id"),
        ({"account_id": {MARKER: MARKER}}, "request_invalid", "account_id"),
        ({"account_id": True}, "request_invalid", "account_id"),
        ({"account_id": MARKER * 1000}, "request_invalid", "account_id"),
        ({"account_id": 10**18, "domain": MARKER * 1000}, "request_invalid", "domain"),
        ({"account_id": f"{MARKER}\x00"}, "text_invalid", "account_id"),
        ({"account_id": "1", "reference": [MARKER]}, "request_invalid", "reference"),
        ({"account_id": "1", "attributes": [MARKER]}, "request_invalid", "attributes"),
        ({"account_id": "1", "attributes": MARKER}, "request_invalid", "attributes"),
        (
            {"account_id": "1", "attributes": dict.fromkeys(map(str, range(1001)), 1)},
            "request_invalid",
            "attributes",
        ),
        ({"account_id": "1", "objective": MARKER}, "objective_invalid", "objective"),
        ({"account_id": "1", "objective": {MARKER: 1}}, "objective_invalid", "objective"),
        ({"account_id": "1", "objective": {MARKER: MARKER}}, "request_invalid", "objective"),
        ({"account_id": "1", "objective": {"growth": MARKER}}, "request_invalid", "objective"),
        ({"account_id": "1", "objective": {"growth": None}}, "request_invalid", "objective"),
        ({"account_id": "1", "objective": {"growth": -1}}, "objective_invalid", "objective.growth"),
        ({"account_id": "1", "objective": {"growth": "nan"}}, "request_invalid", "objective"),
        ({"account_id": "1", "objective": {"growth": "inf"}}, "request_invalid", "objective"),
        ({"account_id": "1", "objective": {}}, "objective_invalid", "objective"),
        ({"account_id": "1", "objective": [MARKER]}, "request_invalid", "objective"),
        ({"account_id": "1", "as_of": MARKER}, "request_invalid", "as_of"),
        ({"account_id": "1", "as_of": [MARKER]}, "request_invalid", "as_of"),
        ({"account_id": "1", "as_of": 12}, "request_invalid", "as_of"),
        ({"account_id": "1", "as_of": True}, "request_invalid", "as_of"),
        ({"account_id": "1", "as_of": 10**300}, "request_invalid", "as_of"),
        ({"account_id": "1", "as_of": "9999-12-31T23:59:59-12:00"}, "request_invalid", "as_of"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_an_account_that_cannot_be_scored(client: httpx.Client, body: Any, code: str, field: str) -> None:
    problem = assert_problem(client.post(SCORE, content=json.dumps(body)), 422, code)
    assert problem["field"] == field
    (item,) = client.post(BULK, content=json.dumps([body])).json()["results"]
    assert (item["status"], item["code"], item["field"]) == (422, code, field)


def test_a_field_at_fault_is_spoken_of_in_words_of_the_interface(client: httpx.Client) -> None:
    body = {"account_id": "1", "objective": [1], "attributes": [2]}
    detail = client.post(SCORE, json=body).json()["detail"]
    assert "preset" in detail, "it says what to send instead"
    assert "dict[" not in detail, "it speaks of our code"


@pytest.mark.parametrize(
    "query",
    [{}, {"domain": MARKER}, {"account_id": "1", "objective": MARKER}, {"account_id": "1", "as_of": MARKER}],
)
def test_a_lookup_that_cannot_be_scored(client: httpx.Client, query: dict[str, str]) -> None:
    response = client.get(SCORE, params=query)
    assert_problem(response, 422, response.json()["code"])


@pytest.mark.parametrize(
    "body",
    [None, MARKER, 42, {}, {MARKER: 1}, {"accounts": None}, {"accounts": {MARKER: 1}}, {"accounts": MARKER}],
)
def test_a_batch_that_is_no_list(client: httpx.Client, body: Any) -> None:
    problem = assert_problem(client.post(BULK, content=json.dumps(body)), 422, "request_invalid")
    assert problem["field"] == "accounts"


@pytest.mark.parametrize("body", [None, MARKER, 42, {}, {MARKER: 1}, {"signals": None}, {"signals": MARKER}])
def test_signals_that_are_no_list(client: httpx.Client, body: Any) -> None:
    problem = assert_problem(client.post(SIGNALS, content=json.dumps(body)), 422, "request_invalid")
    assert problem["field"] == "signals"


@pytest.mark.parametrize("attribute", ["industry", "technologies", "employees", "funded", "founded", "other"])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_a_deeply_nested_value_is_only_unreadable(client: httpx.Client, attribute: str, opening: str) -> None:
    depth, closing = 900, "]" if opening == "[" else "}"
    value = opening * depth + "1" + closing * depth
    response = client.post(SCORE, content=f'{{"account_id": "1", "{attribute}": {value}}}')
    assert response.status_code == 200, response.text
    assert response.json()["detail"]["fit"]["unreadable"] == ([] if attribute == "other" else [attribute])


@pytest.mark.parametrize("number", [10**30, 10**400, -(10**400), 1e308, 5e-324])
def test_a_number_of_any_size_never_breaks_an_answer(client: httpx.Client, number: float) -> None:
    for body in (f'{{"account_id": "1", "employees": {number}}}', f'{{"account_id": {number}}}'):
        response = client.post(SCORE, content=body)
        assert response.status_code in {200, 400, 422}, response.text
        assert response.json()["request_id"]


def test_objective_weights_of_any_size_never_break_an_answer(client: httpx.Client) -> None:
    usual = client.post(SCORE, json={"account_id": "1", "employees": 850, "objective": "growth"}).json()[
        "fit"
    ]
    for weight in (5e-324, 1e-300, 1e300):
        body = {"account_id": "1", "employees": 850, "objective": {"growth": weight}}
        assert client.post(SCORE, json=body).json()["fit"] == usual
    huge = {"account_id": "1", "objective": {"growth": 1e308, "lifetime_value": 1e308}}
    response = client.post(SCORE, json=huge)
    assert response.status_code == 422 or response.json()["fit"] is not None, response.text


@pytest.mark.parametrize("path", [SCORE, BULK, SIGNALS])
def test_a_body_that_is_too_large_is_refused_at_once(service: Service, path: str) -> None:
    """The sender says 20 MB and sends one: the answer comes without waiting for the rest."""
    host, port = service.url.removeprefix("http://").split(":")
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 20000000\r\n\r\n"
    began = time.monotonic()
    with socket.create_connection((host, int(port)), timeout=10.0) as connection:
        connection.sendall(head.encode() + b'{"account_id": "' + MARKER.encode() + b"x" * 1_000_000)
        answer = b""
        while b"\r\n\r\n" not in answer or not answer.endswith(b"}"):
            received = connection.recv(65_536)
            assert received, "the connection was closed without an answer"
            answer += received
    assert time.monotonic() - began < 5.0
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"body_too_large"' in answer
    assert MARKER.encode() not in answer


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_body_is_refused_to_a_client_that_sends_all_of_it(service: Service, chunked: bool) -> None:
    pieces = (b" " * 1_000_000 for _ in range(20))
    response = httpx.post(
        f"{service.url}{SCORE}", content=pieces if chunked else b"".join(pieces), timeout=30.0
    )
    assert_problem(response, 413, "body_too_large")


def test_a_body_just_within_the_limit_is_read(client: httpx.Client) -> None:
    body = JSON_ACCOUNT.ljust(10_000_000)
    assert client.post(SCORE, content=body).status_code == 200
    assert_problem(client.post(SCORE, content=body + b" "), 413, "body_too_large")


def test_nothing_there_and_the_wrong_method(client: httpx.Client) -> None:
    assert_problem(client.get(f"/{MARKER}"), 404, "not_found")
    wrong = client.delete(SCORE)
    assert_problem(wrong, 405, "method_not_allowed")
    assert set(wrong.headers["allow"].split(", ")) & {"GET", "POST"}


def broken(_: object = None) -> None:
    raise ZeroDivisionError(f"{MARKER} was here")


def too_busy() -> None:
    raise StoreUnavailableError("the signal store is away")


def refused() -> None:
    raise RequestError("say it otherwise", field="tone", code="tone_invalid")


def test_an_error_of_ours_says_nothing_of_it_and_is_logged_with_the_request_id(
    artifacts: Path, host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(
        Settings(artifacts=artifacts, redis_url="unix:///nowhere.sock", person_key="sixteen letters..")  # type: ignore[arg-type]  # pydantic makes it a secret
    )
    for path, route in (("/broken", broken), ("/busy", too_busy), ("/refused", refused)):
        app.add_api_route(path, route)
    with host(app) as client, caplog.at_level(logging.ERROR):
        response = client.get("/broken", headers={"X-Request-ID": "find-me"})
        problem = assert_problem(response, 500, "internal_error")
        assert problem["request_id"] == "find-me"
        assert "ZeroDivisionError" not in response.text
        logged = [record for record in caplog.records if "find-me" in record.getMessage()]
        assert len(logged) == 1
        assert logged[0].exc_info is not None

        busy = client.get("/busy")
        assert_problem(busy, 503, "store_unavailable")
        assert busy.headers["retry-after"] == "1"
        assert assert_problem(client.get("/refused"), 422, "tone_invalid")["field"] == "tone"
