from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from scoring.registry import activate
from tests.api.conftest import Service, Start

FINTECH = {"industry": "fintech", "employees": 500, "technologies": ["dbt", "snowflake"]}
FLAT = [
    *("account_id", "domain", "since", "as_of", "score_then", "score_now", "change", "decay", "new_signals"),
    *("attributes", "model", "degraded", "reasons", "notes", "detail"),
]
PARTS = ("decay", "new_signals", "attributes", "model")


def score(client: httpx.Client, account_id: str, **more: Any) -> dict[str, Any]:
    response = client.post("/score", json={"account_id": account_id, **more})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def send(client: httpx.Client, account_id: str, kind: str, **more: Any) -> None:
    response = client.post("/signals", json={"account_id": account_id, "type": kind, **more})
    assert response.json()["accepted"] == 1, response.text


def changes(client: httpx.Client, account_id: str, since: str, **more: Any) -> dict[str, Any]:
    response = client.get(f"/accounts/{account_id}/changes", params={"since": since, **more})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    assert list(answer) == FLAT
    assert round(sum(answer[part] for part in PARTS), 2) == answer["change"]
    assert round(answer["score_now"] - answer["score_then"], 2) == answer["change"]
    return answer


def problem(response: httpx.Response) -> tuple[int, str, str]:
    body = response.json()
    return response.status_code, body["code"], body["field"]


def test_what_happened_since_is_split_into_its_causes(client: httpx.Client, account_id: str) -> None:
    send(client, account_id, "demo_request", occurred_at=time.time() - 3 * 86_400, event_id="1")
    first = score(client, account_id, **FINTECH)
    time.sleep(1.1)  # a signal's moment is a whole second
    send(client, account_id, "meeting", person="ana", channel="sales", event_id="2")
    second = score(client, account_id, **{**FINTECH, "employees": 5_000})
    answer = changes(client, account_id, first["as_of"])
    assert (answer["score_then"], answer["since"]) == (first["score"], first["as_of"])
    assert answer["score_now"] == pytest.approx(second["score"], abs=0.02)
    assert answer["new_signals"] > 0
    assert answer["attributes"] > 0
    assert answer["decay"] == pytest.approx(0, abs=0.02)
    assert answer["model"] == 0
    assert answer["detail"]["attributes"]["fit"] == pytest.approx(second["fit"] - first["fit"], abs=0.001)
    (employees,) = answer["detail"]["attributes"]["attributes"]
    assert (employees["attribute"], employees["then"], employees["now"]) == ("employees", "500", "5,000")
    assert [one["type"] for one in answer["detail"]["new_signals"]["signals"]] == ["meeting"]
    assert any(reason.startswith("New signals: meeting today (") for reason in answer["reasons"])
    assert any(
        reason.startswith("Attributes: employees from 500 to 5,000: +") for reason in answer["reasons"]
    )
    assert any("count as known then" in note for note in answer["notes"])


def test_what_is_known_begins_with_the_first_score(client: httpx.Client, account_id: str) -> None:
    send(client, account_id, "demo_request", occurred_at=time.time() - 30 * 86_400)
    first = score(client, account_id, **FINTECH)
    answer = changes(client, account_id, "7d")
    assert f"begins at {first['as_of']}" in answer["notes"][0]
    assert answer["attributes"] == 0 > answer["decay"]
    assert any(words.startswith("Decay: demo request 30 days ago (") for words in answer["reasons"])


def test_attributes_of_now_may_be_given(client: httpx.Client, account_id: str) -> None:
    score(client, account_id, **FINTECH)
    given = {"industry": "retail", "employees": "500", "technologies": "dbt,snowflake"}
    answer = changes(client, account_id, "1d", **given)
    assert answer["attributes"] < 0
    assert answer["score_now"] == score(client, f"{account_id}-2", **given)["score"]
    assert changes(client, account_id, "1d")["attributes"] == 0  # what is only asked is not remembered


