from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import check_grad
from scipy.special import hyp2f1

from scoring.training.purchases import (
    BetaGeometricNBD,
    _Customers,
    _log_likelihood,
    fit,
    shrunken_spend,
)

Floats = NDArray[np.float64]
CDNOW = BetaGeometricNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)  # Fader, Hardie and Lee (2005), table 2

parameters = st.builds(BetaGeometricNBD, *[st.floats(0.05, 20)] * 4)
watched = st.floats(1, 60)
counts = st.integers(0, 60)
shares = st.floats(0, 1)


def simulate(model: BetaGeometricNBD, n: int, seed: int, longest: float = 40.0) -> tuple[Floats, ...]:
    """Customers that buy and leave as the model says, watched for different times: x, t_x, t."""
    rng = np.random.default_rng(seed)
    rate, leaves = rng.gamma(model.r, 1 / model.alpha, n), rng.beta(model.a, model.b, n)
    t = rng.uniform(1, longest, n)
    x, t_x, now, alive = np.zeros(n), np.zeros(n), np.zeros(n), np.ones(n, dtype=bool)
    while alive.any():
        now = now + rng.exponential(1 / rate)
        alive &= now < t
        x += alive
        t_x = np.where(alive, now, t_x)
        alive &= rng.random(n) > leaves
    return x, t_x, t


# Published values


def test_the_published_customer_is_expected_to_buy_as_often_as_published() -> None:
    assert CDNOW.expected([39.0], [2], [30.43], [38.86])[0, 0] == pytest.approx(1.226, abs=5e-4)
    assert CDNOW.alive([2], [30.43], [38.86])[0] == pytest.approx(0.727, abs=5e-4)


# Against other ways to compute the same


@settings(deadline=None, max_examples=50)
@given(
    model=st.builds(BetaGeometricNBD, *[st.floats(1.0, 6)] * 4),
    x=st.integers(0, 12),
    share=shares,
    t=st.floats(1, 20),
)
def test_the_likelihood_is_the_integral_over_rates_and_chances_of_leaving(
    model: BetaGeometricNBD, x: int, share: float, t: float
) -> None:
    t_x = share * t if x else 0.0

    def rates(until: float) -> float:
        density = stats.gamma(model.r, scale=1 / model.alpha)
        return float(quad(lambda rate: rate**x * np.exp(-rate * until) * density.pdf(rate), 0, np.inf)[0])

    def stays(left: int, stayed: int) -> float:
        density = stats.beta(model.a, model.b)
        return float(quad(lambda p: p**left * (1 - p) ** stayed * density.pdf(p), 0, 1)[0])

    direct = rates(t) * stays(0, x) + (rates(t_x) * stays(1, x - 1) if x else 0.0)
    assert model.log_likelihood([x], [t_x], [t])[0] == pytest.approx(np.log(direct), rel=1e-6, abs=1e-6)


@settings(deadline=None)
@given(model=parameters, x=counts, share=shares, t=watched, ahead=st.floats(0.1, 60))
def test_expected_purchases_agree_with_the_papers_closed_form(
    model: BetaGeometricNBD, x: int, share: float, t: float, ahead: float
) -> None:
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    assume(abs(a - 1) > 0.01 and a + b + x - 1 > 0.01)  # elsewhere the closed form loses its digits
    assume(ahead < 20 * (alpha + t))
    t_x = share * t if x else 0.0
    shrink = ((alpha + t) / (alpha + t + ahead)) ** (r + x)
    series = shrink * hyp2f1(r + x, b + x, a + b + x - 1, ahead / (alpha + t + ahead))
    left = a / (b + x - 1) * ((alpha + t) / (alpha + t_x)) ** (r + x) if x else 0.0
    closed = (a + b + x - 1) / (a - 1) * (1 - series) / (1 + left)
    assert model.expected([ahead], [x], [t_x], [t])[0, 0] == pytest.approx(closed, rel=2e-6, abs=1e-9)


def test_expected_purchases_are_smooth_where_the_closed_form_is_not() -> None:
    below, at, above = (
        BetaGeometricNBD(0.5, 3.0, a, 2.0).expected([12.0], [3], [8.0], [10.0])[0, 0]
        for a in (1 - 1e-6, 1.0, 1 + 1e-6)
    )
    assert at == pytest.approx((below + above) / 2, rel=1e-9)


