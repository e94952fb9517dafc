from __future__ import annotations

import os
import re
import signal
import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from tests.api.conftest import Service, Start

NUMBER = (int, float)
FLAT: dict[str, type | tuple[type, ...]] = {  # the fields that every caller finds in every answer
    "account_id": str,
    "reference": str,
    "score": NUMBER,
    "grade": str,
    "tier": str,
    "fit": NUMBER,
    "intent": NUMBER,
    "recency": NUMBER,
    "engagement": NUMBER,
    "in_icp": bool,
    "segment": str,
    "coverage": NUMBER,
    "confidence": str,
    "degraded": bool,
    "draft": bool,
    "as_of": str,
    "model_version": str,
    "request_id": str,
    "reasons": list,
}
SIGNAL_PARTS = ("intent", "recency", "engagement")
GOOD = {"industry": "fintech", "employees": 850, "technologies": ["snowflake", "dbt"], "funded": True}
FIT_SHARE = 0.5  # the plan's default


def post(client: httpx.Client, body: Any, path: str = "/score", **more: Any) -> dict[str, Any]:
    response = client.post(path, json=body, **more)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def without_id(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "request_id"}


def send_demo_request(client: httpx.Client, account_id: str, **more: Any) -> None:
    sent = {"account_id": account_id, "type": "demo_request", "event_id": uuid.uuid4().hex, "channel": "web"}
    assert post(client, {"signals": [{**sent, **more}]}, "/signals")["accepted"] == 1


