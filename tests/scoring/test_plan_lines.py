from __future__ import annotations

import json
import tomllib
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.plan_lines import Place, first_repeated, line_of, lines_by_place

DOCUMENT = r'''# [not.a.table]
title = "a [string] with # and = and \" in it" # [[nor.this]]
many = """
[[segment]]
id = "not a key" \
""""
raw = '''
DOCUMENT += "'''\n[x]\ny = 'z'\n'''\n"
DOCUMENT += r"""
point.x = 1
point."y z".'w' = 2
inline = {a = 1, b = {c = [1, {d = 2}]}}

[servers] # comment
  list = [ # comment with ]
    "a, ]",

    [1, 2], # }
    {name = "b", tags = ["c"]},
  ]
"caf\u00e9" = 1979-05-27 07:32:00
nothing = []
empty = {}

[servers.deep.er]
x = 1

[servers.deep]
y = 2

[[segment]]
id = "one"
[segment.size]
min = 1
[[segment.rules]]
a = 1
[[segment.rules]]
a = 2

[[ "segment" ]]
id = "two"
[[segment.rules]]
a = 3
"""


def line(text: str, starts: str) -> int:
    """The only line that starts so."""
    found = [n for n, written in enumerate(text.splitlines(), 1) if written.strip().startswith(starts)]
    assert len(found) == 1, starts
    return found[0]


@pytest.mark.parametrize(
    ("place", "starts"),
    [
        (("title",), "title"),
        (("many",), "many"),
        (("raw",), "raw"),
        (("point",), "point.x"),
        (("point", "x"), "point.x"),
        (("point", "y z", "w"), 'point."y z"'),
        (("inline", "b", "c", 1, "d"), "inline"),
        (("servers",), "[servers]"),
        (("servers", "list"), "list"),
        (("servers", "list", 0), '"a, ]"'),
        (("servers", "list", 1, 1), "[1, 2]"),
        (("servers", "list", 2, "tags", 0), "{name"),
        (("servers", "café"), '"caf'),
        (("servers", "nothing"), "nothing"),
        (("servers", "deep", "er", "x"), "x = 1"),
        (("servers", "deep"), "[servers.deep]"),
        (("servers", "deep", "y"), "y = 2"),
        (("segment", 0, "id"), 'id = "one"'),
        (("segment", 0, "size", "min"), "min"),
        (("segment", 0, "rules", 1, "a"), "a = 2"),
        (("segment", 1), '[[ "segment"'),
        (("segment", 1, "id"), 'id = "two"'),
        (("segment", 1, "rules", 0, "a"), "a = 3"),
    ],
)
def test_each_key_is_found_on_its_line(place: Place, starts: str) -> None:
    assert lines_by_place(DOCUMENT)[place] == line(DOCUMENT, starts)


def test_what_is_absent_is_looked_for_where_it_belongs() -> None:
    assert line_of(DOCUMENT, ("segment", 1, "where", 0)) == line(DOCUMENT, '[[ "segment"')
    assert line_of(DOCUMENT, ("servers", "list", 9)) == line(DOCUMENT, "list")
    assert line_of(DOCUMENT, ("absent", "x")) is None
    assert line_of("", ()) is None


def test_text_that_is_not_toml_is_said_to_be_none() -> None:
    with pytest.raises(ValueError, match="line 2 is not TOML"):
        lines_by_place("a = 1\nb = ]")


def places(document: Any, place: Place = ()) -> set[Place]:
    parts = document.items() if isinstance(document, dict) else enumerate(document)
    found: set[Place] = set()
    for key, value in parts:
        found.add((*place, key))
        if isinstance(value, (dict, list)):
            found |= places(value, (*place, key))
    return found


def test_every_place_of_a_document_has_a_line_and_no_other_has() -> None:
    assert set(lines_by_place(DOCUMENT)) == places(tomllib.loads(DOCUMENT))


# Documents at random. Every key has a number of its own in it, and so has every number and text: whatever a
# place names must stand on the line that was found for it.

_NOISE = st.sampled_from(["[", "]", "{", "}", "#", "=", ",", ".", "'", '"', "\\", "é", " ", "[[a]]", "\n"])
_GAP = st.sampled_from(["", "\n", "\n\n", '# [[x]] = { "\n', "  \t\n# ''' \"\"\"\n"])


