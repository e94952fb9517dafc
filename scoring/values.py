"""Single values as people and systems write them: numbers, texts, flags, tag lists, dates.

Training and serving read values here and nowhere else, so that a model never sees a value in two ways.
Each reader returns None for a missing value and raises ValueError for one it cannot read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

MISSING_WORDS = frozenset(
    {"", "-", "--", "?", "#n/a", "(blank)", "<null>", "blank", "n.a.", "n/a", "na", "nan", "nil", "none"}
    | {"not available", "null", "undefined", "unknown"}
)
_TRUE = frozenset({"1", "on", "t", "true", "wahr", "x", "y", "yes", "✓"})
_FALSE = frozenset({"0", "f", "false", "falsch", "n", "no", "off"})
_SCALE = {"": 1.0, "k": 1e3, "m": 1e6, "mm": 1e6, "mn": 1e6, "b": 1e9, "bn": 1e9}
_NUMBER = re.compile(
    r"(?P<sign>[-+]?)(?:us\$|[$€£¥]|usd|eur|gbp|chf)?\s*(?P<inner>[-+]?)"
    r"(?P<digits>(?:\d[\d.,'_ \u00a0\u202f]*|\.\d+)(?:e[-+]?\d+)?)"
    r"\s*(?P<scale>bn|mm|mn|[kmb])?\s*(?:[$€£¥]|usd|eur|gbp|chf)?(?P<tail>%|\+)?"
)
_EXPONENT = re.compile(r"e[-+]?\d+$")
_DAY_PARTS = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?:[ T].*)?")
_UNIX = re.compile(r"\d{9,14}(?:\.\d*)?")
_FIRST_MILLISECONDS = 1e11  # as seconds the year 5138, as milliseconds 1973: no moment is from either
EARLIEST_MOMENT = 1e8  # 1973; a smaller number is a year, a spreadsheet's day or a mistake
LATEST_MOMENT = 4.1e12  # 2100, in milliseconds
_SECONDS_PER_YEAR = 365.2425 * 86_400


def is_missing(value: Any) -> bool:
    """Tell whether a value says nothing: None, NaN, an empty list, blanks, or a word such as `N/A`.

    >>> is_missing(" n/a "), is_missing(float("nan")), is_missing(0), is_missing("0")
    (True, True, False, False)
    """
    if isinstance(value, str):
        return value.strip().lower() in MISSING_WORDS
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or (isinstance(value, (list, tuple)) and all(map(is_missing, value)))


def as_number(value: Any) -> float | None:
    """Read a number: separators, currency signs, k/m/bn, percent and accounting negatives included.

    >>> as_number("$1,200.50"), as_number("(3.5k)"), as_number("27%"), as_number("1.234,5"), as_number("-")
    (1200.5, -3500.0, 0.27, 1234.5, None)
    """
    if isinstance(value, (int, float)):
        return _finite(value)
    if is_missing(value):
        return None
    if not isinstance(value, str):
        raise ValueError("not a number")
    text = value.strip().lower().replace("\u2212", "-")
    in_parentheses = text.startswith("(") and text.endswith(")")
    found = _NUMBER.fullmatch(text[1:-1].strip() if in_parentheses else text)
    if found is None:
        raise ValueError("not a number")
    size = float(_plain_digits(found["digits"])) * _SCALE[found["scale"] or ""]
    negative = in_parentheses != ("-" in found["sign"] + found["inner"])
    return _finite((-size if negative else size) / (100 if found["tail"] == "%" else 1))


def _finite(number: float) -> float | None:
    try:
        as_float = float(number)
    except OverflowError:
        raise ValueError("not a finite number") from None
    if math.isinf(as_float):
        raise ValueError("not a finite number")
    return None if math.isnan(as_float) else as_float


def _plain_digits(digits: str) -> str:
    """Drop thousands separators: of two kinds the last is decimal, one comma before 3 digits is not."""
    exponent = _EXPONENT.search(digits)
    mantissa, power = (digits[: exponent.start()], exponent[0]) if exponent else (digits, "")
    mantissa = re.sub(r"['_ \u00a0\u202f]", "", mantissa)
    commas, dots = mantissa.count(","), mantissa.count(".")
    comma_is_decimal = commas == 1 and (
        mantissa.rfind(".") < mantissa.rfind(",") if dots else not re.fullmatch(r"\d{1,3},\d{3}", mantissa)
    )
    if comma_is_decimal:
        return mantissa.replace(".", "").replace(",", ".") + power
    plain = mantissa.replace(",", "")
    return (plain.replace(".", "") if dots > 1 else plain) + power


def as_text(value: Any) -> str | None:
    """Read a category: one spelling for letter case and blanks.

    >>> as_text("  Financial   Services "), as_text(True), as_text(7.0), as_text("N/A")
    ('financial services', 'true', '7', None)
    """
    if is_missing(value):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (str, int, float)):
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
    """Read a date: ISO 8601 (a time of day is dropped), or day, month and year in either order.

    >>> as_date("2026-06-30T23:59:00Z"), as_date("16-10-2024", day_first=True), as_date("10/16/2024")
    (datetime.date(2026, 6, 30), datetime.date(2024, 10, 16), datetime.date(2024, 10, 16))
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if is_missing(value):
        return None
    if not isinstance(value, str):
        raise ValueError("not a date")
    text = value.strip()
    parts = _DAY_PARTS.fullmatch(text)
    try:
        if parts is None:
            return datetime.fromisoformat(text).date()
        first, second, year = map(int, parts.groups())
        return date(year, second, first) if day_first else date(year, first, second)
    except ValueError:
        raise ValueError("not a date") from None


def as_moment(value: Any) -> float | None:
    """Read a moment in unix seconds: ISO 8601 (UTC where it names no zone), unix seconds or milliseconds.

    >>> as_moment("2026-07-01T02:00:00+02:00"), as_moment(1782864000000), as_moment("1782864000.5")
    (1782864000.0, 1782864000.0, 1782864000.5)
    """
    if is_missing(value):
        return None
    if isinstance(value, str):
        text = value.strip()
        value = float(text) if _UNIX.fullmatch(text) else datetime.fromisoformat(text)
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("not a moment")
    if not EARLIEST_MOMENT <= value <= LATEST_MOMENT:
        raise ValueError("not a moment between 1973 and 2100")
    return float(value) / 1000 if value >= _FIRST_MILLISECONDS else float(value)


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