def test_the_signals_of_children_change_a_parent_where_they_are_asked_for(
    client: httpx.Client, account_id: str
) -> None:
    child = f"{account_id}-child"
    client.put(f"/accounts/{child}/parent", json={"parent_id": account_id}).raise_for_status()
    first = score(client, account_id, **FINTECH)
    time.sleep(1.1)
    send(client, child, "meeting", event_id="1")
    since = first["as_of"]
    assert changes(client, account_id, since)["new_signals"] == 0
    rolled_up = changes(client, account_id, since, rollup="parent")
    assert rolled_up["new_signals"] > 0
    assert rolled_up["attributes"] == 0


def test_an_objective_holds_for_both_ends(client: httpx.Client, account_id: str) -> None:
    objective = {"lifetime_value": 1}
    first = score(client, account_id, objective=objective, **FINTECH)
    answer = changes(client, account_id, first["as_of"], objective="efficiency")
    assert answer["change"] == 0
    assert (
        answer["score_then"] == score(client, f"{account_id}-2", objective="efficiency", **FINTECH)["score"]
    )


def test_an_account_is_found_by_id_by_domain_and_by_an_id_that_is_a_domain(
    client: httpx.Client, account_id: str
) -> None:
    domain = f"{account_id.replace('account-', 'x')}.com"
    first = score(client, account_id, domain=f"https://www.{domain}/about", **FINTECH)
    time.sleep(1.1)
    response = client.post("/signals", json={"domain": domain, "type": "meeting", "person": "ana"})
    assert response.json()["accepted"] == 1
    for name, more in ((account_id, {}), (domain, {}), ("other", {"domain": domain})):
        answer = changes(client, name, first["as_of"], **more)
        assert answer["score_then"] == first["score"]
        assert answer["new_signals"] > 0  # the domain it was scored with counts, whichever name is asked for


@pytest.mark.parametrize("name", ["a/b c", "*?[x]\\", "ünï", "a%2Fb", "changes"])
def test_any_id_can_be_asked_for(client: httpx.Client, account_id: str, name: str) -> None:
    identity = f"{account_id} {name}"
    first = score(client, identity, **FINTECH)
    path = f"/accounts/{quote(identity, safe='')}/changes"
    response = client.get(path, params={"since": "1h"})
    assert response.status_code == 200, response.text
    assert response.json()["score_now"] == first["score"]


def test_a_score_of_the_past_is_not_remembered(client: httpx.Client, account_id: str) -> None:
    score(client, account_id, as_of="2026-07-01T00:00:00Z", **FINTECH)
    response = client.get(f"/accounts/{account_id}/changes", params={"since": "1d"})
    assert problem(response) == (404, "account_unknown", "")
    assert "score it" in response.json()["detail"]


def test_accounts_of_a_batch_are_remembered(client: httpx.Client, account_id: str) -> None:
    accounts = [{"account_id": f"{account_id}-{number}", **FINTECH} for number in range(300)]
    assert client.post("/score/bulk", json=accounts).status_code == 200
    for number in (0, 299):
        assert changes(client, f"{account_id}-{number}", "1d")["change"] == 0


@pytest.mark.parametrize("since", ["", "soon", "2099-01-01", "401d", "-3d"])
def test_a_since_that_is_no_moment_of_the_known_past_is_refused(
    client: httpx.Client, account_id: str, since: str
) -> None:
    response = client.get(f"/accounts/{account_id}/changes", params={"since": since})
    assert problem(response) == (422, "since_invalid", "since")


def test_other_faults_are_named(client: httpx.Client, account_id: str) -> None:
    score(client, account_id, **FINTECH)
    path = f"/accounts/{account_id}/changes"
    found = client.get(path, params={"since": "1d", "as_of": "2026-07-01"})
    assert problem(found) == (422, "request_invalid", "as_of")
    found = client.get(path, params={"since": "1d", "objective": "fame"})
    assert found.status_code == 422
    assert client.get("/accounts/null/changes", params={"since": "1d"}).status_code == 422


