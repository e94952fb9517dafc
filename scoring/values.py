"""Single values as people and systems write them: numbers, texts, flags, tag lists, dates.

Training and serving read values here and nowhere else, so that a model never sees a value in two ways.
Each reader returns None for a missing value and raises ValueError for one it cannot read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from scoring.number import band_middle, number_of, one_number

LONGEST_NUMBER = 64  # characters of a number or date; more are neither, and reading them takes long
_LONGEST_QUOTE = 40  # characters of a value that a message to the one who gave it repeats
_DASHES = {"-", "--", "\u2013", "\u2014"}
MISSING_WORDS = frozenset(
    {
        "",
        "?",
        "#n/a",
        "#ref!",
        "(blank)",
        "<null>",
        "blank",
        "n / a",
        "n.a",
        "n.a.",
        "n/a",
        "na",
        "nan",
        "nil",
    }
    | {"none", "not available", "null", "tbd", "undefined", "unknown", *_DASHES}
)
_TRUE = frozenset({"1", "1.0", "on", "t", "true", "wahr", "x", "y", "yes", "✓"})
_FALSE = frozenset({"0", "0.0", "f", "false", "falsch", "n", "no", "off"})
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[ T].*)?")
_YEAR_LAST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?:[ T].*)?")
_DAY_NAMED_MONTH = re.compile(r"(\d{1,2})[ -]([a-z]{3,9})\.?[ ,-]+(\d{4})")
_NAMED_MONTH_DAY = re.compile(r"([a-z]{3,9})\.? (\d{1,2}),? (\d{4})")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_UNIX = re.compile(r"\d{9,14}(?:\.\d*)?")
_FIRST_MILLISECONDS = 1e11  # as seconds the year 5138, as milliseconds 1973: no moment is from either
EARLIEST_MOMENT = 1e8  # 1973; a smaller number is a year, a spreadsheet's day or a mistake
LATEST_MOMENT = 4.1e9  # 2099
_SECONDS_PER_YEAR = 365.2425 * 86_400


def is_missing(value: Any) -> bool:
    """Tell whether a value says nothing: None, NaN, an empty list, blanks, or a word such as `N/A`.

    >>> is_missing(" n/a "), is_missing(float("nan")), is_missing(0), is_missing("0")
    (True, True, False, False)
    """
    if isinstance(value, str):
        return " ".join(value.lower().split()) in MISSING_WORDS
    if isinstance(value, float):
        return math.isnan(value)
    if isinstance(value, (list, tuple)):  # one level: nobody means lists of lists, but anybody may send them
        return all(not isinstance(part, (list, tuple)) and is_missing(part) for part in value)
    return value is None


def quoted(value: Any) -> str:
    """Quote a value to the one who gave it, cut where it is long.

    >>> quoted("lots"), quoted(7)
    ("'lots'", "'7'")
    """
    return repr(str(value)[:_LONGEST_QUOTE])


def as_number(value: Any) -> float | None:
    """Read a number: separators, currency signs, k/m/bn, percent, accounting negatives and bands included.

    A band reads as its geometric middle, an open end as its bound; see `scoring.number`.

    >>> as_number("$1,200.50"), as_number("(3.5k)"), as_number("27%"), as_number("1.234,5"), as_number("-")
    (1200.5, -3500.0, 0.27, 1234.5, None)
    >>> as_number("50 - 200 employees"), as_number("10,000+")
    (100.0, 10000.0)
    """
    return _read_number(value, number_of)


def as_amount(value: Any) -> float | None:
    """Read an exact number, such as one of money: as `as_number`, but a band, a bound or a unit is refused.

    >>> as_amount("$1,200.50"), as_amount("(3.5k)")
    (1200.5, -3500.0)
    """
    return _read_number(value, one_number)


def _read_number(value: Any, read: Callable[[str], float | None]) -> float | None:
    if isinstance(value, (int, float, Decimal)):
        return _finite(value)
    if is_missing(value):
        return None
    if not isinstance(value, str) or len(value) > LONGEST_NUMBER:
        raise ValueError("not a number")
    number = read(_plain_text(value))
    if number is None:
        raise ValueError("not a number")
    return _finite(number)


def is_band(value: Any) -> bool:
    """Tell whether a value reads as a number only by being a band such as `51-200`.

    >>> is_band("51 to 200"), is_band("200"), is_band(200), is_band("2024-05")
    (True, False, False, False)
    """
    if not isinstance(value, str) or len(value) > LONGEST_NUMBER:
        return False
    return band_middle(_plain_text(value)) is not None


def _plain_text(value: str) -> str:
    return value.strip().lower().replace("\u2212", "-")


def _finite(number: float | Decimal) -> float | None:
    try:
        as_float = float(number)
    except OverflowError:
        raise ValueError("not a finite number") from None
    if math.isinf(as_float):
        raise ValueError("not a finite number")
    return None if math.isnan(as_float) else as_float


def as_text(value: Any) -> str | None:
    """Read a category: one spelling for letter case and blanks.

    >>> as_text("  Financial   Services "), as_text(True), as_text(7.0), as_text("N/A")
    ('financial services', 'true', '7', None)
    """
    if is_missing(value):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (float, Decimal)) and math.isfinite(value) and value == int(value):
        return str(int(value))
    if isinstance(value, (str, int, float, Decimal)):
        return " ".join(str(value).lower().split())
    raise ValueError("not a text")


def as_flag(value: Any) -> bool | None:
    """Read a flag: true/false, yes/no, 1/0 and their like.

    >>> as_flag("Yes"), as_flag(0), as_flag("")
    (True, False, None)
    """
    text = as_text(value)
    if text is None or text in _TRUE or text in _FALSE:
        return None if text is None else text in _TRUE
    raise ValueError("neither yes nor no")


def as_tags(value: Any) -> tuple[str, ...] | None:
    """Read a tag list, `a;b;c` or a list; sorted, each tag once.

    >>> as_tags("Snowflake; dbt ;snowflake"), as_tags(["B", None, "a"]), as_tags("")
    (('dbt', 'snowflake'), ('a', 'b'), None)
    """
    if is_missing(value):
        return None
    parts: Iterable[Any]
    if isinstance(value, str):
        parts = value.split(";" if ";" in value else ",")
    else:
        parts = value if isinstance(value, (list, tuple)) else [value]
    return tuple(sorted({text for text in map(as_text, parts) if text is not None})) or None


def as_date(value: Any, *, day_first: bool = False) -> date | None:
    """Read a date: year first, or day, month and year in either order; a time of day is dropped.

    >>> as_date("2026-06-30T23:59:00Z"), as_date("16-10-2024", day_first=True), as_date("Oct 16, 2024")
    (datetime.date(2026, 6, 30), datetime.date(2024, 10, 16), datetime.date(2024, 10, 16))
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if is_missing(value):
        return None
    if not isinstance(value, str) or len(value) > LONGEST_NUMBER:
        raise ValueError("not a date")
    try:
        return date(*_year_month_day(value.strip().lower(), day_first=day_first))
    except ValueError:
        raise ValueError("not a date") from None


