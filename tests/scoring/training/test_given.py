import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.signals.activation import measure
from scoring.signals.policy import Policy, TypePolicy
from scoring.training import given as module
from scoring.training.given import given as given_by
from scoring.training.signal_history import Moments
from tests.scoring.training.signal_books import FIRST_DAY, Row, deal, event, history

TYPES = ("demo_request", "page_view", "own_type", "unknown")
POLICY = Policy(
    types={
        "demo_request": TypePolicy(intent=2.0, depth=1.0, half_life_days=3.5),
        "page_view": TypePolicy(intent=0.3, depth=1.0, half_life_days=30.0),
        "own_type": TypePolicy(intent=0.7, depth=0.0, half_life_days=9.0),
    },
    topics={"pricing": 1.7, "jobs": 0.0},
    intent_scale=5.0,
)
rows = st.lists(
    st.builds(
        event,
        st.sampled_from("ab"),
        st.sampled_from(TYPES),
        st.integers(0, 40),
        topic=st.sampled_from([None, "pricing", "jobs"]),
        person=st.sampled_from(["jo", "al", None]),
        strength=st.sampled_from([None, 0.25, 2.0, 70.0]),
    ),
    min_size=1,
    max_size=30,
)


@settings(deadline=None)
@given(rows, st.lists(st.tuples(st.integers(0, 1), st.integers(0, 60)), min_size=1, max_size=5))
def test_what_is_left_weighs_up_to_the_intent_that_the_service_measures(
    events: list[Row], asked: list[tuple[int, int]]
) -> None:
    found = history(events, [deal("a", 300)])
    accounts, days = np.array(asked, np.int64).T
    moments = Moments(accounts, days + FIRST_DAY)
    names = found.names.types
    weights = [POLICY.of(name) or TypePolicy(intent=0.0, depth=0.0, half_life_days=1.0) for name in names]
    left = given_by(found, POLICY).left(moments, np.array([one.half_life_days for one in weights]))
    total = (left * [one.intent for one in weights]).sum(axis=1)
    served = measure(POLICY, found.batch(moments), moments.as_of).intent
    assert (1 - np.exp(-total / POLICY.intent_scale)).tolist() == pytest.approx(served.tolist(), abs=1e-6)


def test_days_are_measured_in_portions_as_they_are_together(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [event(who, name, day) for who in "ab" for name in TYPES for day in range(9)]
    found = history(events, [deal("a", 300)])
    together = given_by(found, POLICY)
    monkeypatch.setattr(module, "_AT_ONCE", 7)
    apart = given_by(found, POLICY)
    assert len(apart.gave) == 72
    assert apart.gave.tolist() == together.gave.tolist()
    assert apart.events.sum() == len(events)


def test_a_type_that_the_policy_does_not_know_gives_as_one_that_it_knows() -> None:
    found = history([event("a", "unknown", 3, strength=2.0)], [deal("a", 300)])
    assert given_by(found, POLICY).gave.tolist() == pytest.approx([2.0])
