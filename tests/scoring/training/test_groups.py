from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from scoring.plan import Plan, read_plan
from scoring.rules import Rule, Where
from scoring.training.book import Book, read_book
from scoring.training.demo_book import DemoTruth, plan_text, write_demo_book
from scoring.training.demo_outcomes import TRAP_ID, TRAP_WHERE, rule_from
from scoring.training.found import GroupFigures
from scoring.training.groups import Group, cohorts, group_figures, members_of
from scoring.training.metrics import account_metrics
from tests.scoring.training.typed_books import Row, book_of, plan_at

AS_OF = "2025-01-01"
START = date(2023, 1, 1)


def figures_of(
    book: Book, plan: Plan, groups: Sequence[Group] = (), seed: int = 0
) -> dict[str, GroupFigures]:
    found = group_figures(book, plan, account_metrics(book, plan), groups, seed=seed)
    return {group.id: group for group in found}


def group(name: str, *members: str, kind: Any = "segment") -> Group:
    return Group(name, name, kind, pl.Series(members, dtype=pl.String))


def values(found: GroupFigures) -> dict[str, float | None]:
    return {name: figure.value for name, figure in found.figures.items()}


def deal(account: str, outcome: str, days: int | None = 30, amount: float | None = 1200.0) -> Row:
    return (account, START, None if days is None else START + timedelta(days), outcome, amount, "new")


# By hand


def small_book() -> Book:
    """Two years of four customers, each with a window that matters, and a young one."""
    return book_of(
        subscriptions=[
            ("grows", START, date(2024, 1, 1), 100),
            ("grows", date(2024, 1, 1), None, 150),
            ("shrinks", START, date(2024, 6, 1), 200),
            ("shrinks", date(2024, 6, 1), None, 120),
            ("leaves", START, date(2023, 7, 1), 50),
            ("back", START, date(2023, 7, 1), 40),
            ("back", date(2024, 3, 1), None, 60),
            ("young", date(2024, 9, 1), None, 1000),
        ],
        accounts=[
            ("grows", 1000, 0.5),
            ("shrinks", 800, 0.5),
            ("leaves", 600, 0.5),
            ("young", 4000, 0.5),
            ("back", None, 0.5),
        ],
        deals=[
            *(deal(name, "won", days) for name, days in (("grows", 20), ("shrinks", 40), ("leaves", 90))),
            deal("young", "won", None, None),
            *(deal("prospect", "lost") for _ in range(4)),
            deal("prospect", "open", None),
            deal("prospect", "open", None),
        ],
        prospects=["prospect", "silent"],
    )


def test_figures_pool_what_the_customers_of_a_group_are_worth() -> None:
    """Of windows begun: grows 100 to 150 to 150, shrinks 200 to 200 to 120, leaves 50 to 0, back 40 to 0."""
    book, plan = small_book(), plan_at(AS_OF)
    base = figures_of(book, plan)["base"]
    start = 100 + 150 + 200 + 200 + 50 + 40
    found = values(base)
    assert found["nrr"] == pytest.approx((150 + 150 + 200 + 120) / start)
    assert found["grr"] == pytest.approx((100 + 150 + 200 + 120) / start)
    assert found["expansion_rate"] == pytest.approx(50 / start)
    assert found["logo_retention"] == pytest.approx(4 / 6)
    assert found["payback"] == pytest.approx((1000 + 800 + 600 + 4000) / (0.5 * (100 + 200 + 50 + 1000)))
    metrics = account_metrics(book, plan).filter(pl.col("clv").is_not_null())
    assert found["clv"] == pytest.approx(metrics["clv"].sum() / 4)
    known = metrics.filter(pl.col("cac").is_not_null())
    assert found["ltv_cac"] == pytest.approx(known["clv"].sum() / (1000 + 800 + 600))
    assert {name: base.figures[name].n for name in ("nrr", "clv", "payback", "ltv_cac")} == {
        "nrr": 4,
        "clv": 4,
        "payback": 4,
        "ltv_cac": 3,
    }
    assert base.customers == 5


def test_secondary_figures_come_from_new_deals_of_customers_and_prospects() -> None:
    found = figures_of(
        small_book(), plan_at(AS_OF), [group("won", "grows", "shrinks"), group("none", "silent")]
    )
    base = values(found["base"])
    assert base["win_rate"] == 4 / 8
    assert (base["acv"], base["sales_cycle"]) == (1200, 40)
    assert base["velocity"] == pytest.approx(2 * 0.5 * 1200 / (40 / (365.25 / 12)))
    won = found["won"]
    assert (won.customers, won.figures["win_rate"].value, won.figures["sales_cycle"].value) == (2, 1.0, 30)
    assert won.figures["velocity"].value == 0  # nothing is open
    assert set(values(found["none"]).values()) == {None}
    assert found["none"].customers == 0


