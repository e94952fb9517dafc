"""Taking in signals: stored when acknowledged, each event id once."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api.bodies import described_by, raw_body
from api.intake import WhichResults, answered, refused, take_in, take_in_together
from api.plain_signals import plain_signals
from api.problems import DESCRIBED
from api.schemas import SignalBody, SignalsAnswer, SignalsBody
from api.service import Service, service_of
from api.signal_shapes import raw_signals

router = APIRouter(tags=["signals"], responses=DESCRIBED)


@router.post(
    "/signals",
    operation_id="sendSignals",
    response_model=SignalsAnswer,
    openapi_extra=described_by(SignalsBody, SignalBody, array_of=SignalBody, lines_of=SignalBody),
)
async def send_signals(
    request: Request,
    body: Annotated[bytes, Depends(raw_body)],
    service: Annotated[Service, Depends(service_of)],
    results: WhichResults = "exceptions",
) -> Response:
    """Store signals: one, many, one per line, or CloudEvents. Sending them again is safe.

    Good ones are stored whatever stands beside them, and none at all is no error. 422: all were rejected.
    """
    # Many senders look at the status alone: it must say so where nothing of a batch can ever be stored.
    now = service.now()
    items = partial(raw_signals, body, request.headers, service.settings.max_signals)
    sent = plain_signals(body)
    if sent is not None and len(sent) <= service.settings.max_signals:
        taken = await take_in_together(service, sent, items, now=now)
    else:
        taken = await take_in(service, items(), now=now)
    return refused(request, taken) if taken.useless else answered(taken, results)
