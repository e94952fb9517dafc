from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from scoring.country import as_country
from scoring.errors import PlanError
from scoring.plan import OBJECTIVES, PRESETS, BookSection, Plan, TableName, parse_plan, read_plan
from scoring.plan_reach import RolesSection
from scoring.plan_rules import CONDITIONS, ReadinessSpec, TriggerSpec
from scoring.signals.policy import DEFAULT_TYPES

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
TOP = ["list" if name == "target_list" else name for name in Plan.model_fields]
TABLES = list(get_args(TableName))
TRIGGER = TriggerSpec.model_fields
READINESS = ReadinessSpec.model_fields
MONTHS = "a whole number from 1 to 60"
SIGNALS = ", ".join(DEFAULT_TYPES)
KINDS = ("too_early", "too_late", "too_large", "locked_in", "other")
ID = "lower-case letters, digits and dashes, 80 at most"
REACH = """
[attributes]
monotone = {size = "rising", debt = "falling"}
[list]
size = 500
[coverage]
contacts_per_account = 3
roles = ["CFO", "head of data"]
[roles]
champion = "sponsor"
locked_in_with = ["vendor", "contract_end"]
[[trigger]]
id = "new-cfo"
name = "A new CFO"
why = "New CFOs look at what they pay for."
date_of = "cfo_since"
within_days = 180
where = [{size = {min = 50}}]
[[trigger]]
id = "asked"
signals = ["demo_request", "pricing_page"]
[[readiness]]
id = "data-team"
reason = "Somebody must run it."
where = [{data_team = true}]
[[exclusion]]
id = "under-contract"
reason = "They cannot leave."
kind = "locked_in"
where = [{vendor = ["acme"]}]
"""
SIGNED = '[[sign_off]]\nwho = "Dana"\nrole = "CRO"\nwhen = 2026-07-01\n'


def refused(text: str) -> str:
    with pytest.raises(PlanError) as caught:
        parse_plan(text, "team/plan.toml")
    return str(caught.value)


