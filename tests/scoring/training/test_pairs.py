from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.features import CategoryEncoder, Codes, FeatureSchema, FlagEncoder, NumberEncoder, TagsEncoder
from scoring.training.additive import Floats
from scoring.training.pairs import (
    LEAST_CELL,
    LEAST_SCORE,
    MOST_PAIRS,
    SCAN_BINS,
    Lead,
    coarse_bins,
    common,
    leads,
)

seeds = st.integers(0, 2**32 - 1)


def flags(count: int) -> FeatureSchema:
    return FeatureSchema(tuple(FlagEncoder(f"flag_{n}") for n in range(count)))


def flag_codes(rng: np.random.Generator, rows: int, count: int) -> Codes:
    return rng.integers(1, 3, (rows, count)).astype(np.uint8)


def slowly_scored(one: Codes, other: Codes, left: Floats) -> float:
    """Score a pair by its definition, cell by cell."""
    ones, others = np.unique(one), np.unique(other)
    filled, beyond = set(), 0.0
    for i in ones:
        for j in others:
            inside = (one == i) & (other == j)
            average = left[one == i].mean() + left[other == j].mean() - left.mean()
            if inside.sum() >= LEAST_CELL:
                filled.add((i, j))
                beyond += (left[inside].sum() - inside.sum() * average) ** 2 / inside.sum()
    degrees = (len({i for i, _ in filled}) - 1) * (len({j for _, j in filled}) - 1)
    if degrees < 1:
        return 0.0
    return float((beyond / np.mean(left**2) - degrees) / np.sqrt(2 * degrees))


@given(seed=seeds, rows=st.integers(10, 300))
@settings(max_examples=40, deadline=None)
def test_all_pairs_at_once_score_as_each_pair_by_its_definition(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    schema = FeatureSchema(
        (
            CategoryEncoder("a", ("x", "y", "z")),
            FlagEncoder("b"),
            NumberEncoder("c", (1.0, 2.0)),
            FlagEncoder("d"),
        )
    )
    codes = np.stack([rng.integers(0, f.size, rows) for f in schema.features], axis=1).astype(np.uint8)
    left = rng.normal(size=rows) + 2.0 * (codes[:, 0] == codes[:, 1])
    found = {lead.term: lead.score for lead in leads(schema, codes, left, 0)}
    for a, b in combinations(range(4), 2):
        score = slowly_scored(codes[:, a], codes[:, b], left)
        if abs(score - LEAST_SCORE) > 1e-3:
            assert ((a, b) in found) is (score > LEAST_SCORE)
        if (a, b) in found:
            assert found[a, b] == pytest.approx(score, abs=1e-3)


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_two_flags_that_cancel_out_alone_are_found_first(seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes = flag_codes(rng, 600, 8)
    left = 1.0 * (codes[:, 2] == codes[:, 5]) - 0.5 + rng.normal(size=600)
    assert leads(flags(8), codes, left, 0)[0].term == (2, 5)


def test_numbers_that_only_count_together_are_found_though_finely_cut() -> None:
    rng = np.random.default_rng(1)
    schema = FeatureSchema(tuple(NumberEncoder(f"n{n}", tuple(np.arange(62.0))) for n in range(6)))
    codes = rng.integers(0, 64, (2000, 6)).astype(np.uint8)
    left = np.where((codes[:, 0] > 32) == (codes[:, 3] > 32), 0.5, -0.5) + rng.normal(size=2000)
    assert leads(schema, codes, left, 0)[0].term == (0, 3)


def test_two_tags_of_one_list_are_no_pair() -> None:
    rng = np.random.default_rng(3)
    schema = FeatureSchema((TagsEncoder("tools", ("dbt", "kafka")),))
    codes = flag_codes(rng, 500, 2)
    assert leads(schema, codes, 1.0 * (codes[:, 0] == codes[:, 1]), 0) == []


def test_chance_alone_makes_few_leads() -> None:
    """A score over 1 standard deviation has a chance of roughly one in eight, as chi-squared goes."""
    found = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        found += len(leads(flags(6), flag_codes(rng, 400, 6), rng.normal(size=400), 0))
    assert found < 0.25 * 20 * 15


def test_leads_come_strongest_first_and_are_no_more_than_can_be_tried() -> None:
    rng = np.random.default_rng(4)
    codes = flag_codes(rng, 3000, 12)
    left = sum((1.0 * (codes[:, a] == codes[:, a + 1]) for a in range(11)), np.zeros(3000))
    found = leads(flags(12), codes, left - left.mean(), 0)
    assert len(found) <= 2 * MOST_PAIRS
    assert [lead.score for lead in found] == sorted((lead.score for lead in found), reverse=True)
    assert {(a, a + 1) for a in range(11)} <= {lead.term for lead in found}


@pytest.mark.parametrize("rows", [1, 4, 9])
def test_too_few_accounts_for_any_cell_give_no_lead(rows: int) -> None:
    rng = np.random.default_rng(5)
    assert leads(flags(4), flag_codes(rng, rows, 4), rng.normal(size=rows), 0) == []


def test_nothing_left_to_explain_gives_no_lead() -> None:
    assert leads(flags(4), flag_codes(np.random.default_rng(6), 100, 4), np.zeros(100), 0) == []


def test_bins_are_few_in_order_and_missing_lies_where_the_grower_expects_it() -> None:
    schema = FeatureSchema((NumberEncoder("a", tuple(np.arange(62.0))), CategoryEncoder("b", ("x", "y"))))
    rng = np.random.default_rng(7)
    codes = np.stack([rng.integers(0, 64, 1000), rng.integers(0, 4, 1000)], axis=1).astype(np.uint8)
    number, category = coarse_bins(schema, codes, SCAN_BINS)
    assert number[0] == category[0] == 255
    assert np.unique(number[1:]).tolist() == list(range(SCAN_BINS))
    assert (np.diff(number[1:].astype(int)) >= 0).all()
    assert category[1:].tolist() == [0, 1, 2]


def test_a_pair_that_half_the_members_found_is_not_agreed_on() -> None:
    half = [[Lead((0, 1), 9.0)], [Lead((0, 1), 9.0)], [Lead((1, 2), 1.0)], [Lead((1, 2), 1.0)]]
    assert common(half) == []
    assert common([*half, [Lead((1, 2), 1.0)]]) == [(1, 2)]


def test_agreed_pairs_are_ordered_by_all_their_scores_and_limited() -> None:
    member = [Lead((0, n), float(n)) for n in range(1, MOST_PAIRS + 5)]
    agreed = common([member, list(reversed(member))])
    assert agreed == [(0, n) for n in range(MOST_PAIRS + 4, 4, -1)]
