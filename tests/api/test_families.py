from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.api.conftest import START_SECONDS, Start

ATTRIBUTES = {"industry": "fintech", "technologies": ["snowflake"], "employees": 850}


@pytest.fixture
def ids() -> dict[str, str]:
    """A parent, two children and a grandchild that no other test uses."""
    mark = uuid.uuid4().hex[:10]
    return {name: f"{name}-{mark}" for name in ("top", "one", "two", "leaf")}


def put(client: httpx.Client, child: str, parent: dict[str, str], **query: str) -> httpx.Response:
    return client.put(f"/accounts/{quote(child, safe='')}/parent", json=parent, params=query)


def link_all(client: httpx.Client, ids: dict[str, str]) -> None:
    links = [("one", "top"), ("two", "top"), ("leaf", "one")]
    sent = [{"account_id": ids[child], "parent_id": ids[parent]} for child, parent in links]
    answer = client.post("/families", json=sent).json()
    assert (answer["linked"], answer["unchanged"], answer["rejected"]) == (3, 0, 0)


def send(client: httpx.Client, *accounts: str, **more: str) -> None:
    for account in accounts:
        sent = {"account_id": account, "type": "demo_request", "event_id": "e1", "channel": "web", **more}
        assert client.post("/signals", json=sent).json()["accepted"] == 1


