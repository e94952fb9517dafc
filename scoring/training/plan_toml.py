"""Writing a plan's TOML: values, rules, comments, and settings that wait behind a `#`.

A line with `#` and a blank explains; one with `#` and no blank is a setting, used once its `#` is gone.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from scoring.rules import Between, Condition, Flag, Has, Missing, OneOf
from scoring.values import as_tags

WIDTH = 110
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def value(raw: Any) -> str:
    r"""Write a text, number, flag, date, list or table on one line.

    >>> print(value({"min": 200.0, "max": 0.5, "as": ["a", 'b"'], "on": date(2026, 6, 30), "yes": True}))
    {min = 200, max = 0.5, as = ["a", "b\""], on = 2026-06-30, yes = true}
    """
    match raw:
        case bool() | str():
            # JSON writes them as TOML does, but for one character that TOML wants escaped.
            return json.dumps(raw, ensure_ascii=False).replace("\x7f", "\\u007f")
        case float():
            return str(int(raw)) if raw.is_integer() and abs(raw) < 1e15 else repr(raw)
        case int():
            return str(raw)
        case date():
            return raw.isoformat()
        case Mapping():
            return "{" + ", ".join(setting(key, part) for key, part in raw.items()) + "}"
        case Sequence():
            return "[" + ", ".join(map(value, raw)) + "]"
    raise TypeError(f"a plan holds no {type(raw).__name__}")


def setting(key: str, raw: Any) -> str:
    """Write `key = value`.

    >>> setting("Uses ERP", True)
    '"Uses ERP" = true'
    """
    return f"{_key(key)} = {value(raw)}"


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else value(name)


def header(*keys: str, array: bool = False) -> str:
    """Write the header of a table, or of one in an array of tables.

    >>> header("columns", "accounts"), header("segment", array=True)
    ('[columns.accounts]', '[[segment]]')
    """
    name = ".".join(map(_key, keys))
    return f"[[{name}]]" if array else f"[{name}]"


def rule_setting(where: Sequence[tuple[str, Condition]]) -> str:
    """Write `where = [...]`.

    >>> from pydantic import TypeAdapter
    >>> from scoring.rules import Where
    >>> rule = [{"industry": ["Fintech"]}, {"employees": {"min": 200}}, {"tools": {"has": "dbt"}}]
    >>> print(rule_setting(TypeAdapter(Where).validate_python(rule)))
    where = [{industry = ["fintech"]}, {employees = {min = 200}}, {tools = {has = "dbt"}}]
    """
    parts = ["{" + setting(name, _plain(condition)) + "}" for name, condition in where]
    return f"where = [{', '.join(parts)}]"


def _plain(condition: Condition) -> Any:
    match condition:
        case OneOf():
            return condition.one_of
        case Has():
            only = condition.has[0]
            alone = len(condition.has) == 1 and tuple(as_tags(only) or ()) == condition.has
            return {"has": only if alone else condition.has}  # a tag with a comma in it stands in a list
        case Flag():
            return condition.flag
        case Between() | Missing():
            return condition.model_dump(exclude_none=True)


def explained(text: str, indent: int = 0) -> list[str]:
    r"""Break a text into lines of comment; the further ones stand `indent` blanks further in.

    >>> explained("two\nwords")
    ['# two words']
    """
    clean = " ".join(_CONTROL.sub(" ", text).split())
    return textwrap.wrap(
        clean,
        WIDTH,
        initial_indent="# ",
        subsequent_indent="# " + " " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def waiting(lines: Iterable[str]) -> list[str]:
    """Put settings behind a `#`."""
    return [f"#{line}" for line in lines]
