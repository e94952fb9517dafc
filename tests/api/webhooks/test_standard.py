from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.api.webhooks.senders import STANDARD_OLD, codes, counts, standard

PATH = "/webhooks/standard"


def event(domain: str, **more: Any) -> dict[str, Any]:
    """An event as the specification has it: type, timestamp, data."""
    return {
        "type": "meeting",
        "timestamp": "2026-11-20T20:26:10.344522Z",
        "data": {"domain": domain, "user": {"id": "u-1", "email": f"ana@{domain}"}, **more},
    }


def test_an_event_counts_once_by_the_id_of_its_message(
    hooks: httpx.Client, domain: str, score: Callable[..., dict[str, Any]]
) -> None:
    assert counts(hooks.post(PATH, **standard(event(domain)))) == (1, 0, 0, 0)
    assert counts(hooks.post(PATH, **standard(event(domain), moment=time.time() - 60))) == (0, 1, 0, 0)
    assert counts(hooks.post(PATH, **standard(event(domain), message_id="msg_2"))) == (1, 0, 0, 0)
    assert score(domain=domain)["detail"]["signals"]["drivers"][0]["type"] == "meeting"


def test_two_sources_may_use_one_id_for_two_events(hooks: httpx.Client, domain: str) -> None:
    sent = standard(event(domain), secret=STANDARD_OLD)
    assert counts(hooks.post(PATH, **sent)) == (1, 0, 0, 0)
    assert counts(hooks.post(f"{PATH}-2", **sent)) == (1, 0, 0, 0)
    assert counts(hooks.post(f"{PATH}-2", **sent)) == (0, 1, 0, 0)


def test_the_events_of_one_message_are_told_apart(hooks: httpx.Client, domain: str) -> None:
    several = [event(domain), {"type": "meeting"}, event(domain)]
    response = hooks.post(PATH, **standard(several))
    assert counts(response) == (2, 0, 0, 1)
    assert codes(response) == [(1, "identity_missing")]
    assert counts(hooks.post(PATH, **standard(several))) == (0, 2, 0, 1)


def test_either_live_secret_and_any_of_several_signatures_will_do(hooks: httpx.Client, domain: str) -> None:
    assert counts(hooks.post(PATH, **standard(event(domain), secret=STANDARD_OLD))) == (1, 0, 0, 0)
    several = standard(event(domain))
    good = several["headers"]["webhook-signature"]
    several["headers"]["webhook-signature"] = f"v1a,abc= v1,!!! v1,abcd nonsense {good}"
    assert counts(hooks.post(PATH, **several)) == (0, 1, 0, 0)


def test_who_does_not_sign_is_refused(hooks: httpx.Client, domain: str) -> None:
    good = standard(event(domain))
    other = "whsec_" + "A" * 32  # well-formed, and of nobody here
    for sent in (
        {**good, "content": good["content"] + b" "},
        {**good, "headers": {**good["headers"], "webhook-id": "msg_9"}},
        {"content": b"{}"},
        standard(event(domain), secret=other),
    ):
        response = hooks.post(PATH, **sent)
        assert (response.status_code, response.json()["code"]) == (401, "signature_invalid")


@pytest.mark.parametrize(
    "hostile",
    [
        {"webhook-timestamp": "nan"},
        {"webhook-timestamp": "1e400"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "\u0663".encode()},
        {"webhook-signature": "v1,%%%"},
        {"webhook-signature": "v1,a"},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,a,b"},
        {"webhook-signature": b"v1,\xff\xfe"},
        {"webhook-signature": " ".join(["v1,AAAA"] * 500)},
        {"webhook-id": ""},
        {"webhook-id": b"\xff"},
    ],
)
def test_hostile_headers_are_refused_and_break_nothing(hooks: httpx.Client, hostile: dict[str, Any]) -> None:
    sent = standard({"type": "meeting"})
    headers = {name.encode(): value.encode() for name, value in sent["headers"].items()}
    headers |= {
        name.encode(): value.encode() if isinstance(value, str) else value for name, value in hostile.items()
    }
    response = hooks.post(PATH, content=sent["content"], headers=headers)
    assert response.status_code == 401


def test_a_body_that_is_no_text_is_refused_and_breaks_nothing(hooks: httpx.Client) -> None:
    assert hooks.post(PATH, **{**standard({}), "content": b"\xff\xfe"}).status_code == 401


@pytest.mark.parametrize("away", [-310.0, 310.0])
def test_an_old_call_is_refused_though_it_is_signed(hooks: httpx.Client, domain: str, away: float) -> None:
    response = hooks.post(PATH, **standard(event(domain), moment=time.time() + away))
    assert (response.status_code, response.json()["code"]) == (401, "timestamp_stale")


def test_what_can_never_be_stored_is_not_sent_again_for_days(hooks: httpx.Client) -> None:
    for body in (b"", b"not JSON", b"7", b'{"type": []}'):
        response = hooks.post(PATH, **standard(body))
        assert (response.status_code, response.json()["rejected"]) == (200, 1), body
