import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.training.outcomes import FASTEST_PAYBACK, HIGHEST_NRR, TARGETS, Target

GROWTH, LIFETIME_VALUE, EFFICIENCY = TARGETS


@pytest.mark.parametrize(("target", "better"), [(GROWTH, 1), (LIFETIME_VALUE, 1), (EFFICIENCY, -1)])
def test_higher_is_better_on_every_scale(target: Target, better: int) -> None:
    metric = np.array([0.2, 0.5, 1.0, 2.0])
    steps = np.diff(target.to_target(metric))
    assert (better * steps > 0).all()


def test_unknown_stays_unknown() -> None:
    for target in TARGETS:
        assert np.isnan(target.to_target(np.array([np.nan]))).all()
        censored = pl.DataFrame({target.column: [None, 1.5]}, schema={target.column: pl.Float64})
        assert target.values(censored).tolist() == pytest.approx([float("nan"), 1.5], nan_ok=True)


def test_a_huge_ratio_from_a_small_start_counts_no_more_than_the_highest() -> None:
    assert GROWTH.to_target(np.array([280.0, HIGHEST_NRR])).tolist() == [HIGHEST_NRR, HIGHEST_NRR]


def test_clv_counts_by_ratio_and_a_greater_loss_is_worse() -> None:
    y = LIFETIME_VALUE.to_target(np.array([-50_000.0, -20.0, 0.0, 1_000.0, 10_000.0, 100_000.0]))
    assert (np.diff(y) > 0).all()
    assert y[5] - y[4] == pytest.approx(y[4] - y[3], rel=0.05)
    assert y[2] == 0


def test_a_customer_that_cost_nothing_to_win_is_the_fastest_and_not_lost() -> None:
    y = EFFICIENCY.to_target(np.array([0.0, FASTEST_PAYBACK, 12.0]))
    assert np.isfinite(y).all()
    assert y[0] == y[1] > y[2]


def test_later_metrics_can_be_put_on_the_scale_of_earlier_ones() -> None:
    """So what is learnt at a cut does not change with what happened after it."""
    before, after = np.array([10.0, 20.0, np.nan, 400.0]), np.array([1e6, 20.0, 0.0, -5.0])
    y = LIFETIME_VALUE.to_target(after, base=before)
    assert y[1] == LIFETIME_VALUE.to_target(before)[1]
    assert y.tolist() != LIFETIME_VALUE.to_target(after).tolist()
    for target in (GROWTH, EFFICIENCY):
        assert target.to_target(after, base=before).tolist() == target.to_target(after).tolist()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.metric)
@given(metrics=st.lists(st.floats(FASTEST_PAYBACK, HIGHEST_NRR), min_size=1, max_size=9))
def test_what_was_learnt_can_be_said_in_the_metrics_own_unit(target: Target, metrics: list[float]) -> None:
    values = np.array(metrics)
    back = target.to_metric(target.to_target(values), base=values)
    assert back == pytest.approx(values, rel=1e-9)
