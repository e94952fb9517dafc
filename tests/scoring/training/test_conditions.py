from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.rules import Between, Condition, Flag, Has, Missing, OneOf, Rule
from scoring.training.attributes import Attribute
from scoring.training.conditions import build_atoms, cost_of, cut_ends, holds_for

SCHEMA: dict[str, Any] = {
    "industry": pl.String,
    "employees": pl.Float64,
    "technologies": pl.List(pl.String),
    "hiring": pl.Boolean,
}
ATTRIBUTES = (
    Attribute("industry", "category"),
    Attribute("employees", "number"),
    Attribute("technologies", "tags"),
    Attribute("hiring", "flag"),
)
TAGS = ("aws", "dbt", "kafka")

rows = st.lists(
    st.fixed_dictionaries(
        {
            "industry": st.sampled_from([None, "fintech", "media", "energy"]),
            "employees": st.sampled_from([None, 0.0, 1.0, 50.0, 200.0, 1999.5]) | st.floats(0, 1e6),
            "technologies": st.none() | st.lists(st.sampled_from(TAGS), min_size=1, unique=True),
            "hiring": st.sampled_from([None, True, False]),
        }
    ),
    min_size=1,
    max_size=40,
)
bounds = st.tuples(st.none() | st.floats(0, 2000), st.none() | st.floats(2000, 1e6)).filter(any)
conditions = st.one_of(
    st.tuples(
        st.just("industry"),
        st.lists(st.sampled_from(["fintech", "media", "unheard of"]), min_size=1).map(
            lambda levels: OneOf(one_of=tuple(levels))
        ),
    ),
    st.tuples(st.just("employees"), bounds.map(lambda ends: Between(min=ends[0], max=ends[1]))),
    st.tuples(
        st.just("technologies"),
        st.lists(st.sampled_from(TAGS), min_size=1, unique=True).map(lambda tags: Has(has=tuple(tags))),
    ),
    st.tuples(st.just("hiring"), st.booleans().map(lambda flag: Flag(flag=flag))),
    st.tuples(st.sampled_from(list(SCHEMA)), st.booleans().map(lambda missing: Missing(missing=missing))),
)


def frame(said: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(said, schema=SCHEMA)


@settings(max_examples=150, deadline=None)
@given(rows, st.lists(conditions, min_size=1, max_size=4))
def test_a_table_at_a_time_holds_for_whom_the_rule_matches_one_by_one(
    said: list[dict[str, Any]], where: list[tuple[str, Condition]]
) -> None:
    rule = Rule("any", where)
    assert holds_for(where, frame(said)).tolist() == [rule.matches(row) for row in said]


@settings(max_examples=100, deadline=None)
@given(rows)
def test_atoms_hold_for_whom_their_conditions_hold(said: list[dict[str, Any]]) -> None:
    accounts = frame(said)
    atoms = build_atoms(ATTRIBUTES, accounts, 1)
    for at, condition in enumerate(atoms.conditions):
        assert np.array_equal(atoms.matrix[:, at] > 0, holds_for([condition], accounts))


@settings(max_examples=25, deadline=None)
@given(rows)
def test_a_run_of_a_number_s_atoms_holds_for_whom_its_condition_holds(said: list[dict[str, Any]]) -> None:
    accounts = frame(said)
    atoms = build_atoms(ATTRIBUTES, accounts, 1)
    for start, stop in atoms.numbers:
        for first in range(start, stop):
            for last in range(first, stop):
                if (first, last) == (start, stop - 1):
                    continue  # the whole scale is no condition
                name, condition = atoms.condition(first, last)
                held = holds_for([(name, condition)], accounts)
                assert np.array_equal(atoms.matrix[:, first : last + 1].max(axis=1) > 0, held)


def test_an_end_of_the_scale_is_no_bound() -> None:
    accounts = pl.DataFrame({"employees": [1.0, 2.0, 3.0, None]})
    atoms = build_atoms([Attribute("employees", "number")], accounts, 1)
    assert atoms.condition(0, 1) == ("employees", Between(max=2.0))
    assert atoms.condition(1, 1) == ("employees", Between(min=2.0, max=2.0))
    assert atoms.condition(1, 2) == ("employees", Between(min=2.0))


def test_what_too_few_have_gets_no_atom() -> None:
    accounts = pl.DataFrame(
        {
            "industry": ["fintech"] * 5 + ["media"] * 4 + [None],
            "technologies": [["aws", "dbt"]] * 5 + [["aws"]] * 5,
            "hiring": [True] * 9 + [False],
        }
    )
    attributes = [ATTRIBUTES[0], ATTRIBUTES[2], ATTRIBUTES[3]]
    assert build_atoms(attributes, accounts, 5).conditions == (
        ("industry", OneOf(one_of=("fintech",))),
        ("technologies", Has(has=("aws",))),
        ("technologies", Has(has=("dbt",))),
        ("hiring", Flag(flag=True)),
    )


def test_a_date_a_number_that_never_varies_and_a_column_without_values_have_no_atoms() -> None:
    accounts = pl.DataFrame(
        {"since": [2015.5, 2016.0], "employees": [7.0, 7.0], "industry": [None, None]},
        schema_overrides={"industry": pl.String},
    )
    attributes = [Attribute("since", "date"), ATTRIBUTES[1], ATTRIBUTES[0]]
    atoms = build_atoms(attributes, accounts, 1)
    assert atoms.matrix.shape == (2, 0)
    assert atoms.conditions == ()


def test_a_kind_that_reads_like_a_category_has_a_category_s_atoms() -> None:
    accounts = pl.DataFrame({"country": ["US", "US", "GB"]})
    as_country = Attribute("country", "country")
    assert build_atoms([as_country], accounts, 2).conditions == (("country", OneOf(one_of=("US",))),)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300), st.integers(2, 30))
def test_cuts_are_ascending_values_that_end_with_the_last(values: list[float], most: int) -> None:
    ends = cut_ends(np.array(values), most)
    assert len(ends) <= most
    assert ends[-1] == max(values)
    assert set(ends) <= set(values)
    assert (np.diff(ends) > 0).all()


@pytest.mark.parametrize("choices", [20, 70, 1000])
def test_a_choice_among_noise_seldom_gains_more_than_it_costs(choices: int) -> None:
    rng = np.random.default_rng(choices)
    largest = (rng.normal(size=(2000, choices)) ** 2).max(axis=1)
    assert np.mean(largest > cost_of(choices)) < 0.35


def test_a_condition_of_another_kind_than_its_column_holds_for_whom_the_rule_matches() -> None:
    accounts = pl.DataFrame(
        {"size": [7.0, None, 12.0], "open": [True, False, None], "kind": ["12", "x", None]},
        schema={"size": pl.Float64, "open": pl.Boolean, "kind": pl.String},
    )
    conditions = (OneOf(one_of=("7", "true")), Between(min=10), Flag(flag=True), Has(has=("x",)))
    for name in (*accounts.columns, "nowhere"):
        for condition in (*conditions, Missing(missing=True), Missing(missing=False)):
            where = ((name, condition),)
            expected = [Rule("any", where).matches(row) for row in accounts.to_dicts()]
            assert holds_for(where, accounts).tolist() == expected
