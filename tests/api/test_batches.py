from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.batches import read_batch
from api.routes.score import MOST_IN_ARRAY
from scoring.errors import RequestError


def post(client: httpx.Client, body: Any) -> Any:
    response = client.post("/score", json=body)
    assert response.status_code == 200, response.text
    return response.json()


def test_an_array_on_score_is_answered_in_order_with_a_status_each(client: httpx.Client) -> None:
    sent = [{"account_id": "1", "reference": "a"}, {"reference": "b"}, 17, {"account_id": 4, "reference": 12}]
    found = post(client, sent)["results"]
    assert [item["status"] for item in found] == [200, 422, 422, 200]
    assert [item["reference"] for item in found] == ["a", "b", "", "12"]
    assert found[1]["code"] == "identity_missing"


@pytest.mark.parametrize("length", [0, 1, MOST_IN_ARRAY])
def test_an_array_of_any_length_has_the_same_shape(client: httpx.Client, length: int) -> None:
    found = post(client, [{"account_id": str(n)} for n in range(length)])
    assert list(found) == ["results"]
    assert [item["account_id"] for item in found["results"]] == [str(n) for n in range(length)]


def test_a_longer_array_is_sent_to_the_bulk_call(client: httpx.Client) -> None:
    response = client.post("/score", json=[{"account_id": "1"}] * (MOST_IN_ARRAY + 1))
    assert (response.status_code, response.json()["code"]) == (413, "too_many_accounts")
    assert "/score/bulk" in response.json()["detail"]


def test_an_array_scores_as_the_bulk_call_does(client: httpx.Client) -> None:
    sent = [{"account_id": str(n), "employees": 9**n, "as_of": "2026-07-01"} for n in range(5)]
    headers = {"X-Request-ID": "the-same"}
    short = client.post("/score", json=sent, headers=headers)
    assert short.content == client.post("/score/bulk", json=sent, headers=headers).content


@pytest.mark.parametrize("value", [None, 1, "x", {}, {"accounts": {}}])
def test_what_is_no_batch_is_refused(value: Any) -> None:
    with pytest.raises(RequestError, match="accounts") as refused:
        read_batch(value, most=5, beyond="")
    assert refused.value.field == "accounts"
