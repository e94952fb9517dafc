from __future__ import annotations

import tomllib
from datetime import date
from typing import Any

import pytest
from hypothesis import example, given, reject
from hypothesis import strategies as st
from pydantic import TypeAdapter

from scoring.rules import Condition, Rule, Where
from scoring.training.plan_toml import WIDTH, explained, header, rule_setting, setting, value, waiting

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
VALUES = st.recursive(
    TEXTS | NUMBERS | st.booleans() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
WORDS = st.text(st.characters(categories=["Ll", "Nd", "Po", "Sc"]), min_size=1, max_size=8)
CONDITIONS = (
    st.lists(WORDS, min_size=1, max_size=3)
    | st.fixed_dictionaries({"min": NUMBERS})
    | st.fixed_dictionaries({"max": NUMBERS})
    | st.tuples(NUMBERS, NUMBERS).map(lambda pair: {"min": min(pair), "max": max(pair)})
    | st.lists(WORDS, min_size=1, max_size=3).map(lambda tags: {"has": tags})
    | st.booleans()
    | st.booleans().map(lambda missing: {"missing": missing})
)
READ_WHERE: TypeAdapter[tuple[tuple[str, Condition], ...]] = TypeAdapter(Where)


@given(TEXTS, VALUES)
def test_what_is_written_reads_as_it_was(key: str, raw: Any) -> None:
    line = setting(key, raw)
    assert "\n" not in line
    assert tomllib.loads(line) == {key: raw}


@given(TEXTS, TEXTS)
def test_a_header_leads_where_its_keys_say(outer: str, inner: str) -> None:
    assert tomllib.loads(header(outer, inner)) == {outer: {inner: {}}}
    assert tomllib.loads(header(outer, array=True)) == {outer: [{}]}


@example([("0", {"has": ["0,"]})])
@example([("0", {"has": [","]})])
@given(st.lists(st.tuples(TEXTS.filter(bool), CONDITIONS), min_size=1, max_size=4))
def test_a_rule_reads_as_it_was(raw: list[tuple[str, Any]]) -> None:
    try:
        where = READ_WHERE.validate_python([{name: condition} for name, condition in raw])
    except ValueError:
        reject()  # a word such as n/a, which is a missing value
    line = rule_setting(where)
    assert "\n" not in line
    again = READ_WHERE.validate_python(tomllib.loads(line)["where"])
    assert again == where
    assert Rule("a", again).sentence == Rule("a", where).sentence


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_comment_stays_one(text: str) -> None:
    lines = explained(text)
    assert all(line.startswith("# ") for line in lines)
    assert tomllib.loads("\n".join(lines)) == {}


def test_a_long_comment_is_broken_between_words() -> None:
    words = ["word"] * 60
    lines = explained(" ".join(words), indent=2)
    assert max(map(len, lines)) <= WIDTH
    assert [line[:4] for line in lines[1:]] == ["#   "] * (len(lines) - 1)
    assert " ".join(line[1:] for line in lines).split() == words


def test_settings_wait_behind_a_sign_without_a_blank() -> None:
    assert waiting(["[[segment]]", 'id = "a"']) == ["#[[segment]]", '#id = "a"']


def test_what_a_plan_cannot_hold_is_refused() -> None:
    with pytest.raises(TypeError, match="holds no NoneType"):
        value(None)
    assert value(date(2026, 6, 30)) == "2026-06-30"
