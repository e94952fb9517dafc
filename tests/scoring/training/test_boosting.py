from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from scoring.features import LARGEST_SIZE, CategoryEncoder, Codes, FeatureSchema, FlagEncoder, TagsEncoder
from scoring.training.boosting import LEAST_PAIR_SHARE, MOST_PAIRS, Ensemble, fit_ensemble, strongest_pairs

Customers = Callable[[int, Sequence[str], int], tuple[FeatureSchema, Codes, NDArray[np.float64]]]
KINDS = ["number", "date", "category", "flag", "tags"]

kinds_of_attributes = st.lists(st.sampled_from(KINDS), min_size=1, max_size=5)
seeds = st.integers(0, 2**32 - 1)


def learn(schema: FeatureSchema, codes: Codes, y: NDArray[np.float64], *, seed: int = 0) -> Ensemble:
    with threadpool_limits(1):
        return fit_ensemble(schema, codes, y, seed=seed, bags=2)


def any_codes(schema: FeatureSchema, rng: np.random.Generator, rows: int = 300) -> Codes:
    """Draw codes that no customer need have had together, missing and unseen ones among them."""
    columns = [rng.integers(0, feature.size, rows) for feature in schema.features]
    return np.stack(columns, axis=1).astype(np.int32)


@given(seed=seeds, kinds=kinds_of_attributes)
@settings(max_examples=8, deadline=None)
def test_tables_say_exactly_what_the_trees_predict_on_any_codes(
    random_customers: Customers, seed: int, kinds: list[str]
) -> None:
    schema, codes, y = random_customers(seed, kinds, 100)
    if not schema.features:
        return
    ensemble = learn(schema, codes, y)
    for asked in (codes, any_codes(schema, np.random.default_rng(seed)), np.zeros_like(codes[:1])):
        expected = ensemble.predict(asked)
        assert ensemble.additive.predict(asked) == pytest.approx(expected, rel=0, abs=1e-9)
        assert ensemble.additive.purified(codes).predict(asked) == pytest.approx(expected, rel=0, abs=1e-9)


@given(seed=seeds)
@settings(max_examples=3, deadline=None)
def test_every_leaf_speaks_of_one_feature_or_of_a_kept_pair(random_customers: Customers, seed: int) -> None:
    schema, codes, y = random_customers(seed, [*KINDS, "number", "category"], 250)
    with threadpool_limits(1):
        pairs = strongest_pairs(schema, codes, y, seed=0)
    terms = set(learn(schema, codes, y).additive.tables)
    singles = {(feature,) for feature in range(len(schema.features))}
    assert len(pairs) <= MOST_PAIRS
    assert terms <= singles | set(pairs)


def test_the_largest_category_the_schema_allows_is_extracted_exactly() -> None:
    schema = FeatureSchema(
        (CategoryEncoder("town", tuple(str(n) for n in range(LARGEST_SIZE - 2))), FlagEncoder("x"))
    )
    rng = np.random.default_rng(0)
    codes = np.stack([rng.integers(0, LARGEST_SIZE, 4000), rng.integers(0, 3, 4000)], axis=1).astype(np.int32)
    y = rng.normal(size=LARGEST_SIZE)[codes[:, 0]] * codes[:, 1]
    ensemble = learn(schema, codes, y)
    everything = np.array(list(product(range(LARGEST_SIZE), range(3))), np.int32)
    assert np.corrcoef(ensemble.predict(codes), y)[0, 1] > 0.5
    assert ensemble.additive.predict(everything) == pytest.approx(
        ensemble.predict(everything), rel=0, abs=1e-9
    )


def test_a_category_the_learner_never_saw_counts_as_missing_does() -> None:
    schema = FeatureSchema((CategoryEncoder("industry", ("a", "b", "c")), FlagEncoder("hiring")))
    rng = np.random.default_rng(1)
    codes = np.stack([rng.choice([0, 2, 3], 400), rng.integers(1, 3, 400)], axis=1).astype(np.int32)
    ensemble = learn(schema, codes, (codes[:, 0] + codes[:, 1]).astype(np.float64))
    unseen, never, missing = (ensemble.predict(np.array([[code, 1]], np.int32)) for code in (1, 4, 0))
    assert unseen == never == missing


def test_the_planted_pair_is_the_one_that_is_kept() -> None:
    rng = np.random.default_rng(2)
    schema = FeatureSchema(tuple(FlagEncoder(f"flag_{n}") for n in range(6)))
    codes = (1 + (rng.random((1500, 6)) < 0.3)).astype(np.int32)
    y = 1.0 * (codes[:, 1] == codes[:, 4]) + 0.2 * codes[:, 0] + rng.normal(0, 0.3, 1500)
    with threadpool_limits(1):
        assert strongest_pairs(schema, codes, y, seed=0)[0] == (1, 4)


def test_two_tags_of_one_list_are_no_pair() -> None:
    rng = np.random.default_rng(3)
    schema = FeatureSchema((TagsEncoder("tools", ("dbt", "kafka")),))
    codes = rng.integers(1, 3, (500, 2)).astype(np.int32)
    with threadpool_limits(1):
        assert strongest_pairs(schema, codes, 1.0 * (codes[:, 0] == codes[:, 1]), seed=0) == []


def test_no_pair_is_kept_that_adds_next_to_nothing() -> None:
    rng = np.random.default_rng(4)
    schema = FeatureSchema(tuple(FlagEncoder(f"flag_{n}") for n in range(4)))
    codes = rng.integers(1, 3, (2000, 4)).astype(np.int32)
    y = codes @ np.array([1.0, 2.0, 3.0, 4.0])
    with threadpool_limits(1):
        kept = strongest_pairs(schema, codes, y, seed=0)
    pure = learn(schema, codes, y).additive.purified(codes)
    spreads = {term: entries.std() for term, entries in pure.contributions(codes)}
    assert all(spreads[term] < 3 * LEAST_PAIR_SHARE * y.std() for term in kept if term in spreads)


def test_one_seed_gives_the_same_bits_and_another_seed_others(random_customers: Customers) -> None:
    schema, codes, y = random_customers(5, KINDS, 150)
    first, again, other = (learn(schema, codes, y, seed=seed).additive for seed in (0, 0, 1))
    assert first.tables.keys() == again.tables.keys()
    assert all(np.array_equal(table, again.tables[term]) for term, table in first.tables.items())
    assert not np.array_equal(first.predict(codes), other.predict(codes))
