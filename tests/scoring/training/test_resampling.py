from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from scoring.training import resampling
from scoring.training.resampling import effective_size, interval, ratio, ratio_variance, resampled_sums

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], tuple[Floats, Floats]]


def test_a_resample_draws_as_many_rows_as_there_are() -> None:
    columns = np.column_stack([np.ones(7), np.arange(7.0)])
    drawn = resampled_sums(columns, np.random.default_rng(0), draws=200)
    assert drawn.shape == (200, 2)
    assert (drawn[:, 0] == 7).all()
    assert drawn[:, 1].min() >= 0
    assert drawn[:, 1].max() <= 42
    assert len(np.unique(drawn[:, 1])) > 20


def test_sums_of_resamples_spread_as_the_theory_says() -> None:
    values = np.random.default_rng(1).lognormal(0, 1, 300)
    drawn = resampled_sums(values[:, None], np.random.default_rng(0), draws=4000)[:, 0]
    assert drawn.mean() == pytest.approx(values.sum(), rel=0.01)
    assert drawn.std() == pytest.approx(np.sqrt(300) * values.std(), rel=0.05)


def test_bundles_of_accounts_spread_as_single_ones_do(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(2).lognormal(0, 1, (12_000, 1))
    single = np.sqrt(12_000) * values.std()
    drawn = resampled_sums(values, np.random.default_rng(0), draws=2000)[:, 0]
    assert drawn.std() == pytest.approx(single, rel=0.06)
    monkeypatch.setattr(resampling, "_AT_ONCE", 10_000)  # as many pieces make the same
    again = resampled_sums(values, np.random.default_rng(0), draws=2000)[:, 0]
    assert again.std() == pytest.approx(single, rel=0.06)


def test_nobody_resampled_adds_up_to_nothing() -> None:
    assert resampled_sums(np.empty((0, 2)), np.random.default_rng(0), draws=3).tolist() == [[0.0, 0.0]] * 3


def test_an_interval_needs_nearly_all_resamples_to_have_a_value() -> None:
    drawn = np.linspace(0, 1, 100)
    assert interval(np.where(drawn > 0.96, np.nan, drawn), 1e9) is not None
    assert interval(np.where(drawn > 0.9, np.nan, drawn), 1e9) is None


def test_few_accounts_widen_an_interval_and_many_leave_it_at_the_5th_and_95th_percentile() -> None:
    drawn = np.linspace(0, 1, 1001)
    assert interval(drawn, 1e9) == pytest.approx((0.05, 0.95), abs=1e-6)
    widths = [high - low for low, high in (interval(drawn, size) or (0, 0) for size in (3, 10, 50))]
    assert widths == sorted(widths, reverse=True)


def test_a_giant_leaves_few_accounts_that_tell() -> None:
    rng = np.random.default_rng(4)
    start = np.ones(200)
    end = start * rng.normal(1, 0.2, 200)
    assert 150 < effective_size(end, start) <= 200
    giant = np.where(np.arange(200) == 0, 1000.0, start)
    assert effective_size(np.where(np.arange(200) == 0, 900.0, end), giant) < 10


def test_where_nothing_varies_every_account_tells() -> None:
    assert effective_size(np.full(9, 2.0), np.full(9, 2.0)) == 9


def test_the_variance_of_a_ratio_is_that_of_its_resamples() -> None:
    rng = np.random.default_rng(5)
    start = rng.lognormal(0, 0.7, 500)
    end = start * rng.normal(1, 0.3, 500)
    drawn = resampled_sums(np.column_stack([end, start]), rng, draws=4000)
    assert ratio(drawn[:, 0], drawn[:, 1]).var() == pytest.approx(ratio_variance(end, start) / 500, rel=0.1)


def _renewals(rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    """Customers of unlike size: 15% leave, the others pay a tenth more, give or take; NRR is 0.935."""
    start = rng.lognormal(0, 1.3, n)
    return start * (rng.random(n) < 0.85) * 1.1 * rng.lognormal(-0.02, 0.2, n), start


def _margins(rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    """CLV over three orders of magnitude; the mean is 1."""
    return rng.lognormal(-0.5, 1.0, n), np.ones(n)


def _deals(rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    """One to three deals each, 30% of them won."""
    closed = rng.integers(1, 4, n)
    return rng.binomial(closed, 0.3).astype(np.float64), closed.astype(np.float64)


@pytest.mark.parametrize(("draw", "truth"), [(_renewals, 0.935), (_margins, 1.0), (_deals, 0.3)])
@pytest.mark.parametrize("n", [30, 150])
def test_an_interval_covers_the_truth_nine_times_in_ten(draw: Draw, truth: float, n: int) -> None:
    rng, trials, held = np.random.default_rng(6), 400, 0
    for _ in range(trials):
        over, under = draw(rng, n)
        drawn = resampled_sums(np.column_stack([over, under]), rng, draws=300)
        ends = interval(ratio(drawn[:, 0], drawn[:, 1]), effective_size(over, under))
        assert ends is not None
        held += ends[0] <= truth <= ends[1]
    assert held / trials == pytest.approx(0.9, abs=0.05)
