from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.training.survival import ShiftedBetaGeometric, fit

# Fader and Hardie (2007): per cent of two cohorts of 1,000 still there after each of seven years.
REGULAR = [100, 63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1]
HIGH_END = [100, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1]

parameters = st.floats(min_value=0.05, max_value=50)


def cohort_counts(series: list[float]) -> tuple[list[float], list[float]]:
    people = [10 * percent for percent in series]
    lost = [before - after for before, after in pairwise(people)]
    return lost, [0.0] * (len(lost) - 1) + [people[-1]]


@pytest.mark.parametrize(
    ("series", "alpha", "beta"),
    [(REGULAR, 0.704, 1.182), (HIGH_END, 0.668, 3.806)],
    ids=["regular", "high end"],
)
def test_the_published_parameters_are_found(series: list[float], alpha: float, beta: float) -> None:
    fitted = fit(*cohort_counts(series))
    assert fitted.alpha == pytest.approx(alpha, abs=6e-4)
    assert fitted.beta == pytest.approx(beta, abs=6e-4)


def test_the_fitted_curve_stays_close_to_the_observed_one() -> None:
    fitted = fit(*cohort_counts(REGULAR))
    assert fitted.survival(np.arange(8)) * 100 == pytest.approx(REGULAR, abs=0.7)


def test_survival_obeys_the_papers_recursion() -> None:
    model = ShiftedBetaGeometric(0.704, 1.182)
    shares = model.survival(np.arange(6))
    retention = [(model.beta + t - 1) / (model.alpha + model.beta + t - 1) for t in range(1, 6)]
    assert shares[1:] / shares[:-1] == pytest.approx(retention, rel=1e-12)


@settings(deadline=None)
@given(alpha=parameters, beta=parameters)
def test_survival_starts_at_one_and_falls_smoothly_between_whole_periods(alpha: float, beta: float) -> None:
    shares = ShiftedBetaGeometric(alpha, beta).survival(np.linspace(0, 5, 61))
    assert shares[0] == 1.0
    assert (np.diff(shares) < 0).all()
    assert (shares > 0).all()


@settings(deadline=None)
@given(alpha=parameters, beta=parameters, age=st.floats(0, 20), more=st.floats(0, 20))
def test_conditional_survival_is_the_ratio_of_two_survivals(
    alpha: float, beta: float, age: float, more: float
) -> None:
    model = ShiftedBetaGeometric(alpha, beta)
    ratio = float(model.survival(age + more)) / float(model.survival(age))
    assert float(model.conditional(age, more)) == pytest.approx(ratio, rel=1e-9)


def test_customers_of_different_ages_give_back_the_model_they_were_drawn_from() -> None:
    truth, rng = ShiftedBetaGeometric(0.9, 2.5), np.random.default_rng(7)
    size = 40_000
    life = rng.geometric(rng.beta(truth.alpha, truth.beta, size))
    seen_for = rng.integers(1, 9, size)
    lost = np.bincount(life[life <= seen_for], minlength=9)[1:]
    censored = np.bincount(seen_for[life > seen_for], minlength=9)[1:]
    fitted = fit(lost, censored)
    assert fitted.survival(np.arange(9)) == pytest.approx(truth.survival(np.arange(9)), abs=0.01)


def test_censored_customers_are_not_taken_for_lost() -> None:
    without = fit(lost=[20, 10], censored=[0, 70])
    with_young = fit(lost=[20, 10], censored=[500, 70])
    assert float(with_young.survival(1)) > float(without.survival(1)) + 0.1


def test_without_any_loss_survival_follows_from_how_long_customers_were_watched() -> None:
    few, many = fit(lost=[0, 0], censored=[3, 1]), fit(lost=[0, 0], censored=[300, 100])
    assert (few.alpha, few.beta) == (1.0, 6.0)
    assert float(few.survival(1)) == pytest.approx(6 / 7)
    assert float(many.survival(1)) > 0.99


def test_with_everybody_lost_at_once_nobody_is_expected_to_stay() -> None:
    assert float(fit(lost=[50], censored=[0]).survival(1)) < 1e-3


def test_one_period_of_history_gives_the_observed_churn() -> None:
    assert float(fit(lost=[25], censored=[75]).survival(1)) == pytest.approx(0.75, abs=1e-4)


@pytest.mark.parametrize(
    ("lost", "censored", "message"),
    [
        ([1, 2], [1], "different shapes"),
        ([-1], [1], "not negative"),
        ([float("nan")], [1], "finite"),
        ([0], [0], "nobody was seen"),
        ([], [], "nobody was seen"),
    ],
)
def test_counts_that_mean_nothing_are_refused(lost: list[float], censored: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit(lost, censored)
