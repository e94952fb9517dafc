from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import Message, Receive, Scope, Send

from api.metrics import BUCKETS, NO_ROUTE, OTHER_METHOD, SHARED_FOLDER, CountRequests, Metrics, shared_between

if TYPE_CHECKING:
    from tests.api.conftest import Start

Counts = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parsed(text: str) -> Counts:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scrape(client: httpx.Client) -> Counts:
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    return parsed(response.text)


def value(counts: Counts, name: str, **labels: str) -> float:
    return counts.get((f"firebrand_{name}", frozenset(labels.items())), 0.0)


@pytest.fixture
def client(start: Start) -> Iterator[httpx.Client]:
    """A service of its own: what it counted is what the test did."""
    with (
        start(api_keys="the-key", read_budget_ms="5000") as service,
        httpx.Client(base_url=service.url, timeout=30.0, headers={"X-API-Key": "the-key"}) as client,
    ):
        yield client


def test_requests_accounts_and_the_model_are_counted(client: httpx.Client, version: str) -> None:
    for _ in range(3):
        assert client.post("/score", json={"account_id": "1"}).status_code == 200
    assert client.get("/score?domain=acme.com").status_code == 200
    assert client.post("/score", json={}).status_code == 422
    assert (
        client.post("/score/bulk", json=[{"account_id": str(n)} for n in range(40)] + [{}]).status_code == 200
    )
    counts = scrape(client)
    assert value(counts, "requests_total", route="/score", method="POST", status="200") == 3
    assert value(counts, "requests_total", route="/score", method="GET", status="200") == 1
    assert value(counts, "requests_total", route="/score", method="POST", status="422") == 1
    assert value(counts, "requests_total", route="/score/bulk", method="POST", status="200") == 1
    assert value(counts, "request_seconds_count", route="/score") == 5
    assert 0 < value(counts, "request_seconds_sum", route="/score") < 60
    assert value(counts, "request_seconds_bucket", route="/score", le="+Inf") == 5
    assert value(counts, "accounts_scored_total") == 44
    assert value(counts, "log_reads_total", state="live") == 44
    assert value(counts, "answers_degraded_total") == 0
    assert value(counts, "model_info", version=version, draft="false") == 1


def test_nothing_a_caller_chooses_becomes_a_label(client: httpx.Client) -> None:
    """Whatever paths, methods, keys and accounts are tried, there are only the routes' own series."""
    before = {name for name, _ in scrape(client)}
    for n in range(30):
        client.get(f"/made-up-{n}", headers={"X-API-Key": f"key-{n}"})
        client.request("PATCH", f"/score?account_id=acme-{n}")
        client.request(["PURGE", "LOCK", "MKCOL"][n % 3], f"/score/{n}")
        client.post("/score", json={"account_id": f"acme-{n}", f"attribute-{n}": n})
        client.post("/signals", json={"account_id": f"acme-{n}", "type": f"type-{n}"})
    response = client.get("/metrics")
    counts = parsed(response.text)
    assert {name for name, _ in counts} == before | {"firebrand_requests_total"}
    assert not re.search(r"made-up|acme|attribute-|type-\d|PURGE|LOCK|key-", response.text)
    assert value(counts, "requests_total", route=NO_ROUTE, method=OTHER_METHOD, status="404") == 60
    assert value(counts, "requests_total", route="/score", method=OTHER_METHOD, status="405") == 30
    routes = {dict(labels)["route"] for name, labels in counts if name == "firebrand_requests_total"}
    assert routes == {NO_ROUTE, "/livez", "/metrics", "/score", "/signals"}


def test_no_key_is_asked_for_the_counts(client: httpx.Client) -> None:
    assert httpx.get(f"{client.base_url}/metrics").status_code == 200
    assert httpx.post(f"{client.base_url}/score", json={}).status_code == 401
    assert value(scrape(client), "requests_total", route="/score", method="POST", status="401") == 1


def test_what_had_to_do_without_its_store_is_counted(start: Start) -> None:
    with start() as service, httpx.Client(base_url=service.url, timeout=30.0) as client:
        store = service.store_pid
        assert store is not None
        os.kill(store, signal.SIGSTOP)
        answers = [client.post("/score", json={"account_id": "1"}).json() for _ in range(4)]
        assert [answer["degraded"] for answer in answers] == [True] * 4
        counts = scrape(client)
    assert value(counts, "answers_degraded_total") == 4
    assert value(counts, "log_reads_total", state="unavailable") == 4
    assert value(counts, "log_reads_total", state="live") == 0


