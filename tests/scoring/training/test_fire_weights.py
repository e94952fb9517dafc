import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.plan import FireSection
from scoring.training.fire_weights import learn_fire

PLAN = FireSection()


def drawn(weights: list[float], n: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    parts = rng.random((n, 3))
    return parts, rng.random(n) < 1 / (1 + np.exp(3 - parts @ weights))


def test_the_shares_that_made_what_followed_are_found() -> None:
    parts, opened = drawn([4.0, 2.0, 1.0], n=40_000)
    found = learn_fire(parts, opened, PLAN, counts_as=1.0)
    assert found is not None
    assert found.fit == PLAN.fit
    assert [found.intent, found.recency, found.engagement] == pytest.approx([2 / 7, 1 / 7, 1 / 14], abs=0.02)


def test_a_part_that_lowers_the_odds_gets_next_to_nothing_and_never_less() -> None:
    found = learn_fire(*drawn([3.0, -3.0, 1.0]), PLAN, counts_as=1.0)
    assert found is not None
    assert 0 <= found.recency <= 0.02


def test_where_nothing_tells_the_plan_s_proportions_stay() -> None:
    parts, opened = drawn([0.0, 0.0, 0.0], n=30)
    found = learn_fire(0 * parts, opened, PLAN, counts_as=1.0)
    assert found == PLAN


def test_a_part_that_the_plan_weighs_with_nothing_stays_at_nothing() -> None:
    plan = FireSection(fit=0.6, intent=0.2, recency=0.0, engagement=0.2)
    found = learn_fire(*drawn([1.0, 9.0, 1.0]), plan, counts_as=1.0)
    assert found is not None
    assert (found.fit, found.recency) == (0.6, 0.0)


def test_one_part_alone_has_nothing_to_share() -> None:
    plan = FireSection(fit=0.6, intent=0.4, recency=0.0, engagement=0.0)
    assert learn_fire(*drawn([1.0, 1.0, 1.0]), plan, counts_as=1.0) is None


@settings(deadline=None, max_examples=40)
@given(
    st.tuples(*[st.floats(0.01, 1.0)] * 4),
    st.tuples(*[st.floats(-5, 5)] * 3),
    st.integers(0, 9),
)
def test_the_weights_always_make_a_plan(
    planned: tuple[float, ...], truth: tuple[float, ...], seed: int
) -> None:
    shares = np.array(planned) / sum(planned)
    plan = FireSection(fit=1 - shares[1:].sum(), intent=shares[1], recency=shares[2], engagement=shares[3])
    found = learn_fire(*drawn(list(truth), n=200, seed=seed), plan, counts_as=0.5)
    assert found is not None
    assert found.fit == plan.fit
