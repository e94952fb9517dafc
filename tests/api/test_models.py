from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.conftest import Start


def test_the_served_model_is_described(client: httpx.Client, version: str) -> None:
    answer = client.get("/models").json()
    assert answer["served"] == version
    (model,) = answer["models"]
    assert model["version"] == version
    assert (model["served"], model["draft"], model["problem"]) == (True, False, "")
    assert (model["as_of"], model["plan"], model["customers"]) == ("2026-06-30", "Tiny plan", 150)
    assert model["objectives"]["growth"]["metric"] == "nrr"


def test_every_version_is_listed_and_a_damaged_one_says_what_is_wrong(
    start: Start, own_artifacts: Path, version: str, write_artifact_into: Callable[..., str]
) -> None:
    other = write_artifact_into(own_artifacts, name="Another plan", signed=False)
    damaged = write_artifact_into(own_artifacts, name="A third plan")
    (own_artifacts / damaged / "card.html").write_text("not what was written")
    with start("--artifacts", own_artifacts) as service:
        answer = httpx.get(f"{service.url}/models").json()
    models = {model["version"]: model for model in answer["models"]}
    assert set(models) == {version, other, damaged}
    assert [name for name, model in models.items() if model["served"]] == [version] == [answer["served"]]
    assert models[other]["draft"] is True
    assert "card.html is damaged" in models[damaged]["problem"]
    assert models[version]["problem"] == models[other]["problem"] == ""