def assert_flat(answer: Mapping[str, Any]) -> None:
    for name, kind in FLAT.items():
        assert name in answer, f"{name} is missing"
        assert isinstance(answer[name], kind), f"{name} is {answer[name]!r}"
    assert all(isinstance(reason, str) and reason for reason in answer["reasons"])
    assert answer["reasons"]
    assert set(answer) == {*FLAT, "domain", "detail"}, "detail is nested after the flat fields"
    assert list(answer)[-1] == "detail"
    for name in ("score", "fit", *SIGNAL_PARTS):
        assert 0 <= answer[name] <= 100
    assert 0 <= answer["coverage"] <= 1
    assert re.fullmatch("[A-D][1-4]", answer["grade"])
    assert answer["tier"] in {"tier_1", "tier_2", "tier_3", "none"}
    assert answer["confidence"] in {"high", "medium", "low"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", answer["as_of"])


def test_a_posted_account_has_every_flat_field(client: httpx.Client, version: str) -> None:
    answer = post(client, {"domain": "https://www.acme.com/about", "reference": "lead-7", "attributes": GOOD})
    assert_flat(answer)
    assert answer["reference"] == "lead-7"
    assert answer["model_version"] == version
    assert answer["in_icp"] is True
    assert answer["segment"] == "fintech-on-snowflake"
    assert answer["degraded"] is False
    assert answer["draft"] is False


def test_a_looked_up_account_has_every_flat_field(client: httpx.Client) -> None:
    query = {"domain": "acme.com", "industry": "fintech", "technologies": "snowflake;dbt", "reference": "r"}
    response = client.get("/score", params={**query, "objective": "growth"})
    assert response.status_code == 200
    assert_flat(response.json())
    posted = post(client, {"domain": "acme.com", "objective": "growth", "attributes": query})
    assert response.json()["fit"] == posted["fit"]
    assert response.json()["segment"] == "fintech-on-snowflake"
    assert response.json()["reference"] == "r"
    assert response.json()["detail"]["objective"]["name"] == posted["detail"]["objective"]["name"]


def test_items_of_a_batch_have_every_flat_field(client: httpx.Client) -> None:
    results = post(client, [{"domain": "acme.com"}, {"account_id": "1", **GOOD}], "/score/bulk")["results"]
    for answer in results:
        assert answer.pop("status") == 200
        assert_flat(answer)


@pytest.mark.parametrize("known", [{}, GOOD, {"employees": "many"}, {"industry": "farming", "employees": 3}])
def test_fields_are_there_whatever_is_known_of_the_account(
    client: httpx.Client, known: dict[str, Any]
) -> None:
    assert_flat(post(client, {"account_id": "1", "attributes": known}))


def test_attributes_may_stand_at_the_top_level(client: httpx.Client) -> None:
    as_of = "2026-11-01T00:00:00Z"
    nested = post(client, {"domain": "acme.com", "as_of": as_of, "attributes": GOOD})
    assert without_id(post(client, {"domain": "acme.com", "as_of": as_of, **GOOD})) == without_id(nested)
    assert nested["fit"] != post(client, {"domain": "acme.com"})["fit"]


def test_numbers_and_flags_may_come_as_texts(client: httpx.Client, account_id: str) -> None:
    as_of = "2026-11-01T00:00:00Z"
    typed = {"employees": 1200, "funded": True, "technologies": ["dbt", "snowflake"], "founded": "2016-05-01"}
    written = {
        "employees": "1,200",
        "funded": "yes",
        "technologies": "Snowflake; dbt",
        "founded": "2016-05-01",
    }
    bodies = [{"account_id": account_id, "as_of": as_of, **known} for known in (typed, written)]
    first, second = post(client, bodies, "/score/bulk")["results"]
    assert first == second


def test_ids_may_come_as_numbers(client: httpx.Client) -> None:
    answer = post(client, {"account_id": 4711, "reference": 12})
    assert (answer["account_id"], answer["reference"]) == ("4711", "12")


def test_the_points_add_up_to_the_fit_exactly(client: httpx.Client) -> None:
    fit = post(client, {"domain": "acme.com", **GOOD})["detail"]["fit"]
    assert fit["base"] + sum(point["points"] for point in fit["points"]) == fit["unclipped"]


def test_the_objective_is_weights_a_preset_or_the_plans_own(client: httpx.Client) -> None:
    def weights(objective: Any) -> dict[str, float]:
        answer = post(client, {"domain": "acme.com", "objective": objective, **GOOD})
        found: dict[str, float] = answer["detail"]["objective"]["weights"]
        return found

    assert weights(None) == pytest.approx({"growth": 0.5, "lifetime_value": 0.3, "efficiency": 0.2})
    assert weights({"growth": 1, "efficiency": "3"}) == {
        "growth": 0.25,
        "lifetime_value": 0.0,
        "efficiency": 0.75,
    }
    assert weights("efficiency") == {"growth": 0.0, "lifetime_value": 0.0, "efficiency": 1.0}


def test_the_objective_changes_the_fit(client: httpx.Client) -> None:
    small = {"domain": "acme.com", "employees": 20}
    by_growth, by_payback = (
        post(client, {**small, "objective": objective})["fit"] for objective in ("growth", "efficiency")
    )
    assert by_growth < 50 < by_payback


def test_an_answer_can_be_had_again_to_the_last_bit(client: httpx.Client, account_id: str) -> None:
    send_demo_request(client, account_id)
    same = {"X-Request-ID": "the-same"}
    body = {"account_id": account_id, "attributes": GOOD}
    first = client.post("/score", json=body, headers=same)
    send_demo_request(client, account_id, occurred_at=time.time() + 2)  # later, so it does not count
    again = client.post("/score", json={**body, "as_of": first.json()["as_of"]}, headers=same)
    assert first.json()["intent"] > 0
    assert again.content == first.content


def test_as_of_takes_every_spelling_of_a_moment(client: httpx.Client) -> None:
    spellings = ["2026-07-01T02:00:00+02:00", "2026-07-01", 1782864000, 1782864000000, "1782864000"]
    answers = [post(client, {"domain": "acme.com", "as_of": spelling})["as_of"] for spelling in spellings]
    assert set(answers) == {"2026-07-01T00:00:00.000Z"}


def test_a_signal_changes_the_very_next_score(client: httpx.Client, account_id: str) -> None:
    body = {"account_id": account_id, "attributes": GOOD}
    before = post(client, body)
    assert [before[part] for part in SIGNAL_PARTS] == [0, 0, 0]
    assert before["detail"]["signals"]["state"] == "none"
    send_demo_request(client, account_id)
    after = post(client, body)
    assert after["score"] > before["score"]
    assert after["fit"] == before["fit"]
    assert all(after[part] > 0 for part in SIGNAL_PARTS)
    assert after["detail"]["signals"]["state"] == "ok"
    assert after["detail"]["signals"]["drivers"][0]["type"] == "demo_request"


def test_signals_by_domain_and_by_id_count_for_the_account_that_has_both(client: httpx.Client) -> None:
    domain = f"{uuid.uuid4().hex}.com"
    signals = [{"email": f"jo@{domain}", "type": "meeting"}, {"account_id": domain, "type": "webinar"}]
    assert post(client, {"signals": signals}, "/signals")["accepted"] == 2
    both = post(client, {"account_id": domain, "domain": f"https://{domain}", "attributes": GOOD})
    assert {driver["type"] for driver in both["detail"]["signals"]["drivers"]} == {"meeting", "webinar"}


def test_outside_the_icp_signals_do_not_count(client: httpx.Client, account_id: str) -> None:
    send_demo_request(client, account_id)
    answer = post(client, {"account_id": account_id, "industry": "retail", "employees": 850})
    assert answer["in_icp"] is False
    assert answer["score"] == pytest.approx(FIT_SHARE * answer["fit"], abs=0.011)


def test_an_excluded_account_scores_zero_and_says_why(client: httpx.Client, account_id: str) -> None:
    send_demo_request(client, account_id)
    answer = post(client, {"account_id": account_id, **GOOD, "employees": 3})
    assert (answer["score"], answer["grade"], answer["in_icp"]) == (0, "D4", False)
    assert "no budget" in answer["reasons"][0]


def test_a_value_that_cannot_be_read_counts_as_missing_and_is_named(client: httpx.Client) -> None:
    answer = post(client, {"domain": "acme.com", "employees": "a great many"})
    assert answer["detail"]["fit"]["unreadable"] == ["employees"]
    assert answer["fit"] == post(client, {"domain": "acme.com"})["fit"]


def test_a_batch_keeps_order_and_gives_each_fault_its_place(client: httpx.Client) -> None:
    batch = [
        {"account_id": "1", "reference": "first", **GOOD},
        {"reference": "second"},
        17,
        {"domain": "acme.com", "reference": "fourth"},
        {"account_id": "5", "objective": {"speed": 1}},
        {"account_id": ["MARKER"]},
        None,
        {"account_id": "8"},
    ]
    results = post(client, {"accounts": batch}, "/score/bulk")["results"]
    assert len(results) == len(batch)
    scored = {index: result["reference"] for index, result in enumerate(results) if "score" in result}
    assert scored == {0: "first", 3: "fourth", 7: ""}
    faults = {index: (r["status"], r["code"]) for index, r in enumerate(results) if "score" not in r}
    assert faults == {
        1: (422, "identity_missing"),
        2: (422, "request_invalid"),
        4: (422, "objective_invalid"),
        5: (422, "request_invalid"),
        6: (422, "request_invalid"),
    }
    assert results[1]["reference"] == "second"
    assert results[4]["account_id"] == "5"
    assert results[4]["field"] == "objective"
    assert "MARKER" not in str(results[5])


def test_a_batch_scores_as_its_accounts_do_alone(client: httpx.Client) -> None:
    as_of = 1782864000
    bodies = [{"account_id": str(n), "employees": 10**n, **({} if n % 2 else GOOD)} for n in range(1, 40)]
    together = post(client, {"accounts": bodies, "as_of": as_of, "objective": "growth"}, "/score/bulk")
    alone = [post(client, {**body, "as_of": as_of, "objective": "growth"}) for body in bodies]
    answers = [{"status": 200, **without_id(answer)} for answer in alone]
    assert list(map(without_id, together["results"])) == answers


def test_an_accounts_own_objective_and_moment_go_before_the_batchs(client: httpx.Client) -> None:
    own = {"account_id": "1", "objective": "efficiency", "as_of": "2026-01-01"}
    batch = {"accounts": [own, {"account_id": "2"}], "objective": "growth", "as_of": "2026-02-02"}
    first, second = post(client, batch, "/score/bulk")["results"]
    assert first["as_of"].startswith("2026-01-01")
    assert second["as_of"].startswith("2026-02-02")
    assert first["detail"]["objective"]["weights"]["efficiency"] == 1
    assert second["detail"]["objective"]["weights"]["growth"] == 1


@pytest.mark.parametrize("empty", [[], {"accounts": []}])
def test_an_empty_batch_has_an_empty_answer(client: httpx.Client, empty: Any) -> None:
    assert post(client, empty, "/score/bulk") == {"results": []}


def test_a_batch_may_carry_fields_of_the_senders_own(client: httpx.Client) -> None:
    batch = {"accounts": [{"account_id": "1"}], "sync_run": 17}
    assert len(post(client, batch, "/score/bulk")["results"]) == 1


def test_a_batch_that_is_too_large_is_refused(start: Start) -> None:
    with start(max_bulk_accounts="2") as service:
        bodies = [{"account_id": str(n)} for n in range(3)]
        refused = httpx.post(f"{service.url}/score/bulk", json=bodies)
        assert (refused.status_code, refused.json()["code"]) == (413, "too_many_accounts")
        assert "at most 2" in refused.json()["detail"]
        assert httpx.post(f"{service.url}/score/bulk", json=bodies[:2]).status_code == 200


@pytest.mark.parametrize("path", ["/score", "/score/", "/score/bulk", "/score/bulk/"])
def test_nothing_is_ever_redirected(client: httpx.Client, path: str) -> None:
    assert client.post(path, json={"account_id": "1"}).status_code in {200, 404, 422}


def store_of(service: Service) -> int:
    pid = service.store_pid
    assert pid is not None
    return pid


def asked_in_time(client: httpx.Client, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    answers = []
    for _ in range(3):
        began = time.monotonic()
        answers.append(post(client, body))
        assert time.monotonic() - began < 0.8
    return answers


def assert_as_known_last(client: httpx.Client, body: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    for answer in asked_in_time(client, body):
        assert answer["degraded"] is True
        known = [answer[part] for part in SIGNAL_PARTS]
        assert known == pytest.approx([before[part] for part in SIGNAL_PARTS], abs=0.5)
        families = answer["detail"]["signals"]
        assert {families[name]["state"] for name in SIGNAL_PARTS} == {"stale"}
        assert any("read" in reason for reason in answer["reasons"])


def assert_fit_alone(client: httpx.Client, body: Mapping[str, Any]) -> None:
    for answer in asked_in_time(client, body):
        assert answer["degraded"] is True
        assert [answer[part] for part in SIGNAL_PARTS] == [None, None, None]
        assert answer["score"] == pytest.approx(FIT_SHARE * answer["fit"], abs=0.011)
        assert answer["detail"]["signals"]["state"] == "unavailable"
        assert_flat({**answer, **dict.fromkeys(SIGNAL_PARTS, 0)})


def recovered(client: httpx.Client, body: Mapping[str, Any]) -> dict[str, Any]:
    give_up = time.monotonic() + 20
    while (answer := post(client, body))["degraded"]:
        assert time.monotonic() < give_up, "it stays degraded"
        time.sleep(0.05)
    return answer


def test_without_its_store_it_answers_with_what_it_knows_and_acknowledges_nothing(start: Start) -> None:
    """First the store hangs, then goes on, then dies and comes back. One account was read before, one not."""
    body = {"account_id": "1", "attributes": GOOD}
    stranger = {"account_id": "never read before", "attributes": GOOD}
    signals = {"signals": [{"account_id": "1", "type": "meeting", "event_id": "while it was gone"}]}
    with start() as service, httpx.Client(base_url=service.url, timeout=30.0) as client:
        send_demo_request(client, "1")
        before = recovered(client, body)
        assert before["intent"] > 0
        os.kill(store_of(service), signal.SIGSTOP)
        assert_as_known_last(client, body, before)
        assert_fit_alone(client, stranger)
        assert [a["degraded"] for a in post(client, [body] * 3, "/score/bulk")["results"]] == [True] * 3
        refused = client.post("/signals", json=signals)
        assert (refused.status_code, refused.json()["code"]) == (503, "store_unavailable")
        assert int(refused.headers["retry-after"]) >= 1
        assert client.get("/readyz").json()["signals"] == "unavailable"

        os.kill(store_of(service), signal.SIGCONT)
        assert recovered(client, body)["intent"] > 0
        assert client.post("/signals", json=signals).status_code == 200
        time.sleep(1.5)  # it writes to the disk once a second

        dead = store_of(service)
        os.kill(dead, signal.SIGKILL)
        again = recovered(client, body)
        assert again["intent"] > 0, "a store of its own is started again, with what it had written"
        assert store_of(service) != dead
        assert client.post("/signals", json=signals).json()["duplicates"] == 1


def test_a_draft_says_so_in_every_answer(start: Start, draft_artifacts: Any) -> None:
    with start("--artifacts", draft_artifacts, "--allow-draft") as service:
        assert httpx.post(f"{service.url}/score", json={"account_id": "1"}).json()["draft"] is True
        assert httpx.get(f"{service.url}/readyz").json()["draft"] is True
        assert httpx.get(f"{service.url}/models").json()["models"][0]["draft"] is True
