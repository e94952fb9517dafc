from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scoring.features import Codes
from scoring.training.additive import Additive, Term, mean_of


def random_codes(rng: np.random.Generator, sizes: list[int], count: int) -> Codes:
    """Draw codes of which some values are much more frequent than others, and some never occur."""
    columns = [
        rng.choice(size, count, p=rng.dirichlet(np.full(size, 0.3)) if size > 1 else None) for size in sizes
    ]
    return np.stack(columns, axis=1).astype(np.int32)


def every_code(sizes: list[int]) -> Codes:
    return np.array(list(product(*(range(size) for size in sizes))), np.int32)


def random_additive(rng: np.random.Generator, sizes: list[int], terms: list[Term]) -> Additive:
    return Additive(float(rng.normal()), {t: rng.normal(size=[sizes[f] for f in t]) for t in terms})


def weighted_means(table: NDArray[np.float64], codes: Codes, term: Term) -> NDArray[np.float64]:
    """Return the mean of a table's entries over the accounts of each code, along each of its features."""
    entries = table[tuple(codes[:, feature] for feature in term)]
    means = []
    for feature in term:
        counts = np.bincount(codes[:, feature])
        sums = np.bincount(codes[:, feature], entries)
        means.append(sums[counts > 0] / counts[counts > 0])
    return np.concatenate(means)


sizes_of_features = st.lists(st.integers(2, 7), min_size=3, max_size=4)
seeds = st.integers(0, 2**32 - 1)


@given(seed=seeds, sizes=sizes_of_features, count=st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_purified_is_the_same_function_on_every_code(seed: int, sizes: list[int], count: int) -> None:
    rng = np.random.default_rng(seed)
    additive = random_additive(rng, sizes, [(0,), (0, 1), (1, 2)])
    pure = additive.purified(random_codes(rng, sizes, count))
    everywhere = every_code(sizes)
    assert pure.predict(everywhere) == pytest.approx(additive.predict(everywhere), abs=1e-9)


@given(seed=seeds, sizes=sizes_of_features, count=st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_purified_tables_average_to_nothing_over_the_customers(
    seed: int, sizes: list[int], count: int
) -> None:
    rng = np.random.default_rng(seed)
    codes = random_codes(rng, sizes, count)
    pure = random_additive(rng, sizes, [(0,), (0, 1), (1, 2)]).purified(codes)
    for term, table in pure.tables.items():
        if len(term) == 2:
            assert np.abs(weighted_means(table, codes, term)).max() < 1e-9, term
        else:
            assert table[codes[:, term[0]]].mean() == pytest.approx(0, abs=1e-9), term
    assert pure.intercept == pytest.approx(pure.predict(codes).mean(), abs=1e-9)


def test_a_pair_of_attributes_that_nearly_copy_each_other_is_purified_in_full() -> None:
    rng = np.random.default_rng(0)
    one = rng.integers(0, 30, 2000)
    twin = np.clip(one + rng.choice([-1, 0, 0, 0, 0, 0, 0, 0, 1], 2000), 0, 29)
    codes = np.stack([one, twin], axis=1).astype(np.int32)
    additive = random_additive(rng, [30, 30], [(0, 1)])
    pure = additive.purified(codes)
    assert np.abs(weighted_means(pure.tables[0, 1], codes, (0, 1))).max() < 1e-9
    assert pure.predict(every_code([30, 30])) == pytest.approx(
        additive.predict(every_code([30, 30])), abs=1e-9
    )


def test_what_two_features_do_alone_leaves_the_pair_s_table() -> None:
    codes = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.int32)
    pure = Additive(0.0, {(0, 1): np.array([[1.0, 3.0], [5.0, 7.0]])}).purified(codes)
    assert pure.tables[0, 1] == pytest.approx(np.zeros((2, 2)))
    assert pure.tables[0,] == pytest.approx([-2.0, 2.0])
    assert pure.tables[1,] == pytest.approx([-1.0, 1.0])
    assert pure.intercept == pytest.approx(4.0)


def test_a_pure_interaction_stays_in_the_pair_s_table() -> None:
    codes = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.int32)
    table = np.array([[1.0, -1.0], [-1.0, 1.0]])
    pure = Additive(2.0, {(0, 1): table}).purified(codes)
    assert pure.tables[0, 1] == pytest.approx(table)
    assert pure.tables[0,] == pytest.approx([0.0, 0.0])
    assert pure.intercept == pytest.approx(2.0)


@given(seed=seeds, sizes=sizes_of_features)
@settings(max_examples=30, deadline=None)
def test_the_mean_of_functions_predicts_the_mean_though_each_lacks_other_tables(
    seed: int, sizes: list[int]
) -> None:
    rng = np.random.default_rng(seed)
    terms: list[list[Term]] = [[(0,), (0, 1)], [(1,), (0, 1)], [], [(2,)]]
    members = [random_additive(rng, sizes, some) for some in terms]
    everywhere = every_code(sizes)
    expected = np.mean([member.predict(everywhere) for member in members], axis=0)
    assert mean_of(members).predict(everywhere) == pytest.approx(expected, abs=1e-12)
