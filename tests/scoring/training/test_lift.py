from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from scoring.training.additive import Floats
from scoring.training.lift import (
    LEAST_PER_BAND,
    MOST_BANDS,
    Outcome,
    above_median_auc,
    band_rows,
    lift_of,
    r_squared,
    rank_correlation,
    reliability_of,
    top_lift,
)

ENOUGH = MOST_BANDS * LEAST_PER_BAND
scores = st.lists(st.integers(0, 30), min_size=1, max_size=400).map(lambda x: np.array(x, np.float64))


def clv(each: list[float]) -> Outcome:
    return Outcome.mean_of("clv", "currency", np.array(each))


@given(scores)
def test_bands_hold_everybody_once_in_order_and_never_part_equal_scores(score: Floats) -> None:
    bands = band_rows(score)
    assert sorted(np.concatenate(bands).tolist()) == list(range(len(score)))
    ends = [(score[rows].min(), score[rows].max()) for rows in bands]
    assert all(before[1] < after[0] for before, after in pairwise(ends))
    assert len(bands) <= max(1, min(MOST_BANDS, len(score) // LEAST_PER_BAND))


def test_bands_of_distinct_scores_are_of_like_size() -> None:
    score = np.random.default_rng(0).permutation(ENOUGH + 7).astype(np.float64)
    sizes = [len(rows) for rows in band_rows(score)]
    assert len(sizes) == MOST_BANDS
    assert max(sizes) - min(sizes) <= 1


def test_nrr_of_a_band_is_its_money_together_and_not_the_mean_of_ratios() -> None:
    start, end = np.array([100.0, 10_000.0] * 20), np.array([200.0, 9_000.0] * 20)
    nrr = Outcome("nrr", "ratio", each=end / start, over=end, under=start)
    (band,) = lift_of(np.zeros(40), nrr, seed=0).bands
    assert band.value is not None
    assert band.value == pytest.approx(9_200 / 10_100)
    assert band.low is not None
    assert band.high is not None
    assert band.low < band.value < band.high
    assert band.lift == 1.0


def test_the_best_band_comes_first_with_how_many_times_better_it_is() -> None:
    found = lift_of(np.arange(40.0), clv([10.0] * 20 + [30.0] * 20), seed=0)
    assert [(band.n, band.value, band.low, band.high) for band in found.bands] == [
        (20, 30.0, 30.0, 30.0),
        (20, 10.0, 10.0, 10.0),
    ]
    assert [band.lift for band in found.bands] == [1.5, 0.5]
    assert found.average == 20.0
    assert found.note == "40 accounts make 2 of 10 bands: a band needs at least 20"


def test_a_shorter_payback_is_the_better_one() -> None:
    payback = Outcome.mean_of("payback", "months", np.repeat([20.0, 5.0], 20), falling=True)
    found = lift_of(np.arange(40.0), payback, seed=0)
    assert [band.lift for band in found.bands] == [2.5, 0.625]
    assert found.rank_correlation > 0.8
    assert found.auc == 1.0


def test_losses_have_no_lift() -> None:
    found = lift_of(np.arange(40.0), clv([-10.0] * 20 + [30.0] * 20), seed=0)
    assert [band.lift for band in found.bands] == [3.0, None]


def test_enough_accounts_that_score_alike_are_said_to_do_so() -> None:
    found = lift_of(np.repeat([1.0, 2.0], ENOUGH), clv([1.0, 2.0] * ENOUGH), seed=0)
    assert [band.n for band in found.bands] == [ENOUGH, ENOUGH]
    assert found.note == "equal scores stay in one band, so there are 2 of 10"
    assert lift_of(np.arange(float(ENOUGH)), clv([1.0] * ENOUGH), seed=0).note == ""


def test_an_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for seed in range(200):
        (band,) = lift_of(np.zeros(100), clv(rng.exponential(10.0, 100).tolist()), seed=seed).bands
        covered += band.low is not None and band.high is not None and band.low <= 10.0 <= band.high
    assert 0.83 <= covered / 200 <= 0.95


def test_one_seed_gives_one_interval() -> None:
    score, outcome = np.arange(60.0), clv(np.random.default_rng(1).normal(size=60).tolist())
    assert lift_of(score, outcome, seed=3) == lift_of(score, outcome, seed=3)
    assert lift_of(score, outcome, seed=3) != lift_of(score, outcome, seed=4)


def test_what_never_varies_ranks_nothing() -> None:
    assert rank_correlation(np.ones(50), np.arange(50.0)) == (0.0, 1.0)
    assert rank_correlation(np.arange(50.0), np.ones(50)) == (0.0, 1.0)
    assert above_median_auc(np.arange(50.0), np.ones(50)) is None
    assert r_squared(np.arange(50.0), np.ones(50)) is None


@given(scores.filter(lambda x: len(x) > 3 and np.ptp(x) > 0))
def test_rank_correlation_is_spearman_s(score: Floats) -> None:
    better = np.random.default_rng(0).normal(size=len(score))
    assert rank_correlation(score, better)[0] == pytest.approx(spearmanr(score, better).statistic)


def test_the_order_of_accounts_has_no_say_in_the_top_tenth() -> None:
    score, worth = np.repeat([1.0, 2.0], [85, 15]), np.random.default_rng(2).exponential(size=100)
    order = np.random.default_rng(3).permutation(100)
    found = top_lift(score, clv(worth.tolist()))
    assert found == pytest.approx(worth[85:].mean() / worth.mean())
    assert top_lift(score[order], clv(worth[order].tolist())) == pytest.approx(found)


def test_predictions_that_come_true_have_slope_one_and_no_error() -> None:
    actual = np.random.default_rng(0).normal(size=500)
    found = reliability_of(actual, actual, seed=0)
    assert found.slope == pytest.approx(1.0)
    assert found.intercept == pytest.approx(0.0, abs=1e-12)
    assert found.error == pytest.approx(0.0, abs=1e-12)


def test_bold_predictions_have_a_slope_under_one_and_biased_ones_their_error() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=4000)
    actual = truth + rng.normal(size=4000)
    bold = reliability_of(2 * truth, actual, seed=0)
    assert bold.slope == pytest.approx(0.5, abs=0.03)
    high = reliability_of(truth + 0.7, actual, seed=0)
    assert high.error == pytest.approx(0.7, abs=0.06)
    assert high.error_share == pytest.approx(0.5, abs=0.05)
    assert high.slope is not None
    assert high.intercept == pytest.approx(-0.7 * high.slope, abs=0.06)


def test_one_prediction_for_everybody_has_no_slope() -> None:
    found = reliability_of(np.ones(30), np.arange(30.0), seed=0)
    assert (found.slope, found.intercept) == (None, None)
    assert found.error == pytest.approx(13.5)
