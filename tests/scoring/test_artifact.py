from __future__ import annotations

import hashlib
import io
import json
import pickle
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.account import Account
from scoring.artifact import FILES, FORMAT, MANIFEST, VERSION, read_artifact
from scoring.errors import ArtifactError
from scoring.features import IndustryEncoder
from scoring.fit import FitModel
from scoring.scorer import Scorer, ScoreRequest
from tests.scoring.models import (
    ANY_ICP,
    AS_OF,
    PLAN,
    POLICY,
    artifact,
    attributes,
    batch_of,
    fit_model,
    log_of,
    signals,
    write_small,
)

EVERY_FILE = [MANIFEST, *FILES]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with one artifact, which tests leave as it is."""
    folder = tmp_path_factory.mktemp("registry")
    write_small(folder)
    return folder


@pytest.fixture(scope="module")
def version(registry: Path) -> str:
    return next(path.name for path in registry.iterdir())


@pytest.fixture
def home(tmp_path: Path, registry: Path, version: str) -> Path:
    """The folder of an artifact of the test's own."""
    shutil.copytree(registry / version, tmp_path / version)
    return tmp_path / version


def refused(home: Path) -> str:
    with pytest.raises(ArtifactError) as caught:
        read_artifact(home.parent, home.name)
    return str(caught.value)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def bits(model: FitModel) -> list[Any]:
    arrays = (model.tables.first, model.tables.second, model.tables.entries, model.tables.sizes)
    more = (model.tables.offset, model.tables.width, model.correlation, model.importance)
    return [(array.dtype, array.shape, array.tobytes()) for array in (*arrays, *more)]


def test_what_was_written_is_read_to_the_bit(registry: Path, version: str) -> None:
    read, made = read_artifact(registry, version), fit_model()
    assert bits(read.model) == bits(made)
    assert (read.model.schema, read.model.outcomes) == (made.schema, made.outcomes)
    assert (read.policy, read.plan, read.version) == (POLICY, artifact().plan, version)
    assert not read.draft
    assert (read.manifest["format"], read.manifest["as_of"], read.manifest["seed"]) == (
        FORMAT,
        "2026-06-30",
        0,
    )
    assert (registry / version / "plan.toml").read_text(encoding="utf-8") == PLAN


@settings(deadline=None, max_examples=30)
@given(known=attributes(), found=signals())
def test_what_was_read_scores_as_what_was_written(
    registry: Path, version: str, known: dict[str, Any], found: list[Any]
) -> None:
    made, read = Scorer(artifact()), Scorer(read_artifact(registry, version))
    request = ScoreRequest(Account("A-1", attributes=known), AS_OF, made.objective())
    batch = batch_of([[log_of(found)]])
    answers = [made.score_one(request, batch), read.score_one(request, batch)]
    assert answers[0].detail == answers[1].detail
    assert (answers[0].score, answers[0].reasons) == (answers[1].score, answers[1].reasons)


def test_the_version_says_the_day_and_ends_in_the_hash_of_the_manifest(registry: Path, version: str) -> None:
    assert VERSION.fullmatch(version)
    digest = hashlib.sha256((registry / version / MANIFEST).read_bytes()).hexdigest()
    assert version == f"2026-06-30-{digest[:12]}"


