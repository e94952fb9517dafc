from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.signal_shapes import raw_signals
from scoring.errors import RequestError

# What an object of ours may hold; a CloudEvent's own mark, and the wrapper's, make it something else.
VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
KEYS = st.text(st.characters(exclude_categories=["Cs"])).filter(
    lambda key: key not in {"specversion", "signals"}
)
SIGNAL = st.dictionaries(KEYS, VALUES, max_size=5)
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip)


def as_lines(signals: list[dict[str, Any]], end: bytes = b"\n") -> bytes:
    return end.join(map(orjson.dumps, signals)) + end


@given(signals=st.lists(SIGNAL, max_size=6))
def test_every_shape_holds_the_same_signals(signals: list[dict[str, Any]]) -> None:
    ndjson = {"content-type": "application/x-ndjson; charset=utf-8"}
    assert raw_signals(orjson.dumps(signals), {}, 10) == signals
    assert raw_signals(orjson.dumps({"signals": signals}), {}, 10) == signals
    assert raw_signals(as_lines(signals), ndjson, 10) == signals
    assert raw_signals(b"\xef\xbb\xbf\r\n" + as_lines(signals, b"\r\n\r\n"), ndjson, 10) == signals
    if len(signals) > 1:
        assert raw_signals(as_lines(signals), {"content-type": "text/csv"}, 10) == signals
    if len(signals) == 1:
        typed = [{**signals[0], "type": "visit"}]
        assert raw_signals(orjson.dumps(typed[0]), {}, 10) == typed


@given(source=TEXT, event_id=TEXT, kind=TEXT, data=SIGNAL)
def test_every_mode_of_cloud_events_holds_the_same_signal(
    source: str, event_id: str, kind: str, data: dict[str, Any]
) -> None:
    event = {
        "specversion": "1.0",
        "source": source,
        "id": event_id,
        "type": kind,
        "time": "2026-11-20T00:00:00Z",
    }
    encoded = base64.b64encode(orjson.dumps(data)).decode()
    headers = {f"ce-{name}": quote(value) for name, value in event.items()}
    expected = raw_signals(orjson.dumps({**event, "data": data}), {}, 10)
    assert raw_signals(orjson.dumps([{**event, "data": data}]), {}, 10) == expected
    assert raw_signals(orjson.dumps({**event, "data_base64": encoded}), {}, 10) == expected
    assert raw_signals(orjson.dumps(data), headers, 10) == expected
    (signal,) = expected
    assert {name: signal[name] for name in data if name != "event_id"} == {
        name: value for name, value in data.items() if name != "event_id"
    }


def test_what_the_data_say_goes_before_the_envelope_but_for_the_id() -> None:
    envelope = {
        "specversion": "1.0",
        "source": "crm",
        "id": "1",
        "type": "com.acme.met",
        "time": "2026-11-20",
    }
    data = {"type": "meeting", "occurred_at": "2026-11-19", "event_id": "mine", "domain": "acme.com"}
    (signal,) = raw_signals(orjson.dumps({**envelope, "data": data}), {}, 10)
    assert (signal["type"], signal["occurred_at"], signal["domain"]) == ("meeting", "2026-11-19", "acme.com")
    (other,) = raw_signals(orjson.dumps({**envelope, "data": {}}), {}, 10)
    assert (other["type"], other["occurred_at"]) == ("com.acme.met", "2026-11-20")
    assert signal["event_id"] == other["event_id"] != "mine"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "body_not_json"),
        (b"{", "body_not_json"),
        (b"NaN", "body_not_json"),
        (b'{"a": 1} {"a": 2}', "body_not_json"),
        (b"7", "request_invalid"),
        (b'"text"', "request_invalid"),
        (b'{"events": [{"type": "meeting"}]}', "request_invalid"),
        (b'{"signals": {"type": "meeting"}}', "request_invalid"),
        (b"[1, 2, 3, 4]", "too_many_signals"),
        (b'{"a": 1}\n' * 4, "too_many_signals"),
    ],
)
def test_what_is_no_list_of_signals_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(RequestError) as caught:
        raw_signals(body, {}, 3)
    assert caught.value.code == code


@given(
    body=st.binary(max_size=80),
    headers=st.dictionaries(st.sampled_from(["content-type", "ce-specversion"]), st.text()),
)
def test_any_bytes_are_read_or_refused(body: bytes, headers: dict[str, str]) -> None:
    code = ""
    try:
        raw_signals(body, headers, 5)
    except RequestError as error:
        code = error.code
    assert code in {"", "body_not_json", "request_invalid", "too_many_signals"}
