"""What changed since the version that is served: of results, of decisions, and of the data.

Everything is read from the manifest and the plan of the earlier version. One that was made before a fact was
recorded does not have it, and `Changes.not_known` says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scoring.artifact import Artifact, read_artifact
from scoring.errors import ArtifactError
from scoring.plan import OBJECTIVES, Plan
from scoring.plan_rules import ExclusionSpec, SegmentSpec
from scoring.registry import active_version, has_active
from scoring.training.card_blocks import listed

FIRST = "This is the first version."
COMPANY = ("nrr", "grr", "logo_retention", "expansion_rate")

Facts = Mapping[str, Any]  # of a manifest


@dataclass(frozen=True, slots=True)
class Pair:
    """One figure before and now; None where it was not learnt, or is not known."""

    name: str
    before: float | None
    now: float | None


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file of the book: rows before and now, and whether its content is the same."""

    name: str
    before: int | None
    now: int | None
    state: str  # the same, changed, new, gone


@dataclass(frozen=True, slots=True)
class Changes:
    """How a version differs from an earlier one."""

    since: str  # its version id
    objectives: tuple[Pair, ...]  # out-of-fold R squared
    company: tuple[Pair, ...]
    segments: tuple[Pair, ...]  # NRR of the plan's segments
    decisions: tuple[str, ...]  # sentences on the plan
    gained: tuple[str, ...]  # attributes
    lost: tuple[str, ...]
    files: tuple[FileChange, ...]
    not_known: tuple[str, ...]  # what the earlier version did not record


def earlier_version(artifacts: Path, facts: Facts, plan_text: str) -> Artifact | str:
    """Return the version to compare with, or why there is none, as a sentence.

    It is the active one; where that was made from the same book, plan and seed, it is the one that it was
    compared with itself. So training again gives the same bytes.

    Args:
        artifacts: the registry.
        facts: of the new version, as its manifest will have them.
        plan_text: the new version's plan as people wrote it.
    """
    if not has_active(artifacts):
        return FIRST
    version = active_version(artifacts)
    try:
        active = read_artifact(artifacts, version)
        if not _same_source(active.manifest, facts, plan_text):
            return active
        version = active.manifest.get("compared_with") or ""
        return read_artifact(artifacts, version) if version else FIRST
    except ArtifactError:
        return f"Version {version} cannot be read, so nothing is compared with it."


def _same_source(earlier: Facts, facts: Facts, plan_text: str) -> bool:
    return (
        _files(earlier) == _files(facts)
        and earlier["seed"] == facts["seed"]
        and earlier["files"]["plan.toml"] == hashlib.sha256(plan_text.encode()).hexdigest()
    )


def changes_since(earlier: Artifact, facts: Facts, plan: Plan) -> Changes:
    """Hold a new version against an earlier one.

    Args:
        earlier: read from the registry.
        facts: of the new version's manifest.
        plan: the new version's, its rules spelt as the book is read.
    """
    before = earlier.manifest
    attributes = set(facts["attributes"])
    known = "attributes" in before
    return Changes(
        since=earlier.version,
        objectives=tuple(_pairs(OBJECTIVES, _explained(before), _explained(facts))),
        company=tuple(_pairs(COMPANY, before.get("company", {}), facts["company"])),
        segments=tuple(_segments(before, facts)),
        decisions=(*_rules(earlier.plan, plan), *_weights(earlier.plan, plan)),
        gained=tuple(sorted(attributes - set(before["attributes"]))) if known else (),
        lost=tuple(sorted(set(before["attributes"]) - attributes)) if known else (),
        files=tuple(_file_changes(_files(before), _files(facts))),
        not_known=tuple(_not_known(before)),
    )


def _not_known(before: Facts) -> Iterator[str]:
    wanted = {
        "objectives": "how well it predicted",
        "company": "the company's figures",
        "figures": "the figures of segments",
        "attributes": "its attributes",
        "book": "the files it was made from",
    }
    return (said for name, said in wanted.items() if name not in before)


def _pairs(
    names: Sequence[str], before: Mapping[str, float | None], now: Mapping[str, float | None]
) -> Iterator[Pair]:
    for name in names:
        if before.get(name) is not None or now.get(name) is not None:
            yield Pair(name, before.get(name), now.get(name))


def _explained(facts: Facts) -> dict[str, float | None]:
    return {
        name: found["r_squared_out_of_fold"][found["form"]]
        for name, found in facts.get("objectives", {}).items()
    }


def _segments(before: Facts, now: Facts) -> Iterator[Pair]:
    old, new = _nrr(before), _nrr(now)
    yield from _pairs([*new, *(name for name in old if name not in new)], old, new)


def _nrr(facts: Facts) -> dict[str, float | None]:
    return {
        group["id"]: group["figures"]["nrr"]["value"]
        for group in facts.get("figures", ())
        if group["kind"] == "segment"
    }


# What people decided


def _rules(before: Plan, now: Plan) -> Iterator[str]:
    yield from _specs("segment", before.segment, now.segment)
    yield from _specs("exclusion", before.exclusion, now.exclusion)


def _specs(
    kind: str,
    before: Sequence[SegmentSpec] | Sequence[ExclusionSpec],
    now: Sequence[SegmentSpec] | Sequence[ExclusionSpec],
) -> Iterator[str]:
    old, new = ({spec.id: spec.rule.sentence for spec in specs} for specs in (before, now))
    for name, sentence in new.items():
        if name not in old:
            yield f"{kind} {name} is new: {sentence}"
        elif old[name] != sentence:
            yield f"{kind} {name} was: {old[name]}; it is now: {sentence}"
    yield from (f"{kind} {name} is gone: {old[name]}" for name in old if name not in new)


def _weights(before: Plan, now: Plan) -> Iterator[str]:
    old, new = _said_of_weights(before), _said_of_weights(now)
    if old != new:
        yield f"the weights were {old}; they are now {new}"


def _said_of_weights(plan: Plan) -> str:
    weights = {name: getattr(plan.objective, name) for name in OBJECTIVES}
    total = sum(weights.values())
    return listed([f"{name.replace('_', ' ')} {w / total:.0%}" for name, w in weights.items() if w])


# The book


def _files(facts: Facts) -> dict[str, Mapping[str, Any]]:
    return dict(facts.get("book", {}).get("files", {}))


def _file_changes(before: Mapping[str, Facts], now: Mapping[str, Facts]) -> Iterator[FileChange]:
    for name in sorted({*before, *now}):
        old, new = before.get(name), now.get(name)
        rows = [None if one is None else int(one["rows"]) for one in (old, new)]
        yield FileChange(name, rows[0], rows[1], _state(old, new))


def _state(old: Facts | None, new: Facts | None) -> str:
    if old is None or new is None:
        return "new" if old is None else "gone"
    return "the same" if old["sha256"] == new["sha256"] else "changed"
