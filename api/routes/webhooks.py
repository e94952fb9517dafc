"""Taking in what vendors send, in their own shapes; each source proves itself, so no API key is asked for."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
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
    try:
        vendor.verify(delivery, found)
    except RequestError as error:
        service.metrics.count_refused(found.kind, error.code)
        raise
    taken = await take_in(service, _items(vendor, delivery, found), now=delivery.now)
    return refused(request, taken) if taken.useless and not vendor.forgiving else answered(taken)


def _items(vendor: Vendor, delivery: Delivery, source: Source) -> list[Any]:
    try:
        return vendor.signals(delivery, source)
    except RequestError as error:
        if vendor.forgiving:
            return [error]
        raise


@router.head("/webhooks/{source}", include_in_schema=False)
async def shake_hands(request: Request, found: FoundSource, service: CurrentService) -> Response:
    """Answer a vendor that makes sure of an address before it sends anything there."""
    handshake = VENDORS[found.kind].handshake
    if handshake is None:
        raise HTTPException(405, headers={"Allow": "POST"})
    return Response(headers=handshake(Delivery(b"", request.headers, request.query_params, service.now())))
