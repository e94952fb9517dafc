"""Whatever is sent, by whomever: an answer that is no fault of ours."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.webhooks import senders
from tests.api.webhooks.conftest import API_KEY
from tests.api.webhooks.senders import NEW, SOURCES

SIGNED: dict[str, Callable[[bytes], dict[str, Any]]] = {
    "hubspot": senders.hubspot,
    "segment": senders.segment,
    "rudderstack": senders.token,
    "demandbase": senders.token,
    "bombora": senders.bombora,
    "6sense": senders.token,
    "g2": lambda body: senders.token(body, header="X-Token"),
    "crm": senders.token,
    "standard": senders.standard,
}
NAMES = st.sampled_from(
    [
        "type",
        "event",
        "data",
        "traits",
        "properties",
        "context",
        "email",
        "domain",
        "groupId",
        "userId",
        "rows",
        "subscriptionType",
        "objectId",
        "propertyName",
        "propertyValue",
        "associationType",
        "occurredAt",
        "week",
        "company_intent_score",
        "company_buying_stage",
        "strength",
        "topic",
        "payload",
        "items",
        "what",
        "batch",
        "fromObjectId",
        "toObjectId",
        "timestamp",
        "messageId",
        "company",
        "signals",
        "specversion",
        "source",
        "id",
    ]
)
WORDS = st.sampled_from(
    [
        "track",
        "page",
        "group",
        "contact.creation",
        "object.x",
        "acme.com",
        "jo@acme.com",
        "CONTACT_TO_COMPANY",
        "a_to_b_to_c",
        "High",
        "2026-11-20",
        "1e999",
        "\x00",
        "\u202e",
        "1.0",
        "domain",
        "email",
    ]
)
LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | WORDS
JSON = st.recursive(
    LEAVES | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(), inner, max_size=6),
).map(orjson.dumps)
HEADER_NAMES = [
    "Authorization",
    "X-Signature",
    "X-HubSpot-Signature-v3",
    "X-HubSpot-Request-Timestamp",
    "X-Token",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "X-Bombora-Signature-256",
    "Content-Type",
    "ce-specversion",
    "ce-id",
    "ce-source",
    "X-DemandbaseAPI-ValidationCode",
    "ce-type",
    "ce-time",
]
HEADERS = st.dictionaries(
    st.sampled_from(HEADER_NAMES).map(str.encode),
    st.binary(max_size=60).map(lambda value: bytes(b for b in value if b >= 32 and b != 127).strip()),
    max_size=8,
)
FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("name", SIGNED)
@FEW
@given(body=JSON | st.binary(max_size=40))
def test_no_signed_body_is_a_fault_of_ours(hooks: httpx.Client, name: str, body: bytes) -> None:
    sent: dict[str, Any] = {"content": body, "headers": {}}
    try:
        sent = SIGNED[name](body)
    except UnicodeDecodeError:  # such a body cannot be signed by this scheme
        assert name == "standard"
    response = hooks.post(f"/webhooks/{name}", **sent)
    assert response.status_code in {200, 400, 401, 422}, response.text
    assert response.json()


@FEW
@given(
    name=st.sampled_from([*SIGNED, "none", "%2e%2e", "a%00b"]), headers=HEADERS, body=st.binary(max_size=40)
)
def test_no_headers_open_a_source_or_break_it(
    hooks: httpx.Client, name: str, headers: dict[bytes, bytes], body: bytes
) -> None:
    response = hooks.post(f"/webhooks/{name}", content=body, headers=headers)
    assert response.status_code in {401, 404}, response.text
    assert hooks.head(f"/webhooks/{name}", headers=headers).status_code in {200, 404, 405, 422}


@FEW
@given(headers=HEADERS, body=JSON | st.binary(max_size=40) | st.lists(JSON, max_size=4).map(b"\n".join))
def test_no_body_and_no_headers_break_signals(
    hooks: httpx.Client, headers: dict[bytes, bytes], body: bytes
) -> None:
    headers = {**headers, b"X-API-Key": API_KEY.encode()}
    response = hooks.post("/signals", content=body, headers=headers)
    assert response.status_code in {200, 400, 422}, response.text


@pytest.mark.parametrize("name", SIGNED)
def test_deep_and_odd_json_is_answered(hooks: httpx.Client, name: str) -> None:
    for body in (b"[" * 5_000, b'{"a":' * 900 + b"1" + b"}" * 900, b"[" * 1_000 + b"]" * 1_000, b"1" * 5_000):
        assert hooks.post(f"/webhooks/{name}", **SIGNED[name](body)).status_code in {200, 400, 401, 422}


def test_a_source_that_is_not_set_up_does_not_exist(hooks: httpx.Client) -> None:
    response = hooks.post("/webhooks/salesforce", content=b"[]", headers={"Authorization": NEW})
    assert (response.status_code, response.json()["code"]) == (404, "source_unknown")
    assert "salesforce" not in response.text


def test_an_api_key_opens_no_source(hooks: httpx.Client) -> None:
    response = hooks.post("/webhooks/crm", content=b"[]", headers={"X-API-Key": API_KEY})
    assert response.status_code == 401


def test_nothing_is_acknowledged_while_the_store_is_gone(
    start: Callable[..., AbstractContextManager[Any]], tmp_path: Path, account_id: str
) -> None:
    file = tmp_path / "webhooks.toml"
    file.write_text(SOURCES, encoding="utf-8")
    with start(webhooks=str(file)) as running, httpx.Client(base_url=running.url, timeout=30.0) as client:
        os.kill(running.store_pid, signal.SIGSTOP)
        event = {"subscriptionType": "company.creation", "objectId": account_id}
        meeting = {"domain": "acme.com", "type": "meeting"}
        calls: tuple[tuple[str, dict[str, Any]], ...] = (
            ("/webhooks/hubspot", senders.hubspot([event])),
            ("/webhooks/standard", senders.standard({"type": "meeting", "data": meeting})),
            ("/signals", {"json": meeting}),
        )
        for path, sent in calls:
            response = client.post(path, **sent)
            assert (response.status_code, response.json()["code"]) == (503, "store_unavailable")
            assert response.headers["Retry-After"]
        refused = client.post("/webhooks/crm", **senders.token(b"[]", secret=senders.FOREIGN))
        assert refused.status_code == 401


def test_more_rows_than_a_call_may_have_are_refused_and_few_results_are_listed(
    hooks: httpx.Client,
) -> None:
    headers = {"Authorization": f"Bearer {NEW}"}
    many = hooks.post("/webhooks/crm", json={"payload": {"items": [1] * 100_001}}, headers=headers)
    assert (many.status_code, many.json()["code"]) == (413, "too_many_signals")
    wrong = hooks.post("/webhooks/g2", json=[1] * 2_000, headers={"X-Token": NEW})
    assert (wrong.status_code, wrong.json()["rejected"], len(wrong.json()["results"])) == (200, 2_000, 1_000)
