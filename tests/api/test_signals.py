from __future__ import annotations

import time
from typing import Any

import httpx
import pytest


def send(client: httpx.Client, body: Any) -> dict[str, Any]:
    response = client.post("/signals", json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    assert set(answer) == {"accepted", "duplicates", "dropped", "rejected"}
    return answer


def counts(answer: dict[str, Any]) -> tuple[int, int, int, int]:
    return answer["accepted"], answer["duplicates"], answer["dropped"], len(answer["rejected"])


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
    assert [(fault["index"], fault["code"], fault["field"]) for fault in answer["rejected"]] == [
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
    assert len(response.json()["rejected"]) == len(faulty)
    assert all(fault["message"] for fault in response.json()["rejected"])
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
