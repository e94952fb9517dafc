from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from scoring.country import as_country
from scoring.errors import PlanError
from scoring.plan import OBJECTIVES, PRESETS, Plan, parse_plan, read_plan

WHOLE = """
format = 1
name = "Demo plan"

[book]
as_of = 2026-06-30
window_months = 6
currency = "EUR"

[files.accounts]
path = "DimReseller.csv"
separator = "|"
header = ["ResellerKey", "Type"]

[columns.accounts]
account_id = "ResellerKey"
[columns.invoices]
cost = ["StandardCost", "OrderQuantity"]

[attributes]
drop = ["FirstOrderYear"]
keep = ["Notes"]

[money]
gross_margin = 0.7
discount_rate = 0.12
horizon_months = 36

[objective]
growth = 5
efficiency = 2

[icp]
require_segment = false
fit_floor = 30
fit_threshold = 55

[fire]
fit = 0.4
intent = 0.3
recency = 0.2
engagement = 0.1

[tiers]
tier_1 = 80
tier_2 = 60
tier_3 = 40

[[segment]]
id = "fintech"
name = "Fintech"
where = [{industry = ["Fintech"]}, {employees = {min = 200}}]

[[exclusion]]
id = "too-small"
reason = "No budget."
where = [{employees = {max = 4}}]

[[sign_off]]
who = "Dana Reyes"
role = "CRO"
when = 2026-07-01
"""
A_CONDITION_IS = 'a condition is ["a", "b"], {min = 1, max = 9}, {has = "a"}, true, false or {missing = true}'
RULE = "where = [{a = true}]\n"
EXCLUSION = f'[[exclusion]]\nid = "a"\nreason = "r"\n{RULE}'
SIGNED = '[[sign_off]]\nwho = "Dana"\nrole = "CRO"\nwhen = 2026-07-01\n'


def refused(text: str) -> str:
    with pytest.raises(PlanError) as caught:
        parse_plan(text, "team/plan.toml")
    message = str(caught.value)
    assert message.startswith("team/plan.toml ")
    return message.partition("\n")[2] or message


def test_a_whole_plan_is_read() -> None:
    plan = parse_plan(WHOLE, "plan.toml")
    assert (plan.name, plan.approved) == ("Demo plan", True)
    assert (plan.book.as_of, plan.book.window_months, plan.book.currency) == (date(2026, 6, 30), 6, "EUR")
    accounts = plan.files["accounts"]
    assert (accounts.path, accounts.separator, accounts.header) == (
        "DimReseller.csv",
        "|",
        ["ResellerKey", "Type"],
    )
    assert plan.columns["invoices"] == {"cost": ["StandardCost", "OrderQuantity"]}
    assert (plan.attributes.drop, plan.attributes.keep) == (["FirstOrderYear"], ["Notes"])
    assert (plan.money.gross_margin, plan.money.discount_rate, plan.money.horizon_months) == (0.7, 0.12, 36)
    assert (plan.objective.growth, plan.objective.lifetime_value, plan.objective.efficiency) == (5, 0, 2)
    assert (plan.icp.require_segment, plan.icp.fit_floor, plan.icp.fit_threshold) == (False, 30, 55)
    assert (plan.fire.fit, plan.fire.intent, plan.fire.recency, plan.fire.engagement) == (0.4, 0.3, 0.2, 0.1)
    assert (plan.tiers.tier_1, plan.tiers.tier_2, plan.tiers.tier_3) == (80, 60, 40)
    assert plan.segment[0].rule.sentence == "industry is fintech and employees is at least 200"
    assert plan.segment[0].rule.id == "fintech"
    assert (plan.exclusion[0].reason, plan.exclusion[0].rule.id) == ("No budget.", "too-small")
    assert plan.exclusion[0].rule.matches({"employees": 4})
    assert (plan.sign_off[0].who, plan.sign_off[0].role, plan.sign_off[0].when) == (
        "Dana Reyes",
        "CRO",
        date(2026, 7, 1),
    )


def test_an_empty_plan_is_the_default_one_and_nobody_approved_it() -> None:
    plan = parse_plan("", "plan.toml")
    assert plan == Plan()
    assert not plan.approved
    assert plan.objective.model_dump() == PRESETS["balanced"]