def on_line(text: str, faulty: str) -> str:
    """The start of a message about the only line that starts so."""
    found = [n for n, line in enumerate(text.splitlines(), 1) if line.startswith(faulty)]
    assert len(found) == 1, faulty
    return f"team/plan.toml, line {found[0]}: "


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
    ("text", "place", "meant", "allowed"),
    [
        ("colour = 1", "colour", "", [*TOP]),
        ("exclusions = 1", "exclusions", "exclusion", [*TOP]),
        ("[book]\nas_off = 2026-01-01", "book.as_off", "as_of", list(BookSection.model_fields)),
        (
            '[files.accounts]\npath = "a"\npth = "x"',
            "files.accounts.pth",
            "path",
            ["path", "separator", "header"],
        ),
        ('[files.bogus]\npath = "x"', "files.bogus", "", TABLES),
        ("[columns.acounts]\na = 'b'", "columns.acounts", "accounts", TABLES),
        ("[attributes]\ndropp = []", "attributes.dropp", "drop", ["drop", "keep", "monotone"]),
        (
            "[money]\nmargin = 1",
            "money.margin",
            "gross_margin",
            ["gross_margin", "discount_rate", "horizon_months"],
        ),
        ("[objective]\ngrowth = 1\nspeed = 1", "objective.speed", "", [*OBJECTIVES, "preset"]),
        ("[icp]\nfloor = 1", "icp.floor", "fit_floor", ["require_segment", "fit_floor", "fit_threshold"]),
        ("[fire]\nfits = 1", "fire.fits", "fit", ["fit", "intent", "recency", "engagement"]),
        ("[tiers]\ntier_4 = 1", "tiers.tier_4", "tier_3", ["tier_1", "tier_2", "tier_3"]),
        ("[list]\nsizes = 1", "list.sizes", "size", ["size"]),
        ("[coverage]\nrole = []", "coverage.role", "roles", ["contacts_per_account", "roles"]),
        ("[roles]\nchamp = 'x'", "roles.champ", "champion", list(RolesSection.model_fields)),
        (f'[[segment]]\nid = "a"\nidd = "b"\n{RULE}', "segment.1.idd", "id", ["id", "where", "name"]),
        (
            f'{EXCLUSION}[[exclusion]]\nid = "b"\nreason = "r"\nx = 1\n{RULE}',
            "exclusion.2.x",
            "",
            ["id", "where", "reason", "kind"],
        ),
        (f'[[trigger]]\nid = "a"\nsignal = []\n{RULE}', "trigger.1.signal", "signals", [*TRIGGER]),
        (f'[[readiness]]\nid = "a"\nreason = "r"\nwhy = ""\n{RULE}', "readiness.1.why", "", [*READINESS]),
        (
            f"{SIGNED}whose = 1\n[icp]\nrequire_segment = false",
            "sign_off.1.whose",
            "who",
            ["who", "role", "when"],
        ),
    ],
)
def test_an_unknown_key_is_refused_on_its_line_with_those_allowed_there(
    text: str, place: str, meant: str, allowed: list[str]
) -> None:
    key = place.rpartition(".")[2]
    line = on_line(text, f"[{place}]" if place.startswith(("files.bogus", "columns")) else f"{key} =")
    advice = f"did you mean {meant}? Allowed here" if meant else "allowed here"
    assert refused(text) == f"{line}{place}: unknown key; {advice}: {', '.join(allowed)}"


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("format = 2", "format", "2 is not allowed; allowed: 1"),
        ("name = 3", "name", "3 is not allowed; allowed: a text"),
        (
            "book = 3",
            "book",
            "3 is not allowed; allowed: a table with as_of, window_months, currency, preset",
        ),
        ("[book]\nas_of = true", "book.as_of", "true is not allowed; allowed: a date, such as 2026-06-30"),
        (
            "[book]\nas_of = 2026-06-30T10:00:00",
            "book.as_of",
            '"2026-06-30 10:00:00" is not allowed; allowed: a date, such as 2026-06-30',
        ),
        ("[book]\nwindow_months = 0", "book.window_months", "0 is not allowed; allowed: " + MONTHS),
        ("[book]\nwindow_months = 12.5", "book.window_months", "12.5 is not allowed; allowed: " + MONTHS),
        (
            '[files.accounts]\npath = "x"\nseparator = "||"',
            "files.accounts.separator",
            '"||" is not allowed; allowed: a text of length 1',
        ),
        ('[files.accounts]\nseparator = ","', "files.accounts.path", "missing; give a text"),
        (
            "[columns.accounts]\naccount_id = 3",
            "columns.accounts.account_id",
            "3 is not allowed; allowed: a text or a list of texts",
        ),
        ("[attributes]\ndrop = 'x'", "attributes.drop", '"x" is not allowed; allowed: a list of texts'),
        ("[attributes]\ndrop = [[]]", "attributes.drop.1", "an empty list is not allowed; allowed: a text"),
        (
            "[attributes]\nmonotone = {size = 'risen'}",
            "attributes.monotone.size",
            '"risen" is not known; did you mean rising? Allowed: rising, falling',
        ),
        (
            "[money]\ngross_margin = 0",
            "money.gross_margin",
            "0 is not allowed; allowed: a number above 0 and at most 1",
        ),
        (
            "[money]\ndiscount_rate = 1",
            "money.discount_rate",
            "1 is not allowed; allowed: a number of at least 0 and below 1",
        ),
        (
            "[money]\nhorizon_months = 241",
            "money.horizon_months",
            "241 is not allowed; allowed: a whole number from 1 to 240",
        ),
        (
            "[objective]\ngrowth = -1",
            "objective.growth",
            "-1 is not allowed; allowed: a number of at least 0",
        ),
        (
            "[objective]\ngrowth = nan",
            "objective.growth",
            "nan is not allowed; allowed: a number of at least 0",
        ),
        (
            "[objective]\ngrowth = inf",
            "objective.growth",
            "inf is not allowed; allowed: a number of at least 0",
        ),
        (
            '[objective]\npreset = "early-stage"',
            "objective.preset",
            f'"early-stage" is not known; did you mean early_stage? Allowed: {", ".join(PRESETS)}',
        ),
        (
            "[objective]\npreset = ['growth']",
            "objective.preset",
            f"a list is not known; did you mean growth? Allowed: {', '.join(PRESETS)}",
        ),
        (
            '[objective]\ngrowth = 1\npreset = "growth"',
            "objective.preset",
            "a preset stands alone: leave out the weights, or the preset",
        ),
        (
            "[icp]\nrequire_segment = 'perhaps'",
            "icp.require_segment",
            '"perhaps" is not allowed; allowed: true or false',
        ),
        ("[icp]\nfit_floor = 101", "icp.fit_floor", "101 is not allowed; allowed: a number from 0 to 100"),
        ("[tiers]\ntier_1 = inf", "tiers.tier_1", "inf is not allowed; allowed: a number from 0 to 100"),
        ("[list]\nsize = 0", "list.size", "0 is not allowed; allowed: a whole number from 1 to 1,000,000"),
        ("[coverage]\nroles = 'CFO'", "coverage.roles", '"CFO" is not allowed; allowed: a list of texts'),
        ("[roles]\nchampion = 3", "roles.champion", "3 is not allowed; allowed: a list of texts"),
        (
            f'[[segment]]\nid = "No Spaces"\n{RULE}',
            "segment.1.id",
            f'"No Spaces" is not allowed; allowed: {ID}',
        ),
        (
            f'[[segment]]\nid = "{"a" * 81}"\n{RULE}',
            "segment.1.id",
            f'"{"a" * 81}" is not allowed; allowed: {ID}',
        ),
        (f"[[segment]]\n{RULE}", "segment.1.id", f"missing; give {ID}"),
        ('[[segment]]\nid = "a"', "segment.1.where", f"missing; give {CONDITIONS}"),
        (
            '[[segment]]\nid = "a"\nwhere = []',
            "segment.1.where",
            f"an empty list is not allowed; allowed: {CONDITIONS}",
        ),
        (
            '[segment]\nid = "a"',
            "segment",
            "a table is not allowed; allowed: tables under a header in double brackets",
        ),
        (
            f'[[exclusion]]\nid = "a"\nreason = ""\n{RULE}',
            "exclusion.1.reason",
            '"" is not allowed; allowed: a text that is not empty',
        ),
        (f'[[exclusion]]\nid = "a"\n{RULE}', "exclusion.1.reason", "missing; give a text that is not empty"),
        (
            f'{EXCLUSION}kind = "too_lare"',
            "exclusion.1.kind",
            f'"too_lare" is not known; did you mean too_large? Allowed: {", ".join(KINDS)}',
        ),
        (
            '[[trigger]]\nid = "a"\nsignals = [\n"webinar",\n"pricing page",\n]',
            "trigger.1.signals.2",
            f'"pricing page" is no type of signal; did you mean pricing_page? Allowed: {SIGNALS}',
        ),
        (
            f'[[trigger]]\nid = "a"\n{RULE}within_days = 0',
            "trigger.1.within_days",
            "0 is not allowed; allowed: a whole number from 1 to 3,650",
        ),
        (
            '[icp]\nrequire_segment = false\n[[sign_off]]\nwho = "a"\nrole = "b"',
            "sign_off.1.when",
            "missing; give a date, such as 2026-06-30",
        ),
        (
            f"[icp]\nrequire_segment = false\n{SIGNED.replace('Dana', '')}",
            "sign_off.1.who",
            '"" is not allowed; allowed: a text that is not empty',
        ),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_with_its_place_and_what_is(
    text: str, place: str, says: str
) -> None:
    message = refused(text)
    assert message.partition(": ")[2] == f"{place}: {says}"
    key = next(part for part in reversed(place.split(".")) if not part.isdigit())
    number = int(message.partition(", line ")[2].partition(":")[0])
    line = text.splitlines()[number - 1]
    if says.startswith("missing"):
        assert line.startswith("["), "the header of the table that lacks it"
    else:
        assert key in line or line == '"pricing page",'


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("[fire]\nfit = 0.9", "[fire]", "fire: the four weights sum to 1.4; make them sum to 1"),
        ("[icp]\nfit_floor = 70", "[icp]", "icp: fit_floor is above fit_threshold"),
        (
            "[tiers]\ntier_2 = 71",
            "[tiers]",
            "tiers: tier_1 must be at least tier_2, and tier_2 at least tier_3",
        ),
        (
            "[objective]\ngrowth = 0",
            "[objective]",
            "objective: give at least one of growth, lifetime_value, efficiency a weight above 0",
        ),
        (
            SIGNED,
            "[[sign_off]]",
            "sign_off: signed off without a [[segment]]: add one, or set icp.require_segment = false",
        ),
        (
            '[[segment]]\nid = "a"\nwhere = [\n{x = true},\n{employees = {min = 5, max = 1}},\n]',
            "{employees",
            "segment.1.where.2: employees: min is above max",
        ),
        (
            '[[segment]]\nid = "a"\nwhere = [\n{x = true},\n{employees = {mn = 5}},\n]',
            "{employees",
            f"segment.1.where.2: employees: {A_CONDITION_IS}",
        ),
        (
            '[[trigger]]\nid = "a"\nwhere = [{x = {}}]',
            "where",
            f"trigger.1.where.1: x: {A_CONDITION_IS}",
        ),
        (
            '[[segment]]\nid = "a"\nwhere = {x = true}',
            "where",
            "segment.1.where: write where = [{attribute = CONDITION}, {attribute = CONDITION}, ...]",
        ),
        (
            '[[trigger]]\nid = "a"\nwithin_days = 30',
            "[[trigger]]",
            "trigger.1: say when it holds: give signals, date_of, where, or more than one of them",
        ),
    ],
)
def test_what_contradicts_itself_is_refused_with_what_to_do(text: str, line: str, says: str) -> None:
    assert refused(text) == f"{on_line(text, line)}{says}"


