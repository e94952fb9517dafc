"""Tables with a binary outcome on which learners are compared: other people's data, and made ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn import datasets

from tests.shared_data import SHARED

_RESELLERS = (
    "key geo alternate phone business_type name employees order_frequency order_month first last line"
)
_RESELLERS += " address address_2 annual_sales bank min_payment_type min_payment annual_revenue opened"
_RESELLER_ATTRIBUTES = (
    *("business_type", "employees", "order_frequency", "line", "annual_sales", "bank", "min_payment_type"),
    *("annual_revenue", "opened"),
)


@dataclass(frozen=True, eq=False, slots=True)
class Table:
    """Columns as `additive` takes them, and the outcome of each row."""

    name: str
    columns: dict[str, Any]
    y: NDArray[np.int64]

    def rows(self, chosen: NDArray[np.intp]) -> dict[str, Any]:
        """Return the columns of some rows."""
        return {
            name: values[chosen] if isinstance(values, np.ndarray) else [values[row] for row in chosen]
            for name, values in self.columns.items()
        }


def tables() -> Iterator[Table]:
    """Yield scikit-learn's tables, made ones, and those of the shared data where it is there."""
    cancer, diabetes = datasets.load_breast_cancer(), datasets.load_diabetes()
    yield _of_matrix("breast cancer", cancer.data, cancer.target)
    yield _of_matrix("diabetes", diabetes.data, diabetes.target > np.median(diabetes.target))
    matrix, y = datasets.make_hastie_10_2(3000, random_state=0)
    yield _of_matrix("hastie 10.2", matrix, y > 0)
    matrix, y = datasets.make_friedman1(1500, 10, noise=3, random_state=0)
    yield _of_matrix("friedman 1", matrix, y > np.median(y))
    matrix, y = datasets.make_classification(
        4000, 30, n_informative=5, n_clusters_per_class=1, flip_y=0.05, random_state=2
    )
    yield _of_matrix("classification", matrix, y)
    yield _linear(300)
    yield _book_like(3000)
    if SHARED.is_dir():
        yield _ravenstack()
        yield _online_retail()
        yield from _resellers()


def _of_matrix(name: str, matrix: NDArray[np.float64], y: NDArray[Any]) -> Table:
    columns = {f"x{j}": column for j, column in enumerate(matrix.T)}
    return Table(name, columns, y.astype(np.int64))


def _linear(rows: int) -> Table:
    rng = np.random.default_rng(5)
    matrix = rng.normal(size=(rows, 12))
    score = matrix[:, 0] + 0.5 * matrix[:, 1] - 0.5 * matrix[:, 2]
    return _of_matrix("few rows, linear", matrix, score + rng.logistic(size=rows) > 0)


def _book_like(rows: int) -> Table:
    rng = np.random.default_rng(6)
    employees = np.exp(rng.normal(5, 2, rows))
    industry = rng.choice(list("abcdefghij"), rows)
    tools = [[tool for tool in ("k", "s", "d", "w") if rng.random() < 0.4] for _ in range(rows)]
    score = 0.8 * (industry == "a") * (employees > 200) + 0.25 * np.log(employees) - 1.5
    score += np.array([0.7 * ("k" in held) - 0.5 * ("s" in held) for held in tools])
    known = rng.random((2, rows)) > 0.2
    columns = {
        "employees": np.where(known[0], employees, np.nan),
        "industry": [one if there else None for one, there in zip(industry, known[1], strict=True)],
        "tools": tools,
        "noise": rng.normal(size=rows),
    }
    return Table("like a book", columns, (score + rng.logistic(size=rows) > 0).astype(np.int64))


def _ravenstack() -> Table:
    accounts = pl.read_csv(SHARED / "ravenstack/ravenstack_accounts.csv")
    left_out = ("account_id", "account_name", "signup_date", "churn_flag")
    columns = {name: accounts[name].to_list() for name in accounts.columns if name not in left_out}
    return Table("ravenstack churn", columns, accounts["churn_flag"].cast(pl.Int64).to_numpy())


def _online_retail() -> Table:
    """Who buys nothing more in the 91 days after 2011-09-09, from what was bought before."""
    day, amount = (
        pl.col("InvoiceDate").str.slice(0, 10).str.to_date(),
        pl.col("Quantity") * pl.col("UnitPrice"),
    )
    lines = pl.read_parquet(SHARED / "uci_online_retail/online_retail.parquet").drop_nulls("CustomerID")
    lines = lines.with_columns(day.alias("day"), amount.alias("amount"))
    cut = date(2011, 9, 9)
    after = lines.filter(pl.col("day").is_between(cut, cut + timedelta(days=90)))
    accounts = (
        lines.filter(pl.col("day") < cut)
        .group_by("CustomerID")
        .agg(
            (pl.lit(cut) - pl.col("day").max()).dt.total_days().alias("since_last"),
            (pl.lit(cut) - pl.col("day").min()).dt.total_days().alias("since_first"),
            pl.col("day").n_unique().alias("days"),
            pl.col("amount").sum().alias("revenue"),
            (pl.col("amount") < 0).sum().alias("returns"),
            pl.col("Description").n_unique().alias("products"),
            pl.col("UnitPrice").mean().alias("price"),
            pl.col("Country").first().alias("country"),
        )
        .sort("CustomerID")
    )
    gone = ~accounts["CustomerID"].is_in(after["CustomerID"].unique().to_list())
    columns = {name: accounts[name].to_list() for name in accounts.columns if name != "CustomerID"}
    return Table("online retail, gone", columns, gone.cast(pl.Int64).to_numpy())


def _resellers() -> Iterator[Table]:
    folder = SHARED / "adventureworks_reseller"
    header = _RESELLERS.split()
    accounts = pl.read_csv(
        folder / "DimReseller.csv", separator="|", has_header=False, new_columns=header, infer_schema_length=0
    )
    lines = pl.read_csv(folder / "FactResellerSales.csv", infer_schema_length=0)
    bought = lines.group_by(pl.col("ResellerKey").alias("key")).agg(
        pl.col("SalesAmount").cast(pl.Float64, strict=False).sum().alias("bought")
    )
    joined = accounts.join(bought, on="key", how="left", maintain_order="left")
    customers = joined.drop_nulls("bought")
    high = customers["bought"] > customers["bought"].median()
    yield Table(
        "resellers, who buys", _attributes(joined), joined["bought"].is_not_null().cast(int).to_numpy()
    )
    yield Table("resellers, who buys much", _attributes(customers), high.cast(int).to_numpy())


def _attributes(accounts: pl.DataFrame) -> dict[str, Any]:
    return {name: accounts[name].to_list() for name in _RESELLER_ATTRIBUTES}