def test_workers_count_together_and_leave_no_files(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    calls, accounts = 60, 0.0
    with start("--workers", "2", state=tmp_path, read_budget_ms="5000") as service:
        for n in range(calls):  # a connection each, so that both workers get some
            assert httpx.post(f"{service.url}/score", json={"account_id": str(n)}).status_code == 200
        with httpx.Client(base_url=service.url, timeout=30.0) as client:
            give_up = time.monotonic() + 10
            while accounts != calls and time.monotonic() < give_up:
                counts = scrape(client)
                accounts = value(counts, "accounts_scored_total")
            assert len(list(tmp_path.glob("firebrand-metrics-*/counter_*.db"))) >= 2, "each worker has a file"
    assert list(tmp_path.glob("firebrand-metrics-*")) == []
    assert accounts == calls
    assert value(counts, "requests_total", route="/score", method="POST", status="200") == calls


def test_a_caller_that_leaves_is_no_fault_of_ours(client: httpx.Client) -> None:
    host, port = client.base_url.host, client.base_url.port
    assert port is not None
    head = f"POST /score HTTP/1.1\r\nHost: {host}\r\nX-API-Key: the-key\r\nContent-Length: 1000\r\n\r\n"
    with socket.create_connection((host, port), timeout=10.0) as connection:
        connection.sendall(head.encode() + b'{"account_id"')
        time.sleep(0.3)
    give_up = time.monotonic() + 10
    while not (counts := scrape(client)) or not value(counts, "request_seconds_count", route="/score"):
        assert time.monotonic() < give_up, "it was not counted"
        time.sleep(0.05)
    assert value(counts, "requests_total", route="/score", method="POST", status="500") == 0
    assert value(counts, "requests_total", route="/score", method="POST", status="499") == 1


def test_two_apps_share_no_counts() -> None:
    one, other = Metrics(), Metrics()
    one.count_scored(3, degraded=1)
    assert value(parsed(one.text().decode()), "accounts_scored_total") == 3
    assert value(parsed(other.text().decode()), "accounts_scored_total") == 0


def test_each_count_goes_where_its_name_says() -> None:
    metrics = Metrics()
    metrics.count_read(live=5, last_good=3, unavailable=2)
    metrics.count_signals({"accepted": 4, "duplicate": 1, "rejected": 0})
    metrics.count_unknown_type(7)
    metrics.count_refused("hubspot", "signature_wrong")
    metrics.count_refused("hubspot", "signature_wrong")
    metrics.serve_model("v1", draft=True)
    metrics.serve_model("v2", draft=False)
    counts = parsed(metrics.text().decode())
    assert [value(counts, "log_reads_total", state=s) for s in ("live", "last_good", "unavailable")] == [
        5,
        3,
        2,
    ]
    assert value(counts, "signals_total", outcome="accepted") == 4
    assert value(counts, "signals_total", outcome="dropped") == 0
    assert ("firebrand_signals_total", frozenset({("outcome", "dropped")})) in counts, (
        "it is there from the start"
    )
    assert value(counts, "signals_unknown_type_total") == 7
    assert value(counts, "webhooks_refused_total", source="hubspot", code="signature_wrong") == 2
    assert value(counts, "model_info", version="v1", draft="true") == 0
    assert value(counts, "model_info", version="v2", draft="false") == 1


def test_an_outcome_that_is_none_is_refused() -> None:
    with pytest.raises(KeyError):
        Metrics().count_signals({"acme.com": 1})


def test_every_metric_says_what_to_do_about_it() -> None:
    families = list(text_string_to_metric_families(Metrics().text().decode()))
    ours = [f for f in families if f.name.startswith("firebrand_")]
    assert len({f.name for f in ours if not f.name.endswith("_created")}) == 9
    for family in ours:
        assert len(family.documentation.split(". ")) >= 2, family.name


@pytest.mark.parametrize("seconds", [0.0005, 0.004, 0.06, 5.0])
def test_a_duration_is_counted_in_the_buckets_above_it(seconds: float) -> None:
    metrics = Metrics()
    metrics.count_request("/score", "POST", 200, seconds)
    counts = parsed(metrics.text().decode())
    found = [value(counts, "request_seconds_bucket", route="/score", le=str(bound)) for bound in BUCKETS]
    assert found == [float(seconds <= bound) for bound in BUCKETS]


def test_a_fault_is_counted_and_passed_on() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError(scope["method"], await receive(), send)

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        raise AssertionError(message)

    metrics = Metrics()
    with pytest.raises(ValueError, match="GET"):
        asyncio.run(CountRequests(broken, metrics)({"type": "http", "method": "GET"}, receive, send))
    counts = parsed(metrics.text().decode())
    assert value(counts, "requests_total", route=NO_ROUTE, method=OTHER_METHOD, status="500") == 1


def test_one_worker_needs_no_folder_and_several_get_a_fresh_one() -> None:
    with shared_between(1):
        assert SHARED_FOLDER not in os.environ
    with shared_between(2):
        folder = Path(os.environ[SHARED_FOLDER])
        assert list(folder.iterdir()) == []
        counting = "m = Metrics(); m.count_scored(2, degraded=0); print(m.text().decode())"
        command = [sys.executable, "-c", f"from api.metrics import Metrics; {counting}"]
        both = [subprocess.check_output(command, text=True) for _ in range(2)]
        assert value(parsed(both[1]), "accounts_scored_total") == 4
    assert SHARED_FOLDER not in os.environ
    assert not folder.exists()
