"""The fit artifact: a folder with everything the service scores with, written once and verified when read.

    artifacts/<version>/manifest.json   what it was made from, and the SHA-256 of each other file
                        model.json      features, tables' layout, outcomes and their calibration
                        entries.npy     the tables' entries
                        policy.json     what signals mean
                        plan.toml       what people decided, with their sign-offs
                        card.html       the model card, for people

The version id ends in the hash of the manifest, and the manifest holds the hash of every file: a flipped
byte anywhere is found. Nothing in an artifact is executed. No clock is read: one book, plan and seed give the
same bytes.

Raising FORMAT: keep reading the old one (a loader per format; tests/contracts holds an artifact of each), and
write only the new one.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scoring.errors import ArtifactError, FirebrandError
from scoring.features import (
    CategoryEncoder,
    CountryEncoder,
    DateEncoder,
    Encoder,
    FeatureSchema,
    FlagEncoder,
    IndustryEncoder,
    NumberEncoder,
    TagsEncoder,
)
from scoring.fit import Calibration, FitModel, Outcome, Tables
from scoring.plan import Plan, parse_plan
from scoring.readings import Reading, readers
from scoring.signals.policy import Policy

FORMAT = 3  # 1: no readings, and no encoder of industries and countries; 2: a policy of fewer fields
MANIFEST = "manifest.json"
FILES = ("model.json", "entries.npy", "policy.json", "plan.toml", "card.html")
VERSION = re.compile(r"\d{4}-\d{2}-\d{2}-[0-9a-f]{12}")
_FIRST_ENCODERS: dict[str, type[Encoder]] = {
    kind.kind: kind for kind in (NumberEncoder, DateEncoder, CategoryEncoder, FlagEncoder, TagsEncoder)
}
_ENCODERS = _FIRST_ENCODERS | {kind.kind: kind for kind in (IndustryEncoder, CountryEncoder)}


@dataclass(frozen=True)
class Artifact:
    """A verified artifact in memory."""

    version: str
    manifest: Mapping[str, Any]
    model: FitModel
    policy: Policy
    plan: Plan  # its rules spelt as the model reads attributes

    @property
    def draft(self) -> bool:
        """Whether nobody signed the plan it was made with."""
        return not self.plan.approved


def write_artifact(
    folder: Path,
    *,
    as_of: str,
    facts: Mapping[str, Any],
    model: FitModel,
    policy: Policy,
    plan_text: str,
    card: str,
) -> str:
    """Write an artifact so that a reader never sees half of one.

    Args:
        folder: the registry of artifacts; made where absent.
        as_of: the day the book speaks of, ISO; begins the version id.
        facts: what the manifest says beside the files' hashes: JSON values only.
        model: the fit model.
        policy: what signals mean.
        plan_text: the plan file as people wrote it.
        card: the model card, HTML.

    Returns:
        The version id. Writing the same artifact again changes nothing, and mends one that was damaged.

    Raises:
        ArtifactError: the folder cannot be written.
    """
    description, entries = _describe(model)
    contents = {
        "model.json": _canonical(description),
        "entries.npy": entries,
        "policy.json": _canonical(policy.model_dump()),
        "plan.toml": plan_text.encode(),
        "card.html": card.encode(),
    }
    manifest = {"format": FORMAT, "as_of": as_of, **facts}
    manifest["files"] = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    contents[MANIFEST] = _canonical(manifest)
    version = _version_of(as_of, contents[MANIFEST])
    try:
        _write_folder(folder, version, contents)
    except OSError as error:
        raise ArtifactError(f"cannot write the artifact into {folder}: {error}") from error
    return version


def _write_folder(folder: Path, version: str, contents: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    home = folder / version
    if home.exists() and _contents(home) == contents:
        return
    building = Path(tempfile.mkdtemp(prefix=f".{version}-", dir=folder))
    try:
        for name, content in contents.items():
            with (building / name).open("wb") as file:
                file.write(content)
                os.fsync(file.fileno())
        building.chmod(0o755)
        if home.exists():
            shutil.rmtree(home)  # damaged: nobody can read it
        building.rename(home)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise


def _canonical(value: Any) -> bytes:
    """Return JSON with one spelling per value, so that equal content has equal bytes."""
    return json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _version_of(as_of: str, manifest: bytes) -> str:
    return f"{as_of}-{hashlib.sha256(manifest).hexdigest()[:12]}"


def _describe(model: FitModel) -> tuple[dict[str, Any], bytes]:
    entries = io.BytesIO()
    np.save(entries, model.tables.entries, allow_pickle=False)
    description = {
        "encoders": [{"kind": encoder.kind, **_fields(encoder)} for encoder in model.schema.encoders],
        "readings": [asdict(reading) for reading in model.schema.readings],
        "tables": {"first": model.tables.first.tolist(), "second": model.tables.second.tolist()},
        "outcomes": [asdict(outcome) for outcome in model.outcomes],
        "correlation": model.correlation.tolist(),
        "importance": model.importance.tolist(),
    }
    return description, entries.getvalue()


def _fields(encoder: Encoder) -> dict[str, Any]:
    names = ("attribute", "edges", "day_first", "levels", "tags")
    return {name: getattr(encoder, name) for name in names if hasattr(encoder, name)}


def read_artifact(folder: Path, version: str) -> Artifact:
    """Read and verify one version in a registry folder.

    Raises:
        ArtifactError: it is not there, a file is missing, damaged or unknown, or its format is too new.
    """
    home = folder / version
    if not VERSION.fullmatch(version) or not home.is_dir():
        raise ArtifactError(
            f"no artifact {version!r} in {folder}; `firebrand models list` shows what is there"
        )
    contents = _read_contents(home, version)
    try:
        return _assemble(home, version, contents)
    except (AttributeError, LookupError, TypeError, ValueError, FirebrandError) as error:
        raise ArtifactError(
            f"{home} is intact but cannot be understood: {error!r}; train it again"
        ) from error


def _contents(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(home.iterdir())}


def _read_contents(home: Path, version: str) -> dict[str, bytes]:
    try:
        contents = _contents(home)
    except OSError as error:
        raise ArtifactError(f"cannot read the artifact {home}: {error}") from error
    missing = {MANIFEST, *FILES} - set(contents)
    unknown = set(contents) - {MANIFEST, *FILES}
    if missing or unknown:
        what = "lacks" if missing else "holds unknown files:"
        raise ArtifactError(
            f"{home} {what} {', '.join(sorted(missing or unknown))}; restore it or train it again"
        )
    if _version_of(version[:10], contents[MANIFEST]) != version:
        raise ArtifactError(
            f"{home / MANIFEST} is damaged or was edited: its hash is not the one in the version id"
        )
    manifest = _manifest(home, contents[MANIFEST])
    if manifest["as_of"] != version[:10]:
        raise ArtifactError(f"{home / MANIFEST} is of {manifest['as_of']}: its folder was renamed")
    for name in FILES:
        if hashlib.sha256(contents[name]).hexdigest() != manifest["files"].get(name):
            raise ArtifactError(
                f"{home / name} is damaged or was edited: its hash is not the one in the manifest"
            )
    return contents


def _manifest(home: Path, written: bytes) -> dict[str, Any]:
    """Read a manifest of a format that this Firebrand knows."""
    try:
        manifest: dict[str, Any] = json.loads(written)
        found, whole = manifest["format"], isinstance(manifest["files"], dict) and "as_of" in manifest
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(f"{home / MANIFEST} is no manifest: {error!r}; train it again") from error
    if isinstance(found, bool) or not isinstance(found, int) or found not in _SCHEMAS:
        *others, last = map(str, _SCHEMAS)
        known = f"{', '.join(others)} and {last}"
        raise ArtifactError(f"{home} has format {found!r}; this Firebrand reads formats {known}")
    if not whole:
        raise ArtifactError(
            f"{home / MANIFEST} is no manifest: it lacks the day or the hashes; train it again"
        )
    return manifest


def _assemble(home: Path, version: str, contents: Mapping[str, bytes]) -> Artifact:
    manifest, description = json.loads(contents[MANIFEST]), json.loads(contents["model.json"])
    schema = _SCHEMAS[manifest["format"]](description)
    tables = Tables(
        first=np.array(description["tables"]["first"], np.intp),
        second=np.array(description["tables"]["second"], np.intp),
        entries=np.lib.format.read_array(io.BytesIO(contents["entries.npy"]), allow_pickle=False),
        sizes=np.array([feature.size for feature in schema.features], np.intp),
    )
    model = FitModel(
        schema=schema,
        tables=tables,
        outcomes=tuple(_outcome(fields) for fields in description["outcomes"]),
        correlation=np.array(description["correlation"], np.float64),
        importance=np.array(description["importance"], np.float64),
    )
    _check_shapes(model)
    plan = parse_plan(contents["plan.toml"].decode(), str(home / "plan.toml"))
    return Artifact(
        version=version,
        manifest=manifest,
        model=model,
        policy=Policy.model_validate_json(contents["policy.json"]),
        plan=plan.spelt(readers(schema.readings)),
    )


def _check_shapes(model: FitModel) -> None:
    objectives, features, tables = len(model.outcomes), len(model.schema.features), model.tables
    shapes = {
        "entries": (tables.entries, (objectives, tables.cell_count)),
        "correlation": (model.correlation, (objectives, objectives)),
        "importance": (model.importance, (objectives, features)),
    }
    for name, (array, shape) in shapes.items():
        if array.shape != shape or array.dtype != np.float64 or not np.isfinite(array).all():
            raise ValueError(f"{name} are not {shape} finite numbers")


def _schema_of_format_1(description: Mapping[str, Any]) -> FeatureSchema:
    return FeatureSchema(tuple(_encoder(fields, _FIRST_ENCODERS) for fields in description["encoders"]))


def _schema_of_format_2(description: Mapping[str, Any]) -> FeatureSchema:
    encoders = tuple(_encoder(fields, _ENCODERS) for fields in description["encoders"])
    return FeatureSchema(encoders, tuple(_reading(fields) for fields in description["readings"]))


_SCHEMAS: Mapping[int, Callable[[Mapping[str, Any]], FeatureSchema]] = {
    1: _schema_of_format_1,
    2: _schema_of_format_2,
    3: _schema_of_format_2,
}


def _encoder(fields: Mapping[str, Any], kinds: Mapping[str, type[Encoder]]) -> Encoder:
    rest = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in fields.items()
        if name != "kind"
    }
    return kinds[fields["kind"]](**rest)


def _reading(fields: Mapping[str, Any]) -> Reading:
    sources = tuple((name, system) for name, system in fields["sources"])
    return Reading(fields["attribute"], fields["kind"], sources)


def _outcome(fields: dict[str, Any]) -> Outcome:
    calibration = Calibration(**{name: tuple(values) for name, values in fields.pop("calibration").items()})
    return Outcome(**fields, calibration=calibration)
