from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from types import GenericAlias
from typing import Annotated, Any, Literal, Optional, Union

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_schema_validator import OAS30Validator, OAS31Validator
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator
from pydantic import BaseModel, Field, create_model
from pydantic.json_schema import models_json_schema
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from api.openapi_30 import LONGEST_NAME, as_openapi_30

Json = dict[str, Any]
ONLY_31 = {
    "const",
    "examples",
    "prefixItems",
    "$defs",
    "patternProperties",
    "propertyNames",
    "if",
    "contains",
}
APEX_NAME = re.compile("[A-Za-z][A-Za-z0-9]*")


def document(schemas: Json, **paths: Any) -> Json:
    return {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1", "summary": "3.1 alone has this"},
        "paths": {f"/{name}": item for name, item in paths.items()},
        "components": {"schemas": schemas},
    }


def turned(schema: Any, **others: Any) -> Json:
    """Return what becomes of one property of an object."""
    made = as_openapi_30(document({"Thing": {"type": "object", "properties": {"it": schema}}, **others}))
    assert list(OpenAPIV30SpecValidator(made).iter_errors()) == []
    found: Json = made["components"]["schemas"]["Thing"]["properties"]["it"]
    return found


def schemas_in(value: Any) -> Iterator[Json]:
    """Yield every schema of an OpenAPI document."""
    if isinstance(value, list):
        for part in value:
            yield from schemas_in(part)
    elif isinstance(value, dict):
        for key, part in value.items():
            if key == "schemas" and "securitySchemes" not in part:
                for schema in part.values():
                    yield from subschemas(schema)
            elif key == "schema":
                yield from subschemas(part)
            else:
                yield from schemas_in(part)


def subschemas(schema: Any) -> Iterator[Json]:
    if isinstance(schema, dict):
        yield schema
        for key in ("items", "additionalProperties", "not"):
            yield from subschemas(schema.get(key))
        for part in [*schema.get("properties", {}).values(), *schema.get("allOf", ())]:
            yield from subschemas(part)


def assert_for_salesforce(made: Json) -> None:
    assert list(OpenAPIV30SpecValidator(made).iter_errors()) == []
    for schema in schemas_in(made):
        assert not ONLY_31 & set(schema), schema
        assert not {"anyOf", "oneOf"} & set(schema), schema
        assert isinstance(schema.get("type", ""), str)
        assert schema.get("type") != "null"
        assert schema.get("format") in {None, "double", "int32", "int64"}
        assert "$ref" not in schema or set(schema) == {"$ref"}
        for bound in ("exclusiveMinimum", "exclusiveMaximum"):
            assert isinstance(schema.get(bound, False), bool)
    named = made["components"]["schemas"]
    assert len({name.lower() for name in named}) == len(named)
    assert all(map(APEX_NAME.fullmatch, named)), list(named)
    for schema in named.values():
        for part in subschemas(schema):
            assert part is schema or part.get("type") != "object", "an object without a name"


@pytest.mark.parametrize(
    ("schema", "made"),
    [
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "string", "nullable": True}),
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        (
            {"anyOf": [{"enum": ["a"], "type": "string"}, {"type": "null"}]},
            {"type": "string", "enum": ["a", None], "nullable": True},
        ),
        ({"const": "a", "type": "string"}, {"type": "string", "enum": ["a"]}),
        ({"type": "null"}, {"type": "string", "nullable": True, "enum": [None]}),
        ({"type": "number"}, {"type": "number", "format": "double"}),
        ({"type": "integer"}, {"type": "integer", "format": "int64"}),
        ({"type": "integer", "format": "int32"}, {"type": "integer", "format": "int32"}),
        ({"type": "string", "format": "date-time"}, {"type": "string"}),
        (
            {"type": "integer", "exclusiveMinimum": 3},
            {"type": "integer", "format": "int64", "minimum": 3, "exclusiveMinimum": True},
        ),
        (
            {"type": "integer", "minimum": 5, "exclusiveMinimum": 3, "exclusiveMaximum": 9, "maximum": 9},
            {"type": "integer", "format": "int64", "minimum": 5, "maximum": 9, "exclusiveMaximum": True},
        ),
        ({"type": "string", "examples": ["a", "b"]}, {"type": "string", "example": "a"}),
        (
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "integer"}], "minItems": 2},
            {"type": "array", "minItems": 2, "items": {"type": "integer", "format": "int64"}},
        ),
        (
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]},
            {"type": "array", "items": {"type": "string"}},
        ),
        ({"type": "array"}, {"type": "array", "items": {}}),
        (True, {}),
        ({}, {}),
        (False, {"not": {}}),
        ({"anyOf": [{"type": "integer"}, {"type": "number"}]}, {"type": "number", "format": "double"}),
        ({"anyOf": [{"type": "array"}, {"type": "boolean"}]}, {"type": "boolean"}),
        ({"anyOf": [{}, {"type": "boolean"}]}, {}),
        (
            {"$ref": "#/components/schemas/Other", "description": "d"},
            {"$ref": "#/components/schemas/Other"},
        ),
    ],
    ids=str,
)
def test_what_becomes_of_a_schema(schema: Any, made: Json) -> None:
    assert turned(schema, Other={"type": "object"}) == made


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": "^a", "minLength": 2, "maxLength": 3, "default": "ab", "title": "T"},
        {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2, "uniqueItems": True},
        {"type": "number", "format": "double", "minimum": 1, "maximum": 2, "multipleOf": 0.5},
        {"type": "boolean", "description": "d", "deprecated": True},
        {"enum": ["a", 1]},
    ],
    ids=str,
)
def test_what_both_versions_say_alike_stays(schema: Json) -> None:
    assert turned(schema) == schema


