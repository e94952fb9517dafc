import pytest

from scoring.plan_rules import SegmentSpec
from scoring.rules import Between, Flag, Has, Missing, OneOf
from scoring.training.conditions import Where
from scoring.training.names import segment_id

FINTECH = ("industry", OneOf(one_of=("fintech",)))


@pytest.mark.parametrize(
    ("where", "named"),
    [
        ((FINTECH, ("technologies", Has(has=("snowflake",)))), "fintech-snowflake"),
        ((FINTECH, ("employees", Between(min=200))), "fintech-employees-from-200"),
        ((("employees", Between(max=1.5e6)),), "employees-up-to-1500000"),
        ((("growth %", Between(min=-0.5, max=2)),), "growth-0-5-to-2"),
        ((("hiring", Flag(flag=False)), ("use_case", OneOf(one_of=("a b", "c")))), "not-hiring-a-b-or-c"),
        ((("hiring", Missing(missing=True)),), "hiring-missing"),
        ((("industry", OneOf(one_of=("金融",))),), "segment"),
    ],
)
def test_an_id_tells_what_a_rule_is_about(where: Where, named: str) -> None:
    assert segment_id(where, []) == named


def test_ids_fit_a_plan_and_differ_even_where_rules_are_long() -> None:
    where: Where = (("industry", OneOf(one_of=("a very long name of an industry " * 5,))),)
    taken: list[str] = []
    for _ in range(12):
        taken.append(segment_id(where, taken))
    assert len(set(taken)) == 12
    for one in taken:
        assert SegmentSpec.model_validate({"id": one, "where": [{"hiring": True}]}).id == one
