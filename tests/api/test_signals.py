from __future__ import annotations

import base64
import time
from typing import Any

import httpx
import orjson
import pytest


def send(client: httpx.Client, body: Any) -> dict[str, Any]:
    response = client.post("/signals", json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    assert set(answer) == {"accepted", "duplicates", "dropped", "rejected", "results", "unknown_types"}
    return answer


def counts(answer: dict[str, Any]) -> tuple[int, int, int, int]:
    return answer["accepted"], answer["duplicates"], answer["dropped"], answer["rejected"]


def intent(client: httpx.Client, account_id: str) -> float:
    found: float = client.get("/score", params={"account_id": account_id}).json()["intent"]
    return found


def test_an_event_id_counts_once(client: httpx.Client, account_id: str) -> None:
    event = {"account_id": account_id, "type": "meeting", "event_id": "e-1", "occurred_at": time.time()}
    assert counts(send(client, {"signals": [event]})) == (1, 0, 0, 0)
    once = client.post("/score", json={"account_id": account_id, "as_of": time.time() + 1}).json()
    assert counts(send(client, {"signals": [event, event]})) == (0, 2, 0, 0)
    again = client.post("/score", json={"account_id": account_id, "as_of": once["as_of"]}).json()
    assert again["engagement"] == once["engagement"] > 0


def test_counts_add_up(client: httpx.Client, account_id: str) -> None:
    def event(number: int, **more: Any) -> dict[str, Any]:
        return {"account_id": account_id, "type": "webinar", "event_id": f"e-{number}", **more}

    batch = [
        event(1),
        {"account_id": account_id},
        event(2, occurred_at="2019-01-01"),
        event(1),
        "not an object",
        event(3, strength=-1),
        event(4, occurred_at=time.time() + 3600),
        {"type": "webinar"},
        event(5),
    ]
    answer = send(client, batch)
    assert counts(answer) == (2, 1, 1, 5)
    faults = [result for result in answer["results"] if result["status"] == "rejected"]
    assert [(fault["index"], fault["code"], fault["field"]) for fault in faults] == [
        (1, "type_missing", "type"),
        (4, "signal_invalid", ""),
        (5, "strength_invalid", "strength"),
        (6, "time_in_future", "occurred_at"),
        (7, "identity_missing", "account_id"),
    ]


def test_what_is_at_fault_is_not_repeated(client: httpx.Client) -> None:
    marker = "Zaphod"
    faulty: list[Any] = [
        marker,
        {marker: marker},
        {"account_id": "1", "type": [marker]},
        {"account_id": [marker], "type": "meeting"},
        {"email": marker, "type": "meeting"},
        {"account_id": "1", "type": "meeting", "occurred_at": marker},
        {"account_id": "1", "type": "meeting", "strength": marker},
        {"account_id": "1", "type": "meeting", "level": marker},
        {"account_id": "1", "type": "meeting", "person": {marker: marker}},
        {"account_id": "1", "type": "meeting", "topic": marker * 100},
    ]
    response = client.post("/signals", json=faulty)
    assert len(response.json()["results"]) == response.json()["rejected"] == len(faulty)
    assert all(fault["message"] for fault in response.json()["results"])
    assert marker.lower() not in response.text.lower()


@pytest.mark.parametrize("empty", [[], {"signals": []}])
def test_no_signals_are_no_error(client: httpx.Client, empty: Any) -> None:
    assert counts(send(client, empty)) == (0, 0, 0, 0)


def test_one_signal_may_come_alone(client: httpx.Client, account_id: str) -> None:
    assert counts(send(client, {"account_id": account_id, "type": "meeting"})) == (1, 0, 0, 0)
    assert intent(client, account_id) > 0


def test_of_a_level_the_latest_counts(client: httpx.Client, account_id: str) -> None:
    def level(strength: float, days_ago: float) -> dict[str, Any]:
        gauge = {"type": "intent_score", "level": True, "strength": strength, "topic": "billing"}
        return {"account_id": account_id, "occurred_at": time.time() - 86_400 * days_ago, **gauge}

    send(client, [level(90, days_ago=2)])
    high = intent(client, account_id)
    send(client, [level(10, days_ago=1)])
    low = intent(client, account_id)
    assert 0 < low < high
    assert counts(send(client, [level(95, days_ago=3)])) == (1, 0, 0, 0)
    assert intent(client, account_id) == pytest.approx(low, abs=0.02)


def test_a_person_is_counted_and_not_kept_by_name(client: httpx.Client, account_id: str) -> None:
    people = [
        {"account_id": account_id, "type": "meeting", "person": name} for name in ("ana", "ben", "Ana ")
    ]
    send(client, people)
    answer = client.get("/score", params={"account_id": account_id})
    assert answer.json()["detail"]["signals"]["people"] == 2
    assert '"ana"' not in answer.text


def test_more_signals_than_one_request_may_hold_are_refused_and_none_is_stored(
    client: httpx.Client, account_id: str
) -> None:
    event = {"account_id": account_id, "type": "meeting"}
    response = client.post("/signals", json=[{**event, "event_id": str(number)} for number in range(5_001)])
    assert (response.status_code, response.json()["code"]) == (413, "too_many_signals")
    assert intent(client, account_id) == 0


def test_one_id_for_two_types_is_two_events(client: httpx.Client, account_id: str) -> None:
    events = [{"account_id": account_id, "event_id": "e", "type": kind} for kind in ("meeting", "email_open")]
    assert counts(send(client, events)) == (2, 0, 0, 0)


def test_a_batch_that_went_well_is_a_short_answer(client: httpx.Client, account_id: str) -> None:
    events = [{"account_id": account_id, "type": "meeting", "event_id": str(number)} for number in range(500)]
    assert send(client, events) == {
        "accepted": 500,
        "duplicates": 0,
        "dropped": 0,
        "rejected": 0,
        "results": [],
        "unknown_types": {},
    }


def test_every_item_has_a_status_on_request_and_what_is_not_stored_in_any_case(
    client: httpx.Client, account_id: str
) -> None:
    event = {"account_id": account_id, "type": "meeting"}
    batch = [
        {**event, "event_id": "1"},
        {**event, "event_id": "1"},
        {**event, "occurred_at": "2019-01-01"},
        5,
    ]
    answer = client.post("/signals", params={"results": "all"}, json=batch).json()
    statuses = [(result["index"], result["status"]) for result in answer["results"]]
    assert statuses == [(0, "accepted"), (1, "duplicate"), (2, "dropped"), (3, "rejected")]
    again = send(client, batch)
    assert counts(again) == (0, 2, 1, 1)
    assert [(result["index"], result["status"]) for result in again["results"]] == [
        (2, "dropped"),
        (3, "rejected"),
    ]
    assert client.post("/signals", params={"results": "some"}, json=batch).status_code == 422


def test_where_nothing_could_be_read_the_status_says_so(client: httpx.Client, account_id: str) -> None:
    alone = client.post("/signals", json={"account_id": account_id})
    assert (alone.status_code, alone.json()["code"], alone.json()["field"]) == (422, "type_missing", "type")
    several = client.post("/signals", json=[{"account_id": account_id}, 1])
    assert (several.status_code, several.json()["code"]) == (422, "signals_rejected")
    assert several.headers["content-type"] == "application/problem+json"
    assert [result["code"] for result in several.json()["results"]] == ["type_missing", "signal_invalid"]
    assert several.json()["rejected"] == 2


def test_old_signals_alone_are_no_error(client: httpx.Client, account_id: str) -> None:
    old = {"account_id": account_id, "type": "meeting", "occurred_at": "2019-01-01"}
    assert counts(send(client, old)) == (0, 0, 1, 0)


def test_types_the_model_does_not_know_are_kept_and_named(client: httpx.Client, account_id: str) -> None:
    event = {"account_id": account_id}
    batch = [
        {**event, "type": "Foo Bar", "event_id": "1"},
        {**event, "type": "foo_bar", "event_id": "2"},
        {**event, "type": "foo_bar", "event_id": "2"},
        {**event, "type": "meeting"},
    ]
    answer = send(client, batch)
    assert (counts(answer), answer["unknown_types"]) == ((3, 1, 0, 0), {"foo_bar": 2})


def test_of_many_unknown_types_the_most_frequent_are_named(client: httpx.Client, account_id: str) -> None:
    kinds = [f"kind_of_ours_{number}" for number in range(40)] + ["kind_of_ours_7"] * 2
    batch = [
        {"account_id": account_id, "type": kind, "event_id": str(number)} for number, kind in enumerate(kinds)
    ]
    named = send(client, batch)["unknown_types"]
    assert (len(named), named["kind_of_ours_7"], named["(other)"], sum(named.values())) == (21, 3, 20, 42)


def lines(*values: Any) -> bytes:
    return b"\n".join(value if isinstance(value, bytes) else orjson.dumps(value) for value in values)


@pytest.mark.parametrize("content_type", ["application/x-ndjson", "application/json", "text/plain", None])
def test_signals_may_come_one_per_line_whatever_the_content_type(
    client: httpx.Client, account_id: str, content_type: str | None
) -> None:
    events = [{"account_id": account_id, "type": "meeting", "event_id": str(number)} for number in range(3)]
    headers = {"Content-Type": content_type} if content_type else {}
    body = lines(*events[:2], b"", b'{"broken"', events[2], b"")
    answer = client.post("/signals", content=body, headers=headers).json()
    assert counts(answer) == (3, 0, 0, 1)
    assert [(result["index"], result["code"]) for result in answer["results"]] == [(2, "body_not_json")]


def test_json_that_is_broken_is_not_taken_for_lines(client: httpx.Client) -> None:
    for body in (b'[{"type": "meeting"},\n{"type"', b'{\n"type": "meeting",\n', b"type\nmeeting", b""):
        response = client.post("/signals", content=body)
        assert (response.status_code, response.json()["code"]) == (400, "body_not_json"), body


def test_too_many_lines_are_refused(client: httpx.Client, account_id: str) -> None:
    line = orjson.dumps({"account_id": account_id, "type": "meeting"})
    response = client.post("/signals", content=b"\n".join([line] * 5_001))
    assert (response.status_code, response.json()["code"]) == (413, "too_many_signals")


def cloud_event(account_id: str, number: str, **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": number,
        "source": "/crm/meetings",
        "type": "meeting",
        "time": "2026-11-20T10:00:00Z",
        "datacontenttype": "application/json",
        "data": {"account_id": account_id, "person": "ana"},
        **more,
    }


def test_a_cloud_event_counts_once_by_its_source_and_id(client: httpx.Client, account_id: str) -> None:
    def post(*events: Any) -> tuple[int, int, int, int]:
        kind = "application/cloudevents+json" if len(events) == 1 else "application/cloudevents-batch+json"
        body = orjson.dumps(events[0] if len(events) == 1 else list(events))
        return counts(client.post("/signals", content=body, headers={"Content-Type": kind}).json())

    first = cloud_event(account_id, "1")
    assert post(first) == (1, 0, 0, 0)
    assert post(first, cloud_event(account_id, "2"), cloud_event(account_id, "1", source="/web")) == (
        2,
        1,
        0,
        0,
    )
    encoded = base64.b64encode(orjson.dumps({"account_id": account_id})).decode()
    assert post({**cloud_event(account_id, "3", data_base64=encoded), "data": None}) == (1, 0, 0, 0)
    assert intent(client, account_id) > 0


def test_a_cloud_event_may_stand_in_the_headers(client: httpx.Client, account_id: str) -> None:
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "1",
        "ce-source": "/crm/me%20etings",
        "ce-type": "meeting",
        "ce-time": "2026-11-20T10:00:00Z",
    }
    body = {"account_id": account_id}
    assert counts(client.post("/signals", json=body, headers=headers).json()) == (1, 0, 0, 0)
    structured = cloud_event(account_id, "1", source="/crm/me etings")
    assert counts(send(client, structured)) == (0, 1, 0, 0)
    assert client.post("/signals", content=b"", headers=headers).json()["code"] == "identity_missing"


