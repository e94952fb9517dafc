import numpy as np
import polars as pl
import pytest

from scoring.features import CategoryEncoder, Codes, FeatureSchema, FlagEncoder
from scoring.training.additive import Additive, Floats
from scoring.training.best import LEAST_CUSTOMERS, BestCustomers, best_customers
from scoring.training.held_out import HeldOutFit

N = 100
SCHEMA = FeatureSchema((CategoryEncoder("industry", ("media", "retail")), FlagEncoder("hiring")))
POINTS = Additive(
    0.0,
    {
        (0,): np.array([0.0, 0.0, -4.0, 1.0]),
        (1,): np.array([0.0, -1.0, 2.0]),
        (0, 1): np.array([[0.0] * 3, [0.0] * 3, [0.0, -2.5, 0.0], [0.0] * 3]),
    },
)
CODES = np.tile(np.array([[3, 2]], np.int32), (N, 1))


def judged(
    fit: Floats, worth: Floats, codes: Codes = CODES, functions: tuple[tuple[Additive, float], ...] = ()
) -> BestCustomers | str:
    ids = [f"C{n:02}" for n in range(len(fit))]
    metrics = pl.DataFrame({"account_id": ids, "clv": worth}).with_columns(pl.col("clv").fill_nan(None))
    customers = pl.DataFrame(
        {"account_id": ids, "name": [None if n == 1 else f"Firm {n}" for n in range(len(fit))]}
    )
    return best_customers("clv", metrics, customers, SCHEMA, codes, HeldOutFit(fit, functions))


def found(fit: Floats, worth: Floats, codes: Codes = CODES) -> BestCustomers:
    best = judged(fit, worth, codes, ((POINTS, 2.0),))
    assert isinstance(best, BestCustomers)
    return best


WORTH = np.arange(N, 0, -1.0)  # C00 is worth most


def test_the_ten_worth_most_come_in_order_with_where_fit_puts_them() -> None:
    best = found(WORTH, WORTH)
    assert [one.account_id for one in best.customers] == [f"C{n:02}" for n in range(10)]
    assert [one.percentile for one in best.customers] == pytest.approx([99.5 - n for n in range(10)])
    assert (best.high, best.warning) == (10, "")
    assert best.customers[0].worth == 100.0
    assert best.customers[1].name == ""


def test_seven_of_ten_in_the_top_quarter_and_none_in_the_lower_half_is_well_enough() -> None:
    fit = WORTH.copy()
    fit[:3] = [59.5, 60.5, 61.5]
    best = found(fit, WORTH)
    assert (best.high, best.warning) == (7, "")


def test_six_of_ten_is_a_warning_that_names_those_it_misses() -> None:
    fit = WORTH.copy()
    fit[:4] = [58.5, 59.5, 60.5, 61.5]
    best = found(fit, WORTH)
    assert best.high == 6
    assert (
        "Fit puts 6 of the 10 best customers by lifetime value in the top quarter and 0 in the lower"
        in best.warning
    )
    assert "C00 (Firm 0)" in best.warning
    assert "C01 at the" in best.warning, "one without a name"
    assert "C04" not in best.warning


def test_one_in_the_lower_half_is_a_warning_that_says_what_pulls_it_down() -> None:
    fit, codes = WORTH.copy(), CODES.copy()
    fit[4], codes[4] = 10.5, [2, 1]
    best = found(fit, WORTH, codes)
    assert best.high == 9
    assert best.customers[4].against == (("industry", -8.0), ("industry & hiring", -5.0), ("hiring", -2.0))
    assert best.warning.endswith(
        "It misses C04 (Firm 4) at the 10th percentile, "
        "for industry -8.0, industry & hiring -5.0, hiring -2.0 points"
    )


def test_what_speaks_for_a_customer_is_not_said_against_it() -> None:
    assert found(WORTH, WORTH).customers[0].against == ()


def test_points_of_all_objectives_add_up() -> None:
    codes = CODES.copy()
    codes[0] = [2, 2]
    best = judged(
        WORTH, WORTH, codes, ((POINTS, 2.0), (Additive(0.0, {(0,): np.array([0, 0, 3.0, 0])}), 1.0))
    )
    assert isinstance(best, BestCustomers)
    assert best.customers[0].against == (("industry", -5.0),)


def test_customers_whose_worth_is_not_known_are_not_among_the_best() -> None:
    worth = WORTH.copy()
    worth[:2] = np.nan
    assert found(WORTH, worth).customers[0].account_id == "C02"


def test_too_few_customers_are_not_judged() -> None:
    worth = np.where(np.arange(N) < LEAST_CUSTOMERS - 1, WORTH, np.nan)
    best = judged(WORTH, worth)
    assert isinstance(best, str)
    assert f"known of {LEAST_CUSTOMERS - 1} customers" in best


def test_equal_fits_give_equal_percentiles() -> None:
    best = found(np.full(N, 50.0), WORTH)
    assert {one.percentile for one in best.customers} == {50.0}
    assert best.warning != ""