@pytest.fixture
def two_models(tmp_path: Path, write_artifact_into: Callable[..., str]) -> tuple[Path, str, str]:
    folder = tmp_path / "two-models"
    return folder, write_artifact_into(folder, name="Old plan"), write_artifact_into(folder, name="New plan")


def _serving(start: Start, folder: Path, version: str, state: Path, **more: str) -> Any:
    activate(folder, version)
    return start("--artifacts", folder, state=state, read_budget_ms="5000", **more)


@pytest.fixture
def scored_by_old(start: Start, two_models: tuple[Path, str, str], tmp_path: Path, account_id: str) -> str:
    """An account that the old model scored, in a service that has ended; returns when that was."""
    folder, old, _ = two_models
    with (
        _serving(start, folder, old, tmp_path / "home") as service,
        httpx.Client(base_url=service.url, timeout=30.0) as client,
    ):
        return str(score(client, account_id, **FINTECH)["as_of"])


@pytest.fixture(autouse=True)
def _home(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()


def test_another_model_since_then_is_a_part_of_its_own(
    start: Start, two_models: tuple[Path, str, str], tmp_path: Path, account_id: str, scored_by_old: str
) -> None:
    folder, old, new = two_models
    with (
        _serving(start, folder, new, tmp_path / "home") as service,
        httpx.Client(base_url=service.url, timeout=30.0) as client,
    ):
        answer = changes(client, account_id, scored_by_old)
        versions = [answer["detail"][end]["model_version"] for end in ("then", "now")]
        assert versions == [old, new]
        assert f"Model: model {new} in place of {old}" in answer["reasons"]
        (folder / old).rename(folder / ".gone")
        kept_in_memory = changes(client, account_id, scored_by_old)
        assert kept_in_memory["detail"]["then"]["model_version"] == old


def test_a_model_that_is_gone_is_stood_in_for_and_that_is_said(
    start: Start, two_models: tuple[Path, str, str], tmp_path: Path, account_id: str, scored_by_old: str
) -> None:
    folder, old, new = two_models
    (folder / old).rename(folder / ".gone")
    with (
        _serving(start, folder, new, tmp_path / "home") as service,
        httpx.Client(base_url=service.url, timeout=30.0) as client,
    ):
        answer = changes(client, account_id, scored_by_old)
        assert (answer["model"], answer["detail"]["then"]["model_version"]) == (0, new)
        assert any(old in note and "can no longer be read" in note for note in answer["notes"])


def test_without_a_store_there_is_no_answer_and_scores_go_on(
    start: Start, tmp_path: Path, account_id: str
) -> None:
    with (
        start(state=tmp_path / "home") as service,
        httpx.Client(base_url=service.url, timeout=30.0) as client,
    ):
        score(client, account_id, **FINTECH)
        changes(client, account_id, "1d")
        _stop_store(service)
        response = client.get(f"/accounts/{account_id}/changes", params={"since": "1d"})
        assert problem(response) == (503, "store_unavailable", "")
        assert response.headers["Retry-After"] == "1"
        assert score(client, account_id, **FINTECH)["degraded"]


def _stop_store(service: Service) -> None:
    pid = service.store_pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)


def test_a_service_that_remembers_nothing_says_so(start: Start, tmp_path: Path, account_id: str) -> None:
    with (
        start(state=tmp_path / "home", remember_days="0") as service,
        httpx.Client(base_url=service.url, timeout=30.0) as client,
    ):
        score(client, account_id, **FINTECH)
        response = client.get(f"/accounts/{account_id}/changes", params={"since": "1d"})
        assert problem(response) == (404, "account_unknown", "")
        assert "FIREBRAND_REMEMBER_DAYS" in response.json()["detail"]
