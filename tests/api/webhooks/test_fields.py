from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.webhooks.event_types import table, type_of
from api.webhooks.fields import Event, mapped, rows_of
from api.webhooks.sources import Source
from api.webhooks.tables import tables
from scoring.errors import RequestError
from scoring.signals.signal import signal_type

KEY = "sixteen letters."


def source(**more: object) -> Source:
    return Source.model_validate({"kind": "generic", "secrets": [KEY], **more})


@pytest.mark.parametrize("spelling", ["company_domain", "Company Domain", "companyDomain", "COMPANY-DOMAIN"])
def test_a_name_is_found_however_it_is_spelt(spelling: str) -> None:
    assert Event({spelling: "acme.com"}).at("company_domain") == "acme.com"
    assert Event({spelling: "acme.com"}).at("company.domain") == "acme.com"


def test_paths_go_into_objects_and_lists_and_nowhere_else() -> None:
    event = Event({"a": {"b": [{"c": 1}, 2]}, "d": "text"})
    assert (event.at("a.b.0.c"), event.at("a.b.1")) == (1, 2)
    assert [event.at(path) for path in ("a.b.2", "a.b.c", "d.0", "a.b.0.c.d", "e", "", ".", "a.b.99999")] == [
        None
    ] * 8


def test_the_first_path_that_says_something_counts() -> None:
    event = Event({"a": "", "b": "null", "c": "x", "d": "y"})
    assert event.first(["a", "b", "c", "d"]) == "x"
    assert event.first(["a", "e"]) is None


@given(st.recursive(st.none() | st.text(), lambda inner: st.dictionaries(st.text(), inner) | st.lists(inner)))
def test_any_event_can_be_asked(value: object) -> None:
    event = Event({"a": value})
    for path in ("a", "a.0", "a.b.c", "b"):
        event.at(path)
    assert event.at("a") == value


def test_a_mapping_of_ones_own_goes_before_the_usual_and_fixed_values_fill_in() -> None:
    given_source = source(mapping={"domain": "site"}, fixed={"channel": "web", "topic": "dbt"})
    found = mapped(
        Event({"site": "acme.com", "domain": "other.com", "topic": "etl"}), "generic", given_source
    )
    assert found == {"domain": "acme.com", "topic": "etl", "channel": "web"}


def test_rows_are_where_the_settings_say_or_where_they_usually_are() -> None:
    assert rows_of(b'{"events": [1, 2]}', "generic", source()) == [1, 2]
    assert rows_of(b'{"x": {"y": [1]}}', "generic", source(rows="x.y")) == [1]
    assert rows_of(b'{"events": [1]}', "generic", source(rows="x.y")) == [{"events": [1]}]
    assert rows_of(b"[3]", "generic", source()) == [3]
    assert rows_of(b"3", "generic", source()) == [3]


def test_what_a_source_says_of_an_event_goes_before_the_table() -> None:
    own = source(types={"Demo Requested": "Meeting", "page_viewed": ""})
    assert type_of(["demo.requested"], table("track"), own) == "meeting"
    assert type_of(["Trial started"], table("track"), own) == "product_trial"
    assert type_of(["Their Own"], table("track"), own) == "their_own"
    for name, code in (
        ("Page Viewed", "event_ignored"),
        ("Unsubscribed", "event_ignored"),
        ("--", "type_missing"),
    ):
        with pytest.raises(RequestError) as caught:
            type_of([name], table("track"), own)
        assert caught.value.code == code


def test_the_tables_give_types_in_their_one_spelling() -> None:
    for name, entries in tables("event_types").items():
        assert len(table(name)) == len(entries), name
        assert all(kind == signal_type(kind) for kind in entries.values()), name


def test_the_tables_map_fields_that_a_signal_has() -> None:
    of_signals = set(Source.model_json_schema()["properties"]["mapping"]["propertyNames"]["enum"])
    own = {
        "rows",
        "week",
        "website",
        "medium",
        "page",
        "intent_score",
        "buying_stage",
        "profile_score",
        "profile_fit",
    }
    for kind, paths in tables("fields").items():
        assert set(paths) <= of_signals | own, kind
