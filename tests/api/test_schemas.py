from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.schemas import BulkBody, ScoreBody, SignalBody, parse_score_body
from scoring.errors import RequestError
from scoring.registry import read_active
from scoring.scorer import Scorer
from scoring.signals.people import ROLES, SENIORITIES
from scoring.signals.signal import Signal

NOW = 1782864000.1234
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from([*ScoreBody.model_fields, "employees", "request", "model_extra"])


@pytest.fixture(scope="module")
def scorer(artifacts: Path) -> Scorer:
    return Scorer(read_active(artifacts))


def test_further_keys_are_attributes_and_the_nested_ones_go_first(scorer: Scorer) -> None:
    body = parse_score_body({"account_id": 7, "employees": 5, "size": "s", "attributes": {"employees": 9}})
    request = body.request(scorer, now=NOW, request_id="r")
    assert request.account.attributes == {"employees": 9, "size": "s"}
    assert request.account.account_id == "7"
    assert (request.as_of, request.request_id) == (1782864000.123, "r")
    asked = parse_score_body({"account_id": 7, "as_of": NOW}).request(scorer, now=0.0, request_id="r")
    assert asked.as_of == request.as_of, "the answer's as_of, to the millisecond, is what was scored with"


def test_defaults_stand_in_for_what_an_account_does_not_say() -> None:
    defaults = {"objective": "growth", "as_of": 1782864000.0}
    assert parse_score_body({"account_id": "1"}, defaults).objective == "growth"
    assert parse_score_body({"account_id": "1", "objective": ""}, defaults).objective == "growth"
    assert (
        parse_score_body({"account_id": "1", "objective": "efficiency"}, defaults).objective == "efficiency"
    )
    assert parse_score_body({"account_id": "1", "as_of": "2026-01-01"}, defaults).as_of == 1767225600.0


@given(raw=st.dictionaries(FIELDS, JSON, max_size=5) | JSON)
def test_any_json_is_an_account_or_a_fault_of_the_caller(scorer: Scorer, raw: Any) -> None:
    try:
        request = parse_score_body(raw).request(scorer, now=NOW, request_id="")
    except RequestError as error:
        fault = error
    else:
        assert request.account.keys
        return
    assert fault.field.partition(".")[0] in {"", *ScoreBody.model_fields}
    assert str(fault)


def test_the_documented_fields_of_a_signal_are_those_that_are_read() -> None:
    sent = {
        "account_id": "1",
        "domain": "acme.com",
        "email": "jo@acme.com",
        "type": "meeting",
        "occurred_at": NOW - 60,
        "event_id": "e",
        "topic": "billing",
        "strength": 2.0,
        "person": "jo",
        "channel": "web",
        "title": "CFO",
        "role": "finance",
        "seniority": "executive",
        "level": False,
    }
    assert set(sent) == set(SignalBody.model_fields)
    signal = Signal.parse(SignalBody.model_validate(sent).model_dump(), now=NOW)
    assert (signal.event_id, signal.topic, signal.strength, signal.person, signal.channel) == (
        "e",
        "billing",
        2.0,
        "jo",
        "web",
    )
    assert (ROLES[signal.role], SENIORITIES[signal.seniority]) == ("finance", "executive")


@pytest.mark.parametrize("model", [ScoreBody, BulkBody])
def test_the_description_says_what_an_objective_may_be(model: type[ScoreBody] | type[BulkBody]) -> None:
    described = model.model_json_schema()["properties"]["objective"]["anyOf"]
    assert [form["type"] for form in described] == ["object", "string", "null"]


def test_examples_are_valid() -> None:
    for example in ScoreBody.model_json_schema()["examples"]:
        assert parse_score_body(example).domain
