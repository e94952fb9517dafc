from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scoring.plan import parse_plan, read_plan
from scoring.plan_rules import SegmentSpec
from scoring.rules import Between, Flag, Has, OneOf
from scoring.training.attributes import Attribute
from scoring.training.book import read_book
from scoring.training.conditions import holds_for
from scoring.training.demo_book import DemoTruth
from scoring.training.demo_outcomes import rule_from
from scoring.training.discovery import LEAST_CUSTOMERS, discover
from scoring.training.found import Candidate, Discovery
from scoring.training.metrics import account_metrics
from scoring.training.proposals import overlap
from scoring.training.trials import MOST_FALSE
from tests.shared_data import SHARED

ATTRIBUTES = (
    Attribute("industry", "category"),
    Attribute("employees", "number"),
    Attribute("technologies", "tags"),
    Attribute("hiring", "flag"),
    Attribute("since", "date"),
)

Floats = NDArray[np.float64]


def companies(rng: np.random.Generator, count: int, prefix: str = "C") -> pl.DataFrame:
    """Draw accounts as a book holds them, a tenth of each column missing."""

    def with_gaps(values: Sequence[Any]) -> list[Any]:
        return [None if gap else value for value, gap in zip(values, rng.random(count) < 0.1, strict=True)]

    tags = ["aws", "dbt", "kafka", "snowflake"]
    return pl.DataFrame(
        {
            "account_id": [f"{prefix}{number:06d}" for number in range(count)],
            "industry": with_gaps(rng.choice(["energy", "fintech", "media", "retail"], count).tolist()),
            "employees": with_gaps(np.rint(np.exp(rng.normal(5, 2, count))).tolist()),
            "technologies": with_gaps([sorted({*rng.choice(tags, 2)}) for _ in range(count)]),
            "hiring": with_gaps((rng.random(count) < 0.5).tolist()),
            "since": with_gaps((2010 + 15 * rng.random(count)).tolist()),
        }
    )


def metrics_of(customers: pl.DataFrame, nrr: Floats, clv: Floats, payback: Floats) -> pl.DataFrame:
    return pl.DataFrame(
        {"account_id": customers["account_id"], "nrr": nrr, "clv": clv, "payback_months": payback}
    ).with_columns(pl.col(pl.Float64).fill_nan(None))


def noise(rng: np.random.Generator, customers: pl.DataFrame) -> pl.DataFrame:
    n = customers.height
    return metrics_of(
        customers,
        np.maximum(rng.normal(0.9, 0.4, n), 0),
        np.exp(rng.normal(11, 1.5, n)),
        np.exp(rng.normal(3, 0.5, n)),
    )


def planted(rng: np.random.Generator, customers: pl.DataFrame, *where: Any) -> pl.DataFrame:
    """Draw outcomes that are better, all three, for whom the conditions hold."""
    inside = holds_for(where, customers)
    better = inside.astype(np.float64)
    base = noise(rng, customers)
    return base.with_columns(
        pl.col("nrr") + 0.5 * better,
        pl.col("clv") * np.exp(1.5 * better),
        pl.col("payback_months") / (1 + better),
    )


FINTECH_MID = (("industry", OneOf(one_of=("fintech",))), ("employees", Between(min=50, max=1000)))


def test_a_planted_conjunction_is_found_with_its_bounds_in_round_numbers() -> None:
    rng = np.random.default_rng(0)
    customers, prospects = companies(rng, 2000), companies(rng, 500, "P")
    found = discover(ATTRIBUTES, customers, planted(rng, customers, *FINTECH_MID), prospects, seed=0)
    best = found.candidates[0]
    assert [name for name, _ in best.where] == ["industry", "employees"]
    assert best.better
    assert overlap(holds_for(best.where, customers), holds_for(FINTECH_MID, customers)) > 0.95
    assert best.customers == holds_for(best.where, customers).sum()
    assert best.prospects == holds_for(best.where, prospects).sum()
    assert best.rule.sentence == "industry is fintech and employees is from 50 to 1,000"
    assert found.note == ""
    assert found.searched > 10_000 > found.tested >= 1


