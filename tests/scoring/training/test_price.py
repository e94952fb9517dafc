import numpy as np
import pytest

from scoring.training.additive import Floats
from scoring.training.price import LEAST_CUSTOMERS, TOLD, multiple_of, share_at_list_prices

N = 400


def whole_numbers(seed: int, most: int) -> Floats:
    return np.random.default_rng(seed).integers(1, most + 1, N).astype(np.float64)


def list_prices(seed: int, *prices: float) -> Floats:
    return np.random.default_rng(seed).choice(np.array(prices), N)


@pytest.mark.parametrize("prices", [(25.0,), (19.0, 49.0, 199.0), (7.5, 12.0, 30.0, 99.0, 250.0)])
def test_seats_at_list_prices_are_part_of_the_price(prices: tuple[float, ...]) -> None:
    seats = whole_numbers(0, 60)
    assert multiple_of(seats * list_prices(1, *prices), seats, seed=0) > TOLD


def test_they_are_even_where_half_the_customers_bought_another_number() -> None:
    seats = whole_numbers(0, 60)
    bought = np.where(np.random.default_rng(2).random(N) < 0.5, whole_numbers(3, 60), seats)
    assert multiple_of(bought * list_prices(1, 19.0, 49.0, 199.0), seats, seed=0) > TOLD


def test_a_share_of_revenue_as_the_price_is_found_too() -> None:
    revenue = np.exp(np.random.default_rng(0).normal(14, 2, N))
    assert multiple_of(np.round(0.0002 * revenue, 2), revenue, seed=0) > TOLD


def test_small_numbers_beside_few_packages_are_no_price() -> None:
    """Three packages for one to four founders make twelve quotients at most, and mean nothing."""
    assert abs(multiple_of(list_prices(1, 99.0, 299.0, 999.0), whole_numbers(0, 4), seed=0)) < 0.1


def test_one_package_for_everybody_is_no_price_of_anything() -> None:
    assert multiple_of(np.full(N, 99.0), whole_numbers(0, 9), seed=0) == pytest.approx(0.0, abs=0.01)


def test_a_size_that_prices_loosely_follow_is_no_price() -> None:
    rng = np.random.default_rng(0)
    employees = np.asarray(1 + np.round(np.exp(rng.normal(5, 2, N))), np.float64)
    paid: Floats = np.round(40 * employees**0.8 * np.exp(rng.normal(0, 0.3, N)), 2)
    assert abs(multiple_of(paid, employees, seed=0)) < 0.1


def test_blanks_and_zeros_do_not_count() -> None:
    seats = whole_numbers(0, 60)
    paid = seats * 19.0
    seats[:50], paid[50:100], seats[100:120] = np.nan, np.nan, 0.0
    assert multiple_of(paid, seats, seed=0) > 0.8
    few = np.where(np.arange(N) < LEAST_CUSTOMERS - 1, 19.0, np.nan)
    assert multiple_of(few * whole_numbers(0, 60), whole_numbers(0, 60), seed=0) == 0.0


def test_prices_that_differ_in_the_fourth_digit_are_one() -> None:
    assert share_at_list_prices(np.array([190.01, 379.99]), np.array([10.0, 20.0])) == 1.0