@pytest.mark.parametrize("preset", PRESETS)
def test_an_objective_may_be_a_preset(preset: str) -> None:
    objective = parse_plan(f'objective = {{preset = "{preset}"}}', "plan.toml").objective
    assert objective.model_dump() == {name: PRESETS[preset].get(name, 0.0) for name in OBJECTIVES}


@pytest.mark.parametrize(
    ("text", "place", "allowed"),
    [
        ("colour = 1", "colour", list(Plan.model_fields)),
        ("[book]\nas_off = 2026-01-01", "book.as_off", ["as_of", "window_months", "currency", "preset"]),
        (
            '[files.accounts]\npath = "a"\npth = "x"',
            "files.accounts.pth",
            ["path", "separator", "header"],
        ),
        ("[attributes]\ndropp = []", "attributes.dropp", ["drop", "keep"]),
        ("[money]\nmargin = 1", "money.margin", ["gross_margin", "discount_rate", "horizon_months"]),
        ("[objective]\ngrowth = 1\nspeed = 1", "objective.speed", list(OBJECTIVES)),
        ("[icp]\nfloor = 1", "icp.floor", ["require_segment", "fit_floor", "fit_threshold"]),
        ("[fire]\nfits = 1", "fire.fits", ["fit", "intent", "recency", "engagement"]),
        ("[tiers]\ntier_4 = 1", "tiers.tier_4", ["tier_1", "tier_2", "tier_3"]),
        (f'[[segment]]\nid = "a"\nidd = "b"\n{RULE}', "segment.1.idd", ["id", "name", "where"]),
        (
            f'{EXCLUSION}[[exclusion]]\nid = "b"\nreason = "r"\nx = 1\n{RULE}',
            "exclusion.2.x",
            ["id", "reason", "where"],
        ),
        (f"{SIGNED}whose = 1\n[icp]\nrequire_segment = false", "sign_off.1.whose", ["who", "role", "when"]),
    ],
)
def test_an_unknown_key_is_refused_with_those_allowed_there(
    text: str, place: str, allowed: list[str]
) -> None:
    assert refused(text) == f"  {place}: unknown key. Allowed here: {', '.join(allowed)}"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("format = 2", "format"),
        ("name = 3", "name"),
        ("book = 3", "book"),
        ("[book]\nas_of = true", "book.as_of"),
        ("[book]\nas_of = 2026-06-30T10:00:00", "book.as_of"),
        ("[book]\nwindow_months = 0", "book.window_months"),
        ("[book]\nwindow_months = 12.5", "book.window_months"),
        ('[files.bogus]\npath = "x"', "files.bogus"),
        ('[files.accounts]\npath = "x"\nseparator = "||"', "files.accounts.separator"),
        ('[files.accounts]\nseparator = ","', "files.accounts.path"),
        ("[columns.accounts]\naccount_id = 3", "columns.accounts.account_id"),
        ("[columns.bogus]\na = 'b'", "columns.bogus"),
        ("[attributes]\ndrop = 'x'", "attributes.drop"),
        ("[money]\ngross_margin = 0", "money.gross_margin"),
        ("[money]\ngross_margin = 1.1", "money.gross_margin"),
        ("[money]\ndiscount_rate = 1", "money.discount_rate"),
        ("[money]\nhorizon_months = 241", "money.horizon_months"),
        ("[objective]\ngrowth = -1", "objective.growth"),
        ("[objective]\ngrowth = nan", "objective.growth"),
        ("[objective]\ngrowth = inf", "objective.growth"),
        ("[icp]\nfit_floor = 101", "icp.fit_floor"),
        ("[fire]\nfit = 0", "fire.fit"),
        ("[tiers]\ntier_1 = inf", "tiers.tier_1"),
        (f'[[segment]]\nid = "No Spaces"\n{RULE}', "segment.1.id"),
        (f'[[segment]]\nid = "{"a" * 81}"\n{RULE}', "segment.1.id"),
        (f"[[segment]]\n{RULE}", "segment.1.id"),
        ('[[segment]]\nid = "a"', "segment.1.where"),
        ('[segment]\nid = "a"', "segment"),
        (f'[[exclusion]]\nid = "a"\nreason = ""\n{RULE}', "exclusion.1.reason"),
        (f'[[exclusion]]\nid = "a"\n{RULE}', "exclusion.1.reason"),
        ('[icp]\nrequire_segment = false\n[[sign_off]]\nwho = "a"\nrole = "b"', "sign_off.1.when"),
        (f"[icp]\nrequire_segment = false\n{SIGNED.replace('Dana', '')}", "sign_off.1.who"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_with_its_place(text: str, place: str) -> None:
    lines = refused(text).splitlines()
    assert all(line.startswith((f"  {place}: ", f"  {place}.")) for line in lines)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[fire]\nfit = 0.9", "fire: the four weights sum to 1.4; make them sum to 1"),
        ("[icp]\nfit_floor = 70", "icp: fit_floor is above fit_threshold"),
        (
            "[tiers]\ntier_2 = 71",
            "tiers: tier_1 must be at least tier_2, and tier_2 at least tier_3",
        ),
        (
            "[objective]\ngrowth = 0",
            "objective: give at least one of growth, lifetime_value, efficiency a weight above 0",
        ),
        (
            f'[[segment]]\nid = "b"\n{RULE}[[segment]]\nid = "a"\n{RULE}[[segment]]\nid = "b"\n{RULE}',
            "segment: these ids stand more than once: b",
        ),
        (
            EXCLUSION * 2,
            "exclusion: these ids stand more than once: a",
        ),
        (
            SIGNED,
            "the plan: signed off without a [[segment]]: add one, or set icp.require_segment = false",
        ),
        (
            '[[segment]]\nid = "a"\nwhere = [{x = true}, {employees = {min = 5, max = 1}}]',
            "segment.1.where: employees: min is above max",
        ),
        (
            '[[segment]]\nid = "a"\nwhere = [{x = true}, {employees = {mn = 5}}]',
            f"segment.1.where: employees: {A_CONDITION_IS}",
        ),
    ],
)
def test_what_contradicts_itself_is_refused_with_what_to_do(text: str, line: str) -> None:
    assert refused(text) == f"  {line}"


