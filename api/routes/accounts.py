"""One account: what is known about it, and forgetting it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel

from api.problems import DESCRIBED
from api.service import Service, service_of
from scoring.account import keys_named
from scoring.errors import RequestError
from scoring.signals.known import KnownSignal, kinds, look
from scoring.signals.signal import read_person

MOST_ON_A_PAGE = 1_000
_SHOW_BY = {"domain", "limit", "before"}  # whoever asks for one person's must not get everybody's
_ERASE_BY = {"domain", "person"}  # a misspelt `person` must not erase everybody

router = APIRouter(tags=["accounts"], responses={status: DESCRIBED[status] for status in (401, 422, 503)})
CurrentService = Annotated[Service, Depends(service_of)]
AccountId = Annotated[str, Path(description="The account's id, percent-encoded; a domain names its log too.")]
Domain = Annotated[str, Query(description="The account's domain, where its id is not one.")]


class KnownSignals(BaseModel):
    """What is known about an account. `signals` is one page; the counts are of all pages."""

    account_id: str
    read: list[str]
    events: int
    levels: int
    people: int
    oldest: str
    newest: str
    next: str
    signals: list[KnownSignal]


class ErasedSignals(BaseModel):
    """What was erased: records, and how many logs had them. A signal of an id and a domain is in two logs."""

    account_id: str
    records: int
    logs: int


@router.get("/accounts/{account_id:path}/signals", operation_id="showSignals")
async def show_signals(
    request: Request,
    account_id: AccountId,
    service: CurrentService,
    domain: Domain = "",
    limit: Annotated[int, Query(ge=1, le=MOST_ON_A_PAGE)] = 100,
    before: Annotated[str, Query(description="The `next` of an earlier answer, or a time.")] = "",
) -> KnownSignals:
    """Show what is known about an account, newest first. An account without signals is no error."""
    if set(request.query_params) - _SHOW_BY:
        message = "of these parameters only domain, limit and before are known here"
        raise RequestError(message, code="parameter_unknown")
    keys = keys_named(account_id, domain)
    batch = await service.store.known(keys, now=service.now())
    found = look(batch, service.scorer.artifact.policy, limit=limit, before=before)
    return KnownSignals(account_id=account_id, read=kinds(keys), **asdict(found))


@router.delete("/accounts/{account_id:path}/signals", operation_id="eraseSignals")
async def erase_signals(
    request: Request,
    account_id: AccountId,
    service: CurrentService,
    domain: Domain = "",
    person: Annotated[str | None, Query(description="Only this person's, as senders name them.")] = None,
) -> ErasedSignals:
    """Erase what is known about an account, and logs that share signals with it; or one person in them.

    What was acknowledged before is gone, and nothing left is no error. Other workers may use what they read
    in the 15 minutes before, while the store does not answer.
    """
    if set(request.query_params) - _ERASE_BY:
        message = "of these parameters only domain and person are known here; nothing was erased"
        raise RequestError(message, code="parameter_unknown")
    who = "" if person is None else read_person({"person": person})
    if person is not None and not who:
        message = "person is empty; leave it out to erase everybody. Nothing was erased"
        raise RequestError(message, field="person", code="person_missing")
    erased = await service.store.erase(keys_named(account_id, domain), person=who)
    return ErasedSignals(account_id=account_id, records=erased.records, logs=erased.logs)
