"""Leaky columns: attributes that know the outcome because they were filled in after it, or are part of it.

What gives them away: they are filled for customers and never for prospects; alone they predict an outcome
better than any firmographic can, or tell who left; they are near copies of a money column; what is paid is a
multiple of them. None of these could be known of a prospect, so each is left out, unless the plan's
`[attributes] keep` names it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from scoring.features import MISSING, Codes, FeatureSchema
from scoring.training.additive import Floats
from scoring.training.attributes import Attribute
from scoring.training.book import Book
from scoring.training.encode import encode_frame
from scoring.training.folds import FOLDS, folds
from scoring.training.ledger_rows import Subscriptions
from scoring.training.outcomes import TARGETS
from scoring.training.price import TOLD, multiple_of
from scoring.training.schema import build_schema

TOO_GOOD = 0.6  # out-of-fold R squared of one attribute alone
TELLS_WHO_LEFT = 0.9  # out-of-fold area under the curve of one attribute alone
NEAR_COPY = 0.95  # rank correlation with a money column
FILLED, NEVER_FILLED = 0.2, 0.005  # shares of customers and prospects with a value
LEAST_PROSPECTS = 50
LEAST_LEFT = 10  # customers that left, and that stayed, before anything tells them apart
LEAST_PAIRS = 30  # customers with an attribute and a money figure before their ranks say anything

MONEY = {"nrr": "NRR", "clv": "CLV", "arr": "ARR", "first_mrr": "the first MRR"}


def find_leaks(
    book: Book, metrics: pl.DataFrame, customers: pl.DataFrame, *, keep: Collection[str], seed: int
) -> dict[str, str]:
    """Return the leaky attributes of a book, each with the reason in words.

    Args:
        book: the whole book.
        metrics: of `account_metrics`, a row per customer.
        customers: their accounts, in the same order.
        keep: attributes that people vouch for.
        seed: of folds and shuffles.
    """
    attributes = [one for one in book.attributes if one.name not in keep]
    names = [one.name for one in attributes]
    found = filled_for_customers_only(names, customers, book.prospects)
    money = metrics.select(name for name in MONEY if name in metrics.columns).with_columns(
        pl.Series("first_mrr", first_mrr(book, metrics), nan_to_null=True)
    )
    found = near_copies(attributes, customers, money) | found
    found = price_parts(attributes, customers, money, seed=seed) | found
    schema = build_schema(attributes, customers, without=found)
    codes = encode_frame(schema, customers)
    found |= who_left(schema, codes, ~metrics["active"].to_numpy(), seed=seed)
    outcomes = {target.objective: target.to_target(target.values(metrics)) for target in TARGETS}
    return too_good(schema, codes, outcomes, keep=keep, seed=seed) | found


def filled_for_customers_only(
    names: Sequence[str], customers: pl.DataFrame, prospects: pl.DataFrame | None
) -> dict[str, str]:
    """Return the attributes that prospects never have, each with the reason in words."""
    if prospects is None or prospects.height < LEAST_PROSPECTS:
        return {}
    shares = {name: (_filled(customers[name]), _filled(prospects[name])) for name in names}
    return {
        name: f"filled for {ours:.0%} of customers and {theirs:.1%} of prospects: it is only known afterwards"
        for name, (ours, theirs) in shares.items()
        if ours >= FILLED and theirs <= NEVER_FILLED
    }


def _filled(column: pl.Series) -> float:
    return 1.0 - column.null_count() / max(len(column), 1)


# Copies of money, and parts of the price


def first_mrr(book: Book, metrics: pl.DataFrame) -> Floats:
    """Return what each customer paid a month on its first day: (customers,), NaN without a subscription."""
    if book.subscriptions is None:
        return np.full(metrics.height, np.nan)
    rows = Subscriptions.of(book.subscriptions)
    ids = rows.accounts.to_frame("account_id")
    first = ids.join(metrics, on="account_id", how="left", maintain_order="left")["first_date"]
    paid = ids.with_columns(pl.Series("mrr", rows.mrr_on(first.to_numpy().astype("M8[D]"))))
    found = metrics.select("account_id").join(paid, on="account_id", how="left", maintain_order="left")["mrr"]
    known = found.to_numpy() * 1.0
    return np.where(known > 0, known, np.nan)


def near_copies(
    attributes: Sequence[Attribute], customers: pl.DataFrame, money: pl.DataFrame
) -> dict[str, str]:
    """Return the numbers and dates that rank customers as a money column does, each with the reason."""
    found: dict[str, str] = {}
    for attribute in attributes:
        if attribute.kind not in ("number", "date"):
            continue
        for column in money.columns:
            both = pl.DataFrame([customers[attribute.name].alias("x"), money[column].alias("y")]).drop_nulls()
            if both.height < LEAST_PAIRS or both["x"].n_unique() == 1 or both["y"].n_unique() == 1:
                continue
            alike = float(spearmanr(both["x"].to_numpy(), both["y"].to_numpy()).statistic)
            if abs(alike) > NEAR_COPY:
                reason = f"a near copy of {MONEY[column]}: it ranks customers the same ({alike:+.2f})"
                found.setdefault(attribute.name, reason)
    return found


def price_parts(
    attributes: Sequence[Attribute], customers: pl.DataFrame, money: pl.DataFrame, *, seed: int
) -> dict[str, str]:
    """Return the numbers of which what is paid is a multiple, each with the reason in words."""
    found: dict[str, str] = {}
    for attribute in attributes:
        if attribute.kind != "number":
            continue
        units = customers[attribute.name].fill_null(float("nan")).to_numpy()
        for column in ("first_mrr", "arr"):
            paid = money[column].cast(pl.Float64).fill_null(float("nan")).to_numpy()
            told = multiple_of(paid, units, seed=seed)
            if told > TOLD:
                reason = (
                    f"part of the price: {told:.0%} of customers more than by chance pay one of few prices "
                    f"for each ({MONEY[column]}), and a prospect pays none yet"
                )
                found.setdefault(attribute.name, reason)
    return found


# Too good alone


def too_good(
    schema: FeatureSchema, codes: Codes, outcomes: Mapping[str, Floats], *, keep: Collection[str], seed: int
) -> dict[str, str]:
    """Return the attributes that alone predict an outcome too well, each with the reason in words.

    Whether an attribute is filled at all is tried first: that says most plainly when it was filled in.

    Args:
        schema: what the codes mean.
        codes: (accounts, features).
        outcomes: by objective, (accounts,) with NaN where the outcome is not known.
        keep: attributes that people vouch for.
        seed: of the folds.
    """
    found: dict[str, str] = {}
    for objective, y in outcomes.items():
        known = np.isfinite(y)
        for j, feature in enumerate(schema.features):
            if feature.attribute in keep:
                continue
            explained = alone(codes[known, j], y[known], feature.size, seed=seed)
            if explained <= TOO_GOOD:
                continue
            filled = alone(_is_filled(codes[known, j]), y[known], 2, seed=seed)
            what = (
                f"whether it is filled alone explains {filled:.0%}"
                if filled > TOO_GOOD
                else f"alone explains {explained:.0%}"
            )
            found.setdefault(
                feature.attribute, f"{what} of {objective}: it may be filled in after the outcome"
            )
    return found


def who_left(schema: FeatureSchema, codes: Codes, left: NDArray[np.bool_], *, seed: int) -> dict[str, str]:
    """Return the attributes that alone tell which customers left, each with the reason in words.

    Args:
        schema: what the codes mean.
        codes: (accounts, features).
        left: (accounts,), whether the account no longer pays.
        seed: of the folds.
    """
    found: dict[str, str] = {}
    if min(left.sum(), (~left).sum()) < LEAST_LEFT:
        return found
    y = left.astype(np.float64)
    for j, feature in enumerate(schema.features):
        told = float(roc_auc_score(left, _means_out_of_fold(codes[:, j], y, feature.size, seed=seed)))
        if told <= TELLS_WHO_LEFT:
            continue
        by_filling = float(roc_auc_score(left, _means_out_of_fold(_is_filled(codes[:, j]), y, 2, seed=seed)))
        what = "whether it is filled" if by_filling > TELLS_WHO_LEFT else "it"
        found.setdefault(
            feature.attribute,
            f"{what} alone tells who left (AUC {max(told, by_filling):.2f}): it may be filled in afterwards",
        )
    return found


def _is_filled(column: Codes) -> Codes:
    """Return 1 where an account has the attribute, else 0."""
    return np.asarray(column != MISSING, dtype=np.int32)


def alone(codes: Codes, y: Floats, size: int, *, seed: int) -> float:
    """Return the out-of-fold R squared of the mean outcome per code, for one feature.

    >>> y = np.tile([0.0, 1.0], 50)
    >>> round(alone((1 + y).astype(np.int32), y, 3, seed=0), 2)
    1.0
    """
    if len(y) < FOLDS or np.ptp(y) == 0:
        return 0.0
    predicted = _means_out_of_fold(codes, y, size, seed=seed)
    return 1.0 - float(np.mean((y - predicted) ** 2) / np.var(y))


def _means_out_of_fold(codes: Codes, y: Floats, size: int, *, seed: int) -> Floats:
    fold = folds(len(y), seed)
    predicted = np.empty(len(y))
    for k in range(FOLDS):
        train, test = fold != k, fold == k
        sums = np.bincount(codes[train], y[train], size)
        counts = np.bincount(codes[train], minlength=size)
        means = np.where(counts > 0, sums / np.maximum(counts, 1), y[train].mean())
        predicted[test] = means[codes[test]]
    return predicted
