from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scoring.features import LARGEST_SIZE, CategoryEncoder, Codes, FeatureSchema, FlagEncoder, NumberEncoder
from scoring.training.additive import Additive, Floats, Term
from scoring.training.boosting import (
    MISSING_BIN,
    WORTH_WAITING,
    BinOf,
    Boosted,
    Growth,
    Sample,
    boost,
    extract,
    own_bins,
    to_bins,
)
from scoring.training.loss import LOSSES
from scoring.training.pairs import coarse_bins

Customers = Callable[[int, Sequence[str], int], tuple[FeatureSchema, Codes, NDArray[np.float64]]]
KINDS = ["number", "date", "category", "flag", "tags"]
GROWTH = Growth(shrinkage=0.1, leaves=8, least_leaf=3, most_trees=40, patience=10)

kinds_of_attributes = st.lists(st.sampled_from(KINDS), min_size=3, max_size=5)
seeds = st.integers(0, 2**32 - 1)


def any_codes(schema: FeatureSchema, rng: np.random.Generator, rows: int = 300) -> Codes:
    """Draw codes that no customer need have had together, missing and unseen ones among them."""
    columns = [rng.integers(0, feature.size, rows) for feature in schema.features]
    return np.stack(columns, axis=1).astype(np.uint8)


def sample(codes: Codes, y: Floats, raw: Floats | None = None) -> Sample:
    return Sample(
        np.asfortranarray(codes.astype(np.uint8)), y, np.full(len(y), y.mean()) if raw is None else raw
    )


def grown(
    schema: FeatureSchema,
    codes: Codes,
    y: Floats,
    terms: Sequence[Term] | None = None,
    growth: Growth = GROWTH,
    directions: dict[int, int] | None = None,
    bin_of: dict[int, BinOf] | None = None,
) -> Boosted:
    """Grow on two accounts in three, held against the third."""
    held = np.arange(len(y)) % 3 == 0
    train, test = sample(codes[~held], y[~held]), sample(codes[held], y[held])
    singles: list[Term] = [(feature,) for feature in range(len(schema.features))]
    return boost(
        schema,
        singles if terms is None else terms,
        train,
        test,
        LOSSES["value"],
        growth,
        directions or {},
        bin_of,
    )


def asked(boosted: Boosted, codes: Codes) -> Floats:
    return sum((tree.predict(codes) for tree in boosted.trees), np.zeros(len(codes)))


@given(seed=seeds, kinds=kinds_of_attributes, coarse=st.booleans())
@settings(max_examples=25, deadline=None)
def test_tables_say_exactly_what_the_trees_predict_on_any_codes(
    random_customers: Customers, seed: int, kinds: list[str], coarse: bool
) -> None:
    """With pairs that overlap: a tree may then speak of three features, and each of its leaves of two."""
    schema, codes, y = random_customers(seed, kinds, 150)
    last = len(schema.features) - 1
    if last < 2:
        return
    terms: list[Term] = [(0, 1), (1, 2), (0, last), (2,)]
    bins = dict(enumerate(coarse_bins(schema, codes, 4))) if coarse else {}
    boosted = grown(schema, codes, y, terms, bin_of=bins)
    tables = extract(boosted.trees, schema)
    assert set(tables) <= {*terms, *((feature,) for feature in range(last + 1))}
    for some in (codes, any_codes(schema, np.random.default_rng(seed)), np.zeros_like(codes[:1])):
        expected = asked(boosted, some)
        assert Additive(0.0, tables).predict(some) == pytest.approx(expected, rel=0, abs=1e-9)


@given(seed=seeds, kinds=kinds_of_attributes)
@settings(max_examples=10, deadline=None)
def test_each_tree_alone_is_its_tables(random_customers: Customers, seed: int, kinds: list[str]) -> None:
    schema, codes, y = random_customers(seed, kinds, 120)
    if not schema.features:
        return
    some = any_codes(schema, np.random.default_rng(seed), 100)
    for tree in grown(schema, codes, y, growth=replace(GROWTH, most_trees=6)).trees:
        tables = extract([tree], schema)
        assert all(len(term) == 1 for term in tables)
        assert Additive(0.0, tables).predict(some) == pytest.approx(tree.predict(some), rel=0, abs=1e-12)