def test_null_beside_a_reference_is_a_schema_of_its_own() -> None:
    other = {"type": "object", "properties": {"n": {"type": "integer"}}}
    reference = {"anyOf": [{"$ref": "#/components/schemas/Other"}, {"type": "null"}]}
    made = as_openapi_30(
        document(
            {"Thing": {"type": "object", "properties": {"a": reference, "b": reference}}, "Other": other}
        )
    )
    named = made["components"]["schemas"]
    assert named["NullableOther"] == {**named["Other"], "nullable": True}
    assert named["Thing"]["properties"]["a"] == named["Thing"]["properties"]["b"]
    assert named["Thing"]["properties"]["a"] == {"$ref": "#/components/schemas/NullableOther"}


def test_one_of_several_objects_is_one_with_the_properties_of_all() -> None:
    class Good(BaseModel):
        status: Literal[200]
        score: float

    class Bad(BaseModel):
        status: int
        message: str

    class Answer(BaseModel):
        results: list[Good | Bad]

    made = as_openapi_30(document(components(Answer)))
    assert_for_salesforce(made)
    item = made["components"]["schemas"]["AnswerResultsItem"]
    assert set(item["properties"]) == {"status", "score", "message"}
    assert item["required"] == ["status"]


class Node(BaseModel):
    """It leads back to itself, and to others that lead back to it."""

    child: Optional[Node] = None  # noqa: UP045 - another spelling than below
    others: list[Node | Leaf] = []
    either: Node | Leaf | None = None


class Leaf(BaseModel):
    of: Node | Leaf
    by_name: dict[str, Node] = {}


def test_schemas_that_lead_back_to_themselves_come_to_an_end() -> None:
    made = as_openapi_30(document(components(Node)))
    assert_for_salesforce(made)