class Writer:
    """Writes documents: TOML text beside what stands in it."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.numbers = count(100)

    def chance(self, least: int = 0, most: int = 3) -> int:
        return self.draw(st.integers(least, most))

    def noise(self) -> str:
        return "".join(self.draw(st.lists(_NOISE, max_size=4)))

    def key(self) -> str:
        number = next(self.numbers)
        match self.chance():
            case 0:
                return f'"k{number}{json.dumps(self.noise(), ensure_ascii=False)[1:]}'
            case 1:
                return "'" + f"k{number}{self.noise()}".replace("'", "").replace("\n", "") + "'"
            case _:
                return f"k{number}"

    def dotted(self) -> str:
        blank = self.draw(st.sampled_from(["", " "]))
        return f"{blank}.{blank}".join(self.key() for _ in range(self.chance(1, 3)))

    def value(self, depth: int, gap: str) -> str:
        number = next(self.numbers)
        match self.chance(0, 8 if depth else 5):
            case 0:
                return f"{number}"
            case 1:
                return self.draw(
                    st.sampled_from(["true", "1979-05-27 07:32:00Z", "-1.5e3", "inf", "07:32:00"])
                )
            case 2:
                return f'"v{number}{json.dumps(self.noise(), ensure_ascii=False)[1:]}'
            case 3:
                return "'" + f"v{number}{self.noise()}".replace("'", "").replace("\n", "") + "'"
            case 4:
                inner = self.noise().replace("\\", "").replace('"', "")
                return f'"""v{number}{inner}""\\"{inner}""' + '"""'
            case 5:
                return f"'''v{number}{self.noise().replace(chr(39), '')}''" + "'''"
            case 6 | 7:
                elements = [self.value(depth - 1, gap) for _ in range(self.chance())]
                comma = self.draw(st.sampled_from(["", ","])) if elements else ""
                return f"[{gap}" + f"{gap},{gap} ".join(elements) + f"{gap}{comma}{gap}]"
            case _:
                # No line may break between the keys of an inline table, but within its values lines may.
                return "{" + ", ".join(self.pair(depth - 1) for _ in range(self.chance())) + "}"

    def pair(self, depth: int) -> str:
        return f"{self.dotted()} = {self.value(depth, self.draw(_GAP))}"

    def table(self, header: str) -> str:
        comment = self.draw(st.sampled_from(["", " # ]]"]))
        lines = [f"{header}{comment}", *(self.pair(2) for _ in range(self.chance()))]
        return self.draw(_GAP).join(f"{line}\n" for line in lines)

    def tables(self, prefix: str, depth: int) -> str:
        text = ""
        for _ in range(self.chance(0, 2)):
            name = f"{prefix}{self.key()}"
            if self.chance(0, 1):
                text += self.table(f"[{name}]") + (self.tables(f"{name}.", depth - 1) if depth else "")
            else:
                for _ in range(self.chance(1, 2)):
                    text += self.table(f"[[ {name} ]]")
                    text += self.tables(f"{name} . ", depth - 1) if depth else ""
        return text


@st.composite
def documents(draw: st.DrawFn) -> str:
    writer = Writer(draw)
    return f"{writer.table('')}{writer.tables('', 2)}"


def _written(key: str) -> str:
    """The part of a key that stands in the text as it is."""
    return key[:4]


@given(documents())
def test_in_any_document_the_located_line_holds_the_key_and_the_value(text: str) -> None:
    document = tomllib.loads(text)
    lines = lines_by_place(text)
    assert set(lines) == places(document)
    written = text.split("\n")
    for place, number in lines.items():
        key = next(part for part in reversed(place) if isinstance(part, str))
        value: Any = document
        for part in place:
            value = value[part]
        here = written[number - 1]
        if isinstance(place[-1], str):
            assert _written(key) in here, (place, number)
        if isinstance(place[-1], int) and isinstance(value, (str, int)) and not isinstance(value, bool):
            assert str(value)[:4] in here, (place, number)


@given(documents(), st.text('[]{}=",.#\na1', max_size=8))
def test_in_any_document_only_what_stands_twice_is_said_to(text: str, after: str) -> None:
    assert first_repeated(text) is None
    lines = text.count("\n")
    twice = f"{text}[last]\nkey = 1\n\nkey = 2\n{after}"
    assert first_repeated(twice) == (("last", "key"), lines + 2, lines + 4)
    assert first_repeated(f"{text}[last]\n[last]\n{after}") == (("last",), lines + 1, lines + 2)


@given(st.text("[]{}=\",.#\n'ab1", max_size=30))
def test_of_text_that_is_valid_or_wrong_otherwise_nothing_is_said_to_stand_twice(text: str) -> None:
    repeated = first_repeated(text)
    if repeated is not None:
        with pytest.raises(tomllib.TOMLDecodeError, match=r"Cannot|Duplicate"):
            tomllib.loads(text)
