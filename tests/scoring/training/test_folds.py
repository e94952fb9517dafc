import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.training.folds import FOLDS, deal, folds

seeds = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("dealt", [folds(103, 0), deal(np.arange(103.0), None, 0)])
def test_folds_are_of_like_size(dealt: np.ndarray) -> None:
    counts = np.bincount(dealt)
    assert len(counts) == FOLDS
    assert np.ptp(counts) <= 1


def test_one_seed_deals_alike_and_another_anew() -> None:
    y = np.arange(103.0) % 7
    for first, again, other in ([folds(103, s) for s in (0, 0, 1)], [deal(y, None, s) for s in (0, 0, 1)]):
        assert np.array_equal(first, again)
        assert not np.array_equal(first, other)


@given(seed=seeds, rows=st.integers(5, 200), cases=st.integers(0, 200))
def test_cases_are_spread_evenly_however_few_they_are(seed: int, rows: int, cases: int) -> None:
    y = (np.arange(rows) < cases).astype(np.float64)
    dealt = deal(np.random.default_rng(seed).permutation(y), None, seed)
    assert np.ptp(np.bincount(dealt, minlength=FOLDS)) <= 1
    shuffled = np.random.default_rng(seed).permutation(y)
    assert np.ptp(np.bincount(dealt[shuffled > 0], minlength=FOLDS)) <= 2


def test_each_five_neighbours_by_outcome_go_to_five_folds() -> None:
    y = np.random.default_rng(0).normal(size=100)
    by_outcome = deal(y, None, 3)[np.argsort(y)]
    assert all(len(set(by_outcome[start : start + 5])) == 5 for start in range(0, 100, 5))


def test_who_goes_where_is_chance_and_not_the_order_of_rows() -> None:
    dealt = np.array([deal(np.repeat([0.0, 1.0], 50), None, seed)[0] for seed in range(500)])
    assert np.bincount(dealt).min() > 60


@given(seed=seeds, groups=st.lists(st.integers(0, 12), min_size=1, max_size=120))
def test_groups_are_never_parted_and_no_fold_is_larger_than_it_must_be(seed: int, groups: list[int]) -> None:
    labels = np.unique(groups, return_inverse=True)[1]
    dealt = deal(np.zeros(len(labels)), labels, seed)
    assert all(len(set(dealt[labels == group])) == 1 for group in labels)
    sizes = np.bincount(dealt, minlength=FOLDS)
    assert sizes.max() - sizes.min() <= np.bincount(labels).max()
