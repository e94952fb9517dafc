from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.api.webhooks.senders import FOREIGN, OLD, bombora, codes, counts

PATH = "/webhooks/bombora"
WEEK = (datetime.now(UTC) - timedelta(days=9)).date()


def row(domain: str, **more: Any) -> dict[str, Any]:
    """A row of the weekly report."""
    return {
        "Company Name": "Acme Inc.",
        "Domain": domain,
        "Topic Name": "Data Warehousing",
        "Topic ID": 1234,
        "Composite Score": 74,
        "Week": WEEK.isoformat(),
        **more,
    }


def test_a_report_is_a_level_per_topic_dated_by_its_week(
    hooks: httpx.Client, domain: str, stored: Callable[[str], list[Any]]
) -> None:
    report = [row(domain), row(domain, **{"Topic Name": "ETL", "Composite Score": "61"})]
    assert counts(hooks.post(PATH, **bombora(report))) == (2, 0, 0, 0)
    levels = sorted(stored(f"d:{domain}"), key=lambda record: record.topic)
    assert [(level.type, level.topic, level.strength) for level in levels] == [
        ("bombora_surge", "data warehousing", 74.0),
        ("bombora_surge", "etl", 61.0),
    ]
    assert all(level.level for level in levels)
    midnight = datetime(WEEK.year, WEEK.month, WEEK.day, tzinfo=UTC).timestamp()
    assert {level.at for level in levels} == {int(midnight)}


@pytest.mark.parametrize("form", ["hex", "base64"])
def test_both_encodings_of_the_signature_are_taken(hooks: httpx.Client, domain: str, form: str) -> None:
    assert counts(hooks.post(PATH, **bombora([row(domain)], form=form))) == (1, 0, 0, 0)
    assert hooks.post(PATH, **bombora([], form=form, secret=OLD)).status_code == 200
    prefixed = bombora([], form=form)
    header = prefixed["headers"]["X-Bombora-Signature-256"]
    prefixed["headers"] = {"X-Bombora-Signature-256": f"sha256={header}"}
    assert hooks.post(PATH, **prefixed).status_code == 200


def test_who_is_not_bombora_is_refused(hooks: httpx.Client, domain: str) -> None:
    good = bombora([row(domain)])
    for sent in (
        {**good, "content": good["content"] + b" "},
        bombora([], secret=FOREIGN),
        {"content": b"[]"},
        {"content": b"[]", "headers": {"X-Bombora-Signature-256": "sha256="}},
    ):
        response = hooks.post(PATH, **sent)
        assert (response.status_code, response.json()["code"]) == (401, "signature_invalid")


def test_a_report_sent_again_changes_nothing(
    hooks: httpx.Client, domain: str, stored: Callable[[str], list[Any]]
) -> None:
    sent = bombora([row(domain)])
    hooks.post(PATH, **sent)
    before = stored(f"d:{domain}")
    assert counts(hooks.post(PATH, **sent)) == (0, 1, 0, 0)
    assert stored(f"d:{domain}") == before


def test_one_bad_row_keeps_no_report_out(hooks: httpx.Client, domain: str) -> None:
    report = [
        row(domain),
        row("n/a"),
        row(domain, Week="the last"),
        row(domain, **{"Composite Score": None}),
        row(domain, **{"Composite Score": 1e9}),
        row(domain, Week="2019-01-07"),
        row(domain, **{"Topic Name": "ETL"}),
    ]
    response = hooks.post(PATH, **bombora({"rows": report}))
    assert counts(response) == (2, 0, 1, 4)
    assert codes(response) == [
        (1, "identity_missing"),
        (2, "time_invalid"),
        (3, "strength_invalid"),
        (4, "strength_invalid"),
        (5, "too_old"),
    ]


@pytest.mark.parametrize("days", [3, -30])
def test_a_week_may_be_written_as_spreadsheets_do_and_may_still_run(
    hooks: httpx.Client, domain: str, stored: Callable[[str], list[Any]], days: int
) -> None:
    day = datetime.now(UTC) + timedelta(days=days)
    assert counts(hooks.post(PATH, **bombora([row(domain, Week=f"{day:%m/%d/%Y}")]))) == (1, 0, 0, 0)
    (level,) = stored(f"d:{domain}")
    expected = min(time.time(), day.replace(hour=0, minute=0, second=0, microsecond=0).timestamp())
    assert level.at == pytest.approx(expected, abs=20)


def test_a_report_may_be_longer_than_any_request_to_signals(hooks: httpx.Client, domain: str) -> None:
    report = [row(domain, **{"Topic Name": f"topic {number % 300}"}) for number in range(5_100)]
    accepted, duplicates, dropped, rejected = counts(hooks.post(PATH, **bombora(report)))
    assert accepted + duplicates + dropped == 5_100
    assert (accepted, rejected) == (300, 0)


def test_columns_may_be_where_the_settings_say(
    hooks: httpx.Client, domain: str, stored: Callable[[str], list[Any]]
) -> None:
    rows = [{"site": domain, "through": WEEK.isoformat(), "points": 66, "topic": "ETL"}]
    assert counts(hooks.post("/webhooks/bombora-csv", **bombora(rows, secret=OLD))) == (1, 0, 0, 0)
    (level,) = stored(f"d:{domain}")
    assert (level.strength, datetime.fromtimestamp(level.at, UTC).date()) == (66.0, WEEK)
