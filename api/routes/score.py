"""Scoring: one account, by POST or GET, or many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ValidationError

from api.bodies import described_by, json_body
from api.problems import DESCRIBED, faults, status_of
from api.request_id import request_id_of
from api.schemas import BulkBody, ItemProblem, ScoreBody, parse_score_body
from api.service import Service, service_of
from scoring.answer import Answer
from scoring.errors import RequestError
from scoring.scorer import ScoreRequest

router = APIRouter(tags=["score"], responses=DESCRIBED)
CurrentService = Annotated[Service, Depends(service_of)]
JsonBody = Annotated[Any, Depends(json_body)]


class BulkAnswer(BaseModel):
    """One result per account, in order: an answer, or what is wrong with that account."""

    results: list[Answer | ItemProblem]


@router.post(
    "/score", operation_id="scoreAccount", response_model=Answer, openapi_extra=described_by(ScoreBody)
)
async def score(request: Request, body: JsonBody, service: CurrentService) -> Response:
    """Score one account."""
    return await _score_one(request, body, service)


@router.get("/score", operation_id="lookUpScore", response_model=Answer)
async def look_up_score(
    request: Request,
    service: CurrentService,
    account_id: str = "",
    domain: str = "",
    reference: str = "",
    objective: str = "",
    as_of: str = "",
) -> Response:
    """Score one account by its query parameters; those not listed here are its attributes."""
    named = {"account_id": account_id, "domain": domain, "reference": reference}
    raw = {**request.query_params, **named, "objective": objective, "as_of": as_of}
    return await _score_one(request, {name: value for name, value in raw.items() if value != ""}, service)


async def _score_one(request: Request, raw: Any, service: Service) -> Response:
    body = parse_score_body(raw)
    asked = body.request(service.scorer, now=service.now(), request_id=request_id_of(request.scope))
    (answer,) = await service.score([asked])
    return _json(answer)


@router.post(
    "/score/bulk",
    operation_id="scoreAccounts",
    response_model=BulkAnswer,
    openapi_extra=described_by(BulkBody, array_of=ScoreBody),
)
async def score_bulk(request: Request, body: JsonBody, service: CurrentService) -> Response:
    """Score many accounts. An account that cannot be scored gets an error of its own in its place."""
    bulk = _bulk(body, service.settings.max_bulk_accounts)
    defaults = {"objective": bulk.objective, "as_of": bulk.as_of}
    now, request_id = service.now(), request_id_of(request.scope)
    parsed = [_parse_item(raw, defaults, service, now, request_id) for raw in bulk.accounts]
    answers = iter(await service.score([item for item in parsed if isinstance(item, ScoreRequest)]))
    results = [next(answers) if isinstance(item, ScoreRequest) else item.model_dump() for item in parsed]
    return _json({"results": results})


def _bulk(raw: Any, most: int) -> BulkBody:
    if not isinstance(raw, (list, Mapping)):
        raise RequestError('send a JSON array of accounts, or {"accounts": [...]}', field="accounts")
    try:
        bulk = BulkBody.model_validate({"accounts": raw} if isinstance(raw, list) else raw)
    except ValidationError as error:
        detail = "; ".join(f"{fault.field}: {fault.message}" for fault in faults(error))
        message = f'send a JSON array of accounts, or {{"accounts": [...]}}: {detail}'
        raise RequestError(message, field="accounts") from error
    if len(bulk.accounts) > most:
        message = f"send at most {most} accounts at a time; this batch has {len(bulk.accounts)}"
        raise RequestError(message, field="accounts", code="too_many_accounts")
    return bulk


def _parse_item(
    raw: Any, defaults: Mapping[str, Any], service: Service, now: float, request_id: str
) -> ScoreRequest | ItemProblem:
    try:
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


def _json(answer: Any) -> Response:
    return Response(orjson.dumps(answer), media_type="application/json")
