import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.training.loss import LOSSES, Kind

KINDS: list[Kind] = ["binary", "value"]
raws = st.floats(-8, 8)


@pytest.mark.parametrize("kind", KINDS)
@given(raw=raws, happened=st.booleans())
def test_derivatives_are_the_slopes_of_the_loss(kind: Kind, raw: float, happened: bool) -> None:
    y, step = np.array([float(happened)]), 1e-5
    below, at, above = (LOSSES[kind].each(y, np.array([raw + d])) for d in (-step, 0.0, step))
    first, second = LOSSES[kind].derivatives(y, np.array([raw]))
    assert first == pytest.approx((above - below) / (2 * step), abs=1e-6)
    assert second == pytest.approx((above - 2 * at + below) / step**2, abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@given(cases=st.integers(1, 19), away=st.floats(-1, 1))
def test_no_constant_predicts_better_than_the_start(kind: Kind, cases: int, away: float) -> None:
    y = (np.arange(20) < cases).astype(np.float64)
    loss = LOSSES[kind]
    start = np.full(20, loss.start(y))
    assert loss.mean(y, start) <= loss.mean(y, start + away) + 1e-12


@pytest.mark.parametrize("y", [np.zeros(10), np.ones(10)])
def test_what_always_happens_starts_at_half_a_case_of_the_other(y: np.ndarray) -> None:
    assert abs(float(LOSSES["binary"].start(y))) == pytest.approx(np.log(9.5 / 0.5))


def test_the_loss_of_a_chance_is_its_negative_log_likelihood() -> None:
    raw = np.log(np.array([0.25, 0.75]) / np.array([0.75, 0.25]))
    assert LOSSES["binary"].each(np.array([1.0, 1.0]), raw) == pytest.approx(-np.log([0.25, 0.75]))


def test_certain_predictions_overflow_nowhere_and_keep_a_curvature() -> None:
    y, raw = np.array([0.0, 1.0, 0.0, 1.0]), np.array([-1e4, 1e4, 1e4, -1e4])
    first, second = LOSSES["binary"].derivatives(y, raw)
    assert first.tolist() == [0.0, 0.0, 1.0, -1.0]
    assert (second > 0).all()
    assert LOSSES["binary"].each(y, raw).tolist() == [0.0, 0.0, 1e4, 1e4]
