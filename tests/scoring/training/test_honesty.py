import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from scoring.plan import Plan, read_plan
from scoring.training.backtest import Backtest
from scoring.training.best import BestCustomers
from scoring.training.drift import Drift
from scoring.training.honesty import Honesty, examine_honesty
from scoring.training.rivals import OURS, SPEND
from scoring.training.study import Study, examine


@pytest.fixture(scope="module")
def study(demo_book: Path) -> Study:
    return examine(demo_book, read_plan(demo_book / "plan.toml"))


@pytest.fixture(scope="module")
def honesty(study: Study) -> Honesty:
    return examine_honesty(study, seed=0)


def test_everything_that_a_demo_book_can_tell_is_told(honesty: Honesty) -> None:
    assert isinstance(honesty.backtest, Backtest)
    assert {worth: type(best) for worth, best in honesty.best.items()} == dict.fromkeys(
        ("clv", "realised_margin"), BestCustomers
    )
    assert set(honesty.reliability) == {"growth", "lifetime_value", "efficiency"}
    assert json.loads(json.dumps(asdict(honesty), allow_nan=False))["reliability"]["growth"]["n"] > 500


def test_ours_stands_in_each_comparison_with_the_evidence_of_the_training(
    study: Study, honesty: Honesty
) -> None:
    evidence = {head.target.objective: head.learnt.evidence for head in study.heads}
    for comparison in honesty.comparisons:
        ours = next(one for one in comparison.contenders if one.name == OURS)
        assert ours.r_squared == pytest.approx(evidence[comparison.objective].r_squared)
        assert comparison.n == len(evidence[comparison.objective].predictions)
        assert SPEND not in {one.name for one in comparison.contenders}, "it is part of the outcome"


def test_predictions_out_of_fold_can_be_taken_at_their_word(honesty: Honesty) -> None:
    for reliability in honesty.reliability.values():
        assert reliability.slope == pytest.approx(1.0, abs=0.35)
        assert reliability.error_share < 0.2


def test_the_leaky_column_does_not_come_back_in_the_backtest(study: Study, honesty: Honesty) -> None:
    """With it, a model at the cut would rank what happened next far better than it can."""
    assert list(study.leaks) == ["renewal_risk_notes"]
    assert isinstance(honesty.backtest, Backtest)
    assert max(check.lift.rank_correlation for check in honesty.backtest.cuts[0].checks) < 0.6


def test_the_planted_demo_s_prospects_are_like_its_customers(study: Study, honesty: Honesty) -> None:
    assert isinstance(study.drift, Drift)
    assert {one.level for one in study.drift.attributes} <= {"steady", "shifted"}
    assert "differ much" not in " ".join(honesty.warnings)


def test_warnings_repeat_what_a_reader_must_not_miss(honesty: Honesty) -> None:
    best = {one.warning for one in honesty.best.values() if isinstance(one, BestCustomers)}
    assert isinstance(honesty.backtest, Backtest)
    assert set(honesty.warnings) == (best | set(honesty.backtest.warnings)) - {""}


def test_the_demo_s_better_bands_do_better_after_the_cut(honesty: Honesty) -> None:
    assert isinstance(honesty.backtest, Backtest)
    lifts = {check.lift.metric: check.lift for check in honesty.backtest.cuts[0].checks}
    top = {metric: lift.bands[0].lift or 0.0 for metric, lift in lifts.items()}
    assert top["nrr"] > 1.1
    assert top["payback"] > 1.3
    assert lifts["nrr"].rank_correlation > 0.25
    assert lifts["payback"].rank_correlation > 0.15


def test_a_small_book_says_what_it_cannot_tell(tmp_path: Path) -> None:
    """Sixty customers, all won within the window: nothing to backtest, and no prospects."""
    rng = np.random.default_rng(0)
    size = np.round(rng.normal(size=60), 3)
    ids = [f"C{n:02}" for n in range(60)]
    pl.DataFrame({"account_id": ids, "size": size}).write_csv(tmp_path / "accounts.csv")
    pl.DataFrame(
        {
            "account_id": ids,
            "start": "2025-01-01",
            "mrr": np.round(np.exp(5 + size + rng.normal(0, 0.7, 60)), 2),
        }
    ).write_csv(tmp_path / "subscriptions.csv")
    plan = Plan.model_validate({"book": {"as_of": "2026-01-01"}, "objective": {"lifetime_value": 1}})
    found = examine_honesty(examine(tmp_path, plan), seed=0)
    assert isinstance(found.backtest, str)
    assert {one.objective for one in found.comparisons} == {"growth", "lifetime_value"}
    unlearnt = next(one for one in found.comparisons if one.objective == "growth")
    assert "no usable signal" in unlearnt.verdict
