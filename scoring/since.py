"""Since when: a moment of the past, or how long ago."""

from __future__ import annotations

import re

from scoring.errors import RequestError
from scoring.moments import DAY
from scoring.values import as_moment

_SECONDS = {"m": 60, "h": 3600, "d": DAY, "w": 7 * DAY}
_SPAN = re.compile(r"([0-9]{1,6})\s*([mhdw])")


def as_since(text: str, *, now: float, horizon: float) -> float:
    """Read a moment of the past: ISO 8601, unix seconds or milliseconds, or a span such as `7d`.

    Args:
        text: spans are in minutes, hours, days or weeks, `m`, `h`, `d` or `w`.
        now: unix seconds.
        horizon: seconds; signals of before are not known.

    Returns:
        Unix seconds.

    Raises:
        RequestError: it is no such moment, lies in the future or before the horizon (`since_invalid`).

    >>> as_since("7d", now=1782864000.0, horizon=400 * 86400) == 1782864000.0 - 7 * 86400
    True
    """
    if span := _SPAN.fullmatch(text.strip().lower()):
        since: float | None = now - int(span[1]) * _SECONDS[span[2]]
    else:
        since = _moment(text)
    if since is None or not now - horizon <= since <= now:
        raise RequestError(_what_to_do(since, now, horizon), field="since", code="since_invalid")
    return since


def _what_to_do(since: float | None, now: float, horizon: float) -> str:
    if since is None:
        return "say since when: an ISO 8601 time such as 2026-07-01T00:00:00Z, or a span such as 7d or 12h"
    if since > now:
        return "`since` lies in the future; give a moment of the past, or a span such as 7d"
    return f"signals are known for {horizon / DAY:g} days; give a later moment"


def _moment(text: str) -> float | None:
    try:
        return as_moment(text)
    except (ValueError, OverflowError):
        return None
