from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.api.webhooks.senders import NEW, OLD, codes, counts, token

PATH = "/webhooks/demandbase"
CODE = "X-DemandbaseAPI-ValidationCode"


def test_its_first_call_gets_its_code_back(hooks: httpx.Client) -> None:
    response = hooks.head(PATH, headers={CODE: "c4ca4238-a0b9_23820DCC"})
    assert (response.status_code, response.headers[CODE]) == (200, "c4ca4238-a0b9_23820DCC")
    assert response.content == b""


@pytest.mark.parametrize(
    "code",
    [b"", b"a b", b"a;b", b"<script>", b"\xff\xfe", b"a" * 129, b"%0d%0aSet-Cookie:x", b"a\tb", b"a,b"],
)
def test_a_code_that_is_no_plain_token_is_not_repeated(hooks: httpx.Client, code: bytes) -> None:
    response = hooks.head(PATH, headers={CODE.encode(): code})
    assert response.status_code == 422
    assert CODE not in response.headers


def test_only_a_source_that_shakes_hands_answers_head(hooks: httpx.Client) -> None:
    assert hooks.head(PATH).status_code == 422
    assert hooks.head("/webhooks/hubspot", headers={CODE: "abc"}).status_code == 405
    assert hooks.head("/webhooks/none", headers={CODE: "abc"}).status_code == 404


def test_a_row_with_a_strength_is_a_level(
    hooks: httpx.Client, domain: str, stored: Callable[[str], list[Any]]
) -> None:
    rows = [
        {
            "Domain": domain,
            "Intent Keyword": "Data Warehouse",
            "Intent Strength": "High",
            "Date": "2026-11-20",
        },
        {
            "website": f"www.{domain}",
            "keyword_set": "dbt",
            "intent_score": 41,
            "date": "2026-11-20T10:00:00Z",
        },
        {"account": {"domain": domain}, "date": "2026-11-21"},
    ]
    assert counts(hooks.post(PATH, **token({"accounts": rows}))) == (3, 0, 0, 0)
    found = [(record.type, record.topic, record.strength, record.level) for record in stored(f"d:{domain}")]
    assert found == [
        ("demandbase_intent", "data warehouse", 90.0, True),
        ("demandbase_intent", "dbt", 41.0, True),
        ("demandbase_activity", "", 1.0, False),
    ]


def test_no_row_disables_the_hook(hooks: httpx.Client, domain: str) -> None:
    bad = {"domain": domain, "intent_strength": "Immense"}
    assert codes(hooks.post(PATH, **token([bad, {"domain": domain}, None]))) == [
        (0, "strength_invalid"),
        (2, "signal_invalid"),
    ]
    for body in (b"", b"not JSON", b"[[]]", b"{}"):
        assert hooks.post(PATH, **token(body)).status_code == 200, body


def test_the_token_may_stand_in_the_url(hooks: httpx.Client, domain: str) -> None:
    rows = [{"domain": domain}]
    assert hooks.post(f"{PATH}?token={NEW}", json=rows).status_code == 200
    assert hooks.post(f"{PATH}?token={OLD}", json=rows).status_code == 200
    for query in ("", "?token=", "?token=wrong", "?token=%ED%A0%80", "?token=%FF"):
        response = hooks.post(PATH + query, json=rows)
        assert (response.status_code, response.json()["code"]) == (401, "signature_invalid"), query
