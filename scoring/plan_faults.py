"""What is wrong with a plan, said with its line and with what is allowed there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from tomllib import TOMLDecodeError
from typing import Any

from scoring.errors import PlanError
from scoring.plan_lines import Place, first_repeated, line_of

Schema = Mapping[str, Any]  # a JSON schema
_EXACTLY = ",.15g"  # a bound as people write it, never 1e+06
_CLOSE = 0.65  # how alike two names must be to be taken for one, on difflib's scale


class MisplacedError(ValueError):
    """A fault in one part of what is validated; `place` leads there from the whole."""

    def __init__(self, message: str, *place: str | int) -> None:
        super().__init__(message)
        self.place: Place = place


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a plan was read. Plans that say the same are equal wherever they stand, so origins always are."""

    source: str = field(default="the plan", compare=False)
    text: str = field(default="", compare=False)

    def refusal(self, faults: Iterable[tuple[Place, str]]) -> PlanError:
        """Return the error that says these faults, by place and sentence, in the order of their lines."""
        located = sorted(((line_of(self.text, place) or 0, sentence) for place, sentence in faults))
        return PlanError("\n".join(f"{self._at(line)}: {sentence}" for line, sentence in located))

    def no_toml(self, error: TOMLDecodeError) -> PlanError:
        """Return the error that says why the text is no TOML; of what stands twice, on which lines."""
        repeated = first_repeated(self.text)
        if repeated is None:
            return PlanError(f"{self.source} is not valid TOML: {error}")
        place, first, again = repeated
        sentence = f"stands twice, here and on line {first}; leave one of them out"
        return PlanError(f"{self._at(again)}: {dotted(place)} {sentence}")

    def _at(self, line: int) -> str:
        return f"{self.source}, line {line}" if line else self.source


def advice(name: Any, known: Iterable[str], allowed: str = "allowed") -> str:
    """Return what to write instead of a name that is not known, the closest first.

    >>> advice("employes", ["industry", "employees"])
    'did you mean employees? Allowed: industry, employees'
    >>> advice("colour", ["industry"])
    'allowed: industry'
    """
    names = list(known)
    folded = {candidate.casefold(): candidate for candidate in reversed(names)}
    close = get_close_matches(str(name).casefold(), folded, n=1, cutoff=_CLOSE)
    all_of_them = f"{allowed}: {', '.join(names)}"
    return (
        f"did you mean {folded[close[0]]}? {all_of_them[:1].upper()}{all_of_them[1:]}"
        if close
        else all_of_them
    )


def described(faults: Sequence[Mapping[str, Any]], schema: Schema) -> list[tuple[Place, str]]:
    """Return the place and a sentence of each fault that validation found; one for each place and sentence.

    Args:
        faults: as `ValidationError.errors()` returns them.
        schema: the JSON schema of what was validated.
    """
    whole = _inlined(schema, schema.get("$defs", {}))
    return list(dict.fromkeys(_described(fault, whole) for fault in faults))


def _described(fault: Mapping[str, Any], schema: Schema) -> tuple[Place, str]:
    error = fault.get("ctx", {}).get("error")
    if isinstance(error, MisplacedError):
        place: Place = (*fault["loc"], *error.place)
        sentence = str(error)
    elif fault["type"] == "value_error":
        place, sentence = fault["loc"], str(error)
    elif fault["type"] == "extra_forbidden" or fault["loc"][-1] == "[key]":
        place = tuple(part for part in fault["loc"] if part != "[key]")
        sentence = f"unknown key; {advice(place[-1], _keys(_walk(schema, place[:-1])[1]), 'allowed here')}"
    else:
        place, here = _walk(schema, fault["loc"])
        sentence = _disallowed(fault, here)
    return place, f"{dotted(place)}: {sentence}"