def test_writing_twice_changes_nothing_and_other_content_is_another_version(tmp_path: Path) -> None:
    first = write_small(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert write_small(tmp_path) == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    others = {write_small(tmp_path, card="<p>other</p>"), write_small(tmp_path, as_of="2026-07-31")}
    assert len({first, *others}) == 3
    assert {path.name for path in tmp_path.iterdir()} == {first, *others}


def test_the_same_artifact_has_the_same_bytes_anywhere(tmp_path: Path, registry: Path) -> None:
    write_small(tmp_path / "not" / "there yet")
    assert tree(tmp_path / "not" / "there yet") == tree(registry)


@pytest.mark.parametrize("damage", [lambda p: p.unlink(), lambda p: p.write_bytes(b"")])
def test_writing_an_artifact_again_mends_a_damaged_one(home: Path, damage: Callable[[Path], object]) -> None:
    before = tree(home)
    damage(home / "entries.npy")
    assert write_small(home.parent) == home.name
    assert tree(home) == before
    assert [path.name for path in home.parent.iterdir()] == [home.name]


@pytest.mark.parametrize("name", EVERY_FILE)
def test_a_flipped_byte_at_either_end_of_any_file_is_found_and_the_file_named(home: Path, name: str) -> None:
    content = (home / name).read_bytes()
    for position in (0, len(content) // 2, len(content) - 1):
        flipped = bytearray(content)
        flipped[position] ^= 1
        (home / name).write_bytes(flipped)
        message = refused(home)
        assert str(home / name) in message
        assert "damaged" in message


@settings(deadline=None, max_examples=60)
@given(data=st.data(), name=st.sampled_from(EVERY_FILE), bit=st.integers(0, 7))
def test_a_flipped_bit_anywhere_is_found(
    registry: Path,
    version: str,
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
    name: str,
    bit: int,
) -> None:
    home = tmp_path_factory.mktemp("flipped") / version
    shutil.copytree(registry / version, home)
    content = bytearray((home / name).read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << bit
    (home / name).write_bytes(content)
    assert str(home / name) in refused(home)
    shutil.rmtree(home.parent)


@pytest.mark.parametrize("name", EVERY_FILE)
@pytest.mark.parametrize("change", [lambda content: content[:-1], lambda content: content + b" "])
def test_a_file_cut_short_or_grown_is_found(home: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    (home / name).write_bytes(change((home / name).read_bytes()))
    assert str(home / name) in refused(home)


@pytest.mark.parametrize("name", EVERY_FILE)
def test_a_missing_file_is_named(home: Path, name: str) -> None:
    (home / name).unlink()
    assert refused(home) == f"{home} lacks {name}; restore it or train it again"


@pytest.mark.parametrize("extra", ["model.pkl", "notes.txt", ".DS_Store"])
def test_an_extra_file_is_named(home: Path, extra: str) -> None:
    (home / extra).write_bytes(b"x")
    assert refused(home) == f"{home} holds unknown files: {extra}; restore it or train it again"


def test_a_folder_where_a_file_should_be_is_refused(home: Path) -> None:
    (home / "card.html").unlink()
    (home / "card.html").mkdir()
    assert "card.html" in refused(home)


def test_an_artifact_under_another_name_is_refused(home: Path) -> None:
    other = home.rename(home.with_name("2026-06-30-000000000000"))
    assert str(other / MANIFEST) in refused(other)
    another_day = other.rename(home.with_name(home.name.replace("06-30", "06-29")))
    assert str(another_day / MANIFEST) in refused(another_day)


@pytest.mark.parametrize(
    "name", ["", "latest", "..", "../2026-06-30-000000000000", ".", "2026-06-30-00000000000G"]
)
def test_a_name_that_is_no_version_is_refused(home: Path, name: str) -> None:
    with pytest.raises(ArtifactError, match="no artifact") as caught:
        read_artifact(home.parent, name)
    assert repr(name) in str(caught.value)


def test_a_half_written_artifact_is_no_artifact(home: Path) -> None:
    building = home.rename(home.with_name(f".{home.name}-x1"))
    assert "no artifact" in refused(building)
    with pytest.raises(ArtifactError, match="firebrand models list"):
        read_artifact(home.parent, home.name)


def remade(home: Path, change: Callable[[dict[str, bytes]], object]) -> Path:
    """Change an artifact's content and give it the hashes and name that belong to it."""
    contents = {name: (home / name).read_bytes() for name in FILES}
    manifest = json.loads((home / MANIFEST).read_text(encoding="utf-8"))
    change(contents)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    return named(home, json.dumps(manifest | {"files": hashes}).encode(), contents)


def named(home: Path, manifest: bytes, contents: dict[str, bytes] | None = None) -> Path:
    for name, content in {MANIFEST: manifest, **(contents or {})}.items():
        (home / name).write_bytes(content)
    return home.rename(home.with_name(f"2026-06-30-{hashlib.sha256(manifest).hexdigest()[:12]}"))


def test_an_artifact_remade_by_the_rules_is_read(home: Path) -> None:
    other = remade(home, lambda contents: contents.update({"plan.toml": ANY_ICP.encode()}))
    assert not read_artifact(other.parent, other.name).plan.icp.require_segment


@pytest.mark.parametrize("number", [0, 4, "1", None, True, 1.0])
def test_another_format_number_is_refused_by_name(home: Path, number: Any) -> None:
    manifest = json.loads((home / MANIFEST).read_text(encoding="utf-8"))
    other = named(home, json.dumps(manifest | {"format": number}).encode())
    assert refused(other) == f"{other} has format {number!r}; this Firebrand reads formats 1, 2 and 3"


@pytest.mark.parametrize(
    "manifest", [b"[]", b"{}", b"null", b"{", b"\xff", b'{"format": 1}', b'{"format": 1, "files": []}']
)
def test_a_manifest_that_is_none_is_refused(home: Path, manifest: bytes) -> None:
    other = named(home, manifest)
    assert str(other / MANIFEST) in refused(other)


def saved(array: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def zipped(array: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, array)
    return file.getvalue()


class _Trap:
    sprung = False

    def __reduce__(self) -> tuple[Any, ...]:
        return setattr, (_Trap, "sprung", True)


CELLS = fit_model().tables.entries
NO_ENTRIES = [
    saved(np.array([_Trap()], dtype=object), allow_pickle=True),
    pickle.dumps(_Trap()),
    zipped(CELLS),
    b"",
    saved(CELLS)[:-8],
    saved(CELLS[:, :-1]),
    saved(CELLS[:2]),
    saved(CELLS.astype(np.float32)),
    saved(np.full_like(CELLS, np.nan)),
]


@pytest.mark.parametrize("entries", NO_ENTRIES)
def test_entries_that_are_no_plain_numbers_of_the_right_shape_are_refused_and_never_run(
    home: Path, entries: bytes
) -> None:
    other = remade(home, lambda contents: contents.update({"entries.npy": entries}))
    message = refused(other)
    assert str(other) in message
    assert "cannot be understood" in message
    assert not _Trap.sprung


def with_model(**changes: Any) -> Callable[[dict[str, bytes]], None]:
    def change(contents: dict[str, bytes]) -> None:
        contents["model.json"] = json.dumps(json.loads(contents["model.json"]) | changes).encode()

    return change


@pytest.mark.parametrize(
    "change",
    [
        with_model(encoders=[{"kind": "embedding", "attribute": "name"}]),
        with_model(encoders=[{"kind": "number", "attribute": "employees"}]),
        with_model(encoders=[{"kind": "number", "attribute": "employees", "edges": [1], "more": 1}]),
        with_model(encoders=[]),
        with_model(encoders="number"),
        with_model(readings=None),
        with_model(readings=[{"attribute": "a", "kind": "colour", "sources": [["a", None]]}]),
        with_model(readings=[{"attribute": "a", "kind": "industry", "sources": [["a", "isic"]]}]),
        with_model(readings=[{"attribute": "a", "kind": "country", "sources": []}]),
        with_model(tables={"first": [99], "second": [-1]}),
        with_model(outcomes=[]),
        with_model(outcomes=[{"objective": "growth", "calibration": []}]),
        with_model(correlation=[[1.0]]),
        with_model(importance=[]),
        lambda contents: contents.update({"model.json": b"[]"}),
        lambda contents: contents.update({"model.json": b"{"}),
        lambda contents: contents.update({"policy.json": b'{"half_life": 3}'}),
        lambda contents: contents.update({"policy.json": b"{"}),
        lambda contents: contents.update({"plan.toml": b"colour = 1"}),
        lambda contents: contents.update({"plan.toml": b"\xff"}),
    ],
)
def test_an_intact_artifact_that_cannot_be_understood_is_refused(
    home: Path, change: Callable[[dict[str, bytes]], object]
) -> None:
    other = remade(home, change)
    message = refused(other)
    assert str(other) in message
    assert "intact but cannot be understood" in message


def test_format_1_knows_no_industry_and_format_2_does(home: Path) -> None:
    def change(contents: dict[str, bytes]) -> None:
        model = json.loads(contents["model.json"])
        (category,) = (one for one in model["encoders"] if one["attribute"] == "industry")
        category["kind"] = "industry"
        contents["model.json"] = json.dumps(model).encode()

    other = remade(home, change)
    (encoder,) = (
        e for e in read_artifact(other.parent, other.name).model.schema.encoders if e.attribute == "industry"
    )
    assert encoder == IndustryEncoder("industry", ("fintech", "retail"))
    manifest = json.loads((other / MANIFEST).read_text(encoding="utf-8"))
    assert "KeyError('industry')" in refused(named(other, json.dumps(manifest | {"format": 1}).encode()))


def test_a_registry_that_is_a_file_cannot_be_written_and_stays_as_it_was(tmp_path: Path) -> None:
    blocked = tmp_path / "artifacts"
    blocked.write_text("mine", encoding="utf-8")
    with pytest.raises(ArtifactError, match="cannot write the artifact into") as caught:
        write_small(blocked)
    assert str(blocked) in str(caught.value)
    assert tree(tmp_path) == {"artifacts": b"mine"}


def test_a_write_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))  # bytes a file may grow to
    try:
        with pytest.raises(ArtifactError, match="cannot write the artifact into"):
            write_small(tmp_path, card="x" * 30_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_the_artifact_is_left_as_it_is(tmp_path: Path, version: str) -> None:
    (tmp_path / version).write_text("in the way", encoding="utf-8")
    with pytest.raises(ArtifactError, match="cannot write"):
        write_small(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [version]
    assert (tmp_path / version).read_text(encoding="utf-8") == "in the way"


def test_others_may_read_what_was_written(registry: Path, version: str) -> None:
    assert (registry / version).stat().st_mode & 0o777 == 0o755