def test_without_opportunities_the_secondary_figures_are_unknown() -> None:
    book = book_of(subscriptions=[("a", START, None, 10), ("b", START, None, 10)])
    found = values(figures_of(book, plan_at(AS_OF))["base"])
    assert [found[name] for name in ("win_rate", "acv", "sales_cycle", "velocity")] == [None] * 4
    assert found["nrr"] == 1
    assert found["payback"] is None


def test_customers_that_never_pay_back_count_in_payback() -> None:
    book = book_of(
        subscriptions=[("good", START, None, 100), ("bad", START, None, 100)],
        accounts=[("good", 500, 0.5), ("bad", 500, -0.1)],
    )
    found = figures_of(book, plan_at(AS_OF), [group("bad", "bad")])
    assert found["base"].figures["payback"].value == pytest.approx(1000 / (50 - 10))
    assert found["bad"].figures["payback"].value is None


def test_an_mrr_weighs_as_the_revenue_of_its_window_beside_invoices() -> None:
    book = book_of(
        subscriptions=[("a", START, date(2024, 1, 1), 100), ("a", date(2024, 1, 1), None, 50)],
        invoices=[("b", START, 1200, None), ("b", date(2024, 1, 1), 2400, None)],
    )
    found = figures_of(book, plan_at(AS_OF))["base"].figures["nrr"]
    assert found.value == pytest.approx((12 * (50 + 50) + 2400) / (12 * (100 + 50) + 1200))


def test_one_account_has_a_value_and_no_interval() -> None:
    found = figures_of(small_book(), plan_at(AS_OF), [group("one", "grows")])["one"].figures["nrr"]
    assert (found.value, found.low, found.high, found.n) == (300 / 250, None, None, 1)


def test_a_share_that_all_accounts_have_in_common_has_the_bound_of_a_binomial() -> None:
    rows = [(f"a{place}", START, None, 10.0) for place in range(10)]
    found = figures_of(book_of(subscriptions=rows), plan_at("2024-01-01"))["base"].figures["logo_retention"]
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.05 ** (1 / 10))


# Groups


def test_cohorts_hold_each_customer_once_and_none_that_never_paid() -> None:
    book = book_of(
        subscriptions=[
            ("a", date(2023, 2, 1), None, 1),
            ("b", date(2023, 12, 31), None, 1),
            ("c", date(2024, 1, 1), None, 1),
            ("free", date(2024, 1, 1), None, 0),
        ]
    )
    metrics = account_metrics(book, plan_at(AS_OF))
    years = {one.id: one.members.to_list() for one in cohorts(metrics)}
    quarters = {one.id: one.members.to_list() for one in cohorts(metrics, "quarter")}
    assert years == {"cohort-2023": ["a", "b"], "cohort-2024": ["c"]}
    assert quarters == {"cohort-2023-q1": ["a"], "cohort-2023-q4": ["b"], "cohort-2024-q1": ["c"]}


def test_win_rates_of_cohorts_are_unknown_because_all_in_one_have_bought() -> None:
    book, plan = small_book(), plan_at(AS_OF)
    found = figures_of(book, plan, cohorts(account_metrics(book, plan)))["cohort-2023"]
    assert values(found)["win_rate"] is values(found)["velocity"] is None
    assert values(found)["acv"] == 1200


def test_members_of_a_rule_are_accounts_and_prospects() -> None:
    book = book_of(
        subscriptions=[], accounts=[("a", 900, None), ("b", 5, None), ("c", None, None)], prospects=["p"]
    )
    conditions = TypeAdapter(Where).validate_python([{"cac": {"min": 100}}])
    assert members_of(Rule("dear", conditions), book).to_list() == ["a"]
    missing = TypeAdapter(Where).validate_python([{"cac": {"missing": True}}])
    assert members_of(Rule("unknown", missing), book).to_list() == ["c", "p"]


def test_groups_of_one_kind_without_an_id_of_their_own_are_refused() -> None:
    with pytest.raises(ValueError, match="ids of their own"):
        figures_of(small_book(), plan_at(AS_OF), [group("twice", "grows"), group("twice", "leaves")])


def test_groups_of_different_kinds_may_share_an_id() -> None:
    book, plan = small_book(), plan_at(AS_OF)
    metrics = account_metrics(book, plan)
    years = cohorts(metrics)
    groups = [*years, group("base", "grows"), *(group(one.id, "leaves") for one in years)]
    found = group_figures(book, plan, metrics, groups)
    assert [(one.kind, one.id) for one in found[1:]] == [(one.kind, one.id) for one in groups]
    by_name = {(one.kind, one.id): one.customers for one in found}
    assert (by_name["base", "base"], by_name["segment", "base"]) == (5, 1)
    assert (by_name["cohort", "cohort-2023"], by_name["segment", "cohort-2023"]) == (4, 1)


