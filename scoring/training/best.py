"""The ten best customers: whether Fit would have known them.

Whoever reads a model looks first at the customers everybody knows are good. Where Fit, made without having
seen them, puts them low, it is wrong about what the company has, or they are exceptions; people can tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import rankdata

from scoring.features import Codes, FeatureSchema
from scoring.training.additive import Floats
from scoring.training.held_out import HeldOutFit

MOST = 10
LEAST_HIGH = 7  # of ten, in the top quarter
TOP_QUARTER, LOWER_HALF = 75.0, 50.0  # percentiles
LEAST_CUSTOMERS = 40  # with fewer, ten are no small part of them
REASONS = 3

WORTH = {"clv": "lifetime value", "realised_margin": "revenue times margin so far"}


@dataclass(frozen=True, slots=True)
class BestCustomer:
    """One of the best customers, and where Fit puts it."""

    account_id: str
    name: str
    worth: float  # currency
    percentile: float  # of its Fit among all customers, 0..100
    against: tuple[tuple[str, float], ...]  # what pulls its Fit down most, with the points; the most first


@dataclass(frozen=True, slots=True)
class BestCustomers:
    """The customers that turned out to be worth most, the best first."""

    by: str  # clv or realised_margin
    customers: tuple[BestCustomer, ...]
    high: int  # how many of them Fit puts in the top quarter
    warning: str  # a sentence that names those it misses, or empty


def best_customers(
    worth: str,
    metrics: pl.DataFrame,
    customers: pl.DataFrame,
    schema: FeatureSchema,
    codes: Codes,
    held_out: HeldOutFit,
) -> BestCustomers | str:
    """Find the ten customers that turned out to be worth most, and where Fit puts them.

    Args:
        worth: a column of the metrics, `clv` or `realised_margin`.
        metrics: a row per customer.
        customers: their accounts, in the same order.
        schema: what the codes mean.
        codes: (customers, features).
        held_out: their Fit, as if nobody knew what became of them.

    Returns:
        The ten, or why they cannot be judged, as a sentence.
    """
    values = metrics[worth].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    known = int(np.isfinite(values).sum())
    if known < LEAST_CUSTOMERS:
        return (
            f"the best customers by {WORTH[worth]} cannot be judged: it is known of {known} customers, and "
            f"at least {LEAST_CUSTOMERS} are needed"
        )
    order = np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable")[:MOST]
    percentile = _percentiles(held_out.fit)
    against = _against(schema, codes, order, held_out)
    names = customers["name"].fill_null("").to_list()
    found = tuple(
        BestCustomer(
            account_id=str(metrics["account_id"][int(row)]),
            name=names[row],
            worth=float(values[row]),
            percentile=float(percentile[row]),
            against=reasons,
        )
        for row, reasons in zip(order, against, strict=True)
    )
    high = sum(one.percentile >= TOP_QUARTER for one in found)
    return BestCustomers(worth, found, high, _warning(worth, found, high))


def _percentiles(fit: Floats) -> Floats:
    """Return the share of customers with a lower Fit, equal ones counting half: (customers,), percent.

    >>> _percentiles(np.array([10.0, 30.0, 20.0, 20.0])).tolist()
    [12.5, 87.5, 50.0, 50.0]
    """
    return np.asarray((rankdata(fit) - 0.5) / len(fit) * 100.0)


def _against(
    schema: FeatureSchema, codes: Codes, rows: NDArray[np.intp], held_out: HeldOutFit
) -> list[tuple[tuple[str, float], ...]]:
    """Return, by row, the attributes that take most points from its Fit: (attributes, points below 0)."""
    points: dict[str, Floats] = {}
    for function, scale in held_out.functions:
        for term, entries in function.contributions(codes[rows]):
            label = " & ".join(dict.fromkeys(schema.features[f].attribute for f in term))
            points[label] = points.get(label, 0.0) + scale * entries
    labels = sorted(points)
    found = []
    for place in range(len(rows)):
        costs = sorted((float(points[label][place]), label) for label in labels)
        found.append(tuple((label, cost) for cost, label in costs[:REASONS] if cost < 0))
    return found


def _warning(worth: str, found: Sequence[BestCustomer], high: int) -> str:
    low = [one for one in found if one.percentile < LOWER_HALF]
    least = min(LEAST_HIGH, len(found))
    if high >= least and not low:
        return ""
    missed = low or [one for one in found if one.percentile < TOP_QUARTER]
    said = "; ".join(_said(one) for one in missed)
    return (
        f"Fit puts {high} of the {len(found)} best customers by {WORTH[worth]} in the top quarter "
        f"and {len(low)} in the lower half. It misses {said}"
    )


def _said(one: BestCustomer) -> str:
    name = f"{one.account_id} ({one.name})" if one.name else one.account_id
    why = ", ".join(f"{label} {points:+.1f}" for label, points in one.against)
    return f"{name} at the {one.percentile:.0f}th percentile" + (f", for {why} points" if why else "")
