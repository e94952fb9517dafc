from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.plan import Plan
from scoring.signals.activation import measure
from scoring.signals.policy import Policy
from scoring.training import signal_history
from scoring.training.signal_history import Moments, history_of
from tests.scoring.training.books import book_of
from tests.scoring.training.signal_books import FIRST, FIRST_DAY, Row, deal, event, history, signal_book

DEALS = [deal("a", 100, 130)]
rows = st.lists(
    st.builds(
        event,
        st.sampled_from("ab"),
        st.sampled_from(["demo_request", "page_view", "Own Type"]),
        st.integers(0, 200),
        person=st.sampled_from(["jo", "Jo", "al", None]),
        channel=st.sampled_from(["web", "email", None]),
        strength=st.sampled_from([None, 0.5, 3.0]),
    ),
    min_size=1,
    max_size=25,
)


def at(*asked: tuple[int, int]) -> Moments:
    """Return moments of account numbers and days from FIRST."""
    accounts, days = np.array(asked, np.int64).T
    return Moments(accounts, days + FIRST_DAY)


def parts(events: list[Row], moments: Moments) -> list[Any]:
    found = measure(Policy(), history(events, DEALS).batch(moments), moments.as_of)
    return [found.intent, found.recency, found.engagement]


# Point in time


@given(rows, rows, st.integers(1, 200))
def test_no_signal_of_the_day_itself_or_later_changes_what_is_known_on_it(
    before: list[Row], after: list[Row], day: int
) -> None:
    moments = at((0, day), (1, day))
    late = [(*row[:2], max(row[2], FIRST + timedelta(days=day)), *row[3:]) for row in after]
    for known, with_more in zip(parts(before, moments), parts(before + late, moments), strict=True):
        assert known.tolist() == with_more.tolist()


def test_an_event_is_seen_from_the_day_after_it_on() -> None:
    found = history([event("a", "demo_request", 10)], DEALS)
    row, what = found.seen(at((0, 10), (0, 11), (1, 11), (0, 10 + 730), (0, 12 + 730)))
    assert row.tolist() == [1, 3]
    assert what.tolist() == [0, 0]


def test_what_comes_after_the_day_of_the_book_is_left_alone() -> None:
    events = [event("a", "demo_request", 10), event("a", "demo_request", 60)]
    found = history(events, [deal("a", 20, 30), deal("a", 70, 80)], last=50)
    assert len(found.day) == len(found.created.day) == 1


def test_the_service_would_have_measured_the_same() -> None:
    """A demo request at noon of the day before: half a day old when the day begins."""
    found = history([event("a", "Demo Request", 10)], DEALS)
    moments = at((0, 11))
    intent = measure(Policy(), found.batch(moments), moments.as_of).intent
    weight = Policy().types["demo_request"]
    expected = 1 - np.exp(-weight.intent * 2 ** (-0.5 / weight.half_life_days) / Policy().intent_scale)
    assert intent.tolist() == pytest.approx([expected])


# Who can be asked about, and what opened


def test_an_account_is_asked_about_after_its_first_trace_and_while_nothing_is_open() -> None:
    found = history([event("b", "demo_request", 5)], [deal("a", 10, 40), deal("a", 60, None, "open")])
    asked = at((0, 10), (0, 11), (0, 40), (0, 41), (0, 60), (0, 61), (1, 5), (1, 6))
    assert found.in_question(asked).tolist() == [False, False, False, True, True, False, False, True]


def test_an_opportunity_opens_from_the_moment_s_own_day_on() -> None:
    found = history([event("a", "demo_request", 5)], [deal("a", 50, 60)])
    assert found.opened(at((0, 20), (0, 21), (0, 50), (0, 51), (1, 21)), 30).tolist() == [
        *(False, True, True, False, False)
    ]


def test_renewals_are_opened_by_the_calendar_and_do_not_count() -> None:
    deals = [deal("a", 10, 20, type_="Renewal"), deal("a", 30, 40, type_=None)]
    assert history([event("a", "demo_request", 5)], deals).created.day.tolist() == [FIRST_DAY + 30]


