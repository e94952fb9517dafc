"""Batches: many accounts scored together, one result per account in order, each with a status of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ValidationError

from api.problems import faults, status_of
from api.schemas import BulkBody, ItemProblem, parse_score_body
from api.service import Service
from scoring.answer import Answer
from scoring.errors import RequestError
from scoring.scorer import ScoreRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredAccount(Answer):
    """An account of a batch with its score."""

    status: Literal[200] = 200


# How the OpenAPI document describes a line of an NDJSON answer.
ONE_RESULT = {
    "anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("ScoredAccount", "ItemProblem")]
}


class BulkAnswer(BaseModel):
    """One result per account, in order: an answer, or what is wrong with that account."""

    results: list[ScoredAccount | ItemProblem]


def read_batch(value: Any, *, most: int, beyond: str) -> BulkBody:
    """Read a JSON array of accounts, or an object with `accounts`.

    Args:
        value: parsed JSON; its accounts are not looked at yet.
        most: how many accounts there may be.
        beyond: what to do with more.

    Raises:
        RequestError: it is neither, or `too_many_accounts`.
    """
    if not isinstance(value, (list, Mapping)):
        raise RequestError('send a JSON array of accounts, or {"accounts": [...]}', field="accounts")
    try:
        bulk = BulkBody.model_validate({"accounts": value} if isinstance(value, list) else value)
    except ValidationError as error:
        detail = "; ".join(f"{fault.field}: {fault.message}" for fault in faults(error))
        message = f'send a JSON array of accounts, or {{"accounts": [...]}}: {detail}'
        raise RequestError(message, field="accounts") from error
    if len(bulk.accounts) > most:
        message = f"send at most {most} accounts at a time{beyond}; this batch has {len(bulk.accounts)}"
        raise RequestError(message, field="accounts", code="too_many_accounts")
    return bulk


async def score_batch(service: Service, bulk: BulkBody, request_id: str) -> list[bytes]:
    """Score the accounts of a batch together.

    Returns:
        One JSON object per account, in order.
    """
    defaults = {"objective": bulk.objective, "as_of": bulk.as_of, "rollup": bulk.rollup}
    now = service.now()
    parsed = [_parse_item(raw, defaults, service, now, request_id) for raw in bulk.accounts]
    answers = iter(await service.score([item for item in parsed if isinstance(item, ScoreRequest)]))
    return [
        _scored(next(answers)) if isinstance(item, ScoreRequest) else orjson.dumps(item.model_dump())
        for item in parsed
    ]


def results(items: Sequence[bytes]) -> bytes:
    """Return the results of a batch as one JSON object."""
    return b'{"results":[%b]}' % b",".join(items)


def _scored(answer: Answer) -> bytes:
    """Put the status before the answer's own fields; another object of 20 fields takes as long."""
    return b'{"status":200,' + orjson.dumps(answer)[1:]


def _parse_item(
    raw: Any, defaults: Mapping[str, Any], service: Service, now: float, request_id: str
) -> ScoreRequest | ItemProblem:
    try:
        if isinstance(raw, RequestError):  # a line that is not JSON
            raise raw
        return parse_score_body(raw, defaults).request(service.scorer, now=now, request_id=request_id)
    except RequestError as error:
        return ItemProblem(
            status=status_of(error), code=error.code, field=error.field, message=str(error), **_who(raw)
        )


def _who(raw: Any) -> dict[str, str]:
    """Say whose fault it is: a caller finds its own item by what it named it."""
    if not isinstance(raw, Mapping):
        return {}
    return {name: raw[name] for name in ("account_id", "reference") if isinstance(raw.get(name), str)}
