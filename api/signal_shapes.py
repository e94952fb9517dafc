"""The shapes a request may give its signals in, each turned into a list of raw signals, in order.

One object, an array, `{"signals": [...]}`, NDJSON, and CloudEvents: structured, batched or in headers. The
body says which it is, because many senders cannot set a Content-Type. What a signal means is not known here.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import orjson

from api.bodies import BYTE_ORDER_MARK, read_json
from api.event_ids import event_id_of
from api.ndjson import is_ndjson, looks_like_lines, read_lines
from scoring.errors import RequestError

# An object with none of these is no signal, but a list of them under some name that is not known here.
_OF_A_SIGNAL = {
    "type",
    "account_id",
    "domain",
    "email",
    "specversion",
    "company_domain",
    "company",
    "website",
}
_IN_HEADERS = "ce-"
LINES_PER_SIGNAL = 100  # of JSON that is laid out for people; a body of more lines holds too much


def raw_signals(body: bytes, headers: Mapping[str, str], most: int) -> list[Any]:
    """Return the signals of a request as they were sent.

    Args:
        body: as it came.
        headers: by lower-case name; `ce-` ones hold a CloudEvent in binary mode.
        most: how many signals a request may have.

    Returns:
        JSON values, any of which may be no signal at all, and a RequestError in place of each that cannot
        even be read.

    Raises:
        RequestError: `body_not_json`, `too_many_signals`, or the body holds no list of signals.

    >>> raw_signals(b'{"type": "visit", "domain": "acme.com"}', {}, most=10)
    [{'type': 'visit', 'domain': 'acme.com'}]
    """
    if f"{_IN_HEADERS}specversion" in headers:
        return [_opened(_from_headers(body, headers))]
    if body.count(b"\n") > LINES_PER_SIGNAL * most:  # before anything is made of them
        _check_number(body.count(b"\n"), most)
    found = _values(body.removeprefix(BYTE_ORDER_MARK), headers.get("content-type", ""))
    _check_number(len(found), most)
    return [_opened(raw) if _is_cloud_event(raw) else raw for raw in found]


def _values(body: bytes, content_type: str) -> list[Any]:
    if is_ndjson(content_type.partition(";")[0].strip().lower()):
        return read_lines(body)
    try:
        return _listed(read_json(body))
    except RequestError as error:
        if error.code == "body_not_json" and looks_like_lines(body):
            return read_lines(body)
        raise


def _listed(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = value.get("signals", [value] if _OF_A_SIGNAL & value.keys() else None)
    if not isinstance(value, list):
        message = 'send one signal, a JSON array of signals, {"signals": [...]}, or one signal per line'
        raise RequestError(message, field="signals")
    return value


def _check_number(number: int, most: int) -> None:
    if number > most:
        message = f"send at most {most} signals at a time; this request has {number}"
        raise RequestError(message, field="signals", code="too_many_signals")


def _is_cloud_event(raw: Any) -> bool:
    return isinstance(raw, dict) and "specversion" in raw


def _from_headers(body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    """Return a CloudEvent of the binary mode as a structured one; its headers are percent-encoded."""
    event: dict[str, Any] = {
        name.removeprefix(_IN_HEADERS): unquote(value)
        for name, value in headers.items()
        if name.startswith(_IN_HEADERS)
    }
    return {**event, "data": read_json(body) if body.strip() else {}}


def _opened(event: Mapping[str, Any]) -> Any:
    """Take a CloudEvent's signal out of it; what its data say goes before what the envelope says.

    `source` and `id` together are the idempotency key (CloudEvents 1.0, "id").
    """
    try:
        data = _data(event)
        event_id = event_id_of("cloudevent", _named(event, "source"), _named(event, "id"))
        named = {"type": _named(event, "type")}
    except RequestError as error:
        return error
    if event.get("time"):
        named["occurred_at"] = event["time"]
    return {**named, **data, "event_id": event_id}


def _data(event: Mapping[str, Any]) -> Mapping[str, Any]:
    data = event.get("data")
    if data is None and isinstance(event.get("data_base64"), str):
        try:
            data = orjson.loads(base64.b64decode(event["data_base64"], validate=True))
        except ValueError:  # base64's and orjson's errors are both of this kind
            data = ""
    if data is None:
        return {}
    if not isinstance(data, Mapping):
        raise RequestError(
            "data must be a JSON object: a signal's fields", field="data", code="cloudevent_invalid"
        )
    return data


def _named(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not value.strip():
        raise RequestError(f"a CloudEvent needs a {name}", field=name, code="cloudevent_invalid")
    return value
