import json
from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from scoring.plan import ObjectiveSection, Plan, read_plan
from scoring.training.additive import Floats
from scoring.training.attributes import Attribute
from scoring.training.backtest import Backtest, Check, backtest
from scoring.training.book import Book, read_book
from scoring.training.demo_book import write_demo_book
from scoring.training.look_back import plan_as_of
from scoring.training.metrics import account_metrics
from scoring.training.rivals import OURS, SPEND

AS_OF, CUT = date(2026, 1, 1), date(2025, 1, 1)
PLAN = Plan.model_validate({"book": {"as_of": AS_OF}, "objective": {"growth": 1}})
ATTRIBUTES = (Attribute("size", "number"), Attribute("hiring", "flag"))
EMPTY = pl.DataFrame()


def book_of(accounts: pl.DataFrame, **ledgers: pl.DataFrame) -> Book:
    own = {"cac": pl.Float64, "gross_margin": pl.Float64}
    absent = [pl.lit(None, kind).alias(name) for name, kind in own.items() if name not in accounts.columns]
    return Book(
        accounts=accounts.with_columns(absent),
        subscriptions=ledgers.get("subscriptions"),
        invoices=ledgers.get("invoices"),
        opportunities=None,
        events=None,
        prospects=None,
        attributes=ATTRIBUTES,
        ignored={},
        rejects=EMPTY,
        merges=EMPTY,
        notes=(),
        digests={},
    )


@pytest.fixture(scope="module")
def contracts() -> Book:
    """400 customers that start over 36 months, and every year multiply their price by what `size` says."""
    rng = np.random.default_rng(0)
    size: Floats = np.round(rng.normal(size=400), 3)
    rows = []
    for account, pull in enumerate(size):
        start, mrr = (
            date(2023, 1, 1) + timedelta(days=int(rng.integers(0, 1090))),
            float(np.exp(rng.normal(5, 1))),
        )
        while start <= AS_OF:
            end = (
                start.replace(year=start.year + 1)
                if (start.month, start.day) != (2, 29)
                else date(start.year + 1, 3, 1)
            )
            rows.append((f"C{account:03}", start, end if end <= AS_OF else None, mrr))
            start, mrr = end, mrr * float(np.exp(0.15 * pull + rng.normal(0, 0.1)))
    ledger = pl.DataFrame(
        rows,
        schema={"account_id": pl.String, "start": pl.Date, "end": pl.Date, "mrr": pl.Float64},
        orient="row",
    )
    accounts = pl.DataFrame(
        {
            "account_id": [f"C{n:03}" for n in range(400)],
            "size": size,
            "hiring": rng.random(400) < 0.5,
            "cac": np.exp(7 - 0.8 * size + rng.normal(0, 0.3, 400)),
        }
    )
    return book_of(accounts, subscriptions=ledger)


def judged(book: Book, plan: Plan = PLAN, *, cuts: int = 1) -> Backtest:
    found = backtest(book, plan, ATTRIBUTES, seed=0, cuts=cuts)
    assert isinstance(found, Backtest), found
    return found


@pytest.fixture(scope="module")
def found(contracts: Book) -> Backtest:
    return judged(contracts)


def check_of(found: Backtest, metric: str, cut: int = 0) -> Check:
    return next(check for check in found.cuts[cut].checks if check.lift.metric == metric)


# What is not known yet


def as_it_stood(book: Book, day: date) -> Book:
    """The book as it would have been exported on an earlier day."""
    assert book.subscriptions is not None
    known = book.subscriptions.filter(pl.col("start") <= day)
    running = pl.when(pl.col("end") <= day).then("end").alias("end")
    return replace(book, subscriptions=known.with_columns(running))


days = st.dates(date(2023, 6, 1), date(2026, 6, 1))
ROW = st.tuples(st.sampled_from("abc"), days, st.integers(-50, 500), st.integers(0, 90))


@settings(max_examples=30, deadline=None)
@given(days)
def test_metrics_as_of_a_day_are_those_of_the_book_as_it_stood_then(contracts: Book, day: date) -> None:
    plan = plan_as_of(PLAN, day)
    assert_frame_equal(
        account_metrics(contracts, plan), account_metrics(as_it_stood(contracts, day), plan), check_exact=True
    )


