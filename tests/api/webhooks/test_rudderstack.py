from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from tests.api.webhooks.senders import FOREIGN, NEW, OLD, codes, counts, token

PATH = "/webhooks/rudderstack"


def event(message_id: str, **more: Any) -> dict[str, Any]:
    """An event as RudderStack sends it on, unmodified."""
    return {
        "anonymousId": "4d2f1f0c-1e9b-4d44-9e0a-6c5d3f4b9a77",
        "channel": "web",
        "context": {"app": {"name": "RudderLabs JavaScript SDK"}, "traits": {}, "locale": "en-GB"},
        "event": "Demo Requested",
        "integrations": {"All": True},
        "messageId": message_id,
        "originalTimestamp": "2026-11-20T10:11:12.123Z",
        "properties": {},
        "rudderId": "8872a8a1",
        "type": "track",
        "userId": "u-1",
        **more,
    }


def test_an_event_counts_once_by_its_message_id(
    hooks: httpx.Client, domain: str, score: Callable[..., dict[str, Any]]
) -> None:
    sent = token(event("m-1", properties={"email": f"ana@{domain}"}))
    assert counts(hooks.post(PATH, **sent)) == (1, 0, 0, 0)
    assert counts(hooks.post(PATH, **sent)) == (0, 1, 0, 0)
    assert score(domain=domain)["intent"] > 0


def test_several_events_come_as_an_array(hooks: httpx.Client, domain: str) -> None:
    batch = [event(f"m-{number}", traits={"email": f"ana@{domain}"}) for number in range(3)]
    response = hooks.post(PATH, **token([batch[0], event("m-9"), 5, *batch[1:]]))
    assert counts(response) == (3, 0, 0, 2)
    assert codes(response) == [(1, "identity_missing"), (2, "signal_invalid")]


def test_an_event_larger_than_rudderstack_sends_is_none_of_its_own(hooks: httpx.Client, domain: str) -> None:
    large = event("m-1", properties={"email": f"ana@{domain}", "filling": "x" * 33_000})
    small = event("m-2", properties={"email": f"ana@{domain}", "filling": "x" * 30_000})
    assert codes(hooks.post(PATH, **token(large))) == [(0, "event_too_large")]
    assert counts(hooks.post(PATH, **token([large, small]))) == (1, 0, 0, 1)


def test_the_token_may_follow_a_scheme_and_either_secret_is_good(hooks: httpx.Client) -> None:
    for value in (NEW, OLD, f"Bearer {NEW}", f"Token {OLD}"):
        assert hooks.post(PATH, **token([], secret=value)).status_code == 200, value


def test_another_token_is_refused_before_anything_is_read(hooks: httpx.Client, domain: str) -> None:
    good = event("m-1", properties={"email": f"ana@{domain}"})
    for sent in (
        token(good, secret=FOREIGN),
        token(good, header="X-Token"),
        token(b"{", secret=""),
    ):
        response = hooks.post(PATH, **sent)
        assert (response.status_code, response.json()["code"]) == (401, "signature_invalid")
    assert NEW not in response.text
    assert hooks.post(f"{PATH}?token={NEW}", json=good).status_code == 401
