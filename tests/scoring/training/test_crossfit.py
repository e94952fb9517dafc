from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from scoring.features import Codes, FeatureSchema, FlagEncoder, NumberEncoder
from scoring.training.additive import Floats, mean_of
from scoring.training.crossfit import Crossfit, crossfit
from scoring.training.folds import FOLDS
from scoring.training.linear import PENALTIES
from scoring.training.loss import LOSSES, Kind
from scoring.training.members import Task
from scoring.training.pairs import MOST_PAIRS
from tests.scoring.training.coded import numbers

Customers = Callable[[int, Sequence[str], int], tuple[FeatureSchema, Codes, NDArray[np.float64]]]
KINDS = ["number", "date", "category", "flag", "tags"]
seeds = st.integers(0, 2**32 - 1)


def found(
    schema: FeatureSchema,
    codes: Codes,
    y: Floats,
    kind: Kind = "value",
    groups: NDArray[np.intp] | None = None,
    seed: int = 0,
) -> Crossfit:
    with threadpool_limits(1):
        return crossfit(Task(schema, codes, y, LOSSES[kind], seed, groups))


@pytest.mark.parametrize("kind", ["value", "binary"])
@given(seed=seeds)
@settings(max_examples=2, deadline=None)
def test_tables_say_what_weights_and_trees_predict_on_any_codes(
    random_customers: Customers, kind: Kind, seed: int
) -> None:
    schema, codes, y = random_customers(seed, KINDS, 100)
    outcome = y if kind == "value" else (y > np.median(y)).astype(np.float64)
    one = found(schema, codes, outcome, kind)
    rng = np.random.default_rng(seed)
    anything = np.stack([rng.integers(0, f.size, 300) for f in schema.features], axis=1).astype(np.uint8)
    function = mean_of(one.additives())
    for asked in (codes, anything, np.zeros_like(codes[:1])):
        expected = one.predict(asked)
        assert function.predict(asked) == pytest.approx(expected, rel=0, abs=1e-9)
        assert function.purified(codes).predict(asked) == pytest.approx(expected, rel=0, abs=1e-9)


@pytest.mark.parametrize(("accounts", "repeats"), [(60, 4), (700, 2), (2000, 1)])
def test_each_account_is_held_out_once_in_every_deal_and_never_learnt_from_there(
    accounts: int, repeats: int
) -> None:
    rng = np.random.default_rng(1)
    schema, codes = numbers(rng, accounts, 2)
    one = found(schema, codes, rng.normal(size=accounts))
    assert len(one.members) == repeats * FOLDS
    assert (np.bincount(np.concatenate([m.held for m in one.members])) == repeats).all()
    for member in one.members:
        assert sorted([*member.train, *member.held]) == list(range(accounts))


def test_predictions_of_an_account_do_not_depend_on_its_own_outcome() -> None:
    """Far off from where choices are made, only the accounts beside it can tell what it is predicted."""
    rng = np.random.default_rng(2)
    schema, codes = numbers(rng, 300, 2)
    y = codes[:, 0] + rng.normal(0, 0.1, 300)
    plain = found(schema, codes, y)
    assert np.corrcoef(plain.linear, y)[0, 1] > 0.99
    serial = FeatureSchema((NumberEncoder("order_in_the_file", tuple(np.arange(0.5, 199.5))),))
    noise = rng.normal(size=200)
    remembered = found(serial, np.arange(1, 201, dtype=np.uint8)[:, None], noise)
    for predictions in (remembered.linear, remembered.boosted):
        assert np.corrcoef(predictions, noise)[0, 1] < 0.2


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_outcomes_are_not_predicted(random_customers: Customers, seed: int) -> None:
    schema, codes, y = random_customers(seed, KINDS, 300)
    one = found(schema, codes, np.random.default_rng(seed).permutation(y) / y.std())
    for predictions in (one.linear, one.boosted, one.blend.mix(one.linear, one.boosted)):
        loss = LOSSES["value"]
        assert 1 - loss.mean(one.task.y, predictions) / loss.mean(one.task.y, np.full(300, y.mean())) < 0.04


def test_two_attributes_without_effects_of_their_own_are_found_together() -> None:
    rng = np.random.default_rng(3)
    schema = FeatureSchema(tuple(FlagEncoder(f"flag_{n}") for n in range(6)))
    codes = rng.integers(1, 3, (700, 6)).astype(np.uint8)
    y = np.where(codes[:, 1] == codes[:, 4], 0.5, -0.5) + rng.normal(0, 0.7, 700)
    one = found(schema, codes, y)
    assert one.choice.pairs > 0
    tables = mean_of(one.additives()).purified(codes).tables
    assert [term for term in tables if len(term) == 2] == [(1, 4)]
    assert tables[1, 4][1:, 1:] == pytest.approx(np.array([[0.5, -0.5], [-0.5, 0.5]]), abs=0.15)


