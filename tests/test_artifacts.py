"""The artifact that the repository ships."""

from __future__ import annotations

from pathlib import Path

from scoring.registry import active_version, read_active, versions
from scoring.training.demo_artifact import train_demo_artifact

ARTIFACTS = Path(__file__).parents[1] / "artifacts"


def test_the_shipped_artifact_is_whole_approved_and_alone() -> None:
    artifact = read_active(ARTIFACTS)
    assert not artifact.draft
    assert versions(ARTIFACTS) == [artifact.version]


def test_training_the_shipped_artifact_again_gives_the_same_bytes(tmp_path: Path) -> None:
    version = train_demo_artifact(tmp_path)
    assert version == active_version(ARTIFACTS)
    for path in sorted((ARTIFACTS / version).iterdir()):
        assert (tmp_path / version / path.name).read_bytes() == path.read_bytes(), path.name
