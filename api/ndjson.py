"""NDJSON: one JSON value per line, in and out."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import Request

from scoring.errors import RequestError

NDJSON = "application/x-ndjson"
_NAMES = frozenset({NDJSON, "application/ndjson", "application/jsonl", "application/x-jsonlines"})


def is_ndjson(media_type: str) -> bool:
    """Tell whether a media type, without its parameters, is one of NDJSON's names."""
    return media_type in _NAMES


def read_lines(body: bytes) -> list[Any]:
    r"""Read the lines that are not blank; one that is not JSON is the error that says so, in its place.

    >>> read_lines(b'{"account_id": 1}\r\n\nno\n')
    [{'account_id': 1}, RequestError('line 3 is not JSON; send one JSON object per line')]
    """
    return [_read(line, number) for number, line in enumerate(body.split(b"\n"), 1) if line.strip()]


def _read(line: bytes, number: int) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        message = f"line {number} is not JSON; send one JSON object per line"
        return RequestError(message, code="body_not_json")


def looks_like_lines(body: bytes) -> bool:
    """Tell whether a body that is not JSON as a whole begins with a line that is an object by itself."""
    first, _, rest = body.partition(b"\n")
    try:
        return bool(rest.strip()) and isinstance(orjson.loads(first), dict)
    except orjson.JSONDecodeError:
        return False


def answered_in_lines(request: Request, *, came_in_lines: bool) -> bool:
    """Tell whether to answer in lines: as `Accept` names it, else as the request came."""
    named = request.headers.get("accept", "").lower().split(",")
    accepted = [media_type.partition(";")[0].strip() for media_type in named]
    if any(map(is_ndjson, accepted)):
        return True
    return came_in_lines and "application/json" not in accepted