def score(client: httpx.Client, account: str, rollup: str = "") -> dict[str, Any]:
    sent = {"account_id": account, "attributes": ATTRIBUTES, **({"rollup": rollup} if rollup else {})}
    response = client.post("/score", json=sent)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def rolled_up(answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = answer["detail"]["signals"]["rolled_up"]
    return found


def test_a_parent_that_asks_for_it_counts_its_children_and_says_so(
    client: httpx.Client, ids: dict[str, str]
) -> None:
    send(client, ids["one"], ids["leaf"], person="jo@acme.com")
    link_all(client, ids)
    alone = score(client, ids["top"])
    assert (alone["intent"], alone["score"]) == (0.0, score(client, ids["top"], "none")["score"])
    assert rolled_up(alone) == {"rollup": "none", "accounts": 0, "ids": [], "unread": 0, "cut": False}
    assert not any("subsidiar" in reason for reason in alone["reasons"])
    together = score(client, ids["top"], "parent")
    assert together["intent"] > 0
    assert together["score"] > alone["score"]
    assert rolled_up(together) == {
        "rollup": "parent",
        "accounts": 3,
        "ids": [ids["one"], ids["two"], ids["leaf"]],
        "unread": 0,
        "cut": False,
    }
    assert "Intent, Recency, Engagement: with 3 subsidiaries" in together["reasons"]
    assert together["detail"]["signals"]["people"] == 1, "the same person at two of them is one"
    assert not together["degraded"]


def test_a_family_counts_for_each_of_its_members(client: httpx.Client, ids: dict[str, str]) -> None:
    send(client, ids["two"])
    link_all(client, ids)
    leaf = score(client, ids["leaf"], "family")
    assert leaf["intent"] == score(client, ids["two"])["intent"] > 0
    assert rolled_up(leaf)["accounts"] == 3
    assert "Intent, Recency, Engagement: with 3 other accounts of its family" in leaf["reasons"]
    assert score(client, ids["leaf"], "parent")["intent"] == 0.0


def test_every_way_to_ask_for_a_score_takes_the_roll_up(client: httpx.Client, ids: dict[str, str]) -> None:
    send(client, ids["one"])
    link_all(client, ids)
    asked = {"account_id": ids["top"], "rollup": "parent"}
    answers = [
        client.post("/score", json=asked).json(),
        client.get("/score", params=asked).json(),
        client.post("/score", data=asked).json(),
        client.post("/score", json=[asked]).json()["results"][0],
        client.post("/score/bulk", json=[asked]).json()["results"][0],
        client.post(
            "/score/bulk", json={"accounts": [{"account_id": ids["top"]}], "rollup": "Parent"}
        ).json()["results"][0],
    ]
    assert [rolled_up(answer)["accounts"] for answer in answers] == [3] * 6
    accounts = [{"account_id": ids["top"], "rollup": own} for own in ("none", "parent", "", "all")]
    mixed = client.post("/score/bulk", json={"accounts": accounts, "rollup": "family"}).json()["results"]
    assert [rolled_up(one)["rollup"] for one in mixed[:3]] == ["none", "parent", "family"]
    assert (mixed[3]["status"], mixed[3]["code"], mixed[3]["field"]) == (422, "request_invalid", "rollup")


def test_taking_a_link_back_restores_the_score(client: httpx.Client, ids: dict[str, str]) -> None:
    send(client, ids["one"])
    before = score(client, ids["top"], "parent")
    assert put(client, ids["one"], {"parent_id": ids["top"]}).json() == {
        "account_id": ids["one"],
        "status": "linked",
    }
    assert put(client, ids["one"], {"parent_id": ids["top"]}).json()["status"] == "unchanged"
    assert score(client, ids["top"], "parent")["intent"] > before["intent"] == 0.0
    gone = [client.delete(f"/accounts/{ids['one']}/parent").json()["status"] for _ in range(2)]
    assert gone == ["removed", "absent"]
    after = score(client, ids["top"], "parent")
    assert [after[name] for name in ("score", "intent", "reasons")] == [
        before[name] for name in ("score", "intent", "reasons")
    ]


def test_id_and_domain_lead_to_the_same_family(client: httpx.Client, ids: dict[str, str]) -> None:
    domain = f"{ids['top']}.com"
    send(client, ids["one"])
    put(client, ids["one"], {"parent_id": ids["top"], "parent_domain": f"www.{domain}"})
    for named in (
        {"account_id": ids["top"]},
        {"domain": domain},
        {"account_id": ids["top"], "domain": domain},
    ):
        answer = client.post("/score", json={**named, "rollup": "parent"}).json()
        assert rolled_up(answer)["ids"] == [ids["one"]]
    leaf = f"{ids['leaf']}.com"
    assert put(client, leaf, {"parent_domain": domain}).status_code == 200, "an id that is a domain is that"
    answer = client.post("/score", json={"domain": leaf, "rollup": "family"}).json()
    assert set(rolled_up(answer)["ids"]) == {ids["top"], ids["one"]}


def test_a_family_is_shown_from_the_top_down(client: httpx.Client, ids: dict[str, str]) -> None:
    link_all(client, ids)
    put(client, ids["one"], {"parent_id": ids["top"]}, domain=f"{ids['one']}.com")
    answer = client.get(f"/accounts/{ids['one']}/family").json()
    assert (answer["account_id"], answer["parent"], answer["cut"]) == (ids["one"], ids["top"], False)
    shown = [(one["account_id"], one["parent"], one["level"], one["itself"]) for one in answer["members"]]
    assert shown == [
        (ids["top"], "", 1, False),
        (ids["one"], ids["top"], 2, True),
        (ids["two"], ids["top"], 2, False),
        (ids["leaf"], ids["one"], 3, False),
    ]
    assert answer["members"][1]["domain"] == f"{ids['one']}.com"
    alone = client.get(f"/accounts/{ids['one']}x/family").json()
    assert [one["level"] for one in alone["members"]] == [1]


def test_a_circle_is_refused_by_name(client: httpx.Client, ids: dict[str, str]) -> None:
    link_all(client, ids)
    refused = put(client, ids["top"], {"parent_id": ids["leaf"]})
    assert refused.status_code == 422
    assert (refused.json()["code"], refused.json()["field"]) == ("family_cycle", "parent_id")
    assert ids["top"] not in refused.text
    assert put(client, ids["top"], {"parent_id": ids["top"]}).json()["code"] == "family_cycle"
    assert client.get(f"/accounts/{ids['top']}/family").json()["parent"] == ""


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (b"{", "body_not_json", ""),
        (b"[]", "request_invalid", ""),
        (b"{}", "identity_missing", "parent_id"),
        (b'{"parent_domain": "gmail.com"}', "identity_missing", "parent_domain"),
        (b'{"parent_id": {"a": 1}}', "request_invalid", "parent_id"),
        (b'{"parent_id": "a\\u0000b"}', "text_invalid", "parent_id"),
    ],
)
def test_a_parent_that_is_none_is_refused(
    body: bytes, code: str, field: str, client: httpx.Client, ids: dict[str, str]
) -> None:
    response = client.put(f"/accounts/{ids['one']}/parent", content=body)
    assert 400 <= response.status_code < 500
    assert (response.json()["code"], response.json()["field"]) == (code, field)


