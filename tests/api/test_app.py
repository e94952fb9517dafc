from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.settings import Settings, SettingsError
from scoring.errors import ArtifactError


def settings(artifacts: Path, **more: Any) -> Settings:
    return Settings(
        artifacts=artifacts, **{"redis_url": "unix:///nowhere.sock", "person_key": "sixteen letters.", **more}
    )


def test_without_an_artifact_it_refuses_and_names_the_folder(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=re.escape(str(tmp_path / "none"))):
        create_app(settings(tmp_path / "none"))


def test_a_draft_is_refused_unless_allowed(draft_artifacts: Path) -> None:
    with pytest.raises(ArtifactError, match=f"{re.escape(str(draft_artifacts))}.*is a draft.*--allow-draft"):
        create_app(settings(draft_artifacts))
    create_app(settings(draft_artifacts, allow_draft=True))


def test_without_a_store_it_refuses(artifacts: Path) -> None:
    with pytest.raises(SettingsError, match="FIREBRAND_REDIS_URL"):
        create_app(settings(artifacts, redis_url=""))


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_the_document_says_what_it_is(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.")
    assert document["info"]["title"] == "Firebrand"
    assert document["info"]["version"]


def test_every_operation_has_a_short_id_of_its_own(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[a-z][A-Za-z]{1,24}", name) for name in ids), ids


def test_every_operation_says_what_it_does_and_answers(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        assert operation["summary"], path
        assert operation["description"], path
        assert operation["tags"], path
        answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
        assert answer, f"{method} {path} describes no answer"


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = set(references(document))
    assert found
    for reference in found:
        target: Any = document
        for part in reference.removeprefix("#/").split("/"):
            assert part in target, reference
            target = target[part]


def test_every_route_is_documented(document: dict[str, Any]) -> None:
    documented = {(path, method) for path, method, _ in operations(document)}
    assert documented >= {
        ("/score", "post"),
        ("/score", "get"),
        ("/score/bulk", "post"),
        ("/signals", "post"),
        ("/models", "get"),
        ("/livez", "get"),
        ("/readyz", "get"),
    }


def test_bodies_are_described(document: dict[str, Any]) -> None:
    def shapes(path: str, kind: str) -> list[str]:
        schema = document["paths"][path]["post"]["requestBody"]["content"][kind]["schema"]
        return [one.get("$ref", one.get("type")) for one in schema.get("anyOf", [schema])]

    one, many = "#/components/schemas/ScoreBody", "#/components/schemas/BulkBody"
    assert shapes("/score", "application/json") == [one, "array"]
    assert shapes("/score", "application/x-www-form-urlencoded") == ["object"]
    assert shapes("/score/bulk", "application/json") == [many, "array"]
    assert shapes("/score/bulk", "application/x-ndjson") == [one]
    query = {parameter["name"] for parameter in document["paths"]["/score"]["get"]["parameters"]}
    assert query == {"account_id", "domain", "reference", "objective", "as_of", "rollup"}
    for path in ("/score", "/score/bulk", "/signals"):
        body = document["paths"][path]["post"]["requestBody"]
        assert body["content"]["application/json"]["schema"], path
    properties = document["components"]["schemas"]["ScoreBody"]["properties"]
    assert set(properties) == {
        "account_id",
        "domain",
        "reference",
        "attributes",
        "objective",
        "as_of",
        "rollup",
    }


def test_the_answer_is_described_as_it_is(document: dict[str, Any], client: httpx.Client) -> None:
    described = document["components"]["schemas"]["Answer"]
    answer = client.get("/score", params={"account_id": "1"}).json()
    assert set(described["properties"]) == set(described["required"]) == set(answer)


def test_a_page_for_people_shows_the_document(client: httpx.Client) -> None:
    assert client.get("/docs").status_code == 200
