from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from scoring.features import FeatureSchema, NumberEncoder
from scoring.plan import read_plan
from scoring.training.additive import Floats
from scoring.training.book import Book, read_book
from scoring.training.demo_book import DemoTruth
from scoring.training.leaks import (
    FILLED,
    LEAST_PROSPECTS,
    NEVER_FILLED,
    TOO_GOOD,
    alone,
    filled_for_customers_only,
    too_good,
)
from scoring.training.metrics import account_metrics
from scoring.training.outcomes import TARGETS
from scoring.training.schema import build_schema, encode_frame


def column(filled: int, rows: int) -> pl.DataFrame:
    return pl.DataFrame({"notes": [1.0] * filled + [None] * (rows - filled)}, schema={"notes": pl.Float64})


@pytest.mark.parametrize(
    ("customers", "prospects", "leaks"),
    [
        (column(1000, 1000), column(0, 1000), True),
        (column(int(1000 * FILLED) + 1, 1000), column(int(1000 * NEVER_FILLED) - 1, 1000), True),
        (column(int(1000 * FILLED) - 1, 1000), column(0, 1000), False),
        (column(1000, 1000), column(int(1000 * NEVER_FILLED) + 1, 1000), False),
        (column(1000, 1000), column(0, LEAST_PROSPECTS), True),
        (column(1000, 1000), column(0, LEAST_PROSPECTS - 1), False),
        (column(1000, 1000), None, False),
    ],
)
def test_what_customers_have_and_prospects_never_is_only_known_afterwards(
    customers: pl.DataFrame, prospects: pl.DataFrame | None, leaks: bool
) -> None:
    found = filled_for_customers_only(["notes"], customers, prospects)
    assert (set(found) == {"notes"}) is leaks
    assert all("prospects" in reason for reason in found.values())


def too_good_of(x: Floats, outcomes: Mapping[str, Floats], *, keep: tuple[str, ...] = ()) -> dict[str, str]:
    customers = pl.DataFrame({"x": x, "ordinary": np.random.default_rng(9).normal(size=len(x))})
    schema = FeatureSchema(
        tuple(NumberEncoder(name, tuple(np.linspace(-1.5, 1.5, 7).tolist())) for name in customers.columns)
    )
    return too_good(schema, encode_frame(schema, customers), outcomes, keep=keep, seed=0)


def test_an_attribute_that_alone_explains_an_outcome_is_named_with_how_much() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=1000)
    found = too_good_of(x, {"growth": rng.normal(size=1000), "efficiency": x + rng.normal(0, 0.3, 1000)})
    assert set(found) == {"x"}
    assert "of efficiency" in found["x"]


def test_an_attribute_that_people_vouch_for_is_no_leak() -> None:
    x = np.random.default_rng(0).normal(size=1000)
    assert too_good_of(x, {"growth": x}, keep=("x",)) == {}


def test_a_strong_but_ordinary_attribute_is_no_leak() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=1000)
    assert too_good_of(x, {"growth": x + rng.normal(size=1000)}) == {}


def test_unknown_outcomes_do_not_hide_a_leak() -> None:
    x = np.random.default_rng(0).normal(size=1000)
    y = np.where(np.arange(1000) % 3 == 0, np.nan, x)
    assert set(too_good_of(x, {"growth": y})) == {"x"}


def test_an_outcome_nobody_knows_or_that_never_varies_shows_no_leak() -> None:
    x = np.random.default_rng(0).normal(size=100)
    assert too_good_of(x, {"growth": np.full(100, np.nan), "lifetime_value": np.ones(100)}) == {}


def test_names_of_customers_do_not_pass_for_a_leak() -> None:
    """Judged on the customers they were learnt from they would: each has its own."""
    rng = np.random.default_rng(1)
    assert alone(np.arange(2, 252, dtype=np.int32), rng.normal(size=250), 255, seed=0) < 0.05


def test_missing_alone_can_give_an_outcome_away() -> None:
    churned = np.random.default_rng(2).random(500) < 0.3
    assert alone(churned.astype(np.int32), churned.astype(np.float64), 2, seed=0) > 0.99


@pytest.fixture(scope="module")
def book(demo_book: Path) -> Book:
    return read_book(demo_book, read_plan(demo_book / "plan.toml"))


def test_the_demo_s_leaky_column_and_no_other_is_missing_for_all_prospects(
    book: Book, demo_truth: DemoTruth
) -> None:
    names = [attribute.name for attribute in book.attributes]
    assert set(filled_for_customers_only(names, book.accounts, book.prospects)) == set(demo_truth.leaky)


def test_the_demo_s_leaky_column_and_no_other_predicts_too_well(
    demo_book: Path, book: Book, demo_truth: DemoTruth
) -> None:
    """So it is found in a book without prospects too."""
    metrics = account_metrics(book, read_plan(demo_book / "plan.toml"))
    customers = metrics.select("account_id").join(
        book.accounts, on="account_id", how="left", maintain_order="left"
    )
    schema = build_schema(book.attributes, customers)
    outcomes = {target.objective: target.to_target(target.values(metrics)) for target in TARGETS}
    found = too_good(schema, encode_frame(schema, customers), outcomes, keep=(), seed=0)
    assert set(found) == set(demo_truth.leaky)
    said = found[demo_truth.leaky[0]].removeprefix("alone explains ")
    assert float(said.partition("%")[0]) / 100 > TOO_GOOD
