from __future__ import annotations

import pytest

from scoring.errors import RequestError
from scoring.since import as_since
from tests.scoring.models import AS_OF, DAY

HORIZON = 400 * DAY


@pytest.mark.parametrize(
    ("text", "days_ago"),
    [
        ("7d", 7),
        (" 2 W ", 14),
        ("12h", 0.5),
        ("90m", 0.0625),
        ("0d", 0),
        ("400d", 400),
        ("2026-06-30", 1),
        ("2026-06-30T00:00:00Z", 1),
        ("2026-06-30T02:00:00+02:00", 1),
        (str(AS_OF - DAY), 1),
        (str(int(AS_OF - DAY) * 1000), 1),
    ],
)
def test_a_moment_or_a_span_is_read(text: str, days_ago: float) -> None:
    assert as_since(text, now=AS_OF, horizon=HORIZON) == AS_OF - days_ago * DAY


@pytest.mark.parametrize(
    ("text", "what_to_do"),
    [
        ("", "say since when"),
        ("last Tuesday", "say since when"),
        ("-7d", "say since when"),
        ("7y", "say since when"),
        ("9999999d", "say since when"),
        ("1e400", "say since when"),
        ("2026-07-02", "lies in the future"),
        ("401d", "known for 400 days"),
        ("2020-01-01", "known for 400 days"),
    ],
)
def test_what_is_no_moment_of_the_known_past_is_refused(text: str, what_to_do: str) -> None:
    with pytest.raises(RequestError, match=what_to_do) as caught:
        as_since(text, now=AS_OF, horizon=HORIZON)
    assert (caught.value.field, caught.value.code) == ("since", "since_invalid")
    assert text == "" or text not in str(caught.value)
