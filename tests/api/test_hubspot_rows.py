from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.hubspot_rows import as_row
from api.schemas import parse_score_body
from scoring.errors import RequestError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        "subscriptionType",
        "objectId",
        "propertyName",
        "properties",
        "associated-company",
        "companyId",
        "value",
        "domain",
        "email",
    ]
)


def test_a_company_is_known_by_its_id_and_domain() -> None:
    company = {
        "portalId": 62515,
        "companyId": 10444744,
        "isDeleted": False,
        "properties": {
            "domain": {"value": "acme.com", "timestamp": 1782864000000, "source": "CRM_UI"},
            "numberofemployees": {"value": "850"},
            "industry": {"value": ""},
        },
    }
    body = parse_score_body(company)
    assert (body.account_id, body.domain) == ("10444744", "acme.com")
    assert body.attributes == {"domain": "acme.com", "numberofemployees": "850", "industry": ""}


def test_a_contact_stands_for_its_company() -> None:
    contact = {
        "vid": 3234574,
        "properties": {"email": {"value": "jo@gmail.com"}, "jobtitle": {"value": "CTO"}},
        "associated-company": {"company-id": 7, "properties": {"website": {"value": "https://acme.com"}}},
    }
    body = parse_score_body(contact)
    assert (body.account_id, body.domain) == ("7", "https://acme.com")
    assert "jobtitle" not in body.attributes, "it is of the person"


def test_a_contact_alone_is_known_by_its_address_never_by_its_own_id() -> None:
    body = parse_score_body({"vid": 3234574, "properties": {"email": {"value": "jo@acme.com"}}})
    assert (body.account_id, body.domain) == (None, "jo@acme.com")
    with_company = {"associatedcompanyid": "7", "email": "jo@acme.com"}
    assert parse_score_body({"id": "55", "properties": with_company}).account_id == "7"


def test_what_else_the_request_says_is_kept() -> None:
    sent = {"properties": {"domain": "acme.com"}, "reference": "r", "objective": "growth"}
    body = parse_score_body(sent)
    assert (body.reference, body.objective) == ("r", "growth")


EVENT = {
    "objectId": 1246965,
    "propertyName": "industry",
    "propertyValue": "fintech",
    "eventId": 3816279340,
    "subscriptionId": 25,
    "portalId": 33,
    "occurredAt": 1782864000000,
    "subscriptionType": "company.propertyChange",
    "attemptNumber": 0,
}


@pytest.mark.parametrize(
    "kind",
    [
        {"subscriptionType": "company.propertyChange"},
        {"subscriptionType": "object.propertyChange", "objectTypeId": "0-2"},
    ],
    ids=str,
)
def test_an_event_of_a_company_is_that_company_with_what_changed(kind: dict[str, str]) -> None:
    body = parse_score_body({**EVENT, **kind})
    assert (body.account_id, body.domain, body.attributes) == ("1246965", None, {"industry": "fintech"})
    assert body.as_of is None, "its score is of now"
    of_domain = parse_score_body({**EVENT, **kind, "propertyName": "domain", "propertyValue": "acme.com"})
    assert of_domain.domain == "acme.com"
    assert parse_score_body({**EVENT, **kind, "propertyName": "domain", "propertyValue": ""}).domain is None


@pytest.mark.parametrize(
    "kind", ["contact.propertyChange", "deal.creation", "object.propertyChange", "company", "", 7]
)
def test_an_event_of_something_else_names_no_account(kind: Any) -> None:
    assert parse_score_body({**EVENT, "subscriptionType": kind}).account_id is None


@pytest.mark.parametrize(
    "row",
    [
        {"account_id": 1, "properties": {"domain": "acme.com"}},
        {"domain": "acme.com", "properties": {}},
        {"attributes": {}, "properties": {}},
        {"properties": "3 bedrooms"},
        {},
    ],
)
def test_a_row_with_an_attribute_of_that_name_stays_as_it_is(row: dict[str, Any]) -> None:
    assert as_row(row) is row


@given(raw=st.dictionaries(NAMES, JSON | st.dictionaries(NAMES, JSON, max_size=3), max_size=4))
def test_any_object_is_an_account_or_a_fault_of_the_caller(raw: dict[str, Any]) -> None:
    try:
        said = str(parse_score_body(raw))
    except RequestError as error:
        said = str(error)
    assert said