@pytest.mark.parametrize(
    ("kind", "one"),
    [
        ("segment", 'id = "a"\n' + RULE),
        ("exclusion", 'id = "a"\nreason = "r"\n' + RULE),
        ("trigger", 'id = "a"\n' + RULE),
        ("readiness", 'id = "a"\nreason = "r"\n' + RULE),
    ],
)
def test_an_id_stands_once_in_its_kind(kind: str, one: str) -> None:
    other = f"[[{kind}]]\n{one.replace(chr(34) + 'a', chr(34) + 'b')}"
    text = f"[[{kind}]]\n{one}{other}[[{kind}]]\n{one}"
    third = text.splitlines().index('id = "a"', 3) + 1
    says = "the id a stands more than once; give each one its own"
    assert refused(text) == f"team/plan.toml, line {third}: {kind}.3.id: {says}"


@pytest.mark.parametrize("again", ["Dana", " dana ", "DANA"])
def test_one_person_signs_once_however_they_write_their_name(again: str) -> None:
    text = f"[icp]\nrequire_segment = false\n{SIGNED}{SIGNED.replace('Dana', again).replace('CRO', 'CEO')}"
    says = f"{again} signed already; a second approval must come from another person"
    assert refused(text) == f"team/plan.toml, line 8: sign_off.2.who: {says}"


