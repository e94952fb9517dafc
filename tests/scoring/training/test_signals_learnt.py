from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from scoring.plan import FireSection, Plan, read_plan
from scoring.signals.policy import Policy
from scoring.training.book import Book, read_book
from scoring.training.demo_events import KINDS
from scoring.training.signals_learnt import STEPS, SignalLessons, learn_signals
from tests.scoring.training.signal_books import deal, event, planted, signal_book

AS_OF = date(2026, 6, 30)


@pytest.fixture(scope="module")
def plan(demo_book: Path) -> Plan:
    return read_plan(demo_book / "plan.toml")


@pytest.fixture(scope="module")
def book(demo_book: Path, plan: Plan) -> Book:
    return read_book(demo_book, plan)


def lessons_of(book: Book, plan: Plan, as_of: date = AS_OF) -> SignalLessons:
    found = learn_signals(book, plan, as_of, seed=0)
    assert isinstance(found, SignalLessons)
    return found


@pytest.fixture(scope="module")
def lessons(book: Book, plan: Plan) -> SignalLessons:
    return lessons_of(book, plan)


# Whether it finds what was planted


def test_the_demo_s_signals_are_learnt_and_proposed(lessons: SignalLessons) -> None:
    assert isinstance(lessons.policy, Policy)
    assert lessons.intent_gain.better
    assert lessons.intent_gain.ours.auc > 0.75
    assert lessons.intent_gain.ours.top_lift > lessons.intent_gain.theirs.top_lift > 2
    assert lessons.policy_gain.auc_gain >= 0
    assert set(lessons.policy.types) >= {one.type for one in lessons.types}


def test_the_demo_s_short_leads_fade_faster_than_its_long_ones(lessons: SignalLessons) -> None:
    learnt = {one.type: one.half_life_days for one in lessons.types}
    fast = [learnt[name] for name, kind in KINDS.items() if kind.lead <= 12 and name in learnt]
    slow = [learnt[name] for name, kind in KINDS.items() if kind.lead >= 35 and name in learnt]
    assert np.mean(slow) > 2 * np.mean(fast)
    assert max(fast) <= 14
    assert len(fast) == len(slow) == 3


def test_fire_weights_are_those_of_the_plan_or_learnt_with_its_share_of_fit(
    lessons: SignalLessons, plan: Plan
) -> None:
    assert lessons.fire_gain is not None
    if isinstance(lessons.fire, FireSection):
        assert lessons.fire.fit == plan.fire.fit
        assert lessons.fire_gain.better
    else:
        assert "the plan's weights stay" in lessons.fire


def test_the_same_book_teaches_the_same(book: Book, plan: Plan, lessons: SignalLessons) -> None:
    assert lessons_of(book, plan) == lessons


# Whether it is kept from seeing, and proposing, what it must not


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_where_histories_stand_at_other_accounts_the_defaults_stay(book: Book, plan: Plan, seed: int) -> None:
    assert book.events is not None
    ids = book.events["account_id"].unique().sort()
    others = pl.Series(np.random.default_rng(seed).permutation(ids.to_numpy()))
    events = book.events.with_columns(pl.col("account_id").replace_strict(ids, others))
    found = lessons_of(replace(book, events=events), plan)
    assert str(found.policy).startswith("the defaults stay")
    assert "the plan's weights stay" in str(found.fire)
    assert abs(found.intent_gain.ours.auc - 0.5) < 0.06


def test_a_signal_on_the_very_day_of_each_opportunity_teaches_nothing(
    book: Book, plan: Plan, lessons: SignalLessons
) -> None:
    """It would tell everything if a day were seen before it was over."""
    assert book.events is not None
    assert book.opportunities is not None
    oracle = book.opportunities.filter(pl.col("created") >= date(2024, 7, 1)).select(
        "account_id",
        type=pl.lit("oracle"),
        occurred_at="created",
        **{name: pl.lit(None, book.events.schema[name]) for name in book.events.columns[3:]},
    )
    found = lessons_of(replace(book, events=pl.concat([book.events, oracle])), plan)
    weights = {one.type: one.intent for one in found.types}
    assert weights["oracle"] < 0.3 * weights["demo_request"]
    assert found.intent_gain.ours.auc < lessons.intent_gain.ours.auc + 0.02


def test_what_is_later_than_the_test_s_beginning_changes_no_half_life(
    book: Book, plan: Plan, lessons: SignalLessons
) -> None:
    assert book.opportunities is not None
    cut = date.fromisoformat(lessons.learnt_until)
    earlier = book.opportunities.filter((pl.col("created") < cut) | (pl.col("account_id").hash(7) % 2 == 0))
    found = lessons_of(replace(book, opportunities=earlier), plan)
    assert found.types == lessons.types


# What cannot be learnt from


def test_a_book_without_events_says_why_nothing_is_learnt(book: Book, plan: Plan) -> None:
    assert "the book has no events" in str(learn_signals(replace(book, events=None), plan, AS_OF, seed=0))


def test_a_short_history_says_so() -> None:
    short = planted(0, {"fast": 5.0}, accounts=50, days=200)
    assert "too few days" in str(learn_signals(short, Plan(), date(2025, 7, 20), seed=0))


def test_few_opportunities_say_so() -> None:
    few = signal_book([event("a", "visit", day) for day in range(0, 700, 5)], [deal("a", 300, 310)])
    assert "are needed" in str(learn_signals(few, Plan(), date(2027, 1, 1), seed=0))


def test_every_step_is_told(book: Book, plan: Plan) -> None:
    told: list[str] = []
    learn_signals(book, plan, AS_OF, seed=0, on_step=told.append)
    assert len(told) == STEPS