@settings(max_examples=30, deadline=None)
@given(st.lists(ROW, min_size=1), days)
def test_invoices_that_are_later_change_no_metric_either(
    rows: list[tuple[str, date, int, int]], day: date
) -> None:
    schema = {"account_id": pl.String, "date": pl.Date, "amount": pl.Float64, "cost": pl.Float64}
    invoices = pl.DataFrame(rows, schema=schema, orient="row")
    accounts = pl.DataFrame({"account_id": ["a", "b", "c"]})
    plan = plan_as_of(PLAN, day)
    assert_frame_equal(
        account_metrics(book_of(accounts, invoices=invoices), plan),
        account_metrics(book_of(accounts, invoices=invoices.filter(pl.col("date") <= day)), plan),
        check_exact=True,
    )


def test_what_is_learnt_and_said_at_the_cut_does_not_hang_on_what_came_later(
    contracts: Book, found: Backtest
) -> None:
    """Everybody's later prices are dealt out anew; Fit at the cut stays to the bit, and the lift is gone."""
    ledger = contracts.subscriptions
    assert ledger is not None
    later = ledger["start"].to_numpy() > np.datetime64(CUT)
    mrr = ledger["mrr"].to_numpy().copy()
    mrr[later] = np.exp(np.random.default_rng(9).normal(5, 1, later.sum()))
    shuffled = judged(replace(contracts, subscriptions=ledger.with_columns(pl.Series("mrr", mrr))))
    before, after = check_of(found, "nrr"), check_of(shuffled, "nrr")
    assert [(b.score_low, b.score_high, b.n) for b in before.lift.bands] == [
        (b.score_low, b.score_high, b.n) for b in after.lift.bands
    ]
    assert found.cuts[0].learnt_from == shuffled.cuts[0].learnt_from
    assert before.lift.rank_correlation > 0.5
    assert abs(after.lift.rank_correlation) < 0.2


# Who is judged, by what


def test_the_cut_is_a_window_before_the_book_s_day(found: Backtest) -> None:
    (cut,) = found.cuts
    assert (cut.trained_as_of, cut.measured_as_of) == ("2025-01-01", "2026-01-01")
    assert [check.lift.metric for check in cut.checks] == ["nrr", "margin", "clv", "payback"]


def test_each_outcome_is_of_those_of_whom_it_was_not_known(contracts: Book, found: Backtest) -> None:
    before = account_metrics(contracts, plan_as_of(PLAN, CUT))
    after = account_metrics(contracts, PLAN)
    both = after.join(before, on="account_id", how="left", suffix="_then")
    assert check_of(found, "nrr").lift.n == before["active"].sum()
    assert check_of(found, "margin").lift.n == before["active"].sum()
    first_clv = both.filter(pl.col("clv_then").is_null() & pl.col("clv").is_not_null())
    assert check_of(found, "clv").lift.n == first_clv.height
    won = both.filter(pl.col("first_date") > CUT)
    assert check_of(found, "payback").lift.n == won.height
    assert found.cuts[0].learnt_from["efficiency"] == before.height


def test_the_average_nrr_is_the_company_s_over_the_window(contracts: Book, found: Backtest) -> None:
    assert contracts.subscriptions is not None

    def mrr_on(day: date) -> pl.DataFrame:
        assert contracts.subscriptions is not None
        runs = (pl.col("start") <= day) & (pl.col("end").is_null() | (pl.col("end") > day))
        return contracts.subscriptions.filter(runs).group_by("account_id").agg(pl.col("mrr").sum())

    both = mrr_on(CUT).join(mrr_on(AS_OF), on="account_id", how="left", suffix="_end").fill_null(0.0)
    expected = float(both["mrr_end"].to_numpy().sum()) / float(both["mrr"].to_numpy().sum())
    assert check_of(found, "nrr").lift.average == pytest.approx(expected)


def test_what_was_planted_is_found_out_of_time(found: Backtest) -> None:
    nrr, payback = check_of(found, "nrr"), check_of(found, "payback")
    assert nrr.lift.bands[0].lift is not None
    assert nrr.lift.bands[0].lift > 1.1
    assert nrr.lift.auc is not None
    assert nrr.lift.auc > 0.75
    assert nrr.reliability is not None
    assert nrr.reliability.slope == pytest.approx(1.0, abs=0.25)
    ours = payback.comparison.contenders[0]
    assert ours.name == OURS
    assert ours.rank_correlation is not None
    assert ours.rank_correlation > 0.1
    assert found.warnings == () or all("margin" in one or "clv" in one for one in found.warnings)


def test_spend_is_compared_where_somebody_paid_and_nowhere_else(found: Backtest) -> None:
    def names(metric: str) -> list[str]:
        return [one.name for one in check_of(found, metric).comparison.contenders]

    assert SPEND in names("nrr")
    assert SPEND in names("clv")
    assert SPEND not in names("payback")
    margin = {one.name: one.rank_correlation for one in check_of(found, "margin").comparison.contenders}
    spend = margin[SPEND]
    assert spend is not None
    assert spend > 0.9


