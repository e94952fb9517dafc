from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.forms import FORM, MOST_FIELDS, read_fields
from scoring.errors import RequestError

if TYPE_CHECKING:
    from tests.api.conftest import Service

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SAID = TEXT.filter(lambda text: text.strip() != "" and "{{" not in text)
HEADERS = {"Content-Type": FORM}


@given(fields=st.dictionaries(TEXT, SAID, max_size=6))
def test_what_is_encoded_is_read_back(fields: dict[str, str]) -> None:
    assert read_fields(urlencode(fields).encode()) == fields


@given(values=st.lists(SAID, min_size=2, max_size=5))
def test_a_repeated_name_keeps_each_value_once_in_order(values: list[str]) -> None:
    expected = list(dict.fromkeys(values))
    found = read_fields(urlencode([("tag", value) for value in values]).encode())["tag"]
    assert found == (expected if len(expected) > 1 else expected[0])


@given(encoded=st.binary(max_size=60))
def test_any_bytes_are_fields_or_a_fault_of_the_caller(encoded: bytes) -> None:
    try:
        code = "" if read_fields(encoded) else "nothing"
    except RequestError as error:
        code = error.code
    assert code in {"", "nothing", "fields_not_utf8"}


def test_bytes_that_are_not_percent_encoded_may_be_utf_8_too() -> None:
    assert read_fields("city=Zürich".encode()) == {"city": "Zürich"}


@pytest.mark.parametrize("sent", [b"a=1&&b=2&", b"&a=1&b=2", b"a=1&b=2&c&d=&=&e=%20"])
def test_what_says_nothing_is_left_out(sent: bytes) -> None:
    assert read_fields(sent) == {"a": "1", "b": "2"}


def test_a_lone_percent_sign_is_a_percent_sign() -> None:
    assert read_fields(b"growth=100%&share=5%25") == {"growth": "100%", "share": "5%"}


def test_too_many_fields_are_refused() -> None:
    fields = b"&".join(b"f%d=1" % n for n in range(MOST_FIELDS + 1))
    with pytest.raises(RequestError, match=f"at most {MOST_FIELDS}"):
        read_fields(fields)
    assert len(read_fields(fields.rpartition(b"&")[0])) == MOST_FIELDS


@pytest.mark.parametrize("encoded", [b"domain=%FF%FE", b"%C3=1", b"domain=%ED%A0%80"], ids=ascii)
def test_what_is_not_utf_8_is_refused_in_forms_and_queries(service: Service, encoded: bytes) -> None:
    """Were it replaced, all that cannot be read would be one account."""
    with httpx.Client(base_url=service.url) as client:
        for response in (
            client.post("/score", content=encoded, headers=HEADERS),
            client.get(httpx.URL(f"{service.url}/score", query=encoded)),
        ):
            assert (response.status_code, response.json()["code"]) == (400, "fields_not_utf8")
            assert "UTF-8" in response.json()["detail"]


def test_a_form_and_a_query_score_as_json_does(client: httpx.Client) -> None:
    fields = {"domain": "acme.com", "industry": "fintech", "as_of": "2026-07-01", "Employees": "1,200"}
    tags = [("technologies", "snowflake"), ("technologies", "dbt")]
    json = {**fields, "technologies": ["snowflake", "dbt"]}
    headers = {"X-Request-ID": "the-same"}
    posted = client.post("/score", json=json, headers=headers)
    encoded = urlencode([*fields.items(), *tags])
    form = client.post(
        "/score", content=encoded, headers={**headers, "Content-Type": f"{FORM}; charset=UTF-8"}
    )
    query = client.get(f"/score?{encoded}", headers=headers)
    assert posted.json()["segment"] == "fintech-on-snowflake"
    assert posted.content == form.content == query.content


def test_the_plus_of_an_address_and_of_a_blank(client: httpx.Client) -> None:
    answer = client.get("/score?domain=jo+sales@acme.com&reference=a+b%2Bc").json()
    assert answer["reference"] == "a b+c"
    assert answer["domain"] == "jo sales@acme.com"


@pytest.mark.parametrize("name", ["account_id", "domain", "reference", "objective", "as_of"])
def test_two_values_of_what_must_be_one_are_refused_by_name(client: httpx.Client, name: str) -> None:
    for response in (
        client.get(f"/score?account_id=1&{name}=2&{name}=3"),
        client.post("/score", content=f"account_id=1&{name}=2&{name}=3", headers=HEADERS),
    ):
        assert (response.status_code, response.json()["field"]) == (422, name)
    assert client.get("/score?account_id=1&domain=&domain=acme.com&domain=acme.com").status_code == 200


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [
        (FORM, b"", "identity_missing"),
        (FORM, b"industry=fintech", "identity_missing"),
        (FORM.upper(), b"account_id=", "identity_missing"),
        (FORM, b"42", "identity_missing"),
        (FORM, b'{"account_id": 1', "body_not_json"),
        ("text/plain", b"account_id=1", "body_not_json"),
        (f"multipart/form-data; boundary={FORM}", b"account_id=1", "body_not_json"),
    ],
)
def test_a_form_that_cannot_be_scored(
    client: httpx.Client, content_type: str, body: bytes, code: str
) -> None:
    response = client.post("/score", content=body, headers={"Content-Type": content_type})
    assert (response.status_code, response.json()["code"]) == (
        400 if code == "body_not_json" else 422,
        code,
    )


def test_one_account_scores_by_form_even_where_the_type_has_capitals_and_parameters(
    client: httpx.Client,
) -> None:
    headers = {"Content-Type": "Application/X-WWW-Form-URLEncoded;charset=utf-8"}
    assert client.post("/score", content="account_id=7", headers=headers).json()["account_id"] == "7"
