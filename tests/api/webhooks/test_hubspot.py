from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from tests.api.webhooks.senders import FOREIGN, OLD, codes, counts, hubspot

PATH = "/webhooks/hubspot"


def event(**more: Any) -> dict[str, Any]:
    """An event as the webhooks API sends it."""
    return {
        "eventId": 3816279340,
        "subscriptionId": 25,
        "portalId": 33,
        "appId": 1160452,
        "occurredAt": int(time.time() * 1000),
        "subscriptionType": "company.creation",
        "attemptNumber": 0,
        "objectId": 1246965,
        "changeSource": "CRM_UI",
        "changeFlag": "NEW",
        **more,
    }


def test_a_company_is_an_account_by_its_id(
    hooks: httpx.Client, account_id: str, stored: Callable[[str], list[Any]]
) -> None:
    moment = int(time.time()) - 60
    sent = hubspot([event(objectId=account_id, occurredAt=moment * 1000 + 250)])
    assert counts(hooks.post(PATH, **sent)) == (1, 0, 0, 0)
    (record,) = stored(f"a:{account_id}")
    assert (record.type, record.at, record.channel) == ("company_created", moment, "crm")


def test_a_property_that_records_an_activity_is_that_activity_in_the_next_score(
    hooks: httpx.Client, account_id: str, score: Callable[..., dict[str, Any]]
) -> None:
    assert score(account_id=account_id)["intent"] == 0
    booked = event(
        objectId=account_id,
        subscriptionType="company.propertyChange",
        propertyName="engagements_last_meeting_booked",
        propertyValue="1782820800000",
    )
    assert counts(hooks.post(PATH, **hubspot([booked]))) == (1, 0, 0, 0)
    answer = score(account_id=account_id)
    assert answer["intent"] > 0
    assert answer["detail"]["signals"]["drivers"][0]["type"] == "meeting"


def test_a_contact_is_of_the_company_it_is_associated_with(
    hooks: httpx.Client, account_id: str, stored: Callable[[str], list[Any]]
) -> None:
    ends = {"associationType": "CONTACT_TO_COMPANY", "fromObjectId": 99, "toObjectId": account_id}
    added = event(subscriptionType="contact.associationChange", associationRemoved=False, **ends)
    removed = event(subscriptionType="contact.associationChange", associationRemoved=True, **ends)
    response = hooks.post(PATH, **hubspot([added, removed]))
    assert counts(response) == (1, 0, 0, 1)
    assert codes(response) == [(1, "event_ignored")]
    (record,) = stored(f"a:{account_id}")
    assert record.person != 0


def test_a_contact_whose_email_changes_is_of_that_domain(
    hooks: httpx.Client, domain: str, stored: Callable[[str], list[Any]]
) -> None:
    changed = event(
        subscriptionType="contact.propertyChange", propertyName="email", propertyValue=f"jo@{domain}"
    )
    assert counts(hooks.post(PATH, **hubspot([changed]))) == (1, 0, 0, 0)
    assert [record.type for record in stored(f"d:{domain}")] == ["property_change"]


def test_generic_subscriptions_name_the_object_by_number(
    hooks: httpx.Client, account_id: str, stored: Callable[[str], list[Any]]
) -> None:
    created = event(subscriptionType="object.creation", objectTypeId="0-2", objectId=account_id)
    assert counts(hooks.post(PATH, **hubspot([created]))) == (1, 0, 0, 0)
    assert [record.type for record in stored(f"a:{account_id}")] == ["company_created"]


def test_another_attempt_is_a_duplicate_and_another_event_with_that_id_is_not(
    hooks: httpx.Client, account_id: str
) -> None:
    first = event(objectId=account_id)
    assert counts(hooks.post(PATH, **hubspot([first]))) == (1, 0, 0, 0)
    assert counts(hooks.post(PATH, **hubspot([{**first, "attemptNumber": 1}]))) == (0, 1, 0, 0)
    other = {**first, "occurredAt": first["occurredAt"] - 1000}
    assert counts(hooks.post(PATH, **hubspot([other]))) == (1, 0, 0, 0)


def test_bad_events_among_good_ones_keep_nothing_out(hooks: httpx.Client, account_id: str) -> None:
    batch: list[Any] = [
        event(objectId=account_id),
        event(subscriptionType="contact.deletion"),
        event(subscriptionType="contact.creation"),
        "nonsense",
        {},
        event(objectId=account_id, occurredAt="soon"),
        event(objectId=account_id, eventId=7),
    ]
    response = hooks.post(PATH, **hubspot(batch))
    assert counts(response) == (2, 0, 0, 5)
    assert codes(response) == [
        (1, "event_ignored"),
        (2, "identity_missing"),
        (3, "signal_invalid"),
        (4, "type_missing"),
        (5, "time_invalid"),
    ]


def test_what_can_never_be_stored_is_not_sent_again_for_a_day(hooks: httpx.Client) -> None:
    for body in (b"{", b"", b"[]", b"null", b"\xff"):
        response = hooks.post(PATH, **hubspot(body))
        assert (response.status_code, response.json()["accepted"]) == (200, 0), body


def test_the_secret_before_the_last_change_is_good_as_well(hooks: httpx.Client, account_id: str) -> None:
    assert counts(hooks.post(PATH, **hubspot([event(objectId=account_id)], secret=OLD))) == (1, 0, 0, 0)


def test_who_is_not_hubspot_is_refused(hooks: httpx.Client, account_id: str) -> None:
    good = hubspot([event(objectId=account_id)])
    tampered = {**good, "content": good["content"] + b" "}
    for sent in (tampered, hubspot([event()], secret=FOREIGN), {"content": b"[]"}):
        response = hooks.post(PATH, **sent)
        assert (response.status_code, response.json()["code"]) == (401, "signature_invalid")


def test_an_old_call_is_refused_though_it_is_signed(hooks: httpx.Client, account_id: str) -> None:
    for moment in (time.time() - 310, time.time() + 310):
        response = hooks.post(PATH, **hubspot([event(objectId=account_id)], moment=moment))
        assert (response.status_code, response.json()["code"]) == (401, "timestamp_stale")
    assert hooks.post(PATH, **hubspot([], moment=time.time() - 240)).status_code == 200