@pytest.mark.parametrize("seed", range(3))
def test_no_pair_is_kept_where_attributes_only_add_up(seed: int) -> None:
    rng = np.random.default_rng(seed)
    schema, codes = numbers(rng, 700, 5)
    y = np.sqrt(codes.astype(np.float64)) @ np.array([1.0, 0.8, 0.6, 0.4, 0.0]) + rng.normal(size=700)
    assert all(len(term) == 1 for one in found(schema, codes, y).additives() for term in one.tables)


def test_of_many_true_pairs_no_more_are_kept_than_people_read() -> None:
    rng = np.random.default_rng(4)
    schema = FeatureSchema(tuple(FlagEncoder(f"flag_{n}") for n in range(16)))
    codes = rng.integers(1, 3, (2000, 16)).astype(np.uint8)
    y = sum((1.0 * (codes[:, a] == codes[:, a + 1]) for a in range(15)), rng.normal(0, 0.3, 2000))
    tables = mean_of(found(schema, codes, (y - y.mean()) / y.std()).additives()).tables
    kept = {term for term in tables if len(term) == 2}
    assert len(kept) == MOST_PAIRS
    assert kept <= {(a, a + 1) for a in range(15)}


def test_groups_are_held_out_whole() -> None:
    rng = np.random.default_rng(5)
    schema, codes = numbers(rng, 120, 2)
    groups = np.repeat(np.arange(24), 5)
    for member in found(schema, codes, rng.normal(size=120), groups=groups).members:
        assert not set(groups[member.train]) & set(groups[member.held])


def test_what_a_group_shares_tells_nothing_of_other_groups() -> None:
    """Parted, the members of a group would give one another away."""
    rng = np.random.default_rng(6)
    groups = np.repeat(np.arange(20), 5)
    schema = FeatureSchema((NumberEncoder("office", tuple(np.arange(0.5, 19.5))),))
    codes = (1 + rng.permutation(20)[groups])[:, None].astype(np.uint8)
    y = rng.normal(size=20)[groups] + rng.normal(0, 0.3, 100)
    parted, together = (found(schema, codes, y, groups=some) for some in (None, groups))
    assert np.corrcoef(parted.boosted, y)[0, 1] > 0.5
    assert np.corrcoef(together.boosted, y)[0, 1] < 0.3


def test_fewer_groups_than_folds_make_fewer_members() -> None:
    rng = np.random.default_rng(7)
    schema, codes = numbers(rng, 60, 2)
    one = found(schema, codes, codes[:, 0] / 10.0, groups=np.arange(60) % 3)
    assert {len(m.held) for m in one.members} == {20}
    assert np.isfinite(one.linear).all()
    assert np.isfinite(one.boosted).all()


def test_few_cases_in_one_group_leave_the_others_with_none_and_nothing_breaks() -> None:
    rng = np.random.default_rng(8)
    schema, codes = numbers(rng, 200, 2)
    y = (np.arange(200) < 3).astype(np.float64)
    one = found(schema, codes, y, "binary", groups=np.arange(200) // 10)
    assert np.abs(one.linear).max() < 20
    assert np.isfinite(one.predict(codes)).all()


def test_choices_are_those_with_the_least_loss_over_all_members() -> None:
    rng = np.random.default_rng(9)
    schema, codes = numbers(rng, 200, 3)
    one = found(schema, codes, codes[:, 0] / 3.0 + rng.normal(size=200))
    losses = [
        sum(float(len(m.held) * m.path_losses[place]) for m in one.members) for place in range(len(PENALTIES))
    ]
    assert one.choice.penalty == int(np.argmin(losses))
    longest = max(len(m.singles.losses) for m in one.members)
    grown = [
        sum(len(m.held) * float(m.singles.losses[min(count, len(m.singles.losses) - 1)]) for m in one.members)
        for count in range(longest)
    ]
    assert one.choice.singles == int(np.argmin(grown))


def test_each_step_is_told_as_it_begins() -> None:
    rng = np.random.default_rng(10)
    schema, codes = numbers(rng, 60, 2)
    told: list[str] = []
    crossfit(Task(schema, codes, rng.normal(size=60), LOSSES["value"], 0), told.append)
    assert told == [
        "learning from single attributes",
        "looking for pairs of attributes",
        "learning the pairs that members agree on",
    ]
