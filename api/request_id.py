"""The request's id: the caller's own where it is a plain token, else a new one."""

from __future__ import annotations

import re
import uuid
from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_TOKEN = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
# W3C Trace Context: version ff and ids of zeros only are invalid.
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_STATE_KEY = "request_id"


def request_id_of(scope: MutableMapping[str, Any]) -> str:
    """Return the id of the request a scope belongs to."""
    return str(scope["state"][_STATE_KEY])


class RequestIds:
    """ASGI middleware that gives each request its id, and returns it and a valid `traceparent`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with its id in the scope's state."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = dict(scope["headers"])
        given, trace = sent.get(b"x-request-id", b""), sent.get(b"traceparent", b"")
        request_id = given if _TOKEN.fullmatch(given) else uuid.uuid4().hex.encode()
        scope.setdefault("state", {})[_STATE_KEY] = request_id.decode()
        returned = [(b"x-request-id", request_id)]
        if _TRACEPARENT.fullmatch(trace):
            returned.append((b"traceparent", trace))

        async def send_with_ids(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *returned]
            await send(message)

        await self._app(scope, receive, send_with_ids)