def test_margin_has_no_reliability_for_it_is_no_clv(found: Backtest) -> None:
    assert check_of(found, "margin").reliability is None
    assert all(one.r_squared is None for one in check_of(found, "margin").comparison.contenders)


def test_a_second_cut_goes_back_another_window(contracts: Book) -> None:
    plan = PLAN.model_copy(update={"objective": ObjectiveSection(growth=1, efficiency=1)})
    both = judged(contracts, plan, cuts=2)
    assert [cut.trained_as_of for cut in both.cuts] == ["2025-01-01", "2024-01-01"]
    assert both.cuts[1].measured_as_of == "2025-01-01"
    assert set(both.cuts[1].not_learnt) == {"growth", "lifetime_value"}
    assert both.cuts[1].not_learnt["growth"].startswith("only 1 customers have a known outcome")
    assert check_of(both, "payback", cut=1).lift.n > 50


# Robustness


def test_the_same_book_and_seed_give_the_same_backtest_ready_for_json(
    contracts: Book, found: Backtest
) -> None:
    assert judged(contracts) == found
    assert json.loads(json.dumps(asdict(found), allow_nan=False))["cuts"][0]["trained_as_of"] == "2025-01-01"
    assert found.notes[0].startswith("attributes, CAC and gross margins are those of today")


def test_a_book_that_begins_after_the_cut_has_no_backtest(contracts: Book) -> None:
    assert contracts.subscriptions is not None
    recent = contracts.subscriptions.filter(pl.col("start") > CUT)
    why = backtest(replace(contracts, subscriptions=recent), PLAN, ATTRIBUTES, seed=0)
    assert isinstance(why, str)
    assert why.startswith("no backtest: on 2025-01-01")


def test_ten_customers_have_no_backtest(contracts: Book) -> None:
    assert contracts.subscriptions is not None
    few = contracts.subscriptions.filter(pl.col("account_id") < "C010")
    why = backtest(replace(contracts, subscriptions=few), PLAN, ATTRIBUTES, seed=0)
    assert isinstance(why, str)
    assert "fewer than 30 customers" in why


def test_where_all_outcomes_are_equal_there_is_none_and_it_is_said_why(contracts: Book) -> None:
    assert contracts.subscriptions is not None
    flat = contracts.subscriptions.with_columns(pl.lit(100.0).alias("mrr"))
    why = backtest(replace(contracts, subscriptions=flat), PLAN, ATTRIBUTES, seed=0)
    assert isinstance(why, str)
    assert "nothing could be learnt that the plan weighs" in why
    assert "have the same outcome" in why


def test_without_cac_payback_is_not_checked_and_it_is_said_why(contracts: Book) -> None:
    without = replace(
        contracts, accounts=contracts.accounts.with_columns(pl.lit(None, pl.Float64).alias("cac"))
    )
    (cut,) = judged(without).cuts
    assert "efficiency" in cut.not_learnt
    assert cut.not_checked["payback"].startswith("only 0 customers")


def test_a_seller_by_invoice_is_judged_by_what_it_bought_next() -> None:
    rng = np.random.default_rng(1)
    size: Floats = np.round(rng.normal(size=300), 3)
    rows = [
        (
            f"C{n:03}",
            date(year, 1 + int(rng.integers(0, 12)), 5),
            float(np.exp(5 + 0.6 * pull * (year - 2020))),
            None,
        )
        for n, pull in enumerate(size)
        for year in range(2021, 2026)
        for _ in range(4)
    ]
    schema = {"account_id": pl.String, "date": pl.Date, "amount": pl.Float64, "cost": pl.Float64}
    accounts = pl.DataFrame(
        {"account_id": [f"C{n:03}" for n in range(300)], "size": size, "hiring": rng.random(300) < 0.5}
    )
    found = judged(book_of(accounts, invoices=pl.DataFrame(rows, schema=schema, orient="row")))
    nrr = check_of(found, "nrr")
    assert nrr.lift.n > 250
    assert nrr.lift.rank_correlation > 0.5


def test_where_nothing_predicts_anything_no_backtest_shows_a_lift(tmp_path: Path) -> None:
    write_demo_book(tmp_path / "book", accounts=600, prospects=50, null=True)
    plan = read_plan(tmp_path / "book" / "plan.toml")
    book = read_book(tmp_path / "book", plan)
    why = backtest(book, plan, book.attributes, seed=0)
    assert isinstance(why, str)
    assert "no attribute is shown to predict it" in why
