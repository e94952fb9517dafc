"""Whether the process lives, and whether it can answer."""

from __future__ import annotations

from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict

from api.metrics import MEDIA_TYPE
from api.openapi_30 import as_openapi_30
from api.service import Service, service_of

router = APIRouter(tags=["operations"])


class Readiness(BaseModel):
    """Ready to score; without its store the service answers with Fit alone."""

    model_config = ConfigDict(protected_namespaces=())

    ready: bool
    model_version: str
    draft: bool
    signals: Literal["ok", "unavailable"]


@router.get("/livez", operation_id="isAlive")
async def alive() -> dict[str, bool]:
    """Tell that the process lives."""
    return {"alive": True}


@router.get("/readyz", operation_id="isReady")
async def ready(service: Annotated[Service, Depends(service_of)]) -> Readiness:
    """Tell whether the service can score. A store that is gone degrades answers and stops none."""
    artifact = service.scorer.artifact
    signals: Literal["ok", "unavailable"] = "ok" if await service.store.ping() else "unavailable"
    return Readiness(ready=True, model_version=artifact.version, draft=artifact.draft, signals=signals)


@router.get("/metrics", include_in_schema=False)
def metrics(service: Annotated[Service, Depends(service_of)]) -> Response:
    """Tell what was counted, in Prometheus's text format. Off the event loop: with workers it reads files."""
    return Response(service.metrics.text(), media_type=MEDIA_TYPE)


@router.get("/openapi-3.0.json", include_in_schema=False)
async def openapi_30(request: Request) -> Response:
    """Describe the service in OpenAPI 3.0, for callers that read no later version."""
    kept = request.app.state
    if not hasattr(kept, "openapi_30"):  # made once: it takes milliseconds, and anybody may ask
        kept.openapi_30 = orjson.dumps(as_openapi_30(request.app.openapi()))
    return Response(kept.openapi_30, media_type="application/json")
