"""How the numbers of a column are written: where decimals begin, which currency signs and bands stand in it.

All of it can only be seen on a whole column: 1.234 alone is a little over one, beside 5,50 it is a thousand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from scoring.training.rejects import Log
from scoring.values import as_number, is_band

_COMMA_DECIMALS = r"\d,\d{1,2}(?:\D*$)|\d\.\d{3},\d"
_POINT_DECIMALS = r"\d\.\d{1,2}(?:\D*$)|\d,\d{3}\.\d"
_GROUPED_BY_POINT = r"(^|[^\d.,])(\d{1,3})\.(\d{3})($|[^\d.,])"
_GROUPED_TWICE = r"\d\.\d{3}\.\d{3}($|[^\d.])"
_EITHER_WAY = r"(^|[^\d.,])([1-9]\d{0,2}\.\d{3})($|[^\d.,])"  # thousands after the point, or decimals
_SEPARATED = r"[.,]\d"
_SIGN = r"(?i)(us\$|[$€£¥]|usd|eur|gbp|chf)"
_SAME_SIGN = {"us$": "$", "usd": "$", "eur": "€", "gbp": "£"}
_SIGN_OF_CURRENCY = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CHF": "chf"}


def settle_decimals(file: str, column: pl.Series, log: Log) -> pl.Series:
    """Return a column of numbers in which no thousand can be taken for a fraction.

    Where decimals follow a comma, or two points part a number, a point parts thousands; the log notes that,
    and columns that do both.

    >>> settle_decimals("a.csv", pl.Series("revenue", ["1.234", "5,50", "€ 7.000", None]), Log()).to_list()
    ['1234', '5,50', '€ 7000', None]
    >>> settle_decimals("a.csv", pl.Series("revenue", ["1.234", "5.50"]), Log()).to_list()
    ['1.234', '5.50']
    """
    if column.dtype != pl.String:
        return column
    after_comma = column.str.contains(_COMMA_DECIMALS).any()
    grouped = column.str.contains(_GROUPED_BY_POINT)
    times = int(grouped.sum())
    if not times or not (after_comma or column.str.contains(_GROUPED_TWICE).any()):
        return column
    if column.str.contains(_POINT_DECIMALS).any():
        log.notes.append(
            f"{file}: {column.name} mixes 1,234.5 and 1.234,5; {times:,} values such as 1.234 were read with "
            "the point as their decimal one"
        )
        return column
    way = "writes decimals after a comma" if after_comma else "has numbers such as 1.234.567"
    log.notes.append(f"{file}: {column.name} {way}, so {times:,} values such as 1.234 were read as thousands")
    return _everywhere(column, _GROUPED_BY_POINT, "${1}${2}${3}${4}")


def _everywhere(column: pl.Series, pattern: str, by: str) -> pl.Series:
    """Replace all places of a pattern that begins and ends with a separator, which two of them may share."""
    return column.str.replace_all(pattern, by).str.replace_all(pattern, by)


def either_way(column: pl.Series) -> pl.Series:
    """Return the values such as 1.200 of a column in which nothing shows whether its points part thousands.

    >>> either_way(pl.Series(["1.200", "950", "€ 2.500"])).to_list()
    ['1.200', '€ 2.500']
    >>> [either_way(pl.Series(["1.200", other])).to_list() for other in ("950.5", "0.125", "12,500")]
    [[], [], []]
    """
    if column.dtype != pl.String:
        return column.clear()
    if _everywhere(column, _EITHER_WAY, "${1}${3}").str.contains(_SEPARATED).any():
        return column.clear()
    return column.filter(column.str.contains(_EITHER_WAY))


def note_either_way(file: str, column: pl.Series, log: Log) -> None:
    """Note a column of numbers in which a point may part thousands or decimals, and how it was read."""
    values = either_way(column)
    example = read_as(values)
    if example:
        log.notes.append(
            f"{file}: {column.name} does not show whether a point parts thousands or decimals; "
            f"{len(values):,} of its values were read as decimals: {example}. Write thousands without a "
            "point to be sure"
        )


def read_as(values: pl.Series) -> str:
    """Say as what the first of the values of `either_way` that is a number was read; empty if none is.

    >>> read_as(pl.Series(["v1.200 beta", "€ 1.200"]))
    '€ 1.200 as 1.2, not 1,200'
    """
    written = next(filter(is_exact_number, values), None)
    if written is None:
        return ""
    return f"{written} as {as_number(written):,.12g}, not {as_number(written.replace('.', '')):,.12g}"


def is_exact_number(value: Any) -> bool:
    """Tell whether a value reads as a number and is no band.

    >>> is_exact_number("1,200"), is_exact_number("51-200"), is_exact_number("n/a"), is_exact_number("many")
    (True, False, False, False)
    """
    try:
        return as_number(value) is not None and not is_band(value)
    except ValueError:
        return False


def mostly_bands(values: Iterable[Any]) -> bool:
    """Tell whether bands such as `51-200` are no fewer than exact numbers among some different values.

    Such values are a picklist, which plans speak of by its names, or codes; among exact numbers a band is
    one more way to write a number.

    >>> mostly_bands(["1-10", "11-50", "51-200", "10,001+"]), mostly_bands(["12", "340", "77", "51-200"])
    (True, False)
    """
    different = list(values)
    bands = sum(map(is_band, different))
    return bands > 0 and bands >= sum(map(is_exact_number, different))


def currency_signs(column: pl.Series) -> Mapping[str, int]:
    """Count the currency signs in a column, by sign; `$` also stands for USD, `€` for EUR, `£` for GBP.

    >>> currency_signs(pl.Series(["$5", "usd 7", "8 EUR", "9", None]))
    {'$': 2, '€': 1}
    """
    if column.dtype != pl.String:
        return {}
    signs = column.str.extract(_SIGN).str.to_lowercase().drop_nulls().replace(_SAME_SIGN)
    counts = signs.value_counts(name="times").sort(pl.col("times"), signs.name, descending=[True, False])
    return dict(counts.iter_rows())


def note_currencies(file: str, column: pl.Series, currency: str, log: Log) -> None:
    """Note a column whose amounts are not all in one currency, or in another than the plan's."""
    signs = currency_signs(column)
    own = _SIGN_OF_CURRENCY.get(currency.upper(), currency.lower())
    if len(signs) > 1:
        said = ", ".join(f"{sign} {times:,} times" for sign, times in signs.items())
        log.notes.append(f"{file}: {column.name} mixes currencies ({said}); amounts are not converted")
    elif signs and own not in signs:
        log.notes.append(
            f"{file}: {column.name} is written in {next(iter(signs))}, the plan's currency is {currency}; "
            "amounts are not converted"
        )
