from __future__ import annotations

import os
import signal
import time
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.api.conftest import Start

ODD_IDS = [
    "a/b",
    "a/signals",
    "/a",
    "a//b/",
    "a b",
    "*",
    "a?b",
    "[a-z]",
    "{x}",
    "#1",
    "100%",
    "%2F",
    "é",
    "日本",
    "a+b",
    "a:b",
    "..x",
    "jo@acme.com",
    "'\"\\",
]


def path(account_id: str) -> str:
    return f"/accounts/{quote(account_id, safe='')}/signals"


def send(client: httpx.Client, **signal: Any) -> None:
    response = client.post("/signals", json={"type": "demo_request", **signal})
    assert response.status_code == 200, response.text
    assert response.json()["accepted"] == 1


def show(client: httpx.Client, account_id: str, **query: Any) -> dict[str, Any]:
    response = client.get(path(account_id), params=query)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def erase(client: httpx.Client, account_id: str, **query: Any) -> dict[str, Any]:
    response = client.delete(path(account_id), params=query)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def test_what_was_sent_is_shown_newest_first(client: httpx.Client, account_id: str) -> None:
    now = time.time()
    for days in (2, 1, 3):
        send(client, account_id=account_id, occurred_at=now - 86_400 * days, event_id=f"e{days}", title="CFO")
    found = show(client, account_id)
    assert found["account_id"] == account_id
    assert found["read"] == ["account_id"]
    assert (found["events"], found["levels"], found["people"], found["next"]) == (3, 0, 0, "")
    times = [one["occurred_at"] for one in found["signals"]]
    assert times == sorted(times, reverse=True)
    assert (found["newest"], found["oldest"]) == (times[0], times[-1])
    assert found["signals"][0]["role"] == "finance"
    assert found["signals"][0]["weighed"] is True
    pages, before = [], ""
    for _ in range(3):
        page = show(client, account_id, limit=1, before=before)
        pages += page["signals"]
        before = page["next"]
    assert pages == found["signals"]
    assert before == ""


def test_an_account_without_signals_has_zeros(client: httpx.Client, account_id: str) -> None:
    found = show(client, account_id)
    assert (found["events"], found["signals"], found["oldest"]) == (0, [], "")
    assert erase(client, account_id) == {"account_id": account_id, "records": 0, "logs": 0}


@pytest.mark.parametrize("odd", ODD_IDS)
def test_odd_ids_are_shown_and_erased_each_alone(client: httpx.Client, odd: str) -> None:
    send(client, account_id=odd, event_id="e1")
    send(client, account_id=odd + "!", event_id="e1")
    assert show(client, odd)["events"] == 1
    assert erase(client, odd)["records"] == 1
    assert show(client, odd)["events"] == 0
    assert show(client, odd + "!")["events"] == 1
    assert erase(client, odd + "!")["records"] == 1


def test_an_id_that_reads_as_a_domain_is_looked_up_as_one_too(client: httpx.Client, account_id: str) -> None:
    domain = f"{account_id}.com"
    send(client, domain=domain, event_id="e1")
    assert show(client, domain)["read"] == ["account_id", "domain"]
    assert show(client, f"www.{domain}")["events"] == 1
    assert show(client, account_id)["events"] == 0
    assert show(client, account_id, domain=domain)["events"] == 1
    assert show(client, f"jo@{domain}")["read"] == ["account_id"], "one person is not the company"
    assert erase(client, domain)["records"] == 1


def test_an_erased_account_scores_as_one_that_did_nothing(client: httpx.Client, account_id: str) -> None:
    domain = f"{account_id}.com"
    who = {"account_id": account_id, "domain": domain, "employees": 400}
    before = client.post("/score", json=who).json()
    send(client, account_id=account_id, domain=domain)
    assert client.post("/score", json=who).json()["intent"] > 0
    assert erase(client, domain) == {"account_id": domain, "records": 2, "logs": 2}
    after = client.post("/score", json=who).json()
    for name in ("score", "intent", "recency", "engagement", "degraded"):
        assert after[name] == before[name], name


def test_one_person_is_erased_however_it_is_spelt(client: httpx.Client, account_id: str) -> None:
    send(client, account_id=account_id, person="Jo@Acme.com", event_id="e1")
    send(client, account_id=account_id, email="max@acme.com", event_id="e2")
    assert show(client, account_id)["people"] == 2
    assert erase(client, account_id, person=" jo@acme.COM ")["records"] == 1
    assert show(client, account_id)["people"] == 1
    assert erase(client, account_id, person="jo@acme.com")["records"] == 0


@pytest.mark.parametrize("query", [{"person": ""}, {"person": "null"}, {"preson": "jo@acme.com"}])
def test_a_slip_of_the_pen_erases_nobody(
    client: httpx.Client, account_id: str, query: dict[str, str]
) -> None:
    send(client, account_id=account_id, person="jo@acme.com")
    response = client.delete(path(account_id), params=query)
    assert response.status_code == 422
    assert "jo@acme.com" not in response.text
    assert show(client, account_id)["events"] == 1


@pytest.mark.parametrize(
    ("where", "query", "code"),
    [
        ("null", {}, "identity_missing"),
        (" ", {}, "identity_missing"),
        ("x" * 257, {}, "text_too_long"),
        ("a\tb", {}, "text_invalid"),
        ("42", {"domain": "gmail.com"}, "identity_missing"),
        ("42", {"domain": "nonsense"}, "identity_missing"),
        ("42", {"before": "yesterday"}, "time_invalid"),
        ("42", {"limit": "0"}, "request_invalid"),
        ("42", {"limit": "1001"}, "request_invalid"),
    ],
)
def test_what_names_no_account_or_page_is_refused(
    client: httpx.Client, where: str, query: dict[str, str], code: str
) -> None:
    response = client.get(path(where), params=query)
    assert response.status_code == 422, response.text
    assert response.json()["code"] == code


def test_a_key_is_asked_for_and_a_store_that_is_gone_is_told(start: Start) -> None:
    with start(api_keys="secret-key-of-tests", read_budget_ms="5000") as service:
        with httpx.Client(base_url=service.url, timeout=30.0) as nobody:
            assert nobody.get(path("42")).status_code == 401
            assert nobody.delete(path("42")).status_code == 401
        key = {"X-API-Key": "secret-key-of-tests"}
        with httpx.Client(base_url=service.url, timeout=30.0, headers=key) as client:
            send(client, account_id="42")
            assert show(client, "42")["events"] == 1
            assert client.get("/score", params={"account_id": "42"}).json()["intent"] > 0
            store = service.store_pid
            assert store is not None
            os.kill(store, signal.SIGSTOP)
            try:
                for answer in (client.get(path("42")), client.delete(path("42"))):
                    assert answer.status_code == 503
                    assert answer.json()["code"] == "store_unavailable"
                    assert "Retry-After" in answer.headers
            finally:
                os.kill(store, signal.SIGCONT)


@pytest.mark.parametrize("parameter", ["person", "limt"])
def test_a_parameter_that_showing_does_not_know_is_refused(
    client: httpx.Client, account_id: str, parameter: str
) -> None:
    """Whoever asks for one person's signals must not be given everybody's."""
    response = client.get(path(account_id), params={parameter: "jo@acme.com"})
    assert (response.status_code, response.json()["code"]) == (422, "parameter_unknown")
