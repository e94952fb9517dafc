"""Taking in signals: stored when acknowledged, each event id once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from api.bodies import described_by, json_body
from api.problems import DESCRIBED
from api.schemas import RejectedSignal, SignalBody, SignalsAnswer, SignalsBody
from api.service import Service, service_of
from scoring.errors import RequestError
from scoring.signals.columns import SignalColumns
from scoring.signals.signal import Signal
from scoring.signals.writes import Outcome

router = APIRouter(tags=["signals"], responses=DESCRIBED)


@router.post(
    "/signals",
    operation_id="sendSignals",
    openapi_extra=described_by(SignalsBody, SignalBody, array_of=SignalBody),
)
async def send_signals(
    body: Annotated[Any, Depends(json_body)], service: Annotated[Service, Depends(service_of)]
) -> SignalsAnswer:
    """Store signals. Sending them again is safe: an event id counts once."""
    now = service.now()
    signals: list[Signal] = []
    rejected: list[RejectedSignal] = []
    for index, raw in enumerate(_items(body, service.settings.max_signals)):
        try:
            signals.append(_parse(raw, now))
        except RequestError as error:
            found = RejectedSignal(index=index, code=error.code, field=error.field, message=str(error))
            rejected.append(found)
    outcomes = Counter(await service.store.append(SignalColumns.of(signals), now=now))
    return SignalsAnswer(
        accepted=outcomes[Outcome.ACCEPTED],
        duplicates=outcomes[Outcome.DUPLICATE],
        dropped=outcomes[Outcome.DROPPED],
        rejected=rejected,
    )


def _items(body: Any, most: int) -> list[Any]:
    if isinstance(body, Mapping):
        body = [body] if "type" in body and "signals" not in body else body.get("signals")
    if not isinstance(body, list):
        message = 'send {"signals": [...]}, a JSON array of signals, or one signal with its type'
        raise RequestError(message, field="signals")
    if len(body) > most:
        message = f"send at most {most} signals at a time; this request has {len(body)}"
        raise RequestError(message, field="signals", code="too_many_signals")
    return body


def _parse(raw: Any, now: float) -> Signal:
    if not isinstance(raw, Mapping):
        raise RequestError("a signal is a JSON object", code="signal_invalid")
    return Signal.parse(raw, now=now)
