from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scoring.servers.breaker import OPENS_AFTER, Breaker


def test_an_answer_between_two_failures_starts_the_count_anew() -> None:
    breaker = Breaker()
    for at in range(10):
        assert not breaker.failed(began=at, now=at + 0.5)
        assert not breaker.answered()
    assert not breaker.is_open


def test_it_says_once_that_it_opens_and_once_that_it_closes() -> None:
    breaker = Breaker()
    assert [breaker.failed(began=at, now=at + 0.5) for at in range(5)] == [False, True, False, False, False]
    assert [breaker.answered() for _ in range(3)] == [True, False, False]


@given(st.lists(st.floats(0.0, 0.05), min_size=1, max_size=50))
def test_any_number_that_overlap_count_as_one(starts: list[float]) -> None:
    breaker = Breaker()
    for began in sorted(starts):
        breaker.failed(began=began, now=began + 0.06)
    assert not breaker.is_open
    assert OPENS_AFTER == 2
    assert breaker.failed(began=0.12, now=0.13)
