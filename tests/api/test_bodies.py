from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.forms import FORM
from api.ndjson import NDJSON

TYPES = st.sampled_from([FORM, NDJSON, "application/json", "text/plain", "multipart/form-data", "?", ""])
NAMES = st.sampled_from(
    ["account_id", "domain", "attributes", "objective", "as_of", "properties", "accounts"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["acme.com", "growth"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.lists(st.tuples(NAMES, st.text(max_size=6)), max_size=4)
BODIES = st.one_of(
    st.binary(max_size=80),
    VALUES.map(lambda value: json.dumps(value).encode()),
    st.lists(VALUES, max_size=4).map(lambda rows: "\n".join(map(json.dumps, rows)).encode()),
    FIELDS.map(lambda pairs: "&".join(f"{name}={value}" for name, value in pairs).encode("utf-8", "replace")),
)
UNHURRIED = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def assert_understood(response: httpx.Response) -> None:
    """Whatever was sent, it is scored, or refused with a problem that says why."""
    assert response.status_code in {200, 400, 422}, response.text
    if response.status_code == 200 and response.headers["content-type"] == NDJSON:
        answers: Any = [json.loads(line) for line in response.content.splitlines()]
    else:
        answers = response.json()
        assert answers
    assert response.status_code == 200 or (answers["code"] and answers["detail"])


@UNHURRIED
@given(kind=TYPES, body=BODIES, path=st.sampled_from(["/score", "/score/bulk"]))
def test_no_body_of_any_type_is_a_fault_of_ours(
    client: httpx.Client, kind: str, body: bytes, path: str
) -> None:
    assert_understood(client.post(path, content=body, headers={"Content-Type": kind}))


@UNHURRIED
@given(fields=st.lists(st.tuples(NAMES, st.binary(max_size=6)), max_size=4))
def test_no_query_is_a_fault_of_ours(client: httpx.Client, fields: list[tuple[str, bytes]]) -> None:
    query = "&".join(f"{name}={quote(value)}" for name, value in fields)
    assert_understood(client.get(f"/score?{query}"))
