from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from scoring.signals.policy import Policy, TypePolicy
from scoring.training.book import Book
from scoring.training.deal_moments import deal_moments
from scoring.training.given import given
from scoring.training.half_lives import (
    OWN_TYPE,
    LearntPolicy,
    LearntType,
    learn_half_lives,
)
from scoring.training.signal_history import history_of
from tests.scoring.training.signal_books import FIRST_DAY, event, planted

DEFAULTS = Policy(
    types={
        name: TypePolicy(intent=1.0, depth=0.5, half_life_days=21.0)
        for name in ("fast", "slow", "idle", "rare")
    }
)


def learnt(seed: int, leads: dict[str, float], policy: Policy = DEFAULTS, **size: int) -> LearntPolicy | str:
    return learnt_from(planted(seed, leads, **size), policy, seed=seed)


def learnt_from(book: Book, policy: Policy = DEFAULTS, *, seed: int = 0) -> LearntPolicy | str:
    found = history_of(book, date(2026, 12, 31))
    assert not isinstance(found, str)
    deals = deal_moments(found, FIRST_DAY + 90, FIRST_DAY + 600, seed=seed)
    return learn_half_lives(given(found, policy), found.names.types, policy, deals)


def types_of(found: LearntPolicy | str) -> dict[str, LearntType]:
    assert isinstance(found, LearntPolicy)
    return {one.type: one for one in found.types}


@pytest.fixture(scope="module")
def found() -> dict[str, LearntType]:
    """Half-lives of 4.2 and 41.6 days, and a type that comes by chance."""
    return types_of(learnt(0, {"fast": 6.0, "slow": 60.0, "idle": 0.0}))


def test_half_lives_that_were_planted_are_found(found: dict[str, LearntType]) -> None:
    assert found["fast"].half_life_days in (3.5, 7.0)
    assert found["slow"].half_life_days in (30.0, 45.0, 60.0)
    assert all(one.low <= one.half_life_days <= one.high for one in found.values())


def test_what_announces_nothing_loses_weight_and_has_no_sure_half_life(found: dict[str, LearntType]) -> None:
    assert found["idle"].intent < 0.2 * min(found["fast"].intent, found["slow"].intent)
    assert found["idle"].high / found["idle"].low > found["fast"].high / found["fast"].low


def test_two_that_announce_as_much_weigh_alike_however_fast_they_fade(found: dict[str, LearntType]) -> None:
    """Both lead to an opportunity three times in ten; of the slow one a third comes past the horizon."""
    assert found["slow"].intent / found["fast"].intent == pytest.approx(0.63, abs=0.2)


def test_depth_stays_and_the_rest_is_as_learnt(found: dict[str, LearntType]) -> None:
    one = found["fast"]
    assert one.policy == TypePolicy(intent=one.intent, depth=0.5, half_life_days=one.half_life_days)
    assert f"{one.intent:.3g}" == f"{one.intent:g}"


def test_types_that_are_too_few_are_named_and_left_alone() -> None:
    book = planted(1, {"fast": 6.0}, accounts=700)
    assert book.events is not None
    rare = pl.DataFrame([event("a0000", "rare", day) for day in range(9)], book.events.schema, orient="row")
    found = learnt_from(replace(book, events=pl.concat([book.events, rare])))
    assert isinstance(found, LearntPolicy)
    assert (list(types_of(found)), found.too_few) == (["fast"], {"rare": 9})


def test_too_few_opportunities_teach_nothing() -> None:
    assert "100 are needed" in str(learnt(1, {"fast": 6.0}, accounts=40))


def test_too_few_signals_teach_nothing() -> None:
    book = planted(1, {"fast": 6.0}, accounts=700)
    assert book.events is not None
    few = book.events.filter(pl.int_range(pl.len()) % 200 == 0)
    assert "no type of signal" in str(learnt_from(replace(book, events=few)))


def test_a_type_of_the_company_s_own_is_learnt_from_a_modest_start() -> None:
    found = types_of(learnt(2, {"fast": 6.0, "own": 6.0}))
    assert found["own"].default == OWN_TYPE
    assert found["own"].half_life_days in (3.5, 7.0)
    assert found["own"].intent == pytest.approx(found["fast"].intent, rel=0.5)


def test_where_signals_say_nothing_the_proportions_and_half_lives_stay_about_the_defaults() -> None:
    found = types_of(learnt(3, {"fast": 0.0, "idle": 0.0}))
    assert all(one.low <= 21.0 <= one.high for one in found.values())
