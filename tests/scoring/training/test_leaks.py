from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from scoring.features import FeatureSchema, NumberEncoder
from scoring.plan import read_plan
from scoring.training.additive import Floats
from scoring.training.attributes import Attribute, AttributeKind
from scoring.training.book import Book, read_book
from scoring.training.demo_book import DemoTruth, write_demo_book
from scoring.training.encode import encode_frame
from scoring.training.leaks import (
    FILLED,
    LEAST_PROSPECTS,
    NEVER_FILLED,
    TOO_GOOD,
    alone,
    filled_for_customers_only,
    find_leaks,
    first_mrr,
    near_copies,
    price_parts,
    too_good,
    who_left,
)
from scoring.training.metrics import account_metrics
from scoring.training.outcomes import TARGETS
from scoring.training.schema import build_schema


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


# Copies of money, parts of the price, who left


def customers_of(**columns: Floats) -> tuple[list[Attribute], pl.DataFrame]:
    frame = pl.DataFrame(columns).fill_nan(None)
    return [Attribute(name, "number") for name in columns], frame


def test_a_column_that_ranks_customers_as_their_revenue_does_is_a_copy_of_it() -> None:
    rng = np.random.default_rng(0)
    arr: Floats = np.exp(rng.normal(10, 1, 300))
    attributes, customers = customers_of(
        acv_band=np.asarray(np.round(arr, -2), np.float64),
        discount=-arr,
        employees=arr * np.exp(rng.normal(0, 0.6, 300)),
    )
    found = near_copies(attributes, customers, pl.DataFrame({"arr": arr}))
    assert set(found) == {"acv_band", "discount"}
    assert all("near copy of ARR" in reason for reason in found.values())


def test_few_customers_make_no_copy() -> None:
    arr = np.arange(29.0)
    attributes, customers = customers_of(x=arr)
    assert near_copies(attributes, customers, pl.DataFrame({"arr": arr})) == {}


def test_seats_are_named_as_part_of_the_price_and_employees_are_not() -> None:
    rng = np.random.default_rng(0)
    seats = rng.integers(1, 60, 300).astype(np.float64)
    attributes, customers = customers_of(
        seats=seats, employees=np.round(seats * np.exp(rng.normal(1, 0.5, 300)))
    )
    paid = pl.DataFrame({"first_mrr": seats * rng.choice([19.0, 49.0, 199.0], 300), "arr": rng.random(300)})
    found = price_parts(attributes, customers, paid, seed=0)
    assert set(found) == {"seats"}
    assert found["seats"].startswith("part of the price")


def told_who_left(column: pl.Series, left: NDArray[np.bool_], kind: AttributeKind) -> dict[str, str]:
    customers = column.alias("x").to_frame()
    schema = build_schema([Attribute("x", kind)], customers)
    return who_left(schema, encode_frame(schema, customers), left, seed=0)


LEFT = np.random.default_rng(4).random(400) < 0.2


def test_a_column_filled_when_customers_leave_tells_who_left() -> None:
    reasons = pl.Series([("price" if n % 2 else "support") if gone else None for n, gone in enumerate(LEFT)])
    (reason,) = told_who_left(reasons, LEFT, "category").values()
    assert reason.startswith("whether it is filled alone tells who left")


def test_a_flag_that_says_who_left_does_so_although_it_is_always_filled() -> None:
    (reason,) = told_who_left(pl.Series(LEFT), LEFT, "flag").values()
    assert reason.startswith("it alone tells who left (AUC 1.00)")


def test_what_only_hints_at_who_left_is_no_leak() -> None:
    small = np.random.default_rng(1).random(400) < np.where(LEFT, 0.7, 0.2)
    assert told_who_left(pl.Series(small), LEFT, "flag") == {}


def test_where_hardly_anybody_left_nothing_tells_who() -> None:
    nine = np.arange(400) < 9
    assert told_who_left(pl.Series(nine), nine, "flag") == {}


def test_a_leak_that_shows_by_being_filled_is_said_to() -> None:
    x = np.where(np.arange(1000) % 2, np.nan, np.random.default_rng(0).normal(size=1000))
    found = too_good_of(x, {"growth": np.isnan(x) + np.random.default_rng(1).normal(0, 0.1, 1000)})
    assert found["x"].startswith("whether it is filled alone explains 9")


@pytest.mark.parametrize("seed", range(5))
def test_of_a_demo_book_the_leaky_column_is_left_out_and_no_other(tmp_path: Path, seed: int) -> None:
    truth = write_demo_book(tmp_path / "book", accounts=2000, prospects=300, seed=seed)
    plan = read_plan(tmp_path / "book" / "plan.toml")
    book = read_book(tmp_path / "book", plan)
    metrics = account_metrics(book, plan)
    customers = metrics.select("account_id").join(
        book.accounts, on="account_id", how="left", maintain_order="left"
    )
    assert list(find_leaks(book, metrics, customers, keep=(), seed=0)) == truth.leaky
    assert find_leaks(book, metrics, customers, keep=truth.leaky, seed=0) == {}


def test_the_first_mrr_is_what_was_paid_on_the_first_paid_day(book: Book) -> None:
    """A free month comes first, two products start on one day, and a rise comes later."""
    rows = [
        ("a", date(2024, 1, 1), date(2024, 2, 1), 0.0),
        ("a", date(2024, 2, 1), None, 100.0),
        ("a", date(2024, 2, 1), None, 20.0),
        ("a", date(2024, 5, 1), None, 500.0),
        ("b", date(2024, 1, 1), None, 0.0),
    ]
    ledger = pl.DataFrame(
        rows,
        schema={"account_id": pl.String, "start": pl.Date, "end": pl.Date, "mrr": pl.Float64},
        orient="row",
    )
    metrics = pl.DataFrame(
        {"account_id": ["a", "b", "invoiced"], "first_date": [date(2024, 2, 1), None, None]}
    )
    paid = first_mrr(replace(book, subscriptions=ledger), metrics)
    assert paid.tolist() == pytest.approx([120.0, float("nan"), float("nan")], nan_ok=True)
    assert np.isnan(first_mrr(replace(book, subscriptions=None), metrics)).all()
