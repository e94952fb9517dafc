from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from tests.api.webhooks.senders import FOREIGN, OLD, codes, counts, token

PATH = "/webhooks/crm"


def batch(*events: Any) -> dict[str, Any]:
    return {"payload": {"items": list(events)}}


def test_fields_are_where_the_settings_say(
    hooks: httpx.Client, account_id: str, domain: str, stored: Callable[[str], list[Any]]
) -> None:
    held = {
        "company": {"id": account_id},
        "who": {"work": "", "mail": f"ana@{domain}"},
        "what": "Call held",
        "no": 17,
        "time": int(time.time()) - 50,
    }
    assert counts(hooks.post(PATH, **token(batch(held)))) == (1, 0, 0, 0)
    assert counts(hooks.post(PATH, **token(batch(held), secret=OLD))) == (0, 1, 0, 0)
    (record,) = stored(f"a:{account_id}")
    assert (record.type, record.channel, record.strength) == ("meeting", "phone", 2.0)
    assert record.at == held["time"]
    assert stored(f"d:{domain}") == [record]


def test_the_next_score_shows_it(
    hooks: httpx.Client, account_id: str, score: Callable[..., dict[str, Any]]
) -> None:
    hooks.post(PATH, **token(batch({"company": {"id": account_id}, "what": "call-held"})))
    assert score(account_id=account_id)["detail"]["signals"]["drivers"][0]["type"] == "meeting"


def test_whoever_sets_it_up_sees_by_the_status_what_is_wrong(hooks: httpx.Client, account_id: str) -> None:
    good, bad = {"company": {"id": account_id}, "what": "Call Held"}, {"company": {"id": account_id}}
    response = hooks.post(PATH, **token(batch(good, bad)))
    assert counts(response) == (1, 0, 0, 1)
    assert codes(response) == [(1, "type_missing")]
    for body, status, code in (
        (b"{", 400, "body_not_json"),
        (batch(bad), 422, "type_missing"),
        (batch(bad, 1), 422, "signals_rejected"),
        ({"payload": {}}, 422, "type_missing"),
    ):
        response = hooks.post(PATH, **token(body))
        assert (response.status_code, response.json()["code"]) == (status, code)
    assert counts(hooks.post(PATH, **token(batch()))) == (0, 0, 0, 0)
    assert hooks.post(PATH, **token(batch(good), secret=FOREIGN)).status_code == 401
