"""Whoever calls `/score`, as they send it: one recorded shape per caller, against the running service."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import httpx
import pytest
from openapi_schema_validator import OAS30Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from api.ndjson import NDJSON

if TYPE_CHECKING:
    from tests.api.conftest import Start

KEY = "caller-key-1"
MARKETO_KEY = re.compile("[A-Za-z0-9_: -]+")
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def keyless(start: Start) -> Iterator[httpx.Client]:
    with (
        start(api_keys=KEY, read_budget_ms="5000") as running,
        httpx.Client(base_url=running.url, timeout=30.0) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def client(keyless: httpx.Client) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=keyless.base_url, timeout=30.0, headers={"X-API-Key": KEY}) as client:
        yield client


def answered(response: httpx.Response) -> Any:
    """Return the JSON of an answer that every caller understands."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.content
    return response.json()


def paths_of(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from paths_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from paths_of(inner)


# --- Marketo: GET or POST from a template; empty tokens; response mapped by flat keys and dot paths.
MARKETO = {
    "Company Name": "Acme & Söhne",
    "domain": "acme.com",
    "industry": "fintech",
    "technologies": "snowflake;dbt",
    "employees": "1,200",
    "Annual Revenue": "",  # a lead without one
    "reference": "lead-1043267",
}


def marketo_template(values: dict[str, str]) -> str:
    """Fill a template as Marketo does with the token encoding `Form/Url`."""
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in values.items())


def test_marketo_gets_a_score_from_a_url_template(client: httpx.Client) -> None:
    answer = answered(client.get(f"/score?{marketo_template(MARKETO)}"))
    assert (answer["reference"], answer["segment"]) == ("lead-1043267", "fintech-on-snowflake")
    assert "Annual Revenue" not in answer["detail"]["fit"]["unknown"], "an empty token says nothing"
    assert "Company Name" in answer["detail"]["fit"]["unknown"]


def test_marketo_posts_a_form_template(client: httpx.Client) -> None:
    body = marketo_template(MARKETO)
    answer = answered(client.post("/score", content=body, headers={"Content-Type": FORM}))
    assert (answer["reference"], answer["in_icp"]) == ("lead-1043267", True)


def test_marketo_can_map_every_key_of_an_answer(client: httpx.Client) -> None:
    answer = answered(client.get(f"/score?{marketo_template(MARKETO)}"))
    keys = set(paths_of(answer))
    assert {"score", "grade", "reasons", "expected"} <= keys
    assert [key for key in keys if not MARKETO_KEY.fullmatch(key)] == []


def test_a_token_that_marketo_could_not_fill_names_no_account(client: httpx.Client) -> None:
    response = client.get("/score", params={"account_id": "{{company.External Company Id}}"})
    assert (response.status_code, response.json()["code"]) == (422, "identity_missing")


# --- HubSpot workflows: the object as its object API gives it, or a custom body; GET with chosen fields.
HUBSPOT_COMPANY = {
    "portalId": 62515,
    "companyId": 10444744,
    "isDeleted": False,
    "properties": {
        "domain": {"value": "acme.com", "timestamp": 1782864000000, "source": "CRM_UI", "versions": []},
        "industry": {"value": "fintech"},
        "technologies": {"value": "snowflake;dbt"},
        "employees": {"value": "850"},
    },
}
HUBSPOT_CONTACT = {
    "vid": 3234574,
    "canonical-vid": 3234574,
    "portal-id": 62515,
    "properties": {"email": {"value": "jo@acme.com"}, "jobtitle": {"value": "CTO"}},
    "identity-profiles": [],
    "associated-company": {
        "company-id": 10444744,
        "portal-id": 62515,
        "properties": HUBSPOT_COMPANY["properties"],
    },
}


@pytest.mark.parametrize("sent", [HUBSPOT_COMPANY, HUBSPOT_CONTACT], ids=["company", "contact"])
def test_a_hubspot_workflow_posts_its_object(client: httpx.Client, sent: Any) -> None:
    answer = answered(client.post("/score", json=sent))
    assert (answer["account_id"], answer["domain"]) == ("10444744", "acme.com")
    assert answer["segment"] == "fintech-on-snowflake"


