"""The OpenAPI document as version 3.0.3, for callers that read no later one, such as Salesforce.

What 3.0, or Apex, cannot say is said more simply. Of the shapes that a body may have only the first stands.
A value that may be of several types has the plainest of them, which the service takes; where it may be one of
several objects, it is one with the properties of all, which holds each. All else keeps its meaning.

https://spec.openapis.org/oas/v3.0.3 says what a document may hold; names keep to what an Apex identifier may
hold, and an object is named wherever it stands, since Flow shows no nameless ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from api.openapi_30_schemas import Schemas

LONGEST_NAME = 40  # of an operation; Apex takes 40 characters for the class made of it
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_INFO = ("title", "description", "termsOfService", "contact", "version")
_TOP = ("servers", "security", "tags", "externalDocs")
_JSON = "application/json"

Json = dict[str, Any]


def as_openapi_30(document: Mapping[str, Any]) -> Json:
    """Turn an OpenAPI 3.1 document, as FastAPI writes it, into a valid one of version 3.0.3.

    >>> score = {"type": "object", "properties": {"score": {"type": ["number", "null"]}}}
    >>> components = {"schemas": {"Score": score}}
    >>> document = {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "components": components}
    >>> as_openapi_30(document)["components"]["schemas"]["Score"]["properties"]
    {'score': {'type': 'number', 'format': 'double', 'nullable': True}}
    """
    components = document.get("components", {})
    schemas = Schemas(components.get("schemas", {}))
    ids = _OperationIds()
    paths = {
        path: {key: _path_part(key, part, path, ids, schemas) for key, part in item.items()}
        for path, item in document.get("paths", {}).items()
    }
    made: Json = {
        "openapi": "3.0.3",
        "info": {name: document["info"][name] for name in _INFO if name in document["info"]},
        **{name: document[name] for name in _TOP if name in document},
        "paths": paths,
    }
    named = schemas.all()
    kept = {"securitySchemes": components["securitySchemes"]} if "securitySchemes" in components else {}
    if named or kept:
        made["components"] = {**({"schemas": named} if named else {}), **kept}
    return made


class _OperationIds:
    """Hands out ids of letters and digits, each once."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def of(self, operation: Mapping[str, Any], method: str, path: str) -> str:
        words = re.findall(r"[A-Za-z0-9]+", operation.get("operationId") or f"{method} {path}")
        first, rest = words[0], [word[0].upper() + word[1:] for word in words[1:]]
        wanted = "".join([first[0].lower() + first[1:], *rest])
        wanted = wanted if wanted[0].isalpha() else f"call{wanted}"
        return self._alone(wanted[:LONGEST_NAME])

    def _alone(self, wanted: str) -> str:
        name, number = wanted, 2
        while name.lower() in self._given:  # Apex knows no case
            suffix = str(number)
            name, number = f"{wanted[: LONGEST_NAME - len(suffix)]}{suffix}", number + 1
        self._given.add(name.lower())
        return name


def _path_part(key: str, part: Any, path: str, ids: _OperationIds, schemas: Schemas) -> Any:
    if key == "parameters":
        return [_parameter(parameter, "Parameter", schemas) for parameter in part]
    return _operation(part, ids.of(part, key, path), schemas) if key in _METHODS else part


def _operation(operation: Mapping[str, Any], name: str, schemas: Schemas) -> Json:
    kind = name[0].upper() + name[1:]
    made = {key: part for key, part in operation.items() if key != "callbacks"} | {"operationId": name}
    if "parameters" in operation:
        made["parameters"] = [_parameter(one, kind, schemas) for one in operation["parameters"]]
    if "requestBody" in operation:
        made["requestBody"] = _with_content(operation["requestBody"], f"{kind}Request", schemas)
    made["responses"] = {
        status: _with_content(answer, f"{kind}Answer{'' if status == '200' else status}", schemas)
        for status, answer in operation.get("responses", {"default": {"description": "An answer."}}).items()
    }
    return made


def _parameter(parameter: Mapping[str, Any], owner: str, schemas: Schemas) -> Json:
    return {**parameter, "schema": schemas.placed(parameter.get("schema", {}), f"{owner}{parameter['name']}")}


def _with_content(part: Mapping[str, Any], name: str, schemas: Schemas) -> Json:
    """Turn a request body or an answer; JSON alone where there is JSON."""
    if "content" not in part:
        return dict(part)
    content = part["content"]
    kept = {_JSON: content[_JSON]} if _JSON in content else content
    return {**part, "content": {kind: _media(media, name, schemas) for kind, media in kept.items()}}


def _media(media: Mapping[str, Any], name: str, schemas: Schemas) -> Json:
    if "schema" not in media:
        return dict(media)
    return {**media, "schema": schemas.placed(_first_shape(media["schema"]), name)}


def _first_shape(schema: Any) -> Any:
    shapes: Sequence[Any] = schema.get("anyOf", ()) if isinstance(schema, Mapping) else ()
    return next(_not_null(shapes), schema)


def _not_null(shapes: Sequence[Any]) -> Iterator[Any]:
    return (shape for shape in shapes if shape != {"type": "null"})