# From a book


def test_events_are_placed_by_id_domain_or_address_and_the_others_are_counted(tmp_path: Path) -> None:
    book = book_of(
        tmp_path,
        Plan(),
        accounts="account_id,domain\na,acme.com\nb,beta.com\nb2,www.beta.com\n",
        opportunities="account_id,created,outcome\na,2025-06-01,won\n",
        events="account_id,domain,email,type,occurred_at\na,,,visit,2025-05-01\n,www.acme.com,,visit,2025-05-02\n"
        ",,jo@beta.com,visit,2025-05-03\nb2,,,visit,2025-05-04\n,,jo@gmail.com,visit,2025-05-05\n"
        ",elsewhere.org,,visit,2025-05-06\n",
    )
    found = history_of(book, date(2026, 1, 1))
    assert not isinstance(found, str)
    assert (found.owner.tolist(), found.unplaced) == ([0, 0, 1, 1], 2)


def test_types_topics_and_people_are_spelt_as_the_service_would() -> None:
    spelt = history(
        [
            event("a", "Demo Request", 1, topic=" Fraud  Detection", person="Jo@A.com", strength=1e6),
            event("a", "demo-request", 2, topic="fraud detection", person="jo@a.com", strength=-3.0),
        ],
        DEALS,
    )
    assert spelt.names.types == ("", "(other)", "demo_request")
    assert spelt.names.topics == ("", "(other)", "fraud detection")
    assert spelt.records["person"][0] == spelt.records["person"][1] > 0
    assert spelt.records["strength"].tolist() == [1000.0, 0.0]


def test_the_order_of_a_book_s_rows_changes_nothing() -> None:
    events = [event("a", name, day, person=who) for name in "xy" for day in (3, 3, 5) for who in ("p", None)]
    there, back = history(events, DEALS), history(events[::-1], DEALS)
    assert there.records.tobytes() == back.records.tobytes()


def test_a_stray_event_of_long_ago_does_not_stretch_the_history() -> None:
    events = [event("a", "visit", day) for day in range(1000, 1400)]
    found = history([*events, event("b", "visit", 0)], DEALS)
    assert FIRST_DAY + 1000 <= found.days[0] <= FIRST_DAY + 1010
    assert found.days[-1] == FIRST_DAY + 1399


def test_more_channels_than_a_record_can_name_become_one() -> None:
    events = [event("a", "visit", 1, channel=f"c{n:03}") for n in range(300)]
    found = history(events, DEALS)
    assert len(found.names.channels) == 256
    assert (found.records["channel"] == 1).sum() == 300 - 254


def test_of_very_many_accounts_a_sample_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal_history, "MOST_ACCOUNTS", 5)
    names = [f"a{n}" for n in range(9)]
    book = signal_book([event(name, "visit", 1) for name in names], [deal(n, 9, 9) for n in names], names)
    one, again = (history_of(book, date(2026, 1, 1), seed=3) for _ in range(2))
    assert not isinstance(one, str)
    assert not isinstance(again, str)
    assert (one.accounts, len(one.owner), len(one.created.day)) == (5, 5, 5)
    assert one.records.tobytes() == again.records.tobytes()


@pytest.mark.parametrize("missing", ["events", "opportunities"])
def test_a_book_without_one_of_the_tables_says_so(missing: str) -> None:
    book = signal_book([event("a", "visit", 1)], DEALS)
    without: dict[str, Any] = {missing: None}
    assert f"the book has no {missing}" in str(history_of(replace(book, **without), date(2026, 1, 1)))


def test_a_book_whose_tables_are_empty_says_so() -> None:
    book = signal_book([event("a", "visit", 1)], [deal("a", 9, 9, type_="renewal")])
    assert "no opportunity but renewals" in str(history_of(book, date(2026, 1, 1)))
    empty = replace(book, events=pl.DataFrame(schema=book.events.schema if book.events is not None else {}))
    assert "no event up to" in str(history_of(empty, date(2026, 1, 1)))
