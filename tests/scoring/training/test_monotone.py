from scoring.features import CategoryEncoder, FeatureSchema, FlagEncoder, NumberEncoder
from scoring.plan import parse_plan
from scoring.training.monotone import directions_of

PLAN = parse_plan(
    '[attributes]\nmonotone = {employees = "rising", debt = "falling", dropped = "rising"}\n', "plan.toml"
)


def test_only_directions_of_attributes_that_are_learnt_from_are_passed_on() -> None:
    schema = FeatureSchema(
        (FlagEncoder("public"), NumberEncoder("debt", ()), NumberEncoder("employees", (10.0,)))
    )
    assert directions_of(PLAN, schema) == {"employees": "rising", "debt": "falling"}


def test_a_plan_without_directions_binds_nothing() -> None:
    schema = FeatureSchema((CategoryEncoder("industry", ("a",)),))
    assert directions_of(parse_plan("", "plan.toml"), schema) == {}
    assert directions_of(PLAN, schema) == {}
