from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from scoring.servers.servers import AWAY, Away
from scoring.store.last_good import ENTRY_BYTES, HELD_FOR, LastGood

KEYS = st.sampled_from("abcdef")
LOGS = st.none() | st.binary(max_size=40) | st.just(AWAY)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_log_is_given_with_its_age_until_it_is_too_old() -> None:
    clock = Clock()
    cache = LastGood(max_age=60.0, clock=clock)
    cache.remember(["a", "none"], [b"log", None])
    clock.now += 60.0
    assert cache.recall("a") == (b"log", 60.0)
    assert cache.recall("none") == (None, 60.0)
    assert cache.recall("other") is None
    clock.now += 0.1
    assert cache.recall("a") is None
    assert cache.recall("none") is None
    assert (len(cache), cache.bytes) == (0, 0)


def test_a_failure_is_not_remembered_and_does_not_displace_what_is_known() -> None:
    clock = Clock()
    cache = LastGood(clock=clock)
    cache.remember(["a", "b"], [b"log", AWAY])
    clock.now += 5.0
    cache.remember(["a", "b"], [AWAY, AWAY])
    assert cache.recall("a") == (b"log", 5.0)
    assert cache.recall("b") is None


def test_what_was_used_least_recently_goes_first() -> None:
    cache = LastGood(max_bytes=3 * (ENTRY_BYTES + 11))
    cache.remember(["a", "b", "c"], [b"0123456789"] * 3)
    cache.recall("a")
    cache.remember(["d"], [b"0123456789"])
    assert [key for key in "abcd" if cache.recall(key)] == ["a", "c", "d"]


def test_a_log_larger_than_the_cache_is_not_kept() -> None:
    cache = LastGood(max_bytes=1000)
    cache.remember(["a"], [bytes(2000)])
    assert (len(cache), cache.bytes) == (0, 0)


def test_a_read_that_was_under_way_does_not_bring_back_what_was_erased() -> None:
    clock = Clock()
    cache = LastGood(clock=clock)
    cache.remember(["a"], [b"log"])
    cache.forget(["a", "never known"])
    assert cache.recall("a") is None
    cache.remember(["a", "b"], [b"log", b"b"])
    assert cache.recall("a") is None
    assert cache.recall("b")
    clock.now += HELD_FOR
    cache.remember(["a"], [b"new"])
    assert cache.recall("a") == (b"new", 0.0)


@given(st.lists(st.tuples(st.lists(st.tuples(KEYS, LOGS), max_size=4), KEYS), max_size=30))
def test_it_gives_what_the_store_said_last_and_never_more_than_its_bytes(
    steps: list[tuple[list[tuple[str, bytes | Away | None]], str]],
) -> None:
    clock = Clock()
    small = LastGood(max_bytes=2 * ENTRY_BYTES, clock=clock)
    large = LastGood(clock=clock)
    said: dict[str, bytes | None] = {}
    for logs, asked in steps:
        for cache in (small, large):
            cache.remember([key for key, _ in logs], [log for _, log in logs])
        said |= {key: log for key, log in logs if not isinstance(log, Away)}
        known = large.recall(asked)
        assert (known is not None) == (asked in said)
        assert known is None or known == (said[asked], 0.0)
        assert small.bytes <= 2 * ENTRY_BYTES
        assert small.recall(asked) in (None, known)
    assert large.bytes == sum(ENTRY_BYTES + len(key) + len(log or b"") for key, log in said.items())


def test_its_bytes_are_what_it_takes() -> None:
    tracemalloc.start()
    cache = LastGood(max_bytes=10**9)
    before = tracemalloc.get_traced_memory()[0]
    for number in range(20_000):
        cache.remember([f"fb:s:a:{number}"], [bytes(720)])
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert 0.8 * taken <= cache.bytes <= 1.25 * taken