# Flags


def test_an_nrr_under_100_percent_and_too_few_customers_are_said() -> None:
    found = figures_of(
        small_book(), plan_at(AS_OF), [group("two", "shrinks", "leaves"), group("up", "grows")]
    )
    assert [flag.split(":")[0] for flag in found["two"].flags] == ["Too few customers", "NRR is under 100%"]
    assert [flag.split(":")[0] for flag in found["up"].flags] == ["Too few customers"]


def test_customers_too_young_for_an_nrr_are_said() -> None:
    rows = [(f"a{place:02d}", date(2024, 6, 1), None, 10.0) for place in range(25)]
    assert figures_of(book_of(subscriptions=rows), plan_at(AS_OF))["base"].flags == (
        "Of 25 customers none can have an NRR yet, where 20 or more are needed.",
    )


def trap_book(won: float, kept: float, growth: float) -> tuple[Book, Group]:
    """Of 260 customers 60 are won with the chance `won` and kept with `kept`, the others with .3 and .9."""
    rng = np.random.default_rng(9)
    subscriptions: list[Row] = []
    deals: list[Row] = []
    for place in range(260):
        name, inside = f"a{place:03d}", place < 60
        stays = rng.random() < (kept if inside else 0.9)
        subscriptions.append((name, START, date(2023, 6, 1), 100.0))
        if stays:
            subscriptions.append((name, date(2023, 6, 1), None, 100.0 * (growth if inside else 1.1)))
        odds = won if inside else 0.3
        deals += [deal(name, "won"), *(deal(name, "lost") for _ in range(rng.geometric(odds) - 1))]
    members = group("inside", *(f"a{place:03d}" for place in range(60)))
    return book_of(subscriptions=subscriptions, deals=deals), members


@pytest.mark.parametrize(
    ("won", "kept", "growth", "flagged"),
    [(0.8, 0.6, 1.0, True), (0.3, 0.6, 1.0, False), (0.8, 0.9, 1.1, False), (0.8, 0.6, 3.0, False)],
    ids=["won easily and kept badly", "kept badly", "won easily", "kept badly but growing"],
)
def test_a_trap_is_both_won_easily_and_kept_badly(
    won: float, kept: float, growth: float, flagged: bool
) -> None:
    book, members = trap_book(won, kept, growth)
    found = figures_of(book, plan_at("2024-01-01"), [members])["inside"]
    assert any("trap" in flag for flag in found.flags) == flagged
    base = figures_of(book, plan_at("2024-01-01"))["base"]
    assert not any("trap" in flag for flag in base.flags)


def test_the_trap_is_said_with_its_figures_and_everybodys() -> None:
    book, members = trap_book(0.8, 0.6, 1.0)
    found = figures_of(book, plan_at("2024-01-01"), [members])
    (said,) = (flag for flag in found["inside"].flags if "trap" in flag)
    for name in ("win_rate", "logo_retention", "nrr"):
        for where in ("inside", "base"):
            figure = found[where].figures[name]
            assert f"{figure.value:.0%} (90% interval: {figure.low:.0%} to {figure.high:.0%})" in said


# The demo book


def demo_figures(folder: Path, *, seed: int, null: bool) -> tuple[DemoTruth, dict[str, GroupFigures]]:
    """Measure the segments of the demo's plan and its trap, whether they are planted or not."""
    truth = write_demo_book(folder, accounts=1000, prospects=250, seed=seed, null=null)
    plan = read_plan(folder / "plan.toml")
    book = read_book(folder, plan)
    planted = folder / "planted.toml"
    planted.write_text(plan_text(null=False), encoding="utf-8")
    rules = [spec.rule for spec in read_plan(planted).segment] + [rule_from(TRAP_ID, TRAP_WHERE)]
    return truth, figures_of(
        book, plan, [Group(rule.id, rule.id, "segment", members_of(rule, book)) for rule in rules]
    )


@pytest.mark.parametrize("seed", range(3))
def test_the_planted_trap_is_flagged_and_no_planted_segment(tmp_path: Path, seed: int) -> None:
    truth, found = demo_figures(tmp_path / "book", seed=seed, null=False)
    assert truth.trap is not None
    assert any("trap" in flag for flag in found[truth.trap.id].flags)
    for segment in truth.segments:
        assert not found[segment.id].flags
        nrr = found[segment.id].figures["nrr"]
        assert nrr.low is not None
        assert nrr.high is not None
        assert nrr.low < segment.nrr < nrr.high + 0.05
        assert nrr.shrunk is not None
        assert nrr.value is not None
        base = found["base"].figures["nrr"].value
        assert base is not None
        assert base < nrr.shrunk < nrr.value