@pytest.mark.parametrize(
    "where",
    [
        (("technologies", Has(has=("kafka",))), ("hiring", Flag(flag=True))),
        (("technologies", Has(has=("kafka",))), ("technologies", Has(has=("snowflake",)))),
        (("hiring", Flag(flag=False)),),
        (
            ("industry", OneOf(one_of=("retail",))),
            ("employees", Between(min=100)),
            ("technologies", Has(has=("aws",))),
        ),
    ],
)
def test_conditions_of_every_kind_are_found_and_no_needless_ones(where: Any) -> None:
    rng = np.random.default_rng(1)
    customers = companies(rng, 2500)
    found = discover(ATTRIBUTES, customers, planted(rng, customers, *where), None, seed=0)
    assert len(found.candidates) == 1
    assert len(found.candidates[0].where) == len(where)
    assert overlap(holds_for(found.candidates[0].where, customers), holds_for(where, customers)) > 0.9
    assert found.candidates[0].prospects is None


def test_what_is_worse_comes_after_what_is_better_and_says_so() -> None:
    rng = np.random.default_rng(2)
    customers = companies(rng, 2000)
    metrics = planted(rng, customers, ("industry", OneOf(one_of=("media",))), ("hiring", Flag(flag=True)))
    small = holds_for((("employees", Between(max=30)),), customers).astype(np.float64)
    metrics = metrics.with_columns(pl.col("nrr") - 0.4 * small, pl.col("payback_months") * (1 + small))
    found = discover(ATTRIBUTES, customers, metrics, None, seed=0)
    assert [one.better for one in found.candidates] == [True, False]
    assert found.candidates[1].rule.sentence == "employees is at most 30"
    effect = found.candidates[1].effects["growth"]
    assert effect.metric == "nrr"
    assert effect.low <= effect.inside <= effect.high < effect.outside
    assert effect.q_value <= MOST_FALSE


def test_effects_are_means_of_the_metric_in_its_own_unit_on_the_test_half() -> None:
    rng = np.random.default_rng(3)
    customers = companies(rng, 2000)
    metrics = planted(rng, customers, ("hiring", Flag(flag=True)))
    found = discover(ATTRIBUTES, customers, metrics, None, seed=0)
    inside = holds_for(found.candidates[0].where, customers)
    for objective, column in (("growth", "nrr"), ("lifetime_value", "clv"), ("efficiency", "payback_months")):
        effect = found.candidates[0].effects[objective]
        ours = metrics[column].to_numpy()[inside]
        assert 0.4 * inside.sum() < effect.n < 0.6 * inside.sum()
        assert effect.inside == pytest.approx(ours.mean(), rel=0.2)
        assert effect.p_value <= effect.q_value