def test_a_cloud_event_that_is_none_says_what_it_lacks(client: httpx.Client, account_id: str) -> None:
    good = cloud_event(account_id, "1")
    for change in ({"id": ""}, {"source": None}, {"type": 7}, {"data": "text"}):
        response = client.post("/signals", json={**good, **change})
        assert (response.status_code, response.json()["code"]) == (422, "cloudevent_invalid"), change
    broken = {**good, "data": None, "data_base64": "%"}
    assert client.post("/signals", json=broken).json()["field"] == "data"


@pytest.mark.parametrize("odd", ["*", "?[a-z]", "{tag}", "fb:names", "a b", "$(x)", "\\", "é\u202e"])
def test_an_id_with_characters_that_mean_something_to_a_store_is_an_id(
    client: httpx.Client, account_id: str, odd: str
) -> None:
    plain, mine = account_id, f"{odd}{account_id}{odd}"
    assert counts(send(client, {"account_id": mine, "type": "meeting"})) == (1, 0, 0, 0)
    assert intent(client, mine) > 0
    assert intent(client, plain) == 0


def test_the_answer_is_described_as_it_is(client: httpx.Client, account_id: str) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    event = {"account_id": account_id, "type": "meeting"}
    body = [{**event, "occurred_at": "2019-01-01"}, 1, event]
    answer = client.post("/signals", params={"results": "all"}, json=body).json()
    assert (
        set(schemas["SignalsAnswer"]["properties"])
        == set(schemas["SignalsAnswer"]["required"])
        == set(answer)
    )
    assert set(answer["results"][1]) == set(schemas["SignalResult"]["properties"])
    assert answer["results"][0]["code"] == "too_old"
    assert set(answer["results"][2]) == set(schemas["SignalResult"]["required"])