@pytest.mark.parametrize("preset", ['"win_rate"', '["growth"]', "1", '"growth", growth = 1'])
def test_a_preset_stands_alone_and_is_a_known_one(preset: str) -> None:
    message = refused(f"objective = {{preset = {preset}}}")
    assert message == f"  objective: preset stands alone and is one of: {', '.join(PRESETS)}"


def test_every_problem_is_listed_at_once() -> None:
    lines = refused("colour = 1\n[book]\nwindow_months = 0\n[fire]\nfit = 0.9").splitlines()
    assert [line.split(":")[0].strip() for line in lines] == ["book.window_months", "fire", "colour"]


def test_a_plan_may_be_signed_without_a_segment_where_none_is_required() -> None:
    assert parse_plan(f"[icp]\nrequire_segment = false\n{SIGNED}", "plan.toml").approved


def test_fire_weights_may_sum_to_1_but_for_rounding() -> None:
    text = "[fire]\nfit = 0.7\nintent = 0.1\nrecency = 0.1\nengagement = 0.1"
    assert parse_plan(text, "plan.toml").fire.fit == 0.7


def test_text_that_is_not_toml_is_refused() -> None:
    assert "is not valid TOML" in refused("x = ")


def test_a_plan_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(WHOLE, encoding="utf-8")
    assert read_plan(tmp_path / "plan.toml") == parse_plan(WHOLE, "plan.toml")


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_plan_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "plan.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PlanError, match="cannot read the plan") as caught:
        read_plan(path)
    assert str(path) in str(caught.value)


def test_a_plan_is_spelt_in_segments_and_exclusions_alike() -> None:
    text = """
[[segment]]
id = "german"
where = [{country = ["Germany"]}, {employees = {min = 5}}]

[[exclusion]]
id = "french"
reason = "No partner there."
where = [{country = ["France"]}]
"""
    plan = parse_plan(text, "plan.toml")
    read = plan.spelt({"country": as_country})
    assert read.segment[0].rule.sentence == "country is de and employees is at least 5"
    assert read.exclusion[0].rule.sentence == "country is fr"
    assert read.spelt({"country": as_country}) == read
    assert plan.spelt({}) == plan
