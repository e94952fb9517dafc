"""Scoring: one account, by POST or GET, or many."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request, Response

from api.batches import ONE_RESULT, BulkAnswer, read_batch, results, score_batch
from api.bodies import SentBatch, account_body, batch_body, described_by, described_query
from api.forms import read_fields
from api.ndjson import NDJSON, answered_in_lines
from api.problems import DESCRIBED
from api.request_id import request_id_of
from api.schemas import BulkBody, ScoreBody, parse_score_body
from api.service import Service, service_of
from scoring.answer import Answer

router = APIRouter(tags=["score"], responses=DESCRIBED)
CurrentService = Annotated[Service, Depends(service_of)]
MOST_IN_ARRAY = 100  # accounts in an array on /score: what webhooks send at a time


@router.post(
    "/score",
    operation_id="scoreAccount",
    response_model=Answer | BulkAnswer,
    openapi_extra=described_by(ScoreBody, array_of=ScoreBody, form=ScoreBody),
)
async def score(
    request: Request, body: Annotated[Any, Depends(account_body)], service: CurrentService
) -> Response:
    """Score one account. An array of up to 100 is answered as `/score/bulk` does, one account or more."""
    if not isinstance(body, list):
        return await _score_one(request, body, service)
    bulk = read_batch(body, most=MOST_IN_ARRAY, beyond=" to /score, and more to /score/bulk")
    return _json(results(await score_batch(service, bulk, request_id_of(request.scope))))


@router.get(
    "/score", operation_id="lookUpScore", response_model=Answer, openapi_extra=described_query(ScoreBody)
)
async def look_up_score(request: Request, service: CurrentService) -> Response:
    """Score one account by its query parameters; those not listed here are its attributes."""
    return await _score_one(request, read_fields(request.scope["query_string"]), service)


async def _score_one(request: Request, raw: Any, service: Service) -> Response:
    body = parse_score_body(raw)
    asked = body.request(service.scorer, now=service.now(), request_id=request_id_of(request.scope))
    (answer,) = await service.score([asked])
    return _json(orjson.dumps(answer))


@router.post(
    "/score/bulk",
    operation_id="scoreAccounts",
    response_model=BulkAnswer,
    responses={200: {"content": {NDJSON: {"schema": ONE_RESULT}}}},
    openapi_extra=described_by(BulkBody, array_of=ScoreBody, lines_of=ScoreBody),
)
async def score_bulk(
    request: Request, body: Annotated[SentBatch, Depends(batch_body)], service: CurrentService
) -> Response:
    """Score many accounts. An account that cannot be scored gets an error of its own in its place."""
    bulk = read_batch(body.value, most=service.settings.max_bulk_accounts, beyond="")
    items = await score_batch(service, bulk, request_id_of(request.scope))
    if answered_in_lines(request, came_in_lines=body.in_lines):
        return Response(b"".join(item + b"\n" for item in items), media_type=NDJSON)
    return _json(results(items))


def _json(content: bytes) -> Response:
    return Response(content, media_type="application/json")
