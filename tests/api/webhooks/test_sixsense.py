from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.api.webhooks.conftest import API_KEY
from tests.api.webhooks.senders import FOREIGN, OLD, codes, counts, token

PATH = "/webhooks/6sense"


def row(domain: str, **more: Any) -> dict[str, Any]:
    return {
        "domain": domain,
        "product": "Platform",
        "company_intent_score": 82,
        "company_buying_stage": "Decision",
        "company_profile_score": "44",
        "company_profile_fit": "Moderate",
        **more,
    }


LEVELS = [
    ("sixsense_buying_stage", "platform", 85.0, True),
    ("sixsense_intent", "platform", 82.0, True),
    ("sixsense_profile_fit", "platform", 50.0, True),
    ("sixsense_profile_score", "platform", 44.0, True),
]


def found(records: list[Any]) -> list[tuple[Any, ...]]:
    return sorted((record.type, record.topic, record.strength, record.level) for record in records)


def test_a_row_is_a_level_per_score(
    hooks: httpx.Client, domain: str, stored: Callable[[str], list[Any]]
) -> None:
    assert counts(hooks.post(PATH, **token(row(domain)))) == (1, 0, 0, 0)
    assert found(stored(f"d:{domain}")) == LEVELS


def test_signals_take_the_same_row(
    hooks: httpx.Client, domain: str, stored: Callable[[str], list[Any]]
) -> None:
    response = hooks.post("/signals", json=[row(domain), {"type": "meeting"}], headers={"X-API-Key": API_KEY})
    assert counts(response) == (1, 0, 0, 1)
    assert found(stored(f"d:{domain}")) == LEVELS


@pytest.mark.parametrize(
    ("stage", "points"),
    [("Target", 10.0), ("AWARENESS", 35.0), (" consideration ", 60.0), ("Purchase", 100.0)],
)
def test_a_stage_counts_for_how_far_along_it_is(
    hooks: httpx.Client, domain: str, stored: Callable[[str], list[Any]], stage: str, points: float
) -> None:
    sent = {"domain": domain, "company_buying_stage": stage, "company_intent_score": None}
    assert counts(hooks.post(PATH, **token(sent))) == (1, 0, 0, 0)
    assert [record.strength for record in stored(f"d:{domain}")] == [points]


def test_of_a_row_with_a_bad_score_nothing_is_stored(
    hooks: httpx.Client, domain: str, stored: Callable[[str], list[Any]]
) -> None:
    response = hooks.post(PATH, **token([row(domain, company_buying_stage="Bought")]))
    assert (response.status_code, response.json()["code"]) == (422, "strength_invalid")
    assert response.json()["field"] == "company_buying_stage"
    assert "Bought" not in response.text
    assert stored(f"d:{domain}") == []


def test_a_script_sees_what_is_wrong_by_the_status(hooks: httpx.Client, domain: str) -> None:
    assert hooks.post(PATH, **token(b"{")).status_code == 400
    empty = row(domain, **{name: None for name in row(domain) if name.startswith("company_")})
    response = hooks.post(PATH, **token([row("n/a"), empty, 1]))
    assert (response.status_code, response.json()["code"]) == (422, "signals_rejected")
    assert codes(response) == [(0, "identity_missing"), (1, "levels_missing"), (2, "signal_invalid")]
    mixed = hooks.post(PATH, **token([row("n/a"), row(domain)], secret=OLD))
    assert counts(mixed) == (1, 0, 0, 1)
    assert hooks.post(PATH, **token([row(domain)], secret=FOREIGN)).status_code == 401
