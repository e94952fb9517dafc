"""6sense: the fields of its API as levels, from a job of your own; `/signals` takes the same rows.

6sense is asked, it does not call: whoever posts its rows here is a script that reads status codes. So it gets
what `/signals` gives: 400 for what is no JSON, 422 where every row was rejected, 200 for all else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.webhooks.fields import Event, paths_of, rows_of
from api.webhooks.sources import Source
from api.webhooks.tables import tables
from api.webhooks.verification import Delivery
from scoring.errors import RequestError

KIND = "6sense"
_TYPES = {
    "intent_score": "sixsense_intent",
    "buying_stage": "sixsense_buying_stage",
    "profile_score": "sixsense_profile_score",
    "profile_fit": "sixsense_profile_fit",
}
_FIELDS = tuple(f"company_{name}" for name in _TYPES)
_SHARED = ("account_id", "domain", "email", "topic", "occurred_at")


def is_row(raw: Mapping[str, object]) -> bool:
    """Tell whether this is a row of the API rather than a signal: it has a score of 6sense and no type.

    >>> is_row({"domain": "acme.com", "company_intent_score": 81}), is_row({"type": "meeting"})
    (True, False)
    """
    return "type" not in raw and any(name in raw for name in _FIELDS)


def levels(row: Mapping[str, object]) -> list[Mapping[str, object]]:
    """Turn a row into raw levels, one per score it has.

    Raises:
        RequestError: `strength_invalid` for a stage or fit that has no such name; `levels_missing`.

    >>> row = {"domain": "acme.com", "company_buying_stage": "Decision", "company_intent_score": None}
    >>> levels(row)[0]["type"], levels(row)[0]["strength"]
    ('sixsense_buying_stage', 85.0)
    """
    found = Event(row).fields(paths_of(KIND))
    shared = {name: found[name] for name in _SHARED if name in found}
    made: list[Mapping[str, object]] = [
        {
            **shared,
            "type": kind,
            "level": True,
            "channel": "partner",
            "strength": _strength(name, found[name]),
        }
        for name, kind in _TYPES.items()
        if name in found
    ]
    if not made:
        message = f"the row has none of {', '.join(_FIELDS)}"
        raise RequestError(message, field=_FIELDS[0], code="levels_missing")
    return made


def _strength(name: str, value: Any) -> Any:
    words = tables("levels").get(_TYPES[name])
    if words is None:
        return value
    points = words.get(str(value).strip().lower())
    if points is None:
        message = f"company_{name} is one of {', '.join(word.title() for word in words)}"
        raise RequestError(message, field=f"company_{name}", code="strength_invalid")
    return points


def signals(delivery: Delivery, source: Source) -> list[Any]:
    """Return the rows; each becomes its levels when it is read.

    Raises:
        RequestError: `body_not_json`.
    """
    return rows_of(delivery.body, KIND, source)