def test_two_people_of_one_role_may_sign_before_and_after_the_book_s_last_day() -> None:
    text = "[book]\nas_of = 2026-06-30\n[icp]\nrequire_segment = false\n"
    earlier = SIGNED.replace("Dana", "Ikaika").replace("2026-07-01", "2025-01-31")
    plan = parse_plan(f"{text}{SIGNED}{earlier}", "plan.toml")
    assert [sign_off.person for sign_off in plan.sign_off] == ["dana", "ikaika"]
    assert plan.approved


def test_every_problem_is_listed_at_once_in_the_order_of_the_lines() -> None:
    lines = refused("colour = 1\n[fire]\nfit = 0.9\n[book]\nwindow_months = 0").splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        ["team/plan.toml, line 1", "colour"],
        ["team/plan.toml, line 2", "fire"],
        ["team/plan.toml, line 5", "book.window_months"],
    ]


def test_plans_that_say_the_same_are_equal_and_know_where_they_stand() -> None:
    one, other = parse_plan('name = "x"', "one.toml"), parse_plan('\nname="x"', "other.toml")
    assert one == other
    assert str(one.origin.refusal([(("name",), "no")])) == "one.toml, line 1: no"
    assert str(other.model_copy(update={"name": "y"}).origin.refusal([(("name",), "no")])) == (
        "other.toml, line 2: no"
    )
    assert str(Plan().origin.refusal([(("name",), "no")])) == "the plan: no"


def test_triggers_readiness_roles_list_and_coverage_are_read() -> None:
    plan = parse_plan(REACH, "plan.toml")
    hired, asked = plan.trigger
    assert (hired.date_of, hired.within_days, hired.attributes) == ("cfo_since", 180, ("cfo_since", "size"))
    assert (asked.signals, asked.within_days, asked.attributes) == (("demo_request", "pricing_page"), 90, ())
    assert plan.readiness[0].rule.sentence == "data_team is yes"
    assert plan.roles.champion == ("sponsor",)
    assert plan.roles.locked_in_with == ("vendor", "contract_end")
    assert plan.roles.use_case == ()
    assert plan.target_list.size == 500
    assert (plan.coverage.contacts_per_account, plan.coverage.roles) == (3, ["CFO", "head of data"])
    assert plan.attributes.monotone == {"size": "rising", "debt": "falling"}
    assert plan.exclusion[0].kind == "locked_in"


