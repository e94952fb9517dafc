"""Reading a vendor's event by field: dotted paths into JSON, by `fields.toml` and a source's own mapping."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from api.bodies import read_json
from api.webhooks.sources import Source
from api.webhooks.tables import tables
from scoring.values import is_missing

ROWS = "rows"
_NOT_A_LETTER = re.compile(r"[\W_]+")
Paths = Mapping[str, Sequence[str]]


class Event:
    """One JSON object, read by dotted paths. Names match whatever their letter case, blanks and dashes.

    >>> event = Event({"Company Name": "Acme", "contact": {"emails": ["jo@acme.com"]}})
    >>> event.at("company_name"), event.at("contact.emails.0"), event.at("contact.phone")
    ('Acme', 'jo@acme.com', None)
    """

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self._raw = raw
        self._folded: dict[int, dict[str, Any]] = {}

    def at(self, path: str) -> Any:
        """Return what stands at a path, or None. The whole path may be one name, as flat exports have it."""
        flat = self._step(self._raw, path)
        if flat is not None or "." not in path:
            return flat
        found: Any = self._raw
        for name in path.split("."):
            found = self._step(found, name)
        return found

    def first(self, paths: Sequence[str]) -> Any:
        """Return the first value that is not missing (nothing, blank, or a word such as `null`), or None."""
        values = map(self.at, paths)
        return next((value for value in values if not is_missing(value)), None)

    def fields(self, paths: Paths) -> dict[str, Any]:
        """Return the fields that are there, by name."""
        found = {name: self.first(candidates) for name, candidates in paths.items()}
        return {name: value for name, value in found.items() if value is not None}

    def _step(self, value: Any, name: str) -> Any:
        if isinstance(value, Mapping):
            if id(value) not in self._folded:  # the event keeps them all alive, so that no id is another's
                self._folded[id(value)] = {_plain(key): inner for key, inner in value.items()}
            return self._folded[id(value)].get(_plain(name))
        if isinstance(value, list) and name.isdecimal() and len(name) < 5 and int(name) < len(value):
            return value[int(name)]
        return None


def _plain(name: str) -> str:
    return _NOT_A_LETTER.sub("", name.lower())


@cache
def paths_of(kind: str) -> Paths:
    """Return where a kind's events hold each field of a signal, as far as that is known."""
    return {name: paths for name, paths in tables("fields")[kind].items() if name != ROWS}


def rows_of(body: bytes, kind: str, source: Source) -> list[Any]:
    """Return the events of a body: itself an array, an object that holds one, or one event alone.

    Raises:
        RequestError: `body_not_json`.
    """
    value = read_json(body)
    if isinstance(value, Mapping):
        paths = [source.rows] if source.rows else tables("fields")[kind].get(ROWS, ())
        lists = (found for found in map(Event(value).at, paths) if isinstance(found, list))
        return next(lists, [value])
    return value if isinstance(value, list) else [value]


def mapped(event: Event, kind: str, source: Source) -> dict[str, Any]:
    """Return an event's fields by a source's own mapping, then its kind's, then the source's fixed values."""
    paths: dict[str, Sequence[str]] = {**paths_of(kind)}
    paths.update(source.mapping.items())
    return {str(name): value for name, value in source.fixed.items()} | event.fields(paths)
