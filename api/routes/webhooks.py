"""Taking in what vendors send, in their own shapes; each source proves itself, so no API key is asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from api.bodies import raw_body
from api.intake import answered, refused, take_in
from api.problems import DESCRIBED
from api.schemas import SignalsAnswer
from api.service import Service, service_of
from api.webhooks.sources import Source, Sources
from api.webhooks.vendors import VENDORS, Vendor
from api.webhooks.verification import Delivery
from scoring.errors import RequestError

SMALL_BODY = 100_000  # bytes that are checked and read on the event loop
MOST_ROWS = 100_000  # in one call: a vendor's weekly report of all companies
MOST_RESULTS = 1_000  # that an answer lists; who sends so many reads none
Done = TypeVar("Done")
router = APIRouter(tags=["webhooks"], responses=DESCRIBED)


def source_of(source: str, request: Request) -> Source:
    """Return the source a path names.

    Raises:
        RequestError: `source_unknown`.
    """
    sources: Sources = request.app.state.sources
    return sources.named(source)


FoundSource = Annotated[Source, Depends(source_of)]  # before the body: a stranger's is not even read
CurrentService = Annotated[Service, Depends(service_of)]


@router.post("/webhooks/{source}", operation_id="receiveWebhook", response_model=SignalsAnswer)
async def receive(
    request: Request, found: FoundSource, body: Annotated[bytes, Depends(raw_body)], service: CurrentService
) -> Response:
    """Store what a vendor sends, by the name its source has in the settings, once its signature is checked.

    What becomes of each event is said as for `/signals`. A source that is asked with HEAD answers its
    handshake.
    """
    delivery = Delivery(body, request.headers, request.query_params, service.now())
    vendor = VENDORS[found.kind]
    off_the_loop = len(body) > SMALL_BODY
    try:
        await _do(vendor.verify, delivery, found, off_the_loop=off_the_loop)
    except RequestError as error:
        service.metrics.count_refused(found.kind, error.code)
        raise
    items = await _do(partial(_items, vendor), delivery, found, off_the_loop=off_the_loop)
    taken = await take_in(service, items, now=delivery.now)
    if taken.useless and not vendor.forgiving:
        return refused(request, taken)
    return answered(taken, most_results=MOST_RESULTS)


async def _do(
    work: Callable[[Delivery, Source], Done], delivery: Delivery, source: Source, *, off_the_loop: bool
) -> Done:
    """Do work on a delivery; on a large one in a thread, for others wait on the event loop."""
    return await run_in_threadpool(work, delivery, source) if off_the_loop else work(delivery, source)


def _items(vendor: Vendor, delivery: Delivery, source: Source) -> list[Any]:
    """Take a delivery's events apart.

    Raises:
        RequestError: `too_many_signals`, or what a vendor is told of a body that cannot be read.
    """
    try:
        items = vendor.signals(delivery, source)
    except RequestError as error:
        if vendor.forgiving:
            return [error]
        raise
    if len(items) > MOST_ROWS:
        message = f"send at most {MOST_ROWS:,} events in a call; this one has {len(items):,}"
        raise RequestError(message, code="too_many_signals")
    return items


@router.head("/webhooks/{source}", include_in_schema=False)
async def shake_hands(request: Request, found: FoundSource, service: CurrentService) -> Response:
    """Answer a vendor that makes sure of an address before it sends anything there."""
    handshake = VENDORS[found.kind].handshake
    if handshake is None:
        raise HTTPException(405, headers={"Allow": "POST"})
    return Response(headers=handshake(Delivery(b"", request.headers, request.query_params, service.now())))