def test_each_link_of_a_batch_has_a_status_of_its_own(client: httpx.Client, ids: dict[str, str]) -> None:
    sent = [
        {"account_id": ids["one"], "parent_id": ids["top"]},
        {"account_id": ids["one"]},
        {"account_id": ids["top"], "parent_id": ids["one"]},
        "nonsense",
        {"account_id": ids["one"], "parent_id": ids["top"]},
        {"domain": "gmail.com", "parent_id": ids["top"]},
        {"account_id": 42, "parent_id": ids["top"], "name": "further columns are left alone"},
    ]
    response = client.post("/families", json=sent)
    answer = response.json()
    assert response.status_code == 200
    assert (answer["linked"], answer["unchanged"], answer["rejected"]) == (2, 1, 4)
    assert [(one["status"], one["code"], one["field"]) for one in answer["results"]] == [
        ("linked", "", ""),
        ("rejected", "identity_missing", "parent_id"),
        ("rejected", "family_cycle", "parent_id"),
        ("rejected", "request_invalid", ""),
        ("unchanged", "", ""),
        ("rejected", "identity_missing", "domain"),
        ("linked", "", ""),
    ]
    client.delete("/accounts/42/parent")


def test_a_batch_of_which_nothing_could_be_stored_says_so_by_its_status(client: httpx.Client) -> None:
    response = client.post("/families", json=[{}, {}])
    assert (response.status_code, response.json()["code"]) == (422, "links_rejected")
    assert [one["index"] for one in response.json()["results"]] == [0, 1]
    assert client.post("/families", json=[]).json()["results"] == []
    assert client.post("/families", json={}).status_code == 422


@pytest.mark.parametrize("odd", ["a/b", "a b", "ü%2F*[?]", "a/parent", "{x}"])
def test_odd_ids_are_ids(odd: str, client: httpx.Client, ids: dict[str, str]) -> None:
    child = odd + ids["one"]
    assert put(client, child, {"parent_id": ids["top"]}).json()["account_id"] == child
    family = client.get(f"/accounts/{quote(child, safe='')}/family").json()
    assert [one["account_id"] for one in family["members"]] == [ids["top"], child]
    assert client.delete(f"/accounts/{quote(child, safe='')}/parent").json()["status"] == "removed"


def test_visits_that_name_a_domain_alone_count_and_nobody_takes_part(client: httpx.Client) -> None:
    domain = f"{uuid.uuid4().hex}.com"
    for number in range(3):
        sent = {
            "domain": f"https://www.{domain}/pricing",
            "type": "pricing_page",
            "event_id": str(number),
        }
        assert client.post("/signals", json={**sent, "channel": "web"}).json()["accepted"] == 1
    answer = client.post("/score", json={"domain": domain, "attributes": ATTRIBUTES}).json()
    assert answer["intent"] > 0
    signals = answer["detail"]["signals"]
    assert (signals["people"], signals["roles"], signals["most_senior"], signals["channels"]) == (0, 0, "", 1)


def test_a_store_that_is_away_costs_no_score_and_takes_no_link(start: Start, ids: dict[str, str]) -> None:
    with (
        start(redis_url="redis://127.0.0.1:1", person_key="a key of sixteen and more") as service,
        httpx.Client(base_url=service.url, timeout=START_SECONDS) as client,
    ):
        answer = score(client, ids["top"], "family")
        assert (answer["degraded"], answer["intent"]) == (True, None)
        response = put(client, ids["one"], {"parent_id": ids["top"]})
        assert (response.status_code, response.json()["code"]) == (503, "store_unavailable")
        assert response.headers["Retry-After"]
        assert client.get(f"/accounts/{ids['one']}/family").status_code == 503