@pytest.mark.parametrize("seed", range(5))
def test_in_a_null_book_there_is_no_trap_and_little_between_groups(tmp_path: Path, seed: int) -> None:
    _, found = demo_figures(tmp_path / "book", seed=seed, null=True)
    assert not any("trap" in flag for one in found.values() for flag in one.flags)
    base = found["base"].figures["nrr"].value
    assert base is not None
    apart = [
        (abs(figure.value - base), abs(figure.shrunk - base))
        for figure in (one.figures["nrr"] for one in found.values())
        if figure.value is not None and figure.shrunk is not None
    ]
    assert sum(shrunk for _, shrunk in apart) < 0.6 * sum(value for value, _ in apart)


# Equivalences


def random_book(seed: int, n: int = 40) -> tuple[list[Row], list[Row], list[Row]]:
    """Subscriptions, deals and accounts whose sums depend on their order in the last bit."""
    rng = np.random.default_rng(seed)
    subscriptions: list[Row] = []
    deals: list[Row] = []
    accounts: list[Row] = []
    for place in range(n):
        name = f"a{place:02d}"
        first = date(2022, 1, 1) + timedelta(int(rng.integers(0, 900)))
        later = first + timedelta(int(rng.integers(30, 700)))
        subscriptions.append((name, first, later, float(rng.integers(1, 900)) + 0.1))
        if rng.random() < 0.8:
            subscriptions.append((name, later, None, float(rng.integers(1, 900)) + 0.1))
        accounts.append((name, float(rng.integers(1, 900)) + 0.1, 0.7))
        for _ in range(rng.integers(0, 4)):
            days = int(rng.integers(1, 200))
            deals.append(deal(name, str(rng.choice(["won", "lost"])), days, float(rng.integers(1, 99)) + 0.1))
    return subscriptions, deals, accounts


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10**6))
def test_neither_the_order_of_rows_nor_the_names_of_accounts_change_a_bit(seed: int) -> None:
    subscriptions, deals, accounts = random_book(seed)
    rng = np.random.default_rng(seed)
    names = {f"a{old:02d}": f"b{new:02d}" for old, new in enumerate(rng.permutation(len(accounts)))}

    def renamed(rows: list[Row]) -> list[Row]:
        return [(names[rows[at][0]], *rows[at][1:]) for at in rng.permutation(len(rows))]

    half = sorted(names)[::2]
    plan = plan_at(AS_OF)
    whole = figures_of(
        book_of(subscriptions=subscriptions, deals=deals, accounts=accounts), plan, [group("half", *half)]
    )
    other = figures_of(
        book_of(subscriptions=renamed(subscriptions), deals=renamed(deals), accounts=renamed(accounts)),
        plan,
        [group("half", *(names[name] for name in half))],
    )
    assert whole == other


def test_a_groups_interval_does_not_depend_on_what_else_is_measured_but_on_the_seed() -> None:
    subscriptions, deals, accounts = random_book(1)
    book, plan = book_of(subscriptions=subscriptions, deals=deals, accounts=accounts), plan_at(AS_OF)
    half, other = group("half", *(f"a{at:02d}" for at in range(20))), group("other", "a01", "a02", "a03")
    alone = figures_of(book, plan, [half])["half"].figures["nrr"]
    beside = figures_of(book, plan, [other, half])["half"].figures["nrr"]
    assert (alone.low, alone.high) == (beside.low, beside.high)
    assert figures_of(book, plan, [half], seed=1)["half"].figures["nrr"].low != alone.low


def test_shrinking_is_toward_the_base_and_the_less_the_larger_the_group() -> None:
    """All groups fare alike and far from the others, so that only their sizes differ."""
    subscriptions: list[Row] = []
    rng = np.random.default_rng(3)
    for place in range(400):
        inside = place < 100
        subscriptions.append((f"a{place:03d}", START, date(2023, 6, 1), 100.0))
        growth = 100 * (1.5 if inside else 1.0) + rng.normal(0, 40)
        subscriptions.append((f"a{place:03d}", date(2023, 6, 1), None, max(growth, 1.0)))
    groups = [group("small", *(f"a{at:03d}" for at in range(10)))]
    groups += [group("large", *(f"a{at:03d}" for at in range(10, 100)))]
    found = figures_of(book_of(subscriptions=subscriptions), plan_at("2024-01-01"), groups)
    base = found["base"].figures["nrr"].value
    pulls = []
    for name in ("small", "large"):
        figure = found[name].figures["nrr"]
        assert base is not None
        assert figure.value is not None
        assert figure.shrunk is not None
        pulls.append((figure.value - figure.shrunk) / (figure.value - base))
        assert base < figure.shrunk < figure.value
    k = [n * pull / (1 - pull) for n, pull in zip((10, 90), pulls, strict=True)]
    assert k[0] == pytest.approx(k[1])
    assert pulls[0] > pulls[1]
