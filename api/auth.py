"""API keys: Bearer, X-API-Key and Basic all carry the same ones. With none set, no key is asked for."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterator

from fastapi import Request
from fastapi.security import APIKeyHeader, HTTPBasic, HTTPBearer
from starlette.requests import HTTPConnection

from api.settings import Settings
from scoring.errors import RequestError


class _DescribedBasic(HTTPBasic):
    """Basic that refuses nothing: FastAPI's own answers 401 to what it cannot decode, key or no key."""

    async def __call__(self, request: HTTPConnection) -> None:
        """Leave the header to `require_key`."""


# These only describe the schemes in the OpenAPI document; `require_key` reads the headers.
SCHEMES = (
    HTTPBearer(auto_error=False),
    APIKeyHeader(name="X-API-Key", auto_error=False),
    _DescribedBasic(scheme_name="HTTPBasic", auto_error=False),
)


def require_key(request: Request) -> None:
    """Let a request pass that carries one of the keys.

    Raises:
        RequestError: `unauthorized`.
    """
    settings: Settings = request.app.state.settings
    accepted = [key.encode() for key in settings.keys]
    if not accepted:
        return
    for sent in _sent_keys(request):
        if any(hmac.compare_digest(sent, key) for key in accepted):
            return
    message = (
        "send one of this service's API keys: Authorization: Bearer KEY, X-API-Key: KEY, or Basic with it"
    )
    raise RequestError(message, code="unauthorized")


def _sent_keys(request: Request) -> Iterator[bytes]:
    """Yield every key a request carries; Basic may hold it as user or as password."""
    yield request.headers.get("x-api-key", "").encode()
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        yield credentials.strip().encode()
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(credentials.strip(), validate=True).partition(b":")
        except ValueError:  # not base64, or not even ASCII
            return
        yield user
        yield password