@settings(deadline=None)
@given(model=parameters, x=counts, share=shares, t=watched)
def test_expected_purchases_rise_with_time_and_less_and_less(
    model: BetaGeometricNBD, x: int, share: float, t: float
) -> None:
    expected = model.expected(np.arange(1, 61), [x], [share * t if x else 0.0], [t])[0]
    steps = np.diff(expected, prepend=0.0)
    assert (steps >= 0).all()
    assert (np.diff(steps) <= 1e-9 * steps[0]).all()


@settings(deadline=None)
@given(model=parameters, x=counts, share=shares, t=watched)
def test_discounted_purchases_are_added_up_step_by_step(
    model: BetaGeometricNBD, x: int, share: float, t: float
) -> None:
    them = [x, 0, 3], [share * t if x else 0.0, 0.0, t / 2], [t, t, t]
    ahead, factors = np.arange(1, 13), 0.99 ** np.arange(1, 13)
    steps = np.diff(model.expected(ahead, *them), prepend=0.0, axis=1)
    assert model.discounted(ahead, factors, them) == pytest.approx(steps @ factors, rel=1e-9)


def test_one_who_just_bought_is_more_surely_alive_than_one_who_bought_as_often_and_long_ago() -> None:
    alive = CDNOW.alive([4, 4, 4], [38.0, 20.0, 5.0], [38.86] * 3)
    assert (np.diff(alive) < 0).all()
    assert (alive > 0).all()


def test_many_purchases_and_long_times_overflow_nothing() -> None:
    them = [0, 3000, 3000], [0.0, 9000.0, 10.0], [9000.0] * 3
    assert np.isfinite(CDNOW.log_likelihood(*them)).all()
    assert np.isfinite(CDNOW.expected([12.0], *them)).all()
    assert CDNOW.alive(*them)[2] == 0.0


# Fitting


def test_the_slope_that_the_fit_follows_is_the_likelihoods() -> None:
    them = _Customers.of([0, 1, 5, 30], [0.0, 2.0, 9.0, 9.5], [10.0, 10.0, 12.0, 10.0])
    at = np.array([0.7, 3.0, 0.9, 2.5])
    for row in range(4):

        def value(p: Floats, row: int = row) -> Any:
            return _log_likelihood(p, them)[0][row]

        def slope(p: Floats, row: int = row) -> Any:
            return _log_likelihood(p, them)[1][:, row]

        assert check_grad(value, slope, at) < 1e-5


@pytest.mark.parametrize("seed", range(3))
def test_the_model_that_customers_were_drawn_from_is_found_again(seed: int) -> None:
    truth = BetaGeometricNBD(r=0.8, alpha=6.0, a=0.8, b=2.5)
    them = simulate(truth, 20_000, seed)
    found = fit(*them)
    assert found.r == pytest.approx(truth.r, rel=0.08)
    assert found.alpha == pytest.approx(truth.alpha, rel=0.1)
    assert found.a / (found.a + found.b) == pytest.approx(truth.a / (truth.a + truth.b), abs=0.02)
    assert found.log_likelihood(*them).sum() >= truth.log_likelihood(*them).sum()


def test_a_fitted_model_foretells_what_customers_do_next() -> None:
    """Customers are watched for 20 months; what the model expects of the next 20 is what they then do."""
    truth, n, rng = BetaGeometricNBD(r=0.8, alpha=6.0, a=0.8, b=2.5), 20_000, np.random.default_rng(11)
    rate, leaves = rng.gamma(truth.r, 1 / truth.alpha, n), rng.beta(truth.a, truth.b, n)
    x, t_x, later, now = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    alive = np.ones(n, dtype=bool)
    while alive.any():
        now = now + rng.exponential(1 / rate)
        alive &= now < 40
        first_half = alive & (now < 20)
        x, later = x + first_half, later + (alive & (now >= 20))
        t_x = np.where(first_half, now, t_x)
        alive &= rng.random(n) > leaves
    expected = fit(x, t_x, np.full(n, 20.0)).expected([20.0], x, t_x, np.full(n, 20.0))[:, 0]
    for group in (x == 0, (x > 0) & (x <= 3), x > 3, (x > 0) & (t_x < 10), t_x >= 15):
        error = later[group].std() / np.sqrt(group.sum())
        assert expected[group].mean() == pytest.approx(later[group].mean(), abs=4 * error + 0.02)


