"""Months as people count them: whole ones from any day, and the windows that start on anniversaries."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]  # whole days; NaT is "never"

NEVER = np.datetime64("NaT", "D")
FOREVER = np.datetime64("9999-12-31", "D")
EVER = np.datetime64("0001-01-01", "D")


def add_months(days: Days, months: int) -> Days:
    """Move days by whole months; the 31st becomes the last day of a shorter month."""
    first_of_month = days.astype("M8[M]")
    target = first_of_month + months
    last_day = (target + 1).astype("M8[D]") - target.astype("M8[D]") - 1
    return cast("Days", target.astype("M8[D]") + np.minimum(days - first_of_month.astype("M8[D]"), last_day))


def on_month_scale(days: Days) -> Floats:
    """Place days on a scale on which the first of each month is a whole number, and a month is one long.

    Differences add up over adjacent spans. From the 15th to the 15th is a month give or take the unlike
    lengths of the two months, within .1; over a year it is 12 to a hundredth or so.

    >>> places = on_month_scale(np.array(["2026-01-01", "2026-02-01", "2026-02-15", "2026-03-15"], "M8[D]"))
    >>> np.diff(places).round(2).tolist()
    [1.0, 0.5, 0.95]
    """
    month = days.astype("M8[M]")
    start = month.astype("M8[D]")
    share = (days - start) / ((month + 1).astype("M8[D]") - start)
    return np.where(np.isnat(days), np.nan, month.astype(np.float64) + share)


def boundaries(first: Days, as_of: np.datetime64, window: int) -> Days:
    """Return the days on which windows start, shape (n_accounts, n); NaT once they lie after `as_of`."""
    columns = [first]
    while (columns[-1] <= as_of).any():
        columns.append(add_months(first, window * len(columns)))
    days = np.stack(columns, axis=1)
    return np.where(days <= as_of, days, NEVER)
