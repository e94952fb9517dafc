from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.errors import RequestError
from scoring.signals.columns import SignalColumns
from scoring.signals.encode import encode, names_used
from scoring.signals.signal import Signal
from scoring.signals.together import SentSignal, read_together

NOW = 1_782_900_000.0
PLAIN: dict[str, Any] = {
    "domain": "acme.com", "type": "demo_request", "event_id": "0f3c2a9e-51d7-4b4e-9a52-7e1b7c0e5d11",
    "occurred_at": "2026-06-30T12:00:00Z", "person": "jo@acme.com", "channel": "web", "topic": "data",
}  # fmt: skip
IDENTITIES = [
    "acme.com",
    "https://www.acme.co.uk/x",
    "gmail.com",
    "jo@acme.com",
    "0015500000Xyy06",
    7,
    7.0,
    7.5,
]
ODD = [
    None,
    "",
    " ",
    "n/a",
    "undefined",
    "x" * 257,
    "a\tb",
    "\u0000",
    "é",
    "日本",
    " x ",
    "not available",
    10**400,
]
TIMES = ["2026-06-30T12:00:00Z", "2026-02-30T12:00:00Z", "2026-06-30 12:00:00Z", "+026-06-30T12:00:00Z",
         "2026-06-30T12:00:00+", "2026-06-30T12:00:60Z", "2026-06-30T24:00:00Z", "2027-06-30T12:00:00Z",
         "1970-01-01T00:00:00Z", "2026-06-30T12:00:00.5Z", "\uff12026-06-30T12:00:00Z", "2026-06-30",
         1782820800,
         1782820800000, "1782820800.25", NOW + 299, NOW + 301, 1e308, -5, "yesterday"]  # fmt: skip


def values(known: list[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from(known) | st.sampled_from(ODD) | st.text(max_size=4)


FIELDS = {
    "account_id": values(IDENTITIES), "domain": values(IDENTITIES), "email": values(IDENTITIES),
    "type": values(["demo_request", "Demo Request", "page_view", "--", "jo@acme.com"]),
    "occurred_at": values(TIMES),
    "event_id": values([PLAIN["event_id"], "e1", " padded ", "a b", "x" * 256, 12, 1.5]),
    "topic": values(["Fraud  Detection", "jo@acme.com"]), "channel": values(["web", "Web"]),
    "person": values(["jo", "Jo@acme.com"]), "strength": values([0, 1, 2.5, 1000, 1000.5, -1, "7", "many"]),
    "title": values(["VP of Finance", "CFO"]), "role": values(["finance"]), "seniority": values(["vp"]),
    "level": st.sampled_from([None, True, False]),
}  # fmt: skip
SENT = st.lists(
    st.fixed_dictionaries({}, optional=FIELDS).map(lambda odd: {**PLAIN, **odd})
    | st.just(PLAIN)
    | st.fixed_dictionaries({}, optional=FIELDS),
    max_size=6,
)


def one_by_one(sent: list[dict[str, Any]]) -> list[Signal | str]:
    """What each signal is, or why it is none."""
    found: list[Signal | str] = []
    for raw in sent:
        try:
            found.append(Signal.parse(raw, now=NOW))
        except RequestError as error:
            found.append(error.code)
    return found


def records(signals: SignalColumns) -> bytes:
    used = names_used(signals)
    ids: dict[str, dict[str, int]] = {"type": {}, "topic": {}, "channel": {}}
    for kind, name in sorted(used):
        ids[kind][name] = len(ids[kind]) + 2 if name else 0
    return encode(signals, ids, key=b"a key for tests").tobytes()


@given(SENT)
def test_signals_read_together_are_those_read_one_by_one(sent: list[dict[str, Any]]) -> None:
    together, plain = read_together([SentSignal(**raw) for raw in sent], now=NOW)
    slowly = [one for one, is_plain in zip(one_by_one(sent), plain, strict=True) if is_plain]
    assert all(isinstance(one, Signal) for one in slowly), "what is refused is not plain"
    expected = SignalColumns.of([one for one in slowly if isinstance(one, Signal)])
    assert together.keys == expected.keys
    assert together.at.tolist() == expected.at.tolist()
    for name in ("type", "topic", "channel", "person", "event_id"):
        assert list(getattr(together, name)) == list(getattr(expected, name))
    assert records(together) == records(expected)


@pytest.mark.parametrize("person", ["", "Jo", "n/a", "jo b", 0, None])
@pytest.mark.parametrize("email", [None, "", "Jo@acme.com", "n/a"])
def test_who_did_it_is_read_alike(person: Any, email: Any) -> None:
    sent = {**PLAIN, "person": person, "email": email}
    together, plain = read_together([SentSignal(**sent)], now=NOW)
    assert plain.all()
    assert together.person == [Signal.parse(sent, now=NOW).person]


@given(st.lists(st.sampled_from(TIMES), min_size=1, max_size=4))
def test_times_are_read_alike_whatever_stands_beside_them(times: list[Any]) -> None:
    sent = [{**PLAIN, "occurred_at": at} for at in times]
    together, plain = read_together([SentSignal(**raw) for raw in sent], now=NOW)
    slowly = [one.at if isinstance(one, Signal) else None for one in one_by_one(sent)]
    assert plain.tolist() == [at is not None for at in slowly]
    assert together.at.tolist() == [at for at in slowly if at is not None]


def test_plain_signals_are_plain() -> None:
    """Most signals of most senders are; a rule that finds them odd would only make everything slow."""
    more: list[dict[str, Any]] = [
        {},
        {"strength": 3},
        {"title": "CFO"},
        {"occurred_at": NOW},
        {"event_id": "42"},
        {"level": True, "strength": 7},
    ]
    _, plain = read_together([SentSignal(**{**PLAIN, **change}) for change in more], now=NOW)
    assert plain.all()


@pytest.mark.parametrize(
    "change", [{"event_id": None}, {"occurred_at": None}, {"level": True}, {"type": "--"}]
)
def test_what_needs_more_thought_is_left_to_the_slow_reader(change: dict[str, Any]) -> None:
    signals, plain = read_together([SentSignal(**PLAIN), SentSignal(**{**PLAIN, **change})], now=NOW)
    assert plain.tolist() == [True, False]
    assert len(signals) == 1


def test_nothing_is_nothing() -> None:
    signals, plain = read_together([], now=NOW)
    assert (len(signals), plain.shape) == (0, (0,))


def test_the_fields_that_are_sent_are_those_that_are_read() -> None:
    """A field that one reader knows and the other does not would mean two things."""
    seen: set[str] = set()

    class Watched(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            seen.add(key)
            return super().get(key, default)

    Signal.parse(Watched(PLAIN), now=NOW)
    assert seen == {field.name for field in msgspec.structs.fields(SentSignal)}


def test_columns_can_be_chosen_from() -> None:
    signals, _ = read_together(
        [SentSignal(**{**PLAIN, "topic": topic}) for topic in ("a", "b", "c")], now=NOW
    )
    assert signals.where(np.array([True, False, True])).topic == ["a", "c"]
    assert signals.where(np.array([True] * 3)) is signals