def _disallowed(fault: Mapping[str, Any], here: Schema) -> str:
    if fault["type"] == "missing":
        return f"missing; give {_allowed(here)}"
    value = fault["input"]
    if "enum" in here and isinstance(value, str):
        return f"{written(value)} is not known; {advice(value, here['enum'])}"
    return f"{written(value)} is not allowed; allowed: {_allowed(here)}"


def dotted(place: Place) -> str:
    """Write a place as people count: the first of an array is 1."""
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in place) or "the plan"


def written(value: Any) -> str:
    """Write a value as a message shows it; of tables and lists it says only what they are."""
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "a list" if value else "an empty list"
    return repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False, default=str)


# Reading the schema


def _walk(schema: Schema, place: Place) -> tuple[Place, Schema]:
    """Follow a place into a schema as far as it leads; the rest names branches of a union."""
    here = schema
    for n, part in enumerate(place):
        if isinstance(part, int):
            inner = here.get("items")
        else:
            inner = here.get("properties", {}).get(part) or here.get("additionalProperties")
        if not isinstance(inner, Mapping):
            return place[:n], here
        here = inner
    return place, here


def _inlined(part: Any, definitions: Mapping[str, Schema]) -> Any:
    """Put definitions in the place of the references to them."""
    if isinstance(part, list):
        return [_inlined(element, definitions) for element in part]
    if not isinstance(part, Mapping):
        return part
    if "$ref" in part:
        return _inlined(definitions[part["$ref"].rpartition("/")[2]], definitions)
    return {key: _inlined(value, definitions) for key, value in part.items() if key != "$defs"}


def _keys(here: Schema) -> list[str]:
    """Return the keys that a table may have."""
    return list(here.get("properties") or here.get("propertyNames", {}).get("enum", ()))


def _allowed(here: Schema) -> str:
    """Say in words what a schema allows."""
    if "description" in here and here.get("type") != "object":
        return str(here["description"])
    if "anyOf" in here:
        return " or ".join(_allowed(branch) for branch in here["anyOf"] if branch.get("type") != "null")
    if "const" in here or "enum" in here:
        return ", ".join(map(str, here.get("enum", (here.get("const"),))))
    match here.get("type"):
        case "integer":
            return f"a whole number{_bounds(here)}"
        case "number":
            return f"a number{_bounds(here)}"
        case "boolean":
            return "true or false"
        case "string":
            return _text(here)
        case "array":
            return _list(here["items"])
        case "object":
            keys = _keys(here)
            return f"a table with {', '.join(keys)}" if keys else "a table"
    return "another value"


def _list(item: Schema) -> str:
    if item.get("type") == "object":
        return "tables under a header in double brackets"
    return "a list of texts" if item == {"type": "string"} else f"a list, each of them {_allowed(item)}"


def _text(here: Schema) -> str:
    if here.get("format") == "date":
        return f"a date, such as {date(2026, 6, 30)}"
    least, most = here.get("minLength", 0), here.get("maxLength")
    if least and least == most:
        return f"a text of length {least}"
    limit = f" of at most {most} characters" if most else ""
    return f"a text{limit}{' that is not empty' if least else ''}"


def _bounds(here: Schema) -> str:
    """Say both bounds of a number.

    >>> _bounds({"exclusiveMinimum": 0, "maximum": 1}), _bounds({"minimum": 1, "maximum": 5})
    (' above 0 and at most 1', ' from 1 to 5')
    """
    if "minimum" in here and "maximum" in here:
        return f" from {here['minimum']:{_EXACTLY}} to {here['maximum']:{_EXACTLY}}"
    low = next((f"{word} {here[key]:{_EXACTLY}}" for key, word in _LOWER if key in here), "")
    high = next((f"{word} {here[key]:{_EXACTLY}}" for key, word in _UPPER if key in here), "")
    said = " and ".join(part for part in (low, high) if part)
    return f" {said}" if said else ""


_LOWER = (("minimum", "of at least"), ("exclusiveMinimum", "above"))
_UPPER = (("maximum", "at most"), ("exclusiveMaximum", "below"))