def test_the_order_of_customers_changes_no_bit_of_a_fit() -> None:
    x, t_x, t = simulate(CDNOW, 300, seed=1)
    order = np.random.default_rng(0).permutation(300)
    assert fit(x, t_x, t) == fit(x[order], t_x[order], t[order])


def test_a_fit_in_days_is_the_fit_in_months() -> None:
    x, t_x, t = simulate(BetaGeometricNBD(r=40.0, alpha=150.0, a=0.8, b=20.0), 400, seed=2)
    months, days = fit(x, t_x, t), fit(x, t_x * 30.4375, t * 30.4375)
    assert days.expected([365.25], [3], [200.0], [700.0])[0, 0] == pytest.approx(
        months.expected([12.0], [3], [200 / 30.4375], [700 / 30.4375])[0, 0], rel=1e-4
    )


def test_more_customers_than_are_fitted_give_nearly_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    them = simulate(BetaGeometricNBD(r=0.8, alpha=6.0, a=0.8, b=2.5), 20_000, seed=4)
    whole = fit(*them)
    monkeypatch.setattr("scoring.training.purchases.MOST_FITTED", 6000)
    part = fit(*them)
    assert part != whole
    ahead = whole.expected([12.0], [3], [20.0], [24.0])[0, 0]
    assert part.expected([12.0], [3], [20.0], [24.0])[0, 0] == pytest.approx(ahead, rel=0.05)


def test_where_nobody_came_back_nothing_more_is_expected() -> None:
    model = fit([0] * 50, [0.0] * 50, np.linspace(1, 24, 50))
    assert model.expected([60.0], [0], [0.0], [12.0])[0, 0] < 0.05


@pytest.mark.parametrize(
    ("x", "t_x", "t", "message"),
    [
        ([1], [1.0, 2.0], [3.0], "not of shapes"),
        ([], [], [], "nobody was watched"),
        ([-1], [0.0], [1.0], "not negative"),
        ([1], [float("nan")], [1.0], "finite"),
        ([1], [2.0], [1.0], "within the time watched"),
        ([0], [1.0], [2.0], "0 where x is 0"),
    ],
)
def test_customers_that_cannot_be_are_refused(
    x: list[float], t_x: list[float], t: list[float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        fit(x, t_x, t)


# Spend


def test_spend_is_drawn_toward_everybodys_the_less_the_more_was_bought() -> None:
    n = np.array([1.0, 10.0, 100.0, 10.0])
    own = np.array([100.0, 100.0, 100.0, 40.0])
    spend = shrunken_spend(n * own, n, deviations=n * 400)
    assert 40 < spend[3] < spend[0] < spend[1] < spend[2] < 100


def test_spend_is_the_best_guess_of_what_customers_spend_next() -> None:
    rng, size = np.random.default_rng(3), 4000
    level = np.exp(rng.normal(4, 0.6, size))
    n = rng.geometric(0.3, size)
    past = [rng.gamma(2, one / 2, count) for one, count in zip(level, n, strict=True)]
    revenue = np.array([bought.sum() for bought in past])
    deviations = np.array([((bought - bought.mean()) ** 2).sum() for bought in past])
    spend = shrunken_spend(revenue, n.astype(float), deviations)

    def error(guess: Floats) -> float:
        return float(((guess - level) ** 2).mean())

    assert error(spend) < 0.8 * error(revenue / n)
    assert error(spend) < 0.8 * error(np.full(size, level.mean()))


def test_customers_that_sent_more_back_than_they_bought_are_expected_to_spend_nothing_less() -> None:
    spend = shrunken_spend(np.array([-900.0, 300.0, 400.0]), np.array([9.0, 3.0, 4.0]), np.array([1.0, 1, 1]))
    assert spend[0] == 0.0
    assert (spend[1:] > 50).all()


def test_where_nobody_bought_twice_or_all_are_alike_everybody_is_expected_to_spend_the_mean() -> None:
    once = shrunken_spend(np.array([10.0, 30.0]), np.ones(2), np.zeros(2))
    assert once.tolist() == [20.0, 20.0]
    alike = shrunken_spend(np.array([20.0, 20.0]), np.array([2.0, 2.0]), np.array([8.0, 8.0]))
    assert alike.tolist() == [10.0, 10.0]