def test_a_tree_of_overlapping_pairs_speaks_of_three_features_and_its_leaves_of_two() -> None:
    rng = np.random.default_rng(8)
    schema = FeatureSchema(tuple(FlagEncoder(name) for name in "abc"))
    codes = rng.integers(1, 3, (2000, 3)).astype(np.uint8)
    y = np.where(codes[:, 1] == 2, 2.0 * codes[:, 0], -3.0 * codes[:, 2]) + rng.normal(0, 0.1, 2000)
    tree = grown(schema, codes, y, [(0, 1), (1, 2)]).trees[0]
    assert set(extract([tree], schema)) == {(0, 1), (1, 2)}


def test_the_largest_category_the_schema_allows_is_extracted_exactly() -> None:
    schema = FeatureSchema(
        (CategoryEncoder("town", tuple(str(n) for n in range(LARGEST_SIZE - 2))), FlagEncoder("x"))
    )
    rng = np.random.default_rng(0)
    codes = np.stack([rng.integers(0, LARGEST_SIZE, 6000), rng.integers(0, 3, 6000)], axis=1).astype(np.uint8)
    y = rng.normal(size=LARGEST_SIZE)[codes[:, 0]] * codes[:, 1]
    boosted = grown(schema, codes, y, [(0, 1)], Growth(0.1, 31, 5, 60, 20))
    everything = np.array(list(product(range(LARGEST_SIZE), range(3))), np.uint8)
    expected = asked(boosted, everything)
    assert np.corrcoef(asked(boosted, codes), y)[0, 1] > 0.5
    assert Additive(0.0, extract(boosted.trees, schema)).predict(everything) == pytest.approx(
        expected, rel=0, abs=1e-9
    )


def test_numbers_of_as_many_intervals_as_a_byte_holds_are_extracted_exactly() -> None:
    schema = FeatureSchema((NumberEncoder("employees", tuple(np.arange(LARGEST_SIZE - 2.0))),))
    codes = np.tile(np.arange(LARGEST_SIZE), 12)[:, None].astype(np.uint8)
    boosted = grown(schema, codes, np.sin(codes[:, 0] / 20.0))
    expected = asked(boosted, codes)
    assert np.corrcoef(expected, np.sin(codes[:, 0] / 20.0))[0, 1] > 0.95
    assert Additive(0.0, extract(boosted.trees, schema)).predict(codes) == pytest.approx(expected, abs=1e-9)


def test_categories_the_learner_never_saw_are_all_predicted_alike_and_within_what_it_saw() -> None:
    schema = FeatureSchema((CategoryEncoder("industry", ("a", "b", "c", "d")), FlagEncoder("hiring")))
    rng = np.random.default_rng(1)
    codes = np.stack([rng.choice([2, 3, 5], 900), rng.integers(1, 3, 900)], axis=1).astype(np.uint8)
    boosted = grown(schema, codes, np.array([0, 0, 5.0, -2.0, 0, 1.0])[codes[:, 0]] + codes[:, 1])
    said = asked(boosted, np.array([[code, 1] for code in range(6)], np.uint8))
    assert said[1] == said[4]
    assert said[[2, 3, 5]].min() <= said[1] <= said[[2, 3, 5]].max()


@pytest.mark.parametrize("size", [2, 3, LARGEST_SIZE])
def test_each_code_has_a_bin_of_its_own_and_missing_the_last(size: int) -> None:
    bins = own_bins(size)
    assert bins[0] == MISSING_BIN
    assert bins[1:].tolist() == list(range(size - 1))
    codes = np.arange(size)[:, None].astype(np.uint8)
    assert to_bins(codes, (0,), (bins,))[:, 0].tolist() == bins.tolist()


def test_missing_is_told_from_the_lowest_interval() -> None:
    schema = FeatureSchema((NumberEncoder("employees", (1.0,)),))
    codes = np.random.default_rng(2).integers(0, 3, (600, 1)).astype(np.uint8)
    boosted = grown(schema, codes, np.array([9.0, 0.0, 1.0])[codes[:, 0]], growth=replace(GROWTH, l2=0.0))
    missing, low, high = asked(boosted, np.array([[0], [1], [2]], np.uint8))
    assert missing - low > 7
    assert low < high