def test_a_hubspot_workflow_posts_a_custom_body(client: httpx.Client) -> None:
    body = {"account_id": 10444744, "domain": "acme.com", "industry": "fintech", "employees": "850"}
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "HubSpot Webhooks/1.0"}
    answer = answered(client.post("/score", content=json.dumps(body), headers=headers))
    assert (answer["account_id"], answer["detail"]["fit"]["unknown"]) == ("10444744", [])


def test_a_wrong_body_is_final_for_hubspot(client: httpx.Client) -> None:
    """It tries again for three days after any status but a 4xx."""
    for body in (b"{}", b"", b"nonsense"):
        assert 400 <= client.post("/score", content=body).status_code < 429


def test_hubspot_sends_an_array_of_at_most_100(client: httpx.Client) -> None:
    rows = [{**HUBSPOT_COMPANY, "companyId": n} for n in range(100)]
    results = answered(client.post("/score", json=rows))["results"]
    assert [row["account_id"] for row in results] == [str(n) for n in range(100)]
    assert {row["status"] for row in results} == {200}
    event = {"objectId": 7, "eventId": 100, "subscriptionId": 25, "portalId": 33, "attemptNumber": 0}
    changed = {"propertyName": "industry", "propertyValue": "fintech", "occurredAt": 1782864000000}
    events = [
        {**event, **changed, "subscriptionType": f"{of}.propertyChange"} for of in ("company", "contact")
    ]
    company, contact = answered(client.post("/score", json=events))["results"]
    assert (company["account_id"], company["status"]) == ("7", 200)
    assert (contact["status"], contact["code"]) == (422, "identity_missing")
    (one,) = answered(client.post("/score", json=rows[:1]))["results"]
    assert one["account_id"] == "0"


# --- Salesforce Flow and External Services: the document first, then calls that follow it.
@pytest.fixture(scope="module")
def document(keyless: httpx.Client) -> Any:
    return keyless.get("/openapi-3.0.json").json()


def assert_described(document: Any, holder: Any, value: Any) -> None:
    """Hold a body against the named schema that the document gives it."""
    registry: Registry[Any] = Registry().with_resource("urn:d", DRAFT202012.create_resource(document))
    schema = holder["content"]["application/json"]["schema"]
    assert set(schema) == {"$ref"}
    validator = OAS30Validator({"$ref": f"urn:d{schema['$ref']}"}, registry=registry)
    assert list(validator.iter_errors(value)) == []


FLOW = {"account_id": "0015500000Xyy06AAB", "domain": None, "attributes": {"industry": "fintech"}}


@pytest.mark.parametrize(
    ("operation_id", "body"),
    [
        ("scoreAccount", FLOW),
        ("scoreAccounts", {"accounts": [FLOW, {"reference": "no identity"}], "objective": "growth"}),
        ("scoreAccounts", {"accounts": []}),
    ],
)
def test_salesforce_calls_by_the_document(
    client: httpx.Client, document: Any, operation_id: str, body: Any
) -> None:
    assert document["openapi"] == "3.0.3"
    operations = {
        operation["operationId"]: (path, operation)
        for path, item in document["paths"].items()
        for operation in item.values()
    }
    path, operation = operations[operation_id]
    assert_described(document, operation["requestBody"], body)
    assert_described(document, operation["responses"]["200"], answered(client.post(path, json=body)))


