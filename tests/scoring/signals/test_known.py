from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.errors import RequestError
from scoring.signals.columns import SignalColumns
from scoring.signals.encode import encode, names_used
from scoring.signals.known import KnownSignal, look
from scoring.signals.log import SignalBatch
from scoring.signals.names import Names
from scoring.signals.policy import Policy
from scoring.signals.signal import Signal

AT = 1_782_820_800  # 2026-06-30T12:00:00Z
KEY = b"a key for tests"


def batch_of(*signals: Signal) -> SignalBatch:
    columns = SignalColumns.of(signals)
    ids: dict[str, dict[str, int]] = {"type": {}, "topic": {}, "channel": {}}
    for kind, name in sorted(names_used(columns)):
        if name:
            ids[kind][name] = len(ids[kind]) + 2
    log = encode(columns, ids, key=KEY).tobytes()
    return SignalBatch.from_logs([[log]]).with_names(Names.from_ids(ids))


def visit(number: int, at: float = AT, person: str = "") -> Signal:
    return Signal(("a:1",), "website_visit", at, f"e{number}", person=person)


def test_a_signal_is_shown_with_all_that_was_kept_of_it() -> None:
    demo = Signal(
        ("a:1",), "demo_request", AT + 0.9, "e1", topic="pricing", strength=2.5, person="jo@acme.com",
        channel="web", role=2, seniority=4,
    )  # fmt: skip
    odd = Signal(("a:1",), "never_heard_of", AT - 86_400, "e2", level=True, strength=70)
    found = look(batch_of(demo, odd), Policy(), limit=10)
    assert (found.events, found.levels, found.people) == (1, 1, 1)
    assert (found.oldest, found.newest, found.next) == ("2026-06-29T12:00:00Z", "2026-06-30T12:00:00Z", "")
    first, second = found.signals
    assert first.person not in ("", "jo@acme.com")
    assert len(first.person) == 8
    assert first == KnownSignal(
        type="demo_request", topic="pricing", occurred_at="2026-06-30T12:00:00Z", strength=2.5, channel="web",
        level=False, person=first.person, role="finance", seniority="vice_president", weighed=True,
    )  # fmt: skip
    assert second == KnownSignal(
        type="never_heard_of", topic="", occurred_at="2026-06-29T12:00:00Z", strength=70.0, channel="",
        level=True, person="", role="", seniority="", weighed=False,
    )  # fmt: skip


@given(ages=st.lists(st.integers(0, 5), max_size=25), limit=st.integers(1, 7))
def test_pages_hold_every_signal_once_newest_first(ages: list[int], limit: int) -> None:
    batch = batch_of(*(visit(n, AT - age, person=f"p{n}") for n, age in enumerate(ages)))
    whole = look(batch, Policy(), limit=1_000)
    assert [one.occurred_at for one in whole.signals] == sorted(
        (one.occurred_at for one in whole.signals), reverse=True
    )
    paged: list[KnownSignal] = []
    before = ""
    while True:
        page = look(batch, Policy(), limit=limit, before=before)
        assert len(page.signals) <= limit
        assert page.signals or not ages, "no page is empty"
        assert (page.events, page.people, page.oldest) == (len(ages), len(ages), whole.oldest)
        paged += page.signals
        before = page.next
        if not before:
            break
    assert paged == whole.signals


def test_a_page_may_begin_at_a_moment() -> None:
    batch = batch_of(visit(1, AT), visit(2, AT - 1))
    for before, count in [
        ("2026-06-30T12:00:00Z", 1),
        ("2026-06-30T12:00:00.5Z", 2),
        (str(AT), 1),
        ("2026-06-30", 0),
        ("2098-01-01", 2),
    ]:
        assert len(look(batch, Policy(), limit=10, before=before).signals) == count, before


@pytest.mark.parametrize("before", ["yesterday", "12-34", f"{AT}-{'g' * 16}", f"{AT}-{'0' * 17}", "\u0661"])
def test_what_is_no_place_is_refused_and_not_repeated(before: str) -> None:
    with pytest.raises(RequestError) as refused:
        look(batch_of(visit(1)), Policy(), limit=10, before=before)
    assert refused.value.code == "time_invalid"
    assert before not in str(refused.value)


def test_a_place_beyond_all_records_is_a_place() -> None:
    batch = batch_of(visit(1))
    assert len(look(batch, Policy(), limit=1, before=f"9999999999-{'f' * 16}").signals) == 1
    assert not look(batch, Policy(), limit=1, before=f"0-{'0' * 16}").signals
    assert np.array_equal(batch.read_ago, [0.0])