def _year_month_day(text: str, *, day_first: bool) -> tuple[int, int, int]:
    if parts := _YEAR_FIRST.fullmatch(text.upper()):
        return int(parts[1]), int(parts[2]), int(parts[3])
    if parts := _YEAR_LAST.fullmatch(text.upper()):
        day, month = (1, 2) if day_first else (2, 1)
        return int(parts[3]), int(parts[month]), int(parts[day])
    if parts := _DAY_NAMED_MONTH.fullmatch(text):
        return int(parts[3]), _MONTHS.index(parts[2][:3]) + 1, int(parts[1])
    if parts := _NAMED_MONTH_DAY.fullmatch(text):
        return int(parts[3]), _MONTHS.index(parts[1][:3]) + 1, int(parts[2])
    raise ValueError("not a date")


def as_moment(value: Any) -> float | None:
    """Read a moment in unix seconds: ISO 8601 (UTC where it names no zone), unix seconds or milliseconds.

    Only nothing at all is missing: `n/a` in place of a moment is a mistake worth naming.

    >>> as_moment("2026-07-01T02:00:00+02:00"), as_moment(1782864000000), as_moment("1782864000.5")
    (1782864000.0, 1782864000.0, 1782864000.5)
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        text = value.strip()[: LONGEST_NUMBER + 1]
        value = float(text) if _UNIX.fullmatch(text) else datetime.fromisoformat(text)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, datetime):
        return _in_range((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("not a moment")
    return _in_range(value / 1000 if value >= _FIRST_MILLISECONDS else float(value))


def _in_range(seconds: float) -> float:
    if not EARLIEST_MOMENT <= seconds <= LATEST_MOMENT:
        raise ValueError("not a moment between 1973 and 2099")
    return seconds


def as_year(value: Any, *, day_first: bool = False) -> float | None:
    """Read a date as a number a model can use: the year with its fraction.

    >>> as_year("2026-01-01"), round(as_year("2026-07-02"), 2)
    (2026.0, 2026.5)
    """
    day = as_date(value, day_first=day_first)
    if day is None:
        return None
    into_year = datetime(day.year, day.month, day.day, tzinfo=UTC) - datetime(day.year, 1, 1, tzinfo=UTC)
    return day.year + into_year.total_seconds() / _SECONDS_PER_YEAR
