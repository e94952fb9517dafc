"""Errors on the wire: RFC 9457 problem details with a stable `code`; the one error hierarchy is mapped here.

A problem never repeats what the caller sent: it may be personal data.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from api.request_id import request_id_of
from scoring.errors import FirebrandError, RequestError, StoreUnavailableError

_log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 1
GONE = 499  # nginx's number for a caller that left before its answer: nobody gets it, the metrics count it
STATUS_BY_CODE = {
    "body_not_json": 400,
    "fields_not_utf8": 400,
    "unauthorized": 401,
    "signature_invalid": 401,
    "timestamp_stale": 401,
    "source_unknown": 404,
    "body_too_large": 413,
    "too_many_accounts": 413,
    "too_many_signals": 413,
}
CODE_BY_STATUS = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}


class FieldProblem(BaseModel):
    """One field at fault."""

    field: str
    message: str


class Problem(BaseModel):
    """An error: what is wrong, where, and what to do."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    field: str = ""
    request_id: str
    errors: list[FieldProblem] = []


# What each route that takes a body may answer instead, for the OpenAPI document.
DESCRIBED: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": what, "content": {MEDIA_TYPE: {}}}
    for status, what in (
        (400, "The body is not JSON, or a query or form is not UTF-8."),
        (401, "No key, or a wrong one."),
        (413, "The body or the batch is too large."),
        (422, "A field is wrong; `field` names it."),
        (503, "The store did not answer; try again after `Retry-After`."),
    )
}


def problem(
    request: Request,
    status: int,
    code: str,
    detail: str,
    *,
    extensions: Mapping[str, Any] = MappingProxyType({}),
    **more: Any,
) -> Response:
    """Build a problem response.

    Args:
        request: what it answers.
        status: of HTTP.
        code: stable, for programs.
        detail: what to do, for people.
        extensions: what it says beyond a `Problem`, which RFC 9457 allows, such as a status per item.
        more: further fields of `Problem`.
    """
    body = Problem(
        type=f"urn:firebrand:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        request_id=request_id_of(request.scope),
        **more,
    )
    return Response(orjson.dumps({**body.model_dump(), **extensions}), status, media_type=MEDIA_TYPE)


def status_of(error: FirebrandError) -> int:
    """Map an error of the domain to a status: permanent faults are 4xx, passing ones 503."""
    if isinstance(error, StoreUnavailableError):
        return 503
    return STATUS_BY_CODE.get(error.code, 422) if isinstance(error, RequestError) else 500


def install(app: FastAPI) -> None:
    """Make every error of the app a problem."""
    app.add_exception_handler(FirebrandError, _on_firebrand_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(ClientDisconnect, _on_gone)
    app.add_exception_handler(Exception, _on_bug)


def _on_firebrand_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, FirebrandError)  # noqa: S101 - Starlette's handlers are typed for any exception
    field = error.field if isinstance(error, RequestError) else ""
    response = problem(request, status_of(error), error.code, str(error), field=field)
    if response.status_code == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="firebrand"'
    return response


def faults(error: ValidationError | RequestValidationError) -> list[FieldProblem]:
    """Say what pydantic found, without the values."""
    return [
        FieldProblem(
            field=".".join(str(part) for part in fault["loc"] if part not in ("body", "query")),
            message=fault["msg"].removeprefix("Value error, "),
        )
        for fault in error.errors()
    ]


def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    found = faults(error)
    detail = "; ".join(f"{fault.field}: {fault.message}" if fault.field else fault.message for fault in found)
    return problem(request, 422, "request_invalid", detail, field=found[0].field, errors=found)


def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    code = CODE_BY_STATUS.get(error.status_code, "http_error")
    response = problem(request, error.status_code, code, _HELP.get(code, str(error.detail)))
    response.headers.update(error.headers or {})
    return response


_HELP = {
    "not_found": "there is nothing at this path; /docs lists what there is",
    "method_not_allowed": "this path does not take this method; /docs lists what it takes",
    "body_too_large": "the body is larger than this service takes; send smaller batches",
}


def _on_gone(request: Request, error: Exception) -> Response:  # noqa: ARG001 - how Starlette calls a handler
    return Response(status_code=GONE)


def _on_bug(request: Request, error: Exception) -> Response:
    request_id = request_id_of(request.scope)
    _log.error("request %s failed", request_id, exc_info=error)
    told = "this is a fault of ours; it is logged under the request id"
    response = problem(request, 500, "internal_error", told)
    response.headers["Connection"] = "close"  # the server does so after a fault; a client must not reuse it
    response.headers["X-Request-ID"] = request_id  # this answer is made outside the middleware that does so
    return response