def test_a_trigger_is_said_in_words() -> None:
    hired, asked = parse_plan(REACH, "plan.toml").trigger
    assert hired.sentence == "cfo_since within 180 days and size is at least 50"
    assert asked.sentence == "demo_request or pricing_page within 90 days"


def test_a_trigger_holds_when_all_that_it_gives_does() -> None:
    hired, asked = parse_plan(REACH, "plan.toml").trigger
    assert hired.holds({"size": 50}, {}, {"cfo_since": 180.0})
    assert not hired.holds({"size": 50}, {}, {"cfo_since": 180.5})
    assert not hired.holds({"size": 50}, {}, {"cfo_since": -1.0}), "a day to come has not happened"
    assert not hired.holds({"size": 50}, {}, {})
    assert not hired.holds({"size": 49}, {}, {"cfo_since": 3.0})
    assert asked.holds({}, {"pricing_page": 90.0, "demo_request": 200.0}, {})
    assert not asked.holds({}, {"pricing_page": 91.0, "webinar": 1.0}, {})


def test_an_exclusion_that_says_no_kind_is_of_another() -> None:
    assert parse_plan(EXCLUSION, "plan.toml").exclusion[0].kind == "other"


def test_a_plan_may_be_signed_without_a_segment_where_none_is_required() -> None:
    assert parse_plan(f"[icp]\nrequire_segment = false\n{SIGNED}", "plan.toml").approved


def test_fire_weights_may_sum_to_1_but_for_rounding() -> None:
    text = "[fire]\nfit = 0.7\nintent = 0.1\nrecency = 0.1\nengagement = 0.1"
    assert parse_plan(text, "plan.toml").fire.fit == 0.7


@pytest.mark.parametrize(
    "text", ["x = ", "x = 1\n[", 'x = "', "x = [1, {a = 1", "a = 1\nb = c\na = 2", "a = 1\na.b = 2"]
)
def test_text_that_is_not_toml_is_refused(text: str) -> None:
    assert "is not valid TOML" in refused(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            '[objective]\npreset = "growth"\n\npreset = "balanced"\n',
            "line 4: objective.preset stands twice, here and on line 2",
        ),
        ('name = "a"\nname = "b"\nx = [', "line 2: name stands twice, here and on line 1"),
        ("[tiers]\n[fire]\n[tiers]\n", "line 3: tiers stands twice, here and on line 1"),
        ("tiers = {tier_1 = 9, tier_1 = 8}\n", "line 1: tiers.tier_1 stands twice, here and on line 1"),
        ("[fire]\n[[fire]]\n", "line 2: fire stands twice, here and on line 1"),
        ("[[segment]]\n[segment]\n", "line 2: segment stands twice, here and on line 1"),
        ("fire.fit = 1\n[fire]\n", "line 2: fire stands twice, here and on line 1"),
        (
            f'{EXCLUSION}[[exclusion]]\nid = "b"\nreason = "r"\nreason = "s"\n',
            "line 8: exclusion.2.reason stands twice, here and on line 7",
        ),
    ],
)
def test_what_stands_twice_is_named_with_both_lines(text: str, says: str) -> None:
    assert refused(text) == f"team/plan.toml, {says}; leave one of them out"


@pytest.mark.parametrize("why", ["Say why.", " say why. "])
@pytest.mark.parametrize(
    ("kind", "key"), [("trigger", "why"), ("exclusion", "reason"), ("readiness", "reason")]
)
def test_a_reason_that_is_still_to_be_written_is_refused_in_a_file(
    kind: str, key: str, why: str, tmp_path: Path
) -> None:
    path = tmp_path / "plan.toml"
    text = f'[[{kind}]]\nid = "a"\n{key} = "{why}"\n{RULE}'
    path.write_text(text)
    with pytest.raises(PlanError) as caught:
        read_plan(path)
    says = '"Say why." only holds the place of a reason; write yours, for those who read the plan'
    assert str(caught.value) == f"{path}, line 3: {kind}.1.{key}: {says}"
    assert len(getattr(parse_plan(text, "the plan of an artifact"), kind)) == 1
    path.write_text(text.replace(why, "We say why."))
    assert len(getattr(read_plan(path), kind)) == 1


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