@pytest.mark.parametrize("sign", [1, -1])
@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_a_direction_holds_in_single_trees_and_in_pairs_whatever_the_other_feature(
    random_customers: Customers, sign: int, seed: int
) -> None:
    schema, codes, y = random_customers(seed, ["number", "category", "flag"], 300)
    against = y - sign * codes[:, 0].astype(np.float64) / 4
    bins = dict(enumerate(coarse_bins(schema, codes, 8)))
    terms: list[list[Term]] = [[(0,), (1,)], [(0, 1), (0, 2)]]
    for some in terms:
        boosted = grown(schema, codes, against, some, directions={0: sign}, bin_of=bins)
        tables = extract(boosted.trees, schema)
        for other in any_codes(schema, np.random.default_rng(seed), 20):
            along = np.tile(other, (schema.features[0].size - 1, 1))
            along[:, 0] = np.arange(1, schema.features[0].size)
            assert (sign * np.diff(Additive(0.0, tables).predict(along)) >= -1e-12).all()


def test_losses_are_those_of_the_held_accounts_after_each_tree() -> None:
    rng = np.random.default_rng(5)
    schema = FeatureSchema((NumberEncoder("a", tuple(np.arange(9.0))),))
    codes = rng.integers(1, 11, (300, 1)).astype(np.uint8)
    y = codes[:, 0] / 3 + rng.normal(size=300)
    boosted = grown(schema, codes, y)
    held = np.arange(300) % 3 == 0
    raw = np.full(held.sum(), y[held].mean())
    assert boosted.losses[0] == pytest.approx(LOSSES["value"].mean(y[held], raw))
    for tree, loss in zip(boosted.trees, boosted.losses[1:], strict=True):
        raw = raw + tree.predict(codes[held])
        assert loss == pytest.approx(LOSSES["value"].mean(y[held], raw), abs=1e-12)


def test_growing_ends_when_the_held_accounts_gain_nothing_more() -> None:
    rng = np.random.default_rng(6)
    schema = FeatureSchema((NumberEncoder("a", tuple(np.arange(9.0))),))
    codes = rng.integers(1, 11, (300, 1)).astype(np.uint8)
    boosted = grown(schema, codes, rng.normal(size=300), growth=replace(GROWTH, most_trees=500))
    worth = [
        place
        for place in range(1, len(boosted.losses))
        if boosted.losses[place] < boosted.losses[:place].min() - WORTH_WAITING * boosted.losses[0]
    ]
    assert len(boosted.trees) <= max(worth, default=0) + 2 * GROWTH.patience < 500


def test_where_no_split_is_possible_no_tree_is_grown() -> None:
    schema = FeatureSchema((FlagEncoder("hiring"),))
    same = grown(schema, np.ones((60, 1), np.uint8), np.arange(60.0))
    assert (len(same.trees), len(same.losses)) == (0, 1)
    few = grown(schema, np.ones((4, 1), np.uint8), np.arange(4.0))
    assert len(few.trees) == 0


def test_no_leaf_holds_fewer_accounts_than_it_must() -> None:
    rng = np.random.default_rng(7)
    schema = FeatureSchema((NumberEncoder("a", tuple(np.arange(61.0))),))
    codes = rng.integers(1, 63, (300, 1)).astype(np.uint8)
    train = codes[np.arange(300) % 3 > 0]
    for tree in grown(schema, codes, rng.normal(size=300), growth=replace(GROWTH, least_leaf=25)).trees:
        assert np.unique(tree.predict(train), return_counts=True)[1].min() >= 25


def test_growing_changes_neither_sample() -> None:
    rng = np.random.default_rng(9)
    schema = FeatureSchema((FlagEncoder("a"),))
    one = sample(rng.integers(1, 3, (60, 1)).astype(np.uint8), rng.normal(size=60), np.zeros(60))
    boost(schema, [(0,)], one, one, LOSSES["value"], GROWTH, {})
    assert not one.raw.any()
