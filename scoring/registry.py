"""The model registry: a folder of artifacts, and `active`, the file that names the one that is served."""

from __future__ import annotations

import os
from pathlib import Path

from scoring.artifact import VERSION, Artifact, read_artifact
from scoring.errors import ArtifactError

ACTIVE = "active"


def versions(folder: Path) -> list[str]:
    """Return the version ids in a registry, oldest data first."""
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and VERSION.fullmatch(path.name))


def active_version(folder: Path) -> str:
    """Return the version that is served.

    Raises:
        ArtifactError: none is active.
    """
    try:
        return (folder / ACTIVE).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        message = f"no active artifact in {folder}: run `firebrand train`, or `firebrand models activate`"
        raise ArtifactError(message) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ArtifactError(f"cannot read {folder / ACTIVE}: {error}") from error


def read_active(folder: Path) -> Artifact:
    """Read and verify the version that is served.

    Raises:
        ArtifactError: none is active, or it is missing or damaged.
    """
    return read_artifact(folder, active_version(folder))


def activate(folder: Path, version: str) -> None:
    """Make a version the one that is served from the next start on.

    Raises:
        ArtifactError: it is missing or damaged, or the registry cannot be written; the active version stays
            as it was.
    """
    read_artifact(folder, version)
    replacement = folder / f".{ACTIVE}-{os.getpid()}"
    try:
        replacement.write_text(version + "\n", encoding="utf-8")
        replacement.replace(folder / ACTIVE)
    except OSError as error:
        replacement.unlink(missing_ok=True)
        raise ArtifactError(f"cannot write {folder / ACTIVE}: {error}") from error


def has_active(folder: Path) -> bool:
    """Tell whether a version is active."""
    return (folder / ACTIVE).is_file()
