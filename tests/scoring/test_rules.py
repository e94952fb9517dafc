from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from scoring.country import as_country
from scoring.industry import as_industry
from scoring.rules import Rule, Where, spelt
from scoring.values import is_missing

WHERE: TypeAdapter[Any] = TypeAdapter(Where)


def rule(*conditions: dict[str, Any]) -> Rule:
    return Rule("r", WHERE.validate_python(list(conditions)))


def holds(condition: Any, value: Any) -> bool:
    return rule({"a": condition}).matches({"a": value})


@pytest.mark.parametrize(
    ("condition", "met", "unmet"),
    [
        (["Fintech", "retail"], ["fintech", " FINTECH ", ["Retail"]], ["mining", "fin", ["fin"], 1]),
        ([7, True], ["7", 7.0, "true", True], [8, False, "yes"]),
        ({"min": 200, "max": 2000}, [200, 2000, "1,200", "1.5k"], [199.9, 2000.1, "many", [300]]),
        ({"min": 0}, [0, 1e300, "0"], [-0.001, "-1"]),
        ({"max": 0}, [0, -1e300, "(5)"], [0.001, "1"]),
        ({"has": "dbt"}, ["dbt", "AWS; DBT", ["x", "dbt"]], ["dbtx", ["x"], "db t"]),
        ({"has": ["dbt", "AWS"]}, ["aws;dbt;x", ["DBT", "aws"]], ["dbt", "aws", [[1]]]),
        (True, [True, "yes", 1, "Y"], [False, "no", 0, "maybe", [True]]),
        (False, [False, "no", 0], [True, "yes", 1, "maybe"]),
        ({"missing": False}, [0, False, "x", ["x"]], []),
    ],
)
def test_each_kind_of_condition(condition: Any, met: list[Any], unmet: list[Any]) -> None:
    assert [value for value in met if not holds(condition, value)] == []
    assert [value for value in unmet if holds(condition, value)] == []


CONDITIONS = [["x", "7"], {"min": -1e300}, {"max": 1e300}, {"has": "x"}, True, False, {"missing": False}]


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("blank", [None, "", "N/A", float("nan"), [], [None, ""]])
def test_a_missing_attribute_meets_no_condition_but_missing(condition: Any, blank: Any) -> None:
    assert not holds(condition, blank)
    assert not rule({"a": condition}).matches({})
    assert holds({"missing": True}, blank)
    assert rule({"a": {"missing": True}}).matches({})


odd = st.none() | st.text(max_size=5) | st.floats() | st.booleans() | st.lists(st.integers(), max_size=2)


@given(odd | st.dictionaries(st.text(max_size=2), odd, max_size=1))
def test_any_value_can_be_asked_about_and_is_either_missing_or_present(value: Any) -> None:
    for condition in CONDITIONS:
        assert holds(condition, value) in (True, False)
    assert holds({"missing": True}, value) is is_missing(value) is not holds({"missing": False}, value)


@given(odd)
def test_a_flag_is_never_both_yes_and_no(value: Any) -> None:
    assert not (holds(True, value) and holds(False, value))


def test_all_conditions_must_hold_two_on_one_attribute_too() -> None:
    both = rule({"employees": {"min": 200}}, {"tools": {"has": "dbt"}}, {"tools": {"has": "aws"}})
    assert both.matches({"employees": 200, "tools": "aws;dbt"})
    assert not both.matches({"employees": 200, "tools": "aws"})
    assert not both.matches({"employees": 199, "tools": "aws;dbt"})


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        (["Fintech", " Big  Retail"], "a is fintech or big retail"),
        ({"min": 200}, "a is at least 200"),
        ({"max": 0.05}, "a is at most 0.05"),
        ({"min": 1_234_567.5, "max": 25_000_000}, "a is from 1,234,567.5 to 25,000,000"),
        ({"has": "Snowflake"}, "a has snowflake"),
        ({"has": ["dbt", "aws"]}, "a has aws and dbt"),
        (True, "a is yes"),
        (False, "a is no"),
        ({"missing": True}, "a is missing"),
        ({"missing": False}, "a is known"),
    ],
)
def test_every_condition_is_said_in_words(condition: Any, sentence: str) -> None:
    assert rule({"a": condition}).sentence == sentence


def test_a_rule_is_said_as_its_conditions_together() -> None:
    said = rule({"industry": ["fintech"]}, {"employees": {"min": 200}}, {"public": False}).sentence
    assert said == "industry is fintech and employees is at least 200 and public is no"


@pytest.mark.parametrize(
    ("condition", "what"),
    [
        ([], "a: list at least one value"),
        (["x", "n/a"], r"a: list at least one value; for a missing one write {missing = true}"),
        ([{"b": 1}], "a: not a text"),
        ({"min": 5, "max": 1}, "a: min is above max"),
        ({"min": "few"}, "a: min: .*valid number"),
        ({"max": float("nan")}, "a: max: .*finite"),
        ({"max": float("inf")}, "a: max: .*finite"),
        ({"has": []}, "a: has: name at least one tag"),
        ({"has": "n/a"}, "a: has: name at least one tag"),
        ({"has": [["x"]]}, "a: has: not a text"),
        ({"missing": "perhaps"}, "a: missing: .*boolean"),
        ({}, "a: a condition is"),
        ({"mn": 1}, "a: a condition is"),
        ({"has": "x", "min": 1}, "a: a condition is"),
        ("fintech", "a: a condition is"),
        (7, "a: a condition is"),
    ],
)
def test_a_wrong_condition_is_refused_with_the_name_of_its_attribute(condition: Any, what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        rule({"other": True}, {"a": condition})


@pytest.mark.parametrize("where", [{"a": True}, "a", [{"a": True, "b": True}], [["a", True]], [{}], None])
def test_where_is_a_list_of_one_attribute_each(where: Any) -> None:
    with pytest.raises(ValidationError, match=r"write where = \[\{attribute = CONDITION\}"):
        WHERE.validate_python(where)


def test_a_rule_has_at_least_one_condition() -> None:
    with pytest.raises(ValidationError, match="at least 1"):
        rule()


READERS = {"industry": as_industry, "country": as_country}


def spelt_rule(*conditions: dict[str, Any]) -> Rule:
    return Rule("r", spelt(WHERE.validate_python(list(conditions)), READERS))


def test_a_rule_is_spelt_as_the_attributes_are_read_and_says_so() -> None:
    read = spelt_rule(
        {"industry": ["Financial Technology", "52", "Weaving", "Fin-Tech"]},
        {"country": ["Germany", "USA"]},
        {"industry": {"has": "Fin-Tech"}},
    )
    assert read.sentence == (
        "industry is fintech or financial services or weaving"
        " and country is de or us and industry has fintech"
    )
    assert read.matches({"industry": "fintech", "country": "DE"})
    assert not read.matches({"industry": "fintech", "country": "FR"})


def test_other_conditions_and_attributes_are_not_respelt() -> None:
    conditions: list[dict[str, Any]] = [
        {"industry": {"missing": False}},
        {"country": True},
        {"industry": {"min": 5}},
        {"use_case": ["Fin-Tech"]},
    ]
    assert spelt_rule(*conditions) == rule(*conditions)


@given(st.sampled_from(["Fin-Tech", "524", "Weaving", "DE", "Germany", "no"]), st.sampled_from([*READERS]))
def test_a_rule_holds_for_the_very_value_it_names(text: str, attribute: str) -> None:
    read = spelt_rule({attribute: [text]})
    assert read.matches({attribute: READERS[attribute](text)})
    assert spelt(read.where, READERS) == read.where
