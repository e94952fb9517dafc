"""Numbers written as text: one number, a band such as `51-200`, or a number with a bound or a unit.

`scoring.values.as_number` is what reads values; it comes here with texts. What reads as one number is never
tried as anything else. A band reads as its middle and an open end as its bound, on one scale with others.
"""

from __future__ import annotations

import math
import re

_SCALE = {"": 1.0, "k": 1e3, "m": 1e6, "mm": 1e6, "mn": 1e6, "b": 1e9, "bn": 1e9}
_NUMBER = re.compile(
    r"(?P<sign>[-+]?)(?:us\$|[$€£¥]|usd|eur|gbp|chf)?\s*(?P<inner>[-+]?)"
    r"(?P<digits>[\d.,'_ \u00a0\u202f]*\d\.?)(?P<power>e[-+]?\d{1,3})?"
    r"\s*(?P<scale>bn|mm|mn|[kmb])?\s*(?:[$€£¥]|usd|eur|gbp|chf)?(?P<tail>%|\+)?"
)
_PLAIN = re.compile(r"\d*\.?\d+|\d+\.")
_GROUPED = re.compile(r"\d{1,3}(?P<by>[,'_ ])\d{3}(?:(?P=by)\d{3})*(?:\.\d*)?")
_GROUPED_BY_DOTS = re.compile(r"\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}")
_DECIMAL_COMMA = re.compile(r"\d+,\d+")

_UNIT = re.compile(r"\s*(?:employees?|people|persons?|staff|ftes?|users?|seats?)\Z")
_BOUND = re.compile(
    r"\A(?:[<>]=?|[≤≥~]|(?:less|more) than|under|over|up to|at (?:least|most)|about)\s*"
    r"|\s+(?:or|and) (?:more|less|fewer|above|over|below|under)\Z"
)
_BETWEEN = re.compile(r"\s*[-\u2013\u2014]\s*|\s+to\s+")
_YEAR = re.compile(r"(?:19|20)\d\d")
_MONTH = re.compile(r"[1-9]|1[0-2]")


def number_of(text: str) -> float | None:
    """Return the number that a text says, None for none; it is stripped, in lower case, with `-` for a minus.

    >>> number_of("$1,200.50"), number_of("10,000+"), number_of("120 employees"), number_of("over 500")
    (1200.5, 10000.0, 120.0, 500.0)
    >>> number_of("50-200"), number_of("many")
    (100.0, None)
    """
    number = one_number(text)
    if number is None:
        number = one_number(_BOUND.sub("", _UNIT.sub("", text), count=1))
    return band_middle(text) if number is None else number


def one_number(text: str) -> float | None:
    """Return the one number that a text is; None for anything more, such as a band, a bound or a unit.

    >>> one_number("$1,200.50"), one_number("(3.5k)"), one_number("120 employees"), one_number("50-200")
    (1200.5, -3500.0, None, None)
    """
    in_parentheses = text.startswith("(") and text.endswith(")")
    found = _NUMBER.fullmatch(text[1:-1].strip() if in_parentheses else text)
    digits = found and _plain_digits(found["digits"])
    if not found or not digits:
        return None
    size = float(digits + (found["power"] or "")) * _SCALE[found["scale"] or ""]
    signs = found["sign"] + found["inner"]
    if len(signs) > 1:
        return None
    negative = in_parentheses != (signs == "-")
    return (-size if negative else size) / (100 if found["tail"] == "%" else 1)


def band_middle(text: str) -> float | None:
    """Return the geometric middle of a band, or half its upper end where it begins at 0; None for no band.

    Sizes of companies spread over powers of ten: of 51 to 200 most are nearer 51. Dates, periods, codes and
    telephone numbers are no bands, as far as one value shows it.

    >>> band_middle("50-200 employees"), band_middle("$1m to $4m"), band_middle("1-4k"), band_middle("0-10")
    (100.0, 2000000.0, 2000.0, 5.0)
    >>> [band_middle(text) for text in ("200", "200-50", "2024-05", "12-2024", "2019-2024", "1-800-555")]
    [None, None, None, None, None, None]
    """
    ends = [_NUMBER.fullmatch(end) for end in _BETWEEN.split(_UNIT.sub("", text))]
    if len(ends) != 2 or ends[0] is None or ends[1] is None or not _are_sizes(ends[0], ends[1]):
        return None
    low, high = (_size(end, like=ends[1]) for end in ends if end is not None)
    if low is None or high is None or not low < high:
        return None
    return math.sqrt(low * high) if low else high / 2


def _plain_digits(written: str) -> str:
    """Drop the separators of thousands, which part groups of three, and write the decimal one as a dot."""
    digits = written.replace("\u00a0", " ").replace("\u202f", " ").strip()
    if _PLAIN.fullmatch(digits):
        return digits
    grouped = _GROUPED.fullmatch(digits)
    if grouped:
        return digits.replace(grouped["by"], "")
    if _GROUPED_BY_DOTS.fullmatch(digits) or _DECIMAL_COMMA.fullmatch(digits):
        return digits.replace(".", "").replace(",", ".")
    return ""


# The ends of a band


def _are_sizes(first: re.Match[str], last: re.Match[str]) -> bool:
    """Refuse signs and powers, and what looks like a date (`05-12`, `12-2024`) or a period (`2019-2024`)."""
    ends = (first, last)
    if any(end["sign"] or end["inner"] or end["power"] or end["tail"] == "+" for end in ends):
        return False
    if any(re.match(r"0\d", end["digits"]) for end in ends) or (first["tail"] and not last["tail"]):
        return False
    a_month = _MONTH.fullmatch(first[0]) and not last[0].endswith("00")
    return not (_YEAR.fullmatch(last[0]) and (a_month or _YEAR.fullmatch(first[0])))


def _size(end: re.Match[str], *, like: re.Match[str]) -> float | None:
    """Return the size of one end of a band; in `1-10m` and `5-10%` the last end says what both are."""
    digits = _plain_digits(end["digits"])
    if not digits:
        return None
    scale = _SCALE[end["scale"] or like["scale"] or ""]
    return float(digits) * scale / (100 if like["tail"] == "%" else 1)
