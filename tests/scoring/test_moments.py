from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from scoring.moments import say_ago, say_moment, say_second

moments = st.floats(1e8, 4e9)


@given(moments)
def test_a_moment_is_written_in_utc_to_the_millisecond(seconds: float) -> None:
    written = say_moment(seconds)
    assert written.endswith("Z")
    assert len(written) == len("2026-07-01T00:00:00.250Z")


@given(moments)
def test_a_second_is_written_as_the_standard_library_does(seconds: float) -> None:
    expected = datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")
    assert say_second(seconds) == expected


def test_days_ago_are_those_of_the_calendar() -> None:
    said = [say_ago(f"2026-06-{day}T23:59:59Z", "2026-06-30T00:00:01.000Z") for day in (30, 29, 28)]
    assert said == ["today (30 Jun 2026)", "yesterday (29 Jun 2026)", "2 days ago (28 Jun 2026)"]
