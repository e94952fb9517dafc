from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from scoring.errors import ArtifactError
from scoring.registry import ACTIVE, activate, active_version, has_active, read_active, versions
from tests.scoring.models import write_small


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """Two artifacts, the earlier of which is active."""
    earlier = write_small(tmp_path, as_of="2026-05-31")
    write_small(tmp_path, as_of="2026-06-30")
    activate(tmp_path, earlier)
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_versions_stand_oldest_data_first(registry: Path) -> None:
    found = versions(registry)
    assert [version[:10] for version in found] == ["2026-05-31", "2026-06-30"]


def test_what_is_no_whole_version_is_no_version(registry: Path) -> None:
    found = versions(registry)
    shutil.copytree(registry / found[0], registry / f".{found[0]}-x1")  # half written
    (registry / "2026-06-30-0123456789ab").write_text("a file", encoding="utf-8")
    (registry / "notes").mkdir()
    assert versions(registry) == found


def test_a_registry_that_is_not_there_is_empty_and_nothing_is_active(tmp_path: Path) -> None:
    assert versions(tmp_path / "none") == []
    assert not has_active(tmp_path / "none")
    with pytest.raises(ArtifactError, match=r"no active artifact in .*none: run `firebrand train`"):
        active_version(tmp_path / "none")


def test_the_active_version_is_read(registry: Path) -> None:
    assert has_active(registry)
    assert active_version(registry) == versions(registry)[0]
    assert read_active(registry).version == versions(registry)[0]


def test_activating_and_going_back(registry: Path) -> None:
    earlier, later = versions(registry)
    activate(registry, later)
    assert read_active(registry).version == later
    activate(registry, earlier)
    assert read_active(registry).version == earlier
    assert names(registry) == sorted([ACTIVE, earlier, later])


def test_activating_a_damaged_version_leaves_the_active_one(registry: Path) -> None:
    earlier, later = versions(registry)
    card = registry / later / "card.html"
    card.write_bytes(card.read_bytes()[:-1] + b"!")
    with pytest.raises(ArtifactError, match=r"card\.html"):
        activate(registry, later)
    assert active_version(registry) == earlier
    assert names(registry) == sorted([ACTIVE, earlier, later])


@pytest.mark.parametrize("version", ["2026-06-30-0123456789ab", "", "../elsewhere"])
def test_activating_what_is_not_there_leaves_the_active_one(registry: Path, version: str) -> None:
    with pytest.raises(ArtifactError, match="no artifact"):
        activate(registry, version)
    assert active_version(registry) == versions(registry)[0]


def test_activation_that_cannot_be_written_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    version = write_small(tmp_path)
    (tmp_path / ACTIVE).mkdir()
    (tmp_path / ACTIVE / "in the way").touch()
    with pytest.raises(ArtifactError, match="cannot write") as caught:
        activate(tmp_path, version)
    assert str(tmp_path / ACTIVE) in str(caught.value)
    assert names(tmp_path) == sorted([ACTIVE, version])


def test_an_active_version_that_is_gone_or_damaged_is_never_served(registry: Path) -> None:
    entries = registry / active_version(registry) / "entries.npy"
    entries.write_bytes(entries.read_bytes()[:-1] + b"!")
    with pytest.raises(ArtifactError, match=r"entries\.npy"):
        read_active(registry)
    shutil.rmtree(entries.parent)
    with pytest.raises(ArtifactError, match="no artifact"):
        read_active(registry)


@pytest.mark.parametrize("content", [b"", b"  \n", b"latest"])
def test_an_active_file_that_names_no_version_is_refused(registry: Path, content: bytes) -> None:
    (registry / ACTIVE).write_bytes(content)
    with pytest.raises(ArtifactError, match="no artifact"):
        read_active(registry)


def test_an_active_file_that_cannot_be_read_is_named(registry: Path) -> None:
    (registry / ACTIVE).write_bytes(b"\xff")
    with pytest.raises(ArtifactError, match="cannot read") as caught:
        active_version(registry)
    assert str(registry / ACTIVE) in str(caught.value)


def test_the_replacement_of_an_activation_cut_short_is_overwritten_by_the_next(registry: Path) -> None:
    left_over = registry / f".{ACTIVE}-{os.getpid()}"
    left_over.write_text("half", encoding="utf-8")
    activate(registry, versions(registry)[1])
    assert active_version(registry) == versions(registry)[1]
    assert not left_over.exists()
