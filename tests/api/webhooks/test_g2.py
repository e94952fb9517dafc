from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from tests.api.webhooks.senders import FOREIGN, OLD, codes, counts, token

PATH = "/webhooks/g2"


def test_a_visit_is_a_signal_whose_topic_is_the_page(
    hooks: httpx.Client, domain: str, stored: Callable[[str], list[Any]]
) -> None:
    visits = [
        {"id": "s-1", "company_domain": domain, "signal_type": "Pricing", "time": "2026-11-20T10:00:00Z"},
        {
            "id": "s-2",
            "company": {"domain": domain},
            "activity": "Comparison",
            "time": "2026-11-20T11:00:00Z",
        },
    ]
    sent = token({"data": visits}, header="X-Token")
    assert counts(hooks.post(PATH, **sent)) == (2, 0, 0, 0)
    assert counts(hooks.post(PATH, **sent)) == (0, 2, 0, 0)
    found = [(record.type, record.topic, record.channel, record.level) for record in stored(f"d:{domain}")]
    assert found == [
        ("g2_buyer_intent", "pricing", "review_site", False),
        ("g2_buyer_intent", "comparison", "review_site", False),
    ]


def test_one_bad_visit_among_good_ones_keeps_nothing_out(hooks: httpx.Client, domain: str) -> None:
    response = hooks.post(
        PATH, **token([{"domain": domain}, {"domain": ""}, []], header="X-Token", secret=OLD)
    )
    assert counts(response) == (1, 0, 0, 2)
    assert codes(response) == [(1, "identity_missing"), (2, "signal_invalid")]


def test_the_token_stands_in_its_own_header_only(hooks: httpx.Client, domain: str) -> None:
    for sent in (token([{"domain": domain}]), token([], header="X-Token", secret=FOREIGN)):
        response = hooks.post(PATH, **sent)
        assert (response.status_code, response.json()["code"]) == (401, "signature_invalid")
        assert "X-Token" in response.json()["detail"]
