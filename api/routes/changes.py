"""What raised or lowered an account's score since a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.forms import read_fields
from api.problems import DESCRIBED, Problem
from api.request_id import request_id_of
from api.schemas import parse_score_body
from api.service import Service, service_of
from scoring.account import Account, normalise_domain
from scoring.changes import ChangesRequest, State, changes
from scoring.changes_answer import Changes
from scoring.errors import RequestError
from scoring.moments import say_moment
from scoring.since import as_since
from scoring.store.remembered import Remembered, known_at

READ_SECONDS = 1.0  # that signals may take to be read: nothing can be told without them
_OWN = frozenset({"since", "domain", "objective", "rollup", "account_id", "as_of"})  # no attributes
router = APIRouter(tags=["score"])


@router.get(
    "/accounts/{account_id:path}/changes",
    operation_id="explainChanges",
    response_model=Changes,
    responses={**DESCRIBED, 404: {"model": Problem, "description": "The account was never scored."}},
)
async def explain_changes(
    request: Request,
    service: Annotated[Service, Depends(service_of)],
    account_id: str,
    since: Annotated[str, Query(description="A moment of the past in ISO 8601, or a span such as 7d.")] = "",
    domain: Annotated[str, Query(description="Where the id is no domain: the account's.")] = "",
    objective: Annotated[str, Query(description="A preset or objective, of both ends.")] = "",
    rollup: Annotated[str, Query(description="Whose signals count: none, parent or family.")] = "",
) -> Response:
    """Split the change of a score since a moment into decay, new signals, attributes and model.

    Further query parameters are the attributes of now; without any they are those of the last score.
    Signals that happened before `since` count as known then, even if they came later.
    """
    now = round(service.now(), 3)
    moment = round(as_since(since, now=now, horizon=service.store.horizon), 3)
    if "as_of" in request.query_params:
        raise RequestError("changes are told up to now; leave `as_of` out", field="as_of")
    fields = read_fields(request.scope["query_string"])
    given = {name: value for name, value in fields.items() if name not in _OWN}
    named = {"account_id": account_id, "domain": domain or _as_domain(account_id)}
    body = parse_score_body({"attributes": given, **named, "objective": objective, "rollup": rollup or None})
    asked = body.request(service.scorer, now=now, request_id=request_id_of(request.scope))
    past = await _past(service, asked.account.keys)
    told = replace(await _between(service, asked.account, past, (moment, now)), asked=body.objective)
    signals = await service.store.read([told.account.keys], rollups=[asked.rollup], budget=READ_SECONDS)
    answer = await run_in_threadpool(changes, told, signals)
    return Response(orjson.dumps(answer), media_type="application/json")


def _as_domain(account_id: str) -> str:
    return account_id if normalise_domain(account_id) else ""


async def _past(service: Service, keys: Sequence[str]) -> list[Remembered]:
    if not service.store.scored.on:
        message = (
            "nothing is known of earlier scores: set FIREBRAND_REMEMBER_DAYS above 0, and score the account"
        )
        raise RequestError(message, code="account_unknown")
    past = await service.store.scored.read(keys)
    if not past:
        message = "this account was not scored yet, or too long ago: score it, and ask for later changes"
        raise RequestError(message, code="account_unknown")
    return past


async def _between(
    service: Service, account: Account, past: Sequence[Remembered], moments: tuple[float, float]
) -> ChangesRequest:
    """Find the states of an account at two moments. What was not given now is what was known last."""
    since, now = moments
    then, last = known_at(past, since), past[-1]
    notes = []
    if then.at > since:
        notes.append(
            f"what is known of the account begins at {say_moment(then.at)}; that stands in for before"
        )
    scorer = await service.models.scorer(then.version)
    if scorer is None:
        notes.append(f"the model of then, {then.version}, can no longer be read; the present one stands in")
    if not account.attributes:
        notes.append(
            f"the attributes of now are those the account was scored with from {say_moment(last.at)} on"
        )
    return ChangesRequest(
        account=Account(account.account_id, account.domain or last.domain),
        asked=None,
        then=State(scorer or service.scorer, then.attributes, since),
        now=State(service.scorer, account.attributes or last.attributes, now),
        notes=tuple(notes),
    )