@pytest.mark.parametrize("seed", range(4))
def test_where_there_is_nothing_nothing_is_found_and_that_is_said(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    customers = companies(rng, 1000)
    found = discover(ATTRIBUTES, customers, noise(rng, customers), companies(rng, 200, "P"), seed=0)
    assert list(found.candidates) == []
    assert found.note.startswith(("No segment is reported", "No group of customers stood out"))
    assert all(power.stop for power in found.attributes)


def test_a_difference_too_small_to_matter_makes_no_segment_however_sure_it_is() -> None:
    rng = np.random.default_rng(5)
    customers = companies(rng, 30_000)
    hiring = holds_for((("hiring", Flag(flag=True)),), customers)
    metrics = noise(rng, customers).with_columns(pl.col("nrr") + 0.04 * hiring)
    found = discover(ATTRIBUTES, customers, metrics, None, seed=0)
    assert found.note.startswith("No segment is reported")
    metrics = metrics.with_columns(pl.col("nrr") + 0.1 * hiring)
    larger = discover(ATTRIBUTES, customers, metrics, None, seed=0)
    assert [one.rule.sentence for one in larger.candidates if one.better] == ["hiring is yes"]


# Order, names, seeds


def said(found: Discovery, renamed: Callable[[str], str] = str) -> list[Any]:
    return [
        [(renamed(name), condition) for name, condition in one.where] + [one.customers, dict(one.effects)]
        for one in found.candidates
    ]


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_rows_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    customers = companies(rng, 400)
    metrics = planted(rng, customers, ("hiring", Flag(flag=True)))
    order = rng.permutation(400).tolist()
    assert discover(ATTRIBUTES, customers, metrics, None, seed=1) == discover(
        ATTRIBUTES, customers[order], metrics[order], None, seed=1
    )


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_other_names_change_nothing_but_names(seed: int) -> None:
    rng = np.random.default_rng(seed)
    customers = companies(rng, 400)
    metrics = planted(rng, customers, ("hiring", Flag(flag=True)))
    names = dict(zip((one.name for one in ATTRIBUTES), "zyxwv", strict=True))
    renamed = discover(
        [replace(one, name=names[one.name]) for one in ATTRIBUTES],
        customers.rename(names),
        metrics,
        None,
        seed=1,
    )
    same = discover(ATTRIBUTES, customers, metrics, None, seed=1)
    assert said(same, names.__getitem__) == said(renamed)


def test_a_seed_gives_the_same_every_time() -> None:
    rng = np.random.default_rng(6)
    customers = companies(rng, 600)
    metrics = planted(rng, customers, ("hiring", Flag(flag=True)))
    runs = [discover(ATTRIBUTES, customers, metrics, None, seed=7) for _ in range(2)]
    assert runs[0] == runs[1]


# Books that have little to say


def test_ten_customers_are_too_few_and_that_is_said() -> None:
    rng = np.random.default_rng(0)
    customers = companies(rng, 10)
    found = discover(ATTRIBUTES, customers, noise(rng, customers), companies(rng, 5, "P"), seed=0)
    assert list(found.candidates) == []
    assert found.note.startswith("10 customers have a known outcome")
    assert [power.stop for power in found.attributes] == [""] * len(ATTRIBUTES)


def test_just_enough_customers_are_searched() -> None:
    rng = np.random.default_rng(0)
    customers = companies(rng, LEAST_CUSTOMERS)
    found = discover(ATTRIBUTES, customers, noise(rng, customers), None, seed=0)
    assert found.searched > 0


def test_outcomes_that_are_all_equal_or_unknown_tell_nothing() -> None:
    customers = companies(np.random.default_rng(0), 200)
    flat, unknown = np.ones(200), np.full(200, np.nan)
    found = discover(ATTRIBUTES, customers, metrics_of(customers, flat, unknown, flat), None, seed=0)
    assert found.note == "No outcome is known that differs between customers."
    assert {power.attribute for power in found.attributes} == {one.name for one in ATTRIBUTES}


def test_an_outcome_that_nobody_knows_does_not_stand_in_the_way_of_the_others() -> None:
    rng = np.random.default_rng(8)
    customers = companies(rng, 1500)
    metrics = planted(rng, customers, ("hiring", Flag(flag=True))).with_columns(
        pl.lit(None, pl.Float64).alias("payback_months")
    )
    found = discover(ATTRIBUTES, customers, metrics, None, seed=0)
    assert found.candidates[0].rule.sentence == "hiring is yes"
    assert set(found.candidates[0].effects) == {"growth", "lifetime_value"}


def test_without_attributes_there_is_nothing_to_search() -> None:
    rng = np.random.default_rng(0)
    customers = companies(rng, 200)
    found = discover([], customers, noise(rng, customers), None, seed=0)
    assert found.note == "There is no attribute that a segment could be made of."
    assert list(found.attributes) == []


def test_categories_that_differ_in_every_row_make_no_segment() -> None:
    rng = np.random.default_rng(0)
    customers = companies(rng, 200).with_columns(pl.col("account_id").alias("industry"))
    found = discover(ATTRIBUTES[:1], customers, noise(rng, customers), None, seed=0)
    assert (found.searched, list(found.candidates)) == (0, [])
    assert found.note == "No group of customers stood out on the half that was searched."


# What to know about a candidate


def flags_of(candidates: Sequence[Candidate], sentence: str) -> str:
    return "; ".join(next(one for one in candidates if one.rule.sentence == sentence).flags)


def test_a_segment_that_most_prospects_are_in_is_flagged() -> None:
    rng = np.random.default_rng(9)
    customers = companies(rng, 1500)
    metrics = planted(rng, customers, ("hiring", Flag(flag=True)))
    prospects = companies(rng, 300, "P").with_columns(hiring=pl.int_range(pl.len()) % 10 < 8)
    found = discover(ATTRIBUTES, customers, metrics, prospects, seed=0)
    assert "covers 80% of the prospects: an ICP that is the whole market" in flags_of(
        found.candidates, "hiring is yes"
    )
    few = discover(ATTRIBUTES, customers, metrics, prospects.with_columns(hiring=pl.lit(value=False)), seed=0)
    assert "prospects" not in flags_of(few.candidates, "hiring is yes")


def test_two_kinds_of_customers_in_one_segment_are_told_apart() -> None:
    """All who hire are better; those in media are much better, in all sizes."""
    rng = np.random.default_rng(10)
    customers = companies(rng, 3000)
    metrics = planted(rng, customers, ("hiring", Flag(flag=True)))
    media = holds_for((("industry", OneOf(one_of=("media",))), ("hiring", Flag(flag=True))), customers)
    metrics = metrics.with_columns(pl.col("nrr") + 0.4 * media)
    found = discover(ATTRIBUTES, customers, metrics, None, seed=0)
    assert "two kinds of customers inside: where industry is media, nrr is" in flags_of(
        found.candidates, "hiring is yes"
    )


def test_a_segment_that_is_better_in_one_way_and_worse_in_another_says_so() -> None:
    rng = np.random.default_rng(11)
    customers = companies(rng, 2000)
    hiring = holds_for((("hiring", Flag(flag=True)),), customers).astype(np.float64)
    metrics = noise(rng, customers).with_columns(
        pl.col("nrr") + 0.6 * hiring, pl.col("payback_months") * (1 + 0.3 * hiring)
    )
    found = discover(ATTRIBUTES, customers, metrics, None, seed=0)
    assert found.candidates[0].better
    assert "turned out the other way on payback" in flags_of(found.candidates, "hiring is yes")


def test_rules_that_mean_the_same_customers_stand_as_one() -> None:
    rng = np.random.default_rng(12)
    customers = companies(rng, 2000)
    copy = pl.Series([None if flag is None else ("yes" if flag else "no") for flag in customers["hiring"]])
    swapped = rng.random(2000) < 0.03
    copy = copy.set(pl.Series(swapped), "no").alias("careers_page")
    attributes = (*ATTRIBUTES, Attribute("careers_page", "category"))
    metrics = planted(rng, customers, ("hiring", Flag(flag=True)))
    found = discover(attributes, customers.with_columns(copy), metrics, None, seed=0)
    assert [one.rule.sentence for one in found.candidates if one.better] == ["hiring is yes"]
    assert "careers_page is yes" in found.candidates[0].merged


def test_a_candidate_can_stand_in_a_plan_as_it_is() -> None:
    rng = np.random.default_rng(13)
    customers = companies(rng, 800)
    metrics = planted(rng, customers, ("hiring", Flag(flag=True)), ("technologies", Has(has=("aws",))))
    found = discover(ATTRIBUTES, customers, metrics, None, seed=0)
    best = found.candidates[0]
    assert best.id == "hiring-aws" if best.where[0][0] == "hiring" else "aws-hiring"
    where = [{"technologies": {"has": "aws"}}, {"hiring": True}]
    spec = SegmentSpec.model_validate({"id": best.id, "where": where})
    assert set(spec.rule.where) == set(best.where)


# The demo and books of others


def test_the_demo_s_planted_segments_are_found(demo_book: Path, demo_truth: DemoTruth) -> None:
    """A book half as large as the default one; `tests/figures/planted.py` measures that one."""
    plan = read_plan(demo_book / "plan.toml")
    book = read_book(demo_book, plan)
    metrics = account_metrics(book, plan)
    customers = metrics.select("account_id").join(
        book.accounts, on="account_id", how="left", maintain_order="left"
    )
    attributes = [one for one in book.attributes if one.name not in demo_truth.leaky]
    found = discover(attributes, customers, metrics, book.prospects, seed=0)
    assert book.prospects is not None
    everybody = pl.concat([customers, book.prospects], how="diagonal_relaxed")
    for group in demo_truth.segments:
        held = holds_for(rule_from(group.id, group.where).where, everybody)
        overlaps = [overlap(held, holds_for(one.where, everybody)) for one in found.candidates if one.better]
        assert max(overlaps) >= 0.8, group.id


SOFTWARE_PLAN = """
[files]
accounts = {path = "ravenstack_accounts.csv"}
subscriptions = {path = "ravenstack_subscriptions.csv"}
[columns]
accounts = {name = "account_name"}
subscriptions = {start = "start_date", end = "end_date", mrr = "mrr_amount", product = "plan_tier"}
"""


@pytest.mark.shared_data
@pytest.mark.parametrize("seed", range(3))
def test_in_a_software_company_s_random_outcomes_there_is_no_segment(seed: int) -> None:
    """But for its seats: what a customer pays is a price times its seats, so they tell lifetime value."""
    plan = parse_plan(SOFTWARE_PLAN, "plan.toml")
    book = read_book(SHARED / "ravenstack", plan)
    metrics = account_metrics(book, plan)
    customers = metrics.select("account_id").join(
        book.accounts, on="account_id", how="left", maintain_order="left"
    )
    with_seats = discover(book.attributes, customers, metrics, None, seed=seed)
    assert [one.id for one in with_seats.candidates] == ["seats-from-28"]
    assert with_seats.candidates[0].effects["growth"].q_value > 0.1
    others = [one for one in book.attributes if one.name != "seats"]
    assert list(discover(others, customers, metrics, None, seed=seed).candidates) == []
