"""Families: whose child an account is."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from api.bodies import described_by, json_body
from api.family_bodies import (
    FamiliesAnswer,
    FamilyAnswer,
    FamilyBody,
    LinkResult,
    ParentAnswer,
    ParentBody,
    family_answer,
    link_of,
    named,
    parent_of,
)
from api.problems import DESCRIBED, problem
from api.service import Service, service_of
from scoring.errors import RequestError

REJECTED = "rejected"

router = APIRouter(tags=["families"], responses=DESCRIBED)
CurrentService = Annotated[Service, Depends(service_of)]
AccountId = Annotated[str, Path(description="The account's id, percent-encoded, or its domain.")]
Domain = Annotated[str, Query(description="The account's domain, where its id is not one.")]
Body = Annotated[Any, Depends(json_body)]


@router.put(
    "/accounts/{account_id:path}/parent", operation_id="setParent", openapi_extra=described_by(ParentBody)
)
async def set_parent(
    account_id: AccountId, body: Body, service: CurrentService, domain: Domain = ""
) -> ParentAnswer:
    """Make an account the child of another, in place of any parent it has. No signal is moved.

    Name ids and domains of both where you have them: requests that name either then find the link.
    422 `family_cycle`: the account is above its parent already.
    """
    (status,) = await service.store.families.link([(named(account_id, domain), parent_of(body))])
    if isinstance(status, RequestError):
        raise status
    return ParentAnswer(account_id=account_id, status=status)


@router.delete("/accounts/{account_id:path}/parent", operation_id="removeParent")
async def remove_parent(account_id: AccountId, service: CurrentService, domain: Domain = "") -> ParentAnswer:
    """Make an account nobody's child. Doing so again is no error: the status is `absent`."""
    removed = await service.store.families.unlink(named(account_id, domain))
    return ParentAnswer(account_id=account_id, status="removed" if removed else "absent")


@router.get("/accounts/{account_id:path}/family", operation_id="showFamily")
async def show_family(account_id: AccountId, service: CurrentService, domain: Domain = "") -> FamilyAnswer:
    """Show the whole family of an account: its topmost parent, and all beneath."""
    family = await service.store.families.show(named(account_id, domain))
    return family_answer(account_id, family)


@router.post(
    "/families",
    operation_id="linkFamilies",
    response_model=FamiliesAnswer,
    openapi_extra=described_by(array_of=FamilyBody),
)
async def link_families(request: Request, body: Body, service: CurrentService) -> Response | FamiliesAnswer:
    """Make accounts the children of others, in order. Sending them again is safe.

    Good links are stored whatever stands beside them. 422: every one was rejected.
    """
    if not isinstance(body, list):
        raise RequestError("send a JSON array of links, each an account and its parent")
    if len(body) > service.settings.max_signals:
        message = f"send at most {service.settings.max_signals:,} links at a time"
        raise RequestError(message, code="too_many_signals")
    results = await _link(service, body)
    counts = Counter(one.status for one in results)
    answer = FamiliesAnswer(
        linked=counts["linked"],
        unchanged=counts["unchanged"],
        rejected=counts[REJECTED],
        results=results,
    )
    if results and answer.rejected == len(results):
        detail = f"none of the {len(results)} links could be stored; `results` says why"
        return problem(request, 422, "links_rejected", detail, extensions=answer.model_dump())
    return answer


async def _link(service: Service, items: list[Any]) -> list[LinkResult]:
    read = [_read(item) for item in items]
    stored = iter(
        await service.store.families.link([one for one in read if not isinstance(one, RequestError)])
    )
    outcomes = [one if isinstance(one, RequestError) else next(stored) for one in read]
    return [
        LinkResult(index=index, status=REJECTED, code=one.code, field=one.field, message=str(one))
        if isinstance(one, RequestError)
        else LinkResult(index=index, status=one)
        for index, one in enumerate(outcomes)
    ]


def _read(item: Any) -> Any:
    try:
        return link_of(item)
    except RequestError as error:
        return error
