"""The schemas of an OpenAPI 3.1 document, written as OpenAPI 3.0 writes them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

Json = dict[str, Any]

_PREFIX = "#/components/schemas/"
# What 3.0 says as 3.1 does; all that is not here or in `_TURNED` it cannot say.
_KEPT = (
    *("type", "title", "description", "default", "enum", "pattern", "minLength", "maxLength", "multipleOf"),
    *("minItems", "maxItems", "uniqueItems", "required", "minProperties", "maxProperties", "nullable"),
    *("readOnly", "writeOnly", "deprecated"),
)
_FORMATS = {"number": "double", "integer": "int64"}
_SCALARS = ("string", "number", "integer", "boolean")  # the plainest first
_NULL = {"type": "null"}


class Schemas:
    """The named schemas of one document: each is turned once, and nameless objects get a name.

    Args:
        components: the schemas of the 3.1 document, by name.
    """

    def __init__(self, components: Mapping[str, Any]) -> None:
        self._raw = components
        self._made: dict[str, Json] = {}
        self._nullables: dict[str, str] = {}  # of which name each of them is
        self._names: dict[str, str] = {}  # by what it is made of
        for name in components:
            self._names[f"{_PREFIX}{name}"] = self._free(name)
        for name, raw in components.items():
            self._made[self._names[f"{_PREFIX}{name}"]] = self._schema(raw, name)

    def all(self) -> dict[str, Json]:
        """Return every named schema, in the order of their names."""
        nullables = {name: {**self._target(of), "nullable": True} for name, of in self._nullables.items()}
        return dict(sorted({**self._made, **nullables}.items()))

    def _target(self, name: str) -> Json:
        """Return the schema of a name that may stand for another name."""
        made = self._made[name]
        return self._target(made["$ref"].removeprefix(_PREFIX)) if "$ref" in made else made

    def placed(self, raw: Any, name: str) -> Json:
        """Return what stands for a schema where it is used: itself, or a reference to it by its name."""
        made = self._schema(raw, name)
        return self._reference(raw, name, made) if made.get("type") == "object" else made

    def _free(self, wanted: str) -> str:
        """Return a name of letters and digits that nothing has yet."""
        plain = (
            "".join(word[0].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", wanted)) or "Schema"
        )
        plain = plain if plain[0].isalpha() else f"Schema{plain}"
        taken = {name.lower() for name in self._names.values()}
        numbered = (f"{plain}{number}" for number in range(2, len(taken) + 3))
        return plain if plain.lower() not in taken else next(n for n in numbered if n.lower() not in taken)

    def _reference(self, raw: Any, name: str, made: Json) -> Json:
        key = _key(raw)
        if key not in self._names:
            self._names[key] = self._free(name)
            self._made[self._names[key]] = made
        return {"$ref": f"{_PREFIX}{self._names[key]}"}

    def _schema(self, raw: Any, name: str) -> Json:
        if not isinstance(raw, Mapping):
            return {} if raw else {"not": {}}
        shapes, may_be_null = _shapes(raw)
        if may_be_null:
            return self._nullable(shapes, name)
        if len(shapes) > 1:
            return self._one_for_all(shapes, name)
        (raw,) = shapes
        return {"$ref": f"{_PREFIX}{self._names[raw['$ref']]}"} if "$ref" in raw else self._plain(raw, name)

    def _nullable(self, shapes: Sequence[Any], name: str) -> Json:
        if not shapes:
            return {"type": "string", "nullable": True, "enum": [None]}
        made = self._schema({"anyOf": list(shapes)}, name)
        if "$ref" in made:  # which can have nothing beside it
            return self._nullable_named(made["$ref"].removeprefix(_PREFIX))
        enum = {"enum": [*made["enum"], None]} if "enum" in made and None not in made["enum"] else {}
        return made | enum | {"nullable": True} if made else made

    def _nullable_named(self, name: str) -> Json:
        key = f"null or {name}"
        if key not in self._names:
            self._names[key] = self._free(f"Nullable{name}")
            self._nullables[self._names[key]] = name
        return {"$ref": f"{_PREFIX}{self._names[key]}"}

    def _raw_of(self, raw: Any) -> Any:
        """Follow references to what they name."""
        while isinstance(raw, Mapping) and "$ref" in raw:
            raw = self._raw[raw["$ref"].removeprefix(_PREFIX)]
        return raw

    def _one_for_all(self, shapes: Sequence[Any], name: str) -> Json:
        """Return one schema for a value of one of several shapes."""
        raw = [self._raw_of(shape) for shape in shapes]
        kinds = [shape.get("type") if isinstance(shape, Mapping) else None for shape in raw]
        if None in kinds:
            return {}  # one of them may be anything
        scalar = next((kind for kind in _SCALARS if kind in kinds), None)
        if scalar is not None:
            return self._scalar(scalar, [one for one, kind in zip(raw, kinds, strict=True) if kind == scalar])
        objects = [one for one, kind in zip(raw, kinds, strict=True) if kind == "object"]
        if objects:
            return self._object_of_all(objects, name)
        return {"type": "array", "items": self.placed(_either([one.get("items", {}) for one in raw]), name)}

    def _scalar(self, kind: str, shapes: Sequence[Json]) -> Json:
        if len(shapes) == 1:  # a default may be of another type
            return {key: part for key, part in self._plain(shapes[0], kind).items() if key != "default"}
        values = [value for shape in shapes for value in _values(shape)]
        closed = all("enum" in shape or "const" in shape for shape in shapes)
        told: Json = {key: shapes[0][key] for key in ("title", "description") if key in shapes[0]}
        made: Json = {"type": kind} | told
        made |= {"enum": list(dict.fromkeys(values))} if closed else {}
        return made | ({"format": _FORMATS[kind]} if kind in _FORMATS else {})

    def _object_of_all(self, shapes: Sequence[Json], name: str) -> Json:
        key = _key(["all", *shapes])
        if key not in self._names:  # before its properties, which may lead back to it
            self._names[key] = self._free(name)
            self._made[self._names[key]] = self._plain(_united(shapes), name)
        return {"$ref": f"{_PREFIX}{self._names[key]}"}

    def _plain(self, raw: Mapping[str, Any], name: str) -> Json:
        made = {key: raw[key] for key in _KEPT if key in raw}
        for key, turn in self._turns(name).items():
            if key in raw:
                made |= turn(raw[key])
        if made.get("type") == "array":
            made["items"] = self._items(raw, name)
        if made.get("type") in _FORMATS:
            short = made["type"] == "integer" and raw.get("format") == "int32"
            made["format"] = "int32" if short else _FORMATS[made["type"]]
            made |= _bounds(raw)
        return made

    def _turns(self, name: str) -> dict[str, Callable[[Any], Json]]:
        return {
            "const": lambda value: {"enum": [value]},
            "examples": lambda examples: {"example": examples[0]} if examples else {},
            "example": lambda example: {"example": example},
            "properties": partial(self._properties, name),
            "patternProperties": lambda by: {
                "additionalProperties": self._value(_either([*by.values()]), name)
            },
            "additionalProperties": lambda raw: {"additionalProperties": self._value(raw, name)},
            "allOf": lambda parts: {"allOf": [self._schema(part, name) for part in parts]},
            "not": lambda raw: {"not": self._schema(raw, name)},
        }

    def _properties(self, owner: str, raw: Mapping[str, Any]) -> Json:
        return {"properties": {key: self.placed(one, f"{owner} {key}") for key, one in raw.items()}}

    def _value(self, raw: Any, owner: str) -> Any:
        return raw if isinstance(raw, bool) else self.placed(raw, f"{owner} Value")

    def _items(self, raw: Mapping[str, Any], owner: str) -> Json:
        forms = [
            *raw.get("prefixItems", ()),
            *([raw["items"]] if raw.get("items") not in (None, False) else []),
        ]
        return self.placed(_either(forms), f"{owner} Item")


def _key(raw: Any) -> str:
    return json.dumps(raw, sort_keys=True, default=str)


def _shapes(raw: Mapping[str, Any]) -> tuple[list[Any], bool]:
    """Return the shapes a value may have, apart from null, and whether it may be null."""
    forms = _forms(raw)
    shapes = list({_key(form): form for form in forms if form != _NULL}.values())
    return shapes, len(shapes) < len(forms) and _NULL in forms


def _forms(raw: Any) -> list[Any]:
    if not isinstance(raw, Mapping):
        return [raw]
    if raw.get("type") == "null" or ("const" in raw and raw["const"] is None):
        return [_NULL]
    beside = {key: part for key, part in raw.items() if key not in ("anyOf", "oneOf", "discriminator")}
    if isinstance(raw.get("type"), list):
        return [form for kind in raw["type"] for form in _forms({**raw, "type": kind})]
    choices = raw.get("anyOf") or raw.get("oneOf")
    if not choices:
        return [raw]
    forms = [form for choice in choices for form in _forms(choice)]
    # What stands beside a choice, such as its description, holds for the shapes that have none.
    return [_beside(form, beside) for form in forms]


def _beside(form: Any, beside: Json) -> Any:
    return form if not isinstance(form, Mapping) or "$ref" in form or form == _NULL else {**beside, **form}


def _either(shapes: Sequence[Any]) -> Any:
    """Return the schema of a value of any of these shapes; without any, of anything."""
    if not shapes:
        return {}
    return shapes[0] if len(shapes) == 1 else {"anyOf": list(shapes)}


def _values(shape: Mapping[str, Any]) -> list[Any]:
    return list(shape.get("enum", [shape["const"]] if "const" in shape else []))


def _united(shapes: Sequence[Json]) -> Json:
    """Return an object with the properties of all, of which those are required that all require."""
    names = list(dict.fromkeys(name for shape in shapes for name in shape.get("properties", {})))
    by_name = {
        name: _either([s["properties"][name] for s in shapes if name in s.get("properties", {})])
        for name in names
    }
    required = [name for name in names if all(name in shape.get("required", ()) for shape in shapes)]
    told = " Or: ".join(shape["description"] for shape in shapes if "description" in shape)
    made: Json = {"type": "object", "properties": by_name} if names else {"type": "object"}
    return {**made, **({"required": required} if required else {}), **({"description": told} if told else {})}


def _bounds(raw: Mapping[str, Any]) -> Json:
    """Return the bounds of a number, of which 3.0 says by a flag whether they belong to it."""
    made: Json = {}
    for end, tighter in (("minimum", max), ("maximum", min)):
        exclusive = raw.get(f"exclusive{end.capitalize()}")
        bounds = [bound for bound in (raw.get(end), exclusive) if bound is not None]
        if bounds:
            made[end] = tighter(bounds)
            made |= {f"exclusive{end.capitalize()}": True} if made[end] == exclusive else {}
    return made
