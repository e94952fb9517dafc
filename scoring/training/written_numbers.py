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
_SIGN = r"(?i)(us\$|[$€£¥]|usd|eur|gbp|chf)"
_SAME_SIGN = {"us$": "$", "usd": "$", "eur": "€", "gbp": "£"}
_SIGN_OF_CURRENCY = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CHF": "chf"}


def settle_decimals(file: str, column: pl.Series, log: Log) -> pl.Series:
    """Return a column of numbers in which no thousand can be taken for a fraction.

    Where decimals follow a comma, a point parts thousands; the log notes that, and columns that do both.

    >>> settle_decimals("a.csv", pl.Series("revenue", ["1.234", "5,50", "€ 7.000", None]), Log()).to_list()
    ['1234', '5,50', '€ 7000', None]
    >>> settle_decimals("a.csv", pl.Series("revenue", ["1.234", "5.50"]), Log()).to_list()
    ['1.234', '5.50']
    """
    if column.dtype != pl.String or not column.str.contains(_COMMA_DECIMALS).any():
        return column
    grouped = column.str.contains(_GROUPED_BY_POINT)
    times = int(grouped.sum())
    if not times:
        return column
    if column.str.contains(_POINT_DECIMALS).any():
        log.notes.append(
            f"{file}: {column.name} mixes 1,234.5 and 1.234,5; {times:,} values such as 1.234 were read with "
            "the point as their decimal one"
        )
        return column
    log.notes.append(
        f"{file}: {column.name} writes decimals after a comma, so {times:,} values such as 1.234 were read "
        "as thousands"
    )
    return column.str.replace(_GROUPED_BY_POINT, "${1}${2}${3}${4}")


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
