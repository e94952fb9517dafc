from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from scoring.training.evidence import (
    benjamini_hochberg,
    contrast,
    crossed,
    mean_interval,
    normal_scores,
    two_sided,
    whitened,
)

# The table of section 3.2 of Benjamini and Hochberg (1995): 15 p-values, of which 4 are found at .05.
PUBLISHED = [
    *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
    *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0),
]


def test_of_the_published_p_values_four_are_found() -> None:
    q_values = benjamini_hochberg(PUBLISHED)
    assert [q <= 0.05 for q in q_values] == [True] * 4 + [False] * 11
    assert q_values[:4] == pytest.approx([0.0015, 0.003, 0.0095, 0.035625])
    assert q_values[4] == pytest.approx(0.0201 * 15 / 5)
    assert q_values[6:8] == pytest.approx([0.0298 * 15 / 7, 0.0344 * 15 / 8])


def test_nothing_tested_has_no_q_value() -> None:
    assert benjamini_hochberg([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_q_values_are_those_of_the_definition(p_values: list[float]) -> None:
    """The least rate at which the step-up procedure rejects, found by trying every rank."""
    m = len(p_values)
    ordered = sorted(p_values)
    naive = [min([1.0, *(m * ordered[j] / (j + 1) for j in range(m) if ordered[j] >= p)]) for p in p_values]
    assert benjamini_hochberg(p_values) == pytest.approx(naive)


def test_normal_scores_depend_on_ranks_alone() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=50)
    assert np.allclose(normal_scores(values), normal_scores(np.exp(5 * values)))


def test_z_has_mean_0_and_variance_1_over_all_ways_to_choose_a_group() -> None:
    """Exactly, whatever the scores; counted over every group of three of seven."""
    scores = np.array([0.0, 1.0, 1.0, 2.0, 5.0, 9.0, -4.0])
    z_values = []
    for chosen in combinations(range(7), 3):
        inside = np.isin(np.arange(7), chosen)
        z_values.append(contrast(scores, inside, np.zeros(7, dtype=np.intp)).z)
    assert np.mean(z_values) == pytest.approx(0.0, abs=1e-12)
    assert np.mean(np.square(z_values)) == pytest.approx(1.0)


def test_a_difference_between_strata_is_no_difference_within_them() -> None:
    strata = np.repeat([0, 1], 50)
    scores = 10.0 * strata + np.tile([0.0, 1.0], 50)
    inside = (strata == 1) & (np.arange(100) % 4 < 2)
    assert contrast(scores, inside, np.zeros(100, dtype=np.intp)).z > 4
    assert contrast(scores, inside, strata).z == pytest.approx(0.0, abs=0.3)


def test_unknown_scores_are_left_out() -> None:
    rng = np.random.default_rng(3)
    scores, inside = rng.normal(size=60), rng.random(60) < 0.3
    more = np.append(scores, [np.nan] * 40)
    z = contrast(scores, inside, np.zeros(60, dtype=np.intp)).z
    assert contrast(more, np.append(inside, [True] * 40), np.zeros(100, dtype=np.intp)).z == pytest.approx(z)


@pytest.mark.parametrize("scores", [np.full(20, 3.0), np.full(20, np.nan)])
def test_where_nothing_varies_or_is_known_nothing_differs(scores: np.ndarray) -> None:
    assert contrast(scores, np.arange(20) < 5, np.zeros(20, dtype=np.intp)).z == 0.0


@pytest.mark.parametrize("size", [8, 15, 200])
def test_p_values_of_groups_drawn_at_random_are_uniform_for_skewed_outcomes(size: int) -> None:
    """A log-normal of three orders of magnitude and a third at zero: means would be far from normal."""
    rng = np.random.default_rng(size)
    outcome = np.where(rng.random(1000) < 0.33, 0.0, np.exp(rng.normal(0, 2.5, 1000)))
    scores = normal_scores(outcome)
    strata = rng.integers(0, 3, 1000)
    p_values = []
    for _ in range(4000):
        inside = np.isin(np.arange(1000), rng.choice(1000, size, replace=False))
        p_values.append(two_sided(contrast(scores, inside, strata).z))
    assert kstest(p_values, "uniform").pvalue > 0.001
    assert np.mean(np.array(p_values) < 0.001) < 0.003


def test_the_size_of_a_contrast_is_the_difference_of_means_within_strata() -> None:
    strata = np.repeat([0, 1], [40, 60])
    inside = np.concatenate([np.arange(40) < 30, np.arange(60) < 6])
    scores = 5.0 * strata + 0.7 * inside
    assert contrast(scores + np.tile([0.1, -0.1], 50), inside, strata).size == pytest.approx(0.7)
    assert contrast(scores, inside, np.zeros(100, dtype=np.intp)).size < 0


@given(st.integers(0, 1000))
def test_crossing_parts_every_stratum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    strata, inside = rng.integers(0, 4, 30), rng.random(30) < 0.5
    parts = crossed(strata, inside)
    for one in range(30):
        same = (strata == strata[one]) & (inside == inside[one])
        assert np.array_equal(parts == parts[one], same)
    assert set(parts) == set(range(parts.max() + 1))


def test_the_interval_of_a_mean_covers_it_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    samples = rng.gamma(4.0, 0.25, (400, 60))
    covered = [low <= 1.0 <= high for low, high in (mean_interval(values, rng) for values in samples)]
    assert 0.84 <= np.mean(covered) <= 0.95


def test_whitened_scores_are_uncorrelated_of_unit_variance_and_centred_within_strata() -> None:
    rng = np.random.default_rng(2)
    common, strata = rng.normal(size=500), rng.integers(0, 3, 500)
    targets = [common + strata, common + 0.3 * rng.normal(size=500), np.exp(rng.normal(size=500))]
    targets[2][::5] = np.nan
    scores = whitened(targets, strata)
    assert np.allclose(scores.T @ scores / 500, np.eye(3))
    for stratum in range(3):
        assert np.allclose(scores[strata == stratum].mean(axis=0), 0.0)


def test_an_outcome_said_twice_counts_once() -> None:
    values = np.random.default_rng(0).normal(size=100)
    assert whitened([values, 2 * values], np.zeros(100, dtype=np.intp)).shape == (100, 1)