# --- Zapier and Clay: one flat row, with the column names of people and empty cells.
def test_zapier_and_clay_send_one_flat_row(client: httpx.Client) -> None:
    row = {
        "Company": "Acme",
        "domain": "https://www.acme.com/",
        "Employees": "850",
        "Industry": "Fintech",
        "Technologies": ["Snowflake", "dbt"],
        "Funded": "Yes",
        "Founded": "",
        "LinkedIn URL": None,
        "reference": 17,
    }
    answer = answered(client.post("/score", json=row))
    assert (answer["reference"], answer["segment"]) == ("17", "fintech-on-snowflake")
    assert answer["coverage"] > 0.5
    flat = {name: value for name, value in answer.items() if name != "detail"}
    assert all(not isinstance(value, dict) for value in flat.values())
    assert len(json.dumps(answer)) < 5_000, "a modest answer"


# --- Hightouch and Census: a row per call, or a batch from the user's template.
def test_reverse_etl_sends_a_row_a_call(client: httpx.Client) -> None:
    row = {"account_id": "42", "attributes": {"employees": 850, "industry": None}}
    assert answered(client.post("/score", json=row))["account_id"] == "42"


@pytest.mark.parametrize("template", ["array", "object", "lines"])
def test_reverse_etl_sends_a_batch_and_learns_which_row_failed(client: httpx.Client, template: str) -> None:
    rows = [{"account_id": str(n), "reference": f"row-{n}"} for n in range(250)]
    rows[17]["account_id"] = ""
    if template == "lines":
        body = "\n".join(map(json.dumps, rows))
        response = client.post("/score/bulk", content=body, headers={"Content-Type": NDJSON})
        results = [json.loads(line) for line in response.text.splitlines()]
    else:
        sent: Any = rows if template == "array" else {"accounts": rows}
        results = answered(client.post("/score/bulk", json=sent))["results"]
    assert [row["reference"] for row in results] == [row["reference"] for row in rows]
    assert [index for index, row in enumerate(results) if row["status"] != 200] == [17]
    assert results[17]["code"] == "identity_missing"


# --- All of them: keys, ids, and what they never get.
def test_every_caller_can_send_its_key_in_its_own_way(keyless: httpx.Client) -> None:
    basic = base64.b64encode(f"marketo:{KEY}".encode()).decode()
    ways = [{"Authorization": f"Bearer {KEY}"}, {"X-API-Key": KEY}, {"Authorization": f"Basic {basic}"}]
    for headers in ways:
        assert answered(keyless.get("/score?domain=acme.com", headers=headers))["score"] >= 0
        for content in (b"domain=acme.com", b'{"domain": "acme.com"}', b'[{"domain": "acme.com"}]'):
            response = keyless.post("/score", content=content, headers={**headers, "Content-Type": FORM})
            assert response.status_code == 200, response.text
    refused = keyless.get("/score?domain=acme.com")
    assert (refused.status_code, refused.headers["www-authenticate"][:6]) == (401, "Bearer")


def test_ids_of_a_request_and_its_trace_come_back(client: httpx.Client) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    headers = {"X-Request-ID": "flow-run/17", "traceparent": trace}
    for response in (
        client.get("/score?domain=acme.com", headers=headers),
        client.post("/score", content=b"domain=acme.com", headers={**headers, "Content-Type": FORM}),
        client.post("/score", json=[{"domain": "acme.com"}], headers=headers),
        client.post(
            "/score/bulk", content=b'{"domain":"acme.com"}\n', headers={**headers, "Content-Type": NDJSON}
        ),
    ):
        assert response.status_code == 200, response.text
        assert response.headers["x-request-id"] == "flow-run/17"
        assert response.headers["traceparent"] == trace
        assert "flow-run/17" in response.text
    invalid = client.get("/score?domain=acme.com", headers={"X-Request-ID": "a b", "traceparent": "00-0-0-0"})
    assert invalid.headers["x-request-id"] != "a b"
    assert "traceparent" not in invalid.headers


def test_a_score_is_never_a_202_a_204_or_a_redirect(client: httpx.Client) -> None:
    for path in ("/score", "/score/", "//score"):
        for response in (
            client.get(path, params={"domain": "acme.com"}),
            client.post(path, json=HUBSPOT_COMPANY),
        ):
            assert response.status_code in {200, 404}
            assert response.content
