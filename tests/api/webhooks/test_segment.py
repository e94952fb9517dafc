from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pytest

from tests.api.webhooks.senders import FOREIGN, OLD, codes, counts, segment

PATH = "/webhooks/segment"


def call(kind: str = "track", **more: Any) -> dict[str, Any]:
    """A call as Segment passes it on."""
    return {
        "version": 2,
        "type": kind,
        "messageId": f"ajs-{time.monotonic_ns()}",
        "userId": "u-97980cfea0067",
        "anonymousId": "507f191e810c19729de860ea",
        "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "channel": "browser",
        "context": {"ip": "8.8.8.8", "library": {"name": "analytics.js", "version": "2.11.1"}},
        "integrations": {},
        **more,
    }


def test_a_tracked_demo_request_raises_the_next_score(
    hooks: httpx.Client, domain: str, score: Callable[..., dict[str, Any]]
) -> None:
    assert score(domain=domain)["intent"] == 0
    asked = call(event="Demo Requested", properties={"email": f"peter@{domain}", "topic": "Billing"})
    assert counts(hooks.post(PATH, **segment(asked))) == (1, 0, 0, 0)
    signals = score(domain=domain)["detail"]["signals"]
    assert (signals["drivers"][0]["type"], signals["drivers"][0]["topic"]) == ("demo_request", "billing")
    assert (signals["people"], signals["channels"]) == (1, 1)


@pytest.mark.parametrize(
    ("sent", "kind", "channel"),
    [
        (call("page", name="Home", properties={"path": "/"}), "page_view", "web"),
        (call("page", properties={"url": "https://us.com/pricing?x=1"}), "pricing_page", "web"),
        (call("page", context={"page": {"path": "/en/pricing"}}), "pricing_page", "web"),
        (call("screen", name="Dashboard"), "product_usage", "web"),
        (call("identify", traits={"title": "CFO"}), "identify", "web"),
        (call(event="Trial Started", properties={"channel": "Product"}), "product_trial", "product"),
        (call(event="page viewed", context={"campaign": {"medium": "CPC"}}), "page_view", "ads"),
        (call(event="Plan Compared"), "pricing_page", "web"),
        (call(event="Something of Ours"), "something_of_ours", "web"),
        (call(event="Page Viewed", context={"campaign": {"medium": {}}}), "page_view", "web"),
    ],
)
def test_calls_have_our_names(
    hooks: httpx.Client,
    account_id: str,
    stored: Callable[[str], list[Any]],
    sent: dict[str, Any],
    kind: str,
    channel: str,
) -> None:
    sent = {**sent, "context": {**sent["context"], "groupId": account_id}}
    assert counts(hooks.post(PATH, **segment(sent))) == (1, 0, 0, 0)
    assert [(record.type, record.channel) for record in stored(f"a:{account_id}")] == [(kind, channel)]


def test_a_group_call_names_the_account_by_its_id_and_its_website(
    hooks: httpx.Client, account_id: str, domain: str, stored: Callable[[str], list[Any]]
) -> None:
    group = call("group", groupId=account_id, traits={"name": "Acme", "website": f"https://www.{domain}/"})
    assert counts(hooks.post(PATH, **segment(group))) == (1, 0, 0, 0)
    assert len(stored(f"a:{account_id}")) == len(stored(f"d:{domain}")) == 1


def test_the_website_of_a_person_is_not_their_company(hooks: httpx.Client, domain: str) -> None:
    person = call("identify", traits={"website": f"https://{domain}"})
    assert codes(hooks.post(PATH, **segment(person))) == [(0, "identity_missing")]


def test_calls_of_nobody_we_could_place_alarm_no_one(hooks: httpx.Client) -> None:
    sent: list[Any] = [call("page"), call("alias"), call(event="Password Reset"), 7, call(event={})]
    assert [codes(hooks.post(PATH, **segment(each))) for each in sent] == [
        [(0, "identity_missing")],
        [(0, "event_ignored")],
        [(0, "event_ignored")],
        [(0, "signal_invalid")],
        [(0, "identity_missing")],
    ]
    assert hooks.post(PATH, **segment(b"{")).status_code == 200


def test_a_message_sent_again_counts_once(hooks: httpx.Client, domain: str) -> None:
    sent = segment(call(event="Meeting Booked", properties={"domain": domain}))
    assert counts(hooks.post(PATH, **sent)) == (1, 0, 0, 0)
    assert counts(hooks.post(PATH, **sent)) == (0, 1, 0, 0)


def test_the_secret_before_the_last_change_is_good_as_well(hooks: httpx.Client, domain: str) -> None:
    sent = segment(call(event="Meeting Booked", properties={"domain": domain}), secret=OLD)
    assert counts(hooks.post(PATH, **sent)) == (1, 0, 0, 0)


def test_who_is_not_segment_is_refused(hooks: httpx.Client) -> None:
    good = segment(call())
    for sent in (
        {**good, "content": good["content"] + b" "},
        segment(call(), secret=FOREIGN),
        {"content": good["content"]},
    ):
        response = hooks.post(PATH, **sent)
        assert (response.status_code, response.json()["code"]) == (401, "signature_invalid")


def test_a_batch_needs_the_header_too_because_only_its_first_event_is_signed(
    hooks: httpx.Client, domain: str
) -> None:
    batch = [call(event="Meeting Booked", properties={"domain": domain}) for _ in range(3)]
    batch.insert(1, call("page"))
    response = hooks.post(PATH, **segment(batch))
    assert counts(response) == (3, 0, 0, 1)
    assert codes(response) == [(1, "identity_missing")]
    spaced = segment(batch)
    spaced["content"] = b" [ " + orjson.dumps(batch)[1:]
    assert counts(hooks.post(PATH, **spaced)) == (0, 3, 0, 1)
    for sent in (
        segment(batch, header="another header"),
        segment(batch, header=""),
        segment(batch, secret=FOREIGN),
    ):
        assert hooks.post(PATH, **sent).json()["code"] == "signature_invalid"
    for body in (b"[", b"[]", b"[1", b"[" * 100_000):
        assert hooks.post(PATH, **{**segment(batch), "content": body}).status_code == 401


def test_without_a_header_in_the_settings_batches_are_refused(hooks: httpx.Client, domain: str) -> None:
    one = call(event="Meeting Booked", properties={"domain": domain})
    path = "/webhooks/segment-one-by-one"
    assert counts(hooks.post(path, **segment(one, secret=OLD))) == (1, 0, 0, 0)
    response = hooks.post(path, **segment([one], secret=OLD))
    assert response.status_code == 401
    assert "header_secrets" in response.json()["detail"]


def test_an_account_may_be_where_the_settings_say(
    hooks: httpx.Client, account_id: str, stored: Callable[[str], list[Any]]
) -> None:
    sent = call(event="Meeting Booked", properties={"org": {"id": account_id}})
    assert counts(hooks.post(PATH, **segment(sent))) == (1, 0, 0, 0)
    assert [record.type for record in stored(f"a:{account_id}")] == ["meeting"]


def test_a_person_known_by_email_is_one_with_and_without_a_user_id(
    hooks: httpx.Client, domain: str, stored: Callable[[str], list[Any]]
) -> None:
    here = call(event="Meeting Booked", properties={"email": f"ana@{domain}"})
    for sent in (
        here,
        {**call(event="Meeting Booked", properties={"email": f"Ana@{domain}"}), "userId": None},
    ):
        assert counts(hooks.post(PATH, **segment(sent))) == (1, 0, 0, 0)
    assert len({record.person for record in stored(f"d:{domain}")}) == 1
