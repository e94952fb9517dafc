"""Request bodies: JSON whatever the Content-Type says, forms and NDJSON; and how OpenAPI describes them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from api.family_bodies import FamilyBody, ParentBody
from api.forms import FORM, read_fields
from api.ndjson import NDJSON, is_ndjson, looks_like_lines, read_lines
from api.schemas import BulkBody, ScoreBody, SignalsBody
from api.settings import Settings
from scoring.errors import RequestError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_REF = "#/components/schemas/{model}"
_DESCRIBED: tuple[type[BaseModel], ...] = (ScoreBody, BulkBody, SignalsBody, ParentBody, FamilyBody)


async def json_body(request: Request) -> Any:
    """Return the body as JSON values: finite numbers, well-formed texts.

    Raises:
        RequestError: `body_not_json` or `body_too_large`.
    """
    return read_json(await raw_body(request))


async def account_body(request: Request) -> Any:
    """Return the body as JSON values, or the fields of a form where the Content-Type says it is one.

    Many senders call everything a form, so a body that opens as a JSON object or array is read as such.

    Raises:
        RequestError: `body_not_json`, `fields_not_utf8` or `body_too_large`.
    """
    body = (await raw_body(request)).removeprefix(BYTE_ORDER_MARK)
    if _media_type(request) == FORM and body.lstrip()[:1] not in (b"{", b"["):
        return read_fields(body)
    return read_json(body)


@dataclass(frozen=True, slots=True)
class SentBatch:
    """A batch as it came: the parsed body, or its parsed lines where it was NDJSON."""

    value: Any
    in_lines: bool


async def batch_body(request: Request) -> SentBatch:
    """Return a batch, JSON or NDJSON; of NDJSON a line that is not JSON is an error in its place.

    Raises:
        RequestError: `body_not_json` or `body_too_large`.
    """
    body = (await raw_body(request)).removeprefix(BYTE_ORDER_MARK)
    if is_ndjson(_media_type(request)):
        return SentBatch(read_lines(body), in_lines=True)
    try:
        return SentBatch(read_json(body), in_lines=False)
    except RequestError:
        if not looks_like_lines(body):
            raise
        return SentBatch(read_lines(body), in_lines=True)


def read_json(body: bytes) -> Any:
    """Parse JSON: finite numbers, well-formed texts.

    Raises:
        RequestError: `body_not_json`.
    """
    try:
        return orjson.loads(body.removeprefix(BYTE_ORDER_MARK))
    except orjson.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        message = f"the body is not JSON at {place}: {error.msg}; NaN and Infinity are not JSON either"
        raise RequestError(message, code="body_not_json") from None


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def raw_body(request: Request) -> bytes:
    """Return the body, every byte as it came; of one that is too large read only what shows that.

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


def described_by(
    *models: type[BaseModel],
    array_of: type[BaseModel] | None = None,
    form: type[BaseModel] | None = None,
    lines_of: type[BaseModel] | None = None,
) -> dict[str, Any]:
    """Return what a route adds to the OpenAPI document for a body of these shapes, the usual one first.

    Args:
        models: JSON objects.
        array_of: a JSON array of these.
        form: a form with the flat fields of this.
        lines_of: NDJSON with one of these per line.
    """
    shapes: list[dict[str, Any]] = [_reference(model) for model in models]
    if array_of is not None:
        shapes.append({"type": "array", "items": _reference(array_of)})
    content = {"application/json": {"schema": shapes[0] if len(shapes) == 1 else {"anyOf": shapes}}}
    if form is not None:
        content[FORM] = {"schema": _form_schema(form)}
    if lines_of is not None:
        content[NDJSON] = {"schema": _reference(lines_of)}
    return {"requestBody": {"required": True, "content": content}}


def described_query(model: type[BaseModel]) -> dict[str, Any]:
    """Return what a route adds to the OpenAPI document for the flat fields of a model in its query."""
    text = {"in": "query", "required": False, "schema": {"type": "string"}}
    return {"parameters": [{"name": name, "description": told, **text} for name, told in _flat_fields(model)]}


def _reference(model: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": _REF.format(model=model.__name__)}


def _form_schema(model: type[BaseModel]) -> dict[str, Any]:
    properties = {name: {"type": "string", "description": told} for name, told in _flat_fields(model)}
    return {"type": "object", "properties": properties, "additionalProperties": {"type": "string"}}


def _flat_fields(model: type[BaseModel]) -> Iterable[tuple[str, str]]:
    """Yield the fields that a name and a text can carry, with their descriptions."""
    for name, field in model.model_fields.items():
        if field.annotation != dict[str, Any]:
            yield name, field.description or ""


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
