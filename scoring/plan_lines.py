"""Where each key and value stands in a TOML text, which the standard reader does not tell.

The text must be TOML that `tomllib` reads: this looks for places and checks nothing.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator, Mapping

Place = tuple[str | int, ...]  # keys, and indices from 0, from the document down: ("segment", 2, "where")

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'  # up to two quotes may stand before the three that close
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'",
    re.DOTALL,
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_OTHER_VALUE = re.compile(r"[^,\]}#\n]+")  # numbers, dates, booleans


def line_of(text: str, place: Place) -> int | None:
    r"""Return the line, from 1, on which something stands, or what holds it if it does not; else None.

    >>> text = '[[segment]]\nid = "a"\n[[segment]]\nid = "b"\nwhere = [\n  {size = {min = 5}},\n]'
    >>> line_of(text, ("segment", 1, "id")), line_of(text, ("segment", 1, "where", 0, "size", "min"))
    (4, 6)
    >>> line_of(text, ("segment", 0, "where")), line_of(text, ("tiers",))
    (1, None)
    """
    lines = lines_by_place(text)
    return next((lines[place[:n]] for n in range(len(place), 0, -1) if place[:n] in lines), None)


def lines_by_place(text: str) -> Mapping[Place, int]:
    """Return the line, from 1, of every key and every element of an array.

    A table stands where its header does, or else where a key first names it.
    """
    return _Scan(text).lines


def first_repeated(text: str) -> tuple[Place, int, int] | None:
    r"""Return the first key or table that stands twice, and both lines; else None.

    The text need not be TOML from there on. It is None too where something else is wrong before.

    >>> first_repeated('[book]\npreset = "salesforce"\n\npreset = "hubspot"')
    (('book', 'preset'), 2, 4)
    >>> first_repeated("[book]\npreset = salesforce\npreset = hubspot") is None
    True
    """
    try:
        _Scan(text)
        return None
    except _RepeatedError as error:
        found = error
    except (ValueError, IndexError):  # it is no TOML, and nothing stands twice before that shows
        return None
    try:
        tomllib.loads(text[: found.start])
    except tomllib.TOMLDecodeError:
        return None
    return found.place, found.first, found.again


class _RepeatedError(Exception):
    """A key or table stands twice, which TOML does not allow."""

    def __init__(self, place: Place, first: int, again: int, start: int) -> None:
        super().__init__(place)
        self.place, self.first, self.again = place, first, again
        self.start = start  # of the statement that repeats it


class _Scan:
    def __init__(self, text: str) -> None:
        self.lines: dict[Place, int] = {}
        self._text = text
        self._at = 0
        self._statement = 0  # where the one that is being read starts
        self._declared: set[Place] = set()  # keys with a value, and tables that stand under a header
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self._headers: dict[Place, int] = {}  # arrays of tables, and how many tables each has so far
        self._document()

    # What a document is made of

    def _document(self) -> None:
        table: Place = ()
        self._skip_blank()
        while self._at < len(self._text):
            self._statement = self._at
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip_blank()

    def _header(self) -> Place:
        line, is_array = self._line(), self._text.startswith("[[", self._at)
        self._at += 2 if is_array else 1
        place: Place = ()
        keys = list(self._keys())
        for n, key in enumerate(keys, 1):
            place = (*place, key)
            if n == len(keys) and not (is_array and place in self._headers):  # an array has many tables
                self._refuse_repeated(place, line, place in self._declared)
            self.lines.setdefault(place, line)
            if n == len(keys) and is_array:
                self._headers[place] = self._headers.get(place, 0) + 1
            if place in self._headers:
                place = (*place, self._headers[place] - 1)
        self._at += 2 if is_array else 1
        self.lines[place] = line
        return place

    def _pair(self, table: Place) -> None:
        line, place = self._line(), table
        keys = list(self._keys())
        for n, key in enumerate(keys, 1):
            place = (*place, key)
            if n == len(keys):
                self._refuse_repeated(place, line, place in self.lines)
            self._declared.add(place)
            self.lines.setdefault(place, line)
        self._at += 1  # the equals sign
        self._skip_blank()
        self._value(place)

    def _refuse_repeated(self, place: Place, line: int, repeated: bool) -> None:  # noqa: FBT001 - a fact
        if repeated:
            raise _RepeatedError(place, self.lines[place], line, self._statement)
        self._declared.add(place)

    def _value(self, place: Place) -> None:
        start = self._text[self._at]
        if start == "[":
            for n in self._elements("]"):
                self.lines[(*place, n)] = self._line()
                self._value((*place, n))
        elif start == "{":
            for _ in self._elements("}"):
                self._pair(place)
        else:
            self._take(_STRING if start in "\"'" else _OTHER_VALUE)

    # What those are made of

    def _elements(self, end: str) -> Iterator[int]:
        """Stop at each element in turn; whoever asks for the next one must have read it."""
        self._at += 1
        self._skip_blank()
        n = 0
        while self._text[self._at] != end:
            yield n
            n += 1
            self._skip_blank()
            if self._text[self._at] == ",":
                self._at += 1
                self._skip_blank()
        self._at += 1

    def _keys(self) -> Iterator[str]:
        """Read `a."b c".d`, and stop behind it and its blanks."""
        while True:
            self._skip_blank()
            if self._text[self._at] in "\"'":
                yield str(tomllib.loads(f"key = {self._take(_STRING)}")["key"])
            else:
                yield self._take(_BARE_KEY)
            self._skip_blank()
            if self._text[self._at] != ".":
                return
            self._at += 1

    def _skip_blank(self) -> None:
        self._take(_BLANK)

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise ValueError(f"line {self._line()} is not TOML")
        self._at = found.end()
        return found[0]

    def _line(self) -> int:
        return bisect_right(self._starts, self._at)
