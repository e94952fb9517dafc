"""Request bodies: read as JSON whatever the Content-Type says, and described in the OpenAPI document."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from api.schemas import BulkBody, ScoreBody, SignalsBody
from api.settings import Settings
from scoring.errors import RequestError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_REF = "#/components/schemas/{model}"
_DESCRIBED: tuple[type[BaseModel], ...] = (ScoreBody, BulkBody, SignalsBody)


async def json_body(request: Request) -> Any:
    """Return the body as JSON values: finite numbers, well-formed texts.

    Raises:
        RequestError: `body_not_json` or `body_too_large`.
    """
    return as_json(await raw_body(request))


def as_json(body: bytes) -> Any:
    """Read a body as JSON.

    Raises:
        RequestError: `body_not_json`.
    """
    try:
        return orjson.loads(body.removeprefix(BYTE_ORDER_MARK))
    except orjson.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        message = f"the body is not JSON at {place}: {error.msg}; NaN and Infinity are not JSON either"
        raise RequestError(message, code="body_not_json") from None


async def raw_body(request: Request) -> bytes:
    """Read the body as it was sent; of one that is too large no more than it takes to know that.

    Raises:
        RequestError: `body_too_large`.
    """
    settings: Settings = request.app.state.settings
    announced = request.headers.get("content-length", "")
    _check_size(int(announced) if announced.isdecimal() else 0, settings)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        _check_size(len(body), settings)
    return bytes(body)


def _check_size(size: int, settings: Settings) -> None:
    if size > settings.max_body_bytes:
        message = f"the body is larger than the {settings.max_body_bytes:,} bytes this service takes"
        raise RequestError(f"{message}; send smaller batches", code="body_too_large")


def described_by(*models: type[BaseModel], array_of: type[BaseModel] | None = None) -> dict[str, Any]:
    """Return what a route adds to the OpenAPI document for a body of one of these forms."""
    forms: list[dict[str, Any]] = [{"$ref": _REF.format(model=model.__name__)} for model in models]
    if array_of is not None:
        forms.append({"type": "array", "items": {"$ref": _REF.format(model=array_of.__name__)}})
    schema = forms[0] if len(forms) == 1 else {"anyOf": forms}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def install(app: FastAPI) -> None:
    """Make the app's OpenAPI document hold the bodies that `described_by` refers to."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            known = schema.setdefault("components", {}).setdefault("schemas", {})
            for model in _DESCRIBED:
                own = model.model_json_schema(ref_template=_REF)
                known.update(own.pop("$defs", {}))
                known[model.__name__] = own
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way to extend the document
