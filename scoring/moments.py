"""Moments and days in words: ISO 8601 for machines, calendar days for people; all of it UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache

DAY = 86_400
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNITS = ((3600, "hour"), (60, "minute"), (1, "second"))
_EPOCH = date(1970, 1, 1).toordinal()


def say_moment(seconds: float) -> str:
    """Write a moment in ISO 8601, to the millisecond.

    >>> say_moment(1782864000.25)
    '2026-07-01T00:00:00.250Z'
    """
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def say_second(seconds: float) -> str:
    """Write a moment in ISO 8601, to the second it lies in.

    >>> say_second(1782864000.75), say_second(1782863999)
    ('2026-07-01T00:00:00Z', '2026-06-30T23:59:59Z')
    """
    day, second = divmod(int(seconds // 1), DAY)
    minutes, second = divmod(second, 60)
    hour, minute = divmod(minutes, 60)
    return f"{_day(day).isoformat()}T{hour:02}:{minute:02}:{second:02}Z"


def say_ago(moment: str, now: str) -> str:
    """Say how many calendar days ago a moment was, and its date; both moments are ISO 8601 in UTC.

    >>> say_ago("2026-06-28T22:00:00Z", "2026-07-01T00:00:00.000Z")
    '3 days ago (28 Jun 2026)'
    >>> say_ago("2026-06-30T23:59:59Z", "2026-07-01T00:00:00Z")
    'yesterday (30 Jun 2026)'
    """
    then = date.fromisoformat(moment[:10])
    days = (date.fromisoformat(now[:10]) - then).days
    ago = ("today", "yesterday")[days] if days < 2 else f"{days} days ago"
    return f"{ago} ({then.day} {_MONTHS[then.month - 1]} {then.year})"


def say_span(seconds: float) -> str:
    """Say how long something took or lasted, roughly.

    >>> say_span(0.4), say_span(1.2), say_span(95), say_span(7200)
    ('under a second', '1 second', '2 minutes', '2 hours')
    """
    if seconds < 1:
        return "under a second"
    size, unit = next((size, unit) for size, unit in _UNITS if seconds >= 1.5 * size or size == 1)
    number = round(seconds / size)
    return f"{number} {unit}{'' if number == 1 else 's'}"


@lru_cache(maxsize=4096)
def _day(number: int) -> date:
    return date.fromordinal(_EPOCH + number)
