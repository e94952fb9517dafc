import numpy as np
import polars as pl
import pytest

from scoring.rules import Flag
from scoring.training.attributes import Attribute
from scoring.training.proposals import Proposal, propose
from scoring.training.trials import Outcome, outcomes_of, try_all

ATTRIBUTES = (
    Attribute("industry", "category"),
    Attribute("employees", "number"),
    Attribute("hiring", "flag"),
)
HIRING = (("hiring", Flag(flag=True)),)


def drawn(seed: int, count: int) -> tuple[pl.DataFrame, list[Outcome]]:
    """Customers whose outcomes depend on nothing."""
    rng = np.random.default_rng(seed)
    customers = pl.DataFrame(
        {
            "industry": rng.choice(["a", "b", "c", "d", "e"], count).tolist(),
            "employees": np.exp(rng.normal(5, 2, count)),
            "hiring": rng.random(count) < 0.4,
        }
    )
    metrics = pl.DataFrame(
        {
            "nrr": np.maximum(rng.normal(0.9, 0.4, count), 0),
            "clv": np.exp(rng.normal(11, 2, count)),
            "payback_months": np.exp(rng.normal(3, 0.5, count)),
        }
    )
    return customers, outcomes_of(metrics)


def test_what_the_search_picked_looks_good_where_it_was_searched_and_like_chance_on_the_other_half() -> None:
    searched: list[float] = []
    tested: list[float] = []
    for seed in range(30):
        customers, outcomes = drawn(seed, 600)
        first, second = np.arange(300), np.arange(300, 600)
        proposals = propose(ATTRIBUTES, customers[first], [one.of(first).target for one in outcomes]).found
        for rows, p_values in ((first, searched), (second, tested)):
            trials = try_all(proposals, customers[rows], [one.of(rows) for one in outcomes], seed=0)
            p_values += [one.effect.p_value for trial in trials for one in trial.differences.values()]
    assert len(tested) > 100
    assert np.mean(np.array(searched) < 0.05) > 0.25
    assert np.mean(np.array(tested) < 0.05) < 0.1


def test_q_values_are_over_every_proposal_and_outcome() -> None:
    customers, outcomes = drawn(0, 400)
    one = try_all([Proposal(HIRING, [], better=True)], customers, outcomes, seed=0)
    smallest = min(found.effect.p_value for found in one[0].differences.values())
    assert min(found.effect.q_value for found in one[0].differences.values()) <= 3 * smallest
    again = try_all([Proposal(HIRING, [], better=True)] * 2, customers, outcomes, seed=0)
    assert len([found for trial in again for found in trial.differences.values()]) == 6


def test_a_rule_that_repeats_a_stronger_one_finds_nothing_more() -> None:
    customers, outcomes = drawn(1, 400)
    better = [
        Outcome(one.about, one.values, one.target + 9.0 * customers["hiring"].to_numpy()) for one in outcomes
    ]
    first, second = try_all([Proposal(HIRING, [], better=True)] * 2, customers, better, seed=0)
    assert first.holds_up
    assert not second.holds_up
    assert {found.effect.p_value for found in second.differences.values()} == {1.0}
    worse = try_all([Proposal(HIRING, [], better=False)], customers, better, seed=0)[0]
    assert not worse.holds_up
    assert worse.contrary == ["nrr", "clv", "payback"]


def test_an_outcome_that_too_few_inside_have_is_not_tested() -> None:
    customers, outcomes = drawn(2, 300)
    hiring = np.flatnonzero(customers["hiring"].to_numpy())
    outcomes[0].target[hiring[4:]] = np.nan
    trial = try_all([Proposal(HIRING, [], better=True)], customers, outcomes, seed=0)[0]
    assert set(trial.differences) == {"lifetime_value", "efficiency"}


def test_one_giant_rise_is_not_the_mean_nrr() -> None:
    nrr = np.array([0.5, 1.0, 2000.0])
    metrics = pl.DataFrame({"nrr": nrr, "clv": [1.0] * 3, "payback_months": [None, None, 9.0]})
    found = outcomes_of(metrics)
    assert [one.about.objective for one in found] == ["growth"]
    assert found[0].values.tolist() == [0.5, 1.0, 3.0]


@pytest.mark.parametrize(
    ("objective", "value", "said"),
    [
        ("growth", 1.304, "130%"),
        ("lifetime_value", 1234567.8, "1,234,568"),
        ("efficiency", 9.06, "9.1 months"),
    ],
)
def test_values_are_said_in_their_unit(objective: str, value: float, said: str) -> None:
    _, outcomes = drawn(3, 50)
    assert next(one for one in outcomes if one.about.objective == objective).said(value) == said