def test_ids_are_short_plain_and_unique() -> None:
    answer = {"responses": {"200": {"description": "Done."}}}
    names = ["list_models", "list-models", "listModels", "9lives", "", "x" * 60, "x" * 61, "a.b/c d"]
    paths = {f"p{n}": {"get": {"operationId": name, **answer}} for n, name in enumerate(names)}
    made = as_openapi_30(document({}, **paths, p={"get": answer, "post": answer, "summary": "s"}))
    ids = [
        operation["operationId"]
        for item in made["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict)
    ]
    assert ids[:3] == ["listModels", "listModels2", "listModels3"]
    assert len({name.lower() for name in ids}) == len(ids) == len(names) + 2
    assert all(APEX_NAME.fullmatch(name) and len(name) <= LONGEST_NAME for name in ids), ids
    assert list(OpenAPIV30SpecValidator(made).iter_errors()) == []


def components(*models: type[BaseModel]) -> Json:
    _, made = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    found: Json = made["$defs"]
    return found


# Types with values of theirs; and whether 3.0 can say the type exactly.
Shape = tuple[Any, st.SearchStrategy[Any], bool]
SIMPLE: list[Shape] = [
    (bool, st.booleans(), True),
    (str, st.text(max_size=4), True),
    (int, st.integers(-9, 9), True),
    (Annotated[int, Field(gt=2, le=5)], st.integers(3, 5), True),
    (Annotated[float, Field(ge=0.5, lt=2.5)], st.sampled_from([0.5, 1.25, 2.25]), True),
    (Annotated[str, Field(min_length=2, pattern="^a")], st.just("ab"), True),
    (Literal["a", "b"], st.sampled_from(["a", "b"]), True),
    (Literal["only"], st.just("only"), True),
    (date, st.just("2026-07-01"), True),
    (Any, st.sampled_from([1, "x", [], {}]), True),
    (Decimal, st.just("1.5"), False),
    (None, st.none(), True),
]


def nested(inner: st.SearchStrategy[Shape]) -> st.SearchStrategy[Shape]:
    pairs = st.tuples(inner, inner)
    return st.one_of(
        inner.map(lambda one: (either(one[0], None), st.none() | one[1], one[2])),
        inner.map(lambda one: (GenericAlias(list, (one[0],)), st.lists(one[1], max_size=2), one[2])),
        inner.map(lambda one: (GenericAlias(dict, (str, one[0])), by_name(one[1]), one[2])),
        pairs.map(lambda two: (either(two[0][0], two[1][0]), two[0][1] | two[1][1], False)),
        pairs.map(lambda two: (GenericAlias(tuple, (two[0][0], two[1][0])), st.just([]), False)),
        models(inner),
    )


def either(one: Any, other: Any) -> Any:
    return one if other is one else Union[one, other]  # noqa: UP007 - its parts are known at run time only


def by_name(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(st.text(max_size=2), values, max_size=2)


@st.composite
def models(draw: st.DrawFn, inner: st.SearchStrategy[Shape]) -> Shape:
    fields = draw(st.dictionaries(st.sampled_from(["a", "b", "c_d", "e"]), inner, min_size=1, max_size=3))
    name = draw(st.sampled_from(["Plain", "With_line", "Ünïcode", "Plain2"]))
    annotated: dict[str, Any] = {field: (shape[0], ...) for field, shape in fields.items()}
    model = create_model(name, **annotated)
    values = st.fixed_dictionaries({field: shape[1] for field, shape in fields.items()})
    return model, values, all(shape[2] for shape in fields.values())


SHAPES = st.recursive(st.sampled_from(SIMPLE), nested, max_leaves=6)
PARTS = st.sampled_from([None, True, 0, 2, 3, 9, 0.25, 2.5, "", "a", "bb", "only", [], [0], {}, {"a": 0}])


def altered(value: Any, part: Any, data: st.DataObject) -> Any:
    """Return a value with another part somewhere in it."""
    if not value or not isinstance(value, (dict, list)) or data.draw(st.integers(0, 3)) == 0:
        return part
    if isinstance(value, list):
        return [altered(value[0], part, data), *value[1:]]
    key = data.draw(st.sampled_from(sorted(value)))
    return {**value, key: altered(value[key], part, data)}


def takes(validator: Any, made: Json, reference: str, value: Any) -> bool:
    registry: Registry[Any] = Registry().with_resource("urn:d", DRAFT202012.create_resource(made))
    schema = {"$ref": f"urn:d{reference}"}
    return bool(validator(schema, registry=registry).is_valid(value))


@settings(max_examples=300, deadline=None)
@given(shape=models(SHAPES), data=st.data())
def test_any_models_become_a_valid_document_that_takes_the_same_values(
    shape: Shape, data: st.DataObject
) -> None:
    model, values, exact = shape
    root = create_model("Root", it=(model, ...))
    before = document(components(root), p={})
    made = as_openapi_30(before)
    assert_for_salesforce(made)
    assert as_openapi_30(before) == made, "it changed what it was given"
    if exact:
        good = data.draw(values)
        for value in (good, *(altered(good, data.draw(PARTS), data) for _ in range(5))):
            sent = {"it": value}
            expected = takes(OAS31Validator, before, "#/components/schemas/Root", sent)
            assert takes(OAS30Validator, made, "#/components/schemas/Root", sent) == expected, (sent, made)


def test_a_fastapi_app_of_any_kind_is_described() -> None:
    app = FastAPI()

    @app.get("/things/{thing_id}")
    def read_a_thing(thing_id: int, q: str | None = None, tags: list[str] | None = None) -> Node | None:
        raise NotImplementedError

    @app.post("/things")
    def make_a_thing(thing: Node | list[Leaf]) -> list[Node]:
        raise NotImplementedError

    made = as_openapi_30(app.openapi())
    assert_for_salesforce(made)
    assert made["paths"]["/things/{thing_id}"]["get"]["operationId"] == "readAThingThingsThingIdGet"


def test_the_service_describes_itself_in_both_versions(client: httpx.Client) -> None:
    later, made = (client.get(path).json() for path in ("/openapi.json", "/openapi-3.0.json"))
    assert list(OpenAPIV31SpecValidator(later).iter_errors()) == []
    assert_for_salesforce(made)
    assert made["openapi"] == "3.0.3"
    assert set(made["paths"]) == set(later["paths"])
    texts = re.findall(r"'description': ('[^']*'|\"[^\"]*\")", str(made))
    assert texts
    assert max(map(len, texts)) < 300, max(texts, key=len)
