from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from tests.api.conftest import Start

KEYS = ("first-key", "second-key:with-colon")
GUARDED = (
    ("POST", "/score"),
    ("GET", "/score"),
    ("POST", "/score/bulk"),
    ("POST", "/signals"),
    ("GET", "/models"),
)


@pytest.fixture(scope="module")
def guarded(start: Start) -> Iterator[httpx.Client]:
    with (
        start(api_keys=f"{KEYS[0]}, {KEYS[1]},", read_budget_ms="5000") as service,
        httpx.Client(base_url=service.url, timeout=30.0) as client,
    ):
        yield client


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def status(client: httpx.Client, headers: dict[str, str]) -> int:
    return client.get("/score", params={"account_id": "1"}, headers=headers).status_code


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": "any"}, {"Authorization": "Basic %%%"}])
def test_without_keys_nobody_is_asked_for_one(client: httpx.Client, headers: dict[str, str]) -> None:
    assert status(client, headers) == 200


@pytest.mark.parametrize("key", KEYS)
def test_every_way_to_send_a_key_is_taken(guarded: httpx.Client, key: str) -> None:
    assert status(guarded, {"Authorization": f"Bearer {key}"}) == 200
    assert status(guarded, {"Authorization": f"bearer  {key}"}) == 200
    assert status(guarded, {"X-API-Key": key}) == 200


def test_basic_takes_the_key_as_user_or_as_password(guarded: httpx.Client) -> None:
    assert status(guarded, {"Authorization": basic("anybody", KEYS[0])}) == 200
    assert status(guarded, {"Authorization": basic("anybody", KEYS[1])}) == 200
    assert status(guarded, {"Authorization": basic(KEYS[0], "")}) == 200
    assert status(guarded, {"Authorization": basic(KEYS[0], "x")}) == 200
    assert status(guarded, {"Authorization": "Basic " + base64.b64encode(KEYS[0].encode()).decode()}) == 200
    assert status(guarded, {"Authorization": basic("Jürgen", KEYS[0])}) == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": "wrong"},
        {"X-API-Key": KEYS[0][:-1]},
        {"X-API-Key": f"{KEYS[0]},"},
        {"X-API-Key": "Schlüssel"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": KEYS[0]},
        {"Authorization": basic("wrong", "wrong")},
        {"Authorization": basic("", "")},
        {"Authorization": "Basic"},
        {"Authorization": "Basic %%%"},
        {"Authorization": "Basic Schlüssel"},
        {"Authorization": f"Digest {KEYS[0]}"},
    ],
    ids=str,
)
def test_a_wrong_key_is_refused(guarded: httpx.Client, headers: dict[str, str]) -> None:
    encoded = {name: value.encode("latin-1") for name, value in headers.items()}
    response = guarded.get("/score", params={"account_id": "1"}, headers=encoded)  # type: ignore[arg-type]  # httpx takes bytes too
    assert (response.status_code, response.json()["code"]) == (401, "unauthorized"), response.text
    assert "www-authenticate" in response.headers
    assert "wrong" not in response.text


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_every_route_of_the_domain_is_guarded(guarded: httpx.Client, method: str, path: str) -> None:
    """The key is asked for first: a stranger's body is not even read."""
    assert guarded.request(method, path, content="not JSON").status_code == 401


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_health_is_open(guarded: httpx.Client, path: str) -> None:
    assert guarded.get(path).status_code == 200


def test_all_three_schemes_are_described(guarded: httpx.Client) -> None:
    document = guarded.get("/openapi.json").json()
    described = document["components"]["securitySchemes"].values()
    assert {(scheme["type"], scheme.get("scheme")) for scheme in described} == {
        ("http", "bearer"),
        ("http", "basic"),
        ("apiKey", None),
    }
    assert len(document["paths"]["/score"]["post"]["security"]) == 3
    assert "security" not in document["paths"]["/livez"]["get"]
