from __future__ import annotations

import re

import httpx
import pytest

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def ids(client: httpx.Client, **headers: str) -> tuple[str, str]:
    response = client.get(
        "/score", params={"account_id": "1"}, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )
    found: str = response.json()["request_id"]
    return found, response.headers["x-request-id"]


@pytest.mark.parametrize("given", ["7f3a", "Root=1-67891233-abcdef", "a.b_c:d/e+f=@", "x" * 128])
def test_a_callers_id_is_returned(client: httpx.Client, given: str) -> None:
    assert ids(client, x_request_id=given) == (given, given)


@pytest.mark.parametrize("given", ["", "with space", 'quote"', "<script>", "x" * 129, "semi;colon"])
def test_an_id_that_is_no_plain_token_is_replaced(client: httpx.Client, given: str) -> None:
    told, returned = ids(client, x_request_id=given)
    assert told == returned
    assert re.fullmatch("[0-9a-f]{32}", told)


def test_each_request_without_an_id_has_one_of_its_own(client: httpx.Client) -> None:
    assert len({ids(client)[0] for _ in range(5)}) == 5


def test_a_batch_and_its_answers_share_the_id(client: httpx.Client) -> None:
    response = client.post("/score/bulk", json=[{"account_id": "1"}] * 2, headers={"X-Request-ID": "abc"})
    assert [answer["request_id"] for answer in response.json()["results"]] == ["abc", "abc"]
    assert response.headers.get_list("x-request-id") == ["abc"]


def test_a_valid_traceparent_is_returned(client: httpx.Client) -> None:
    assert client.get("/livez", headers={"traceparent": TRACE}).headers["traceparent"] == TRACE


@pytest.mark.parametrize(
    "given",
    [
        "",
        "nonsense",
        TRACE.upper(),
        TRACE + "-more",
        TRACE.replace("00-4b", "ff-4b"),
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-4bf92f3577b34da6a3ce929d0e0e4736-{'0' * 16}-01",
    ],
)
def test_an_invalid_traceparent_is_not(client: httpx.Client, given: str) -> None:
    assert "traceparent" not in client.get("/livez", headers={"traceparent": given}).headers
