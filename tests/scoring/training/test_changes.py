import shutil
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from scoring.artifact import Artifact, read_artifact, write_artifact
from scoring.plan import ObjectiveSection, Plan
from scoring.plan_rules import SegmentSpec
from scoring.registry import activate
from scoring.training.card_blocks import Bullets, Prose, Section, Table
from scoring.training.card_changes import changes_section
from scoring.training.changes import FIRST, FileChange, Pair, changes_since, earlier_version

CONTRACTS = Path(__file__).parents[2] / "contracts"


@pytest.fixture
def facts(demo_artifact: Artifact) -> dict[str, Any]:
    """What the demo's manifest says, to be changed at will."""
    return deepcopy(dict(demo_artifact.manifest))


@pytest.fixture
def plan_text(demo_book: Path) -> str:
    return (demo_book / "plan.toml").read_text(encoding="utf-8")


def tables(section: Section) -> dict[str, Table]:
    return {block.head[0]: block for block in section.blocks if isinstance(block, Table)}


def prose(section: Section) -> str:
    return " ".join(
        [one for block in section.blocks if isinstance(block, Prose) for one in block.paragraphs]
        + [item.text for block in section.blocks if isinstance(block, Bullets) for item in block.items]
    )


# Which version to compare with


def test_in_an_empty_registry_a_version_is_the_first(
    facts: Mapping[str, Any], plan_text: str, tmp_path: Path
) -> None:
    assert earlier_version(tmp_path, facts, plan_text) == FIRST


def test_a_version_of_the_same_source_is_not_compared_with_itself(
    facts: Mapping[str, Any], plan_text: str, demo_registry: Path
) -> None:
    assert facts["compared_with"] is None
    assert earlier_version(demo_registry, facts, plan_text) == FIRST


@pytest.mark.parametrize("changed", ["seed", "book", "plan"])
def test_the_active_version_is_compared_where_book_plan_or_seed_differ(
    facts: dict[str, Any], plan_text: str, demo_registry: Path, demo_artifact: Artifact, changed: str
) -> None:
    if changed == "seed":
        facts["seed"] += 1
    elif changed == "book":
        facts["book"]["files"]["accounts.csv"]["sha256"] = "0" * 64
    else:
        plan_text += "\n"
    earlier = earlier_version(demo_registry, facts, plan_text)
    assert isinstance(earlier, Artifact)
    assert earlier.version == demo_artifact.version


def test_an_active_version_that_cannot_be_read_is_named(
    facts: Mapping[str, Any], plan_text: str, demo_registry: Path, demo_artifact: Artifact, tmp_path: Path
) -> None:
    registry = Path(shutil.copytree(demo_registry, tmp_path / "registry"))
    (registry / demo_artifact.version / "model.json").write_text("{}")
    said = earlier_version(registry, facts, plan_text)
    assert said == f"Version {demo_artifact.version} cannot be read, so nothing is compared with it."


# What changed


def test_nothing_changed_between_a_version_and_itself(
    demo_artifact: Artifact, facts: Mapping[str, Any]
) -> None:
    changes = changes_since(demo_artifact, facts, demo_artifact.plan)
    assert (changes.decisions, changes.gained, changes.lost, changes.not_known) == ((), (), (), ())
    assert all(pair.before == pair.now for pair in (*changes.objectives, *changes.company, *changes.segments))
    assert {file.state for file in changes.files} == {"the same"}
    assert {pair.name for pair in changes.objectives} == set(facts["objectives"])
    said = prose(changes_section(changes))
    assert "Segments, exclusions and weights are the same." in said
    assert "The same attributes were used." in said


def test_results_before_and_now_stand_side_by_side(demo_artifact: Artifact, facts: dict[str, Any]) -> None:
    before = demo_artifact.manifest["company"]["nrr"]
    facts["company"]["nrr"] = before - 0.05
    del facts["objectives"]["efficiency"]
    changes = changes_since(demo_artifact, facts, demo_artifact.plan)
    assert Pair("nrr", before, before - 0.05) in changes.company
    lost = next(pair for pair in changes.objectives if pair.name == "efficiency")
    assert lost.before is not None
    assert lost.now is None
    shown = tables(changes_section(changes))
    assert ["NRR", f"{before:.1%}", f"{before - 0.05:.1%}", "\u22125.0 points"] in shown["The company"].rows
    assert ["Efficiency", f"{lost.before:.3f}", "\u2013", ""] in shown["Objective"].rows


def test_segments_and_weights_that_people_changed_are_sentences(
    demo_artifact: Artifact, facts: Mapping[str, Any]
) -> None:
    plan = demo_artifact.plan
    wider = SegmentSpec.model_validate({"id": "hiring-logistics", "where": [{"industry": ["logistics"]}]})
    new = SegmentSpec.model_validate({"id": "banks", "where": [{"industry": ["banking"]}]})
    segments = [plan.segment[0], wider, new]
    objective = ObjectiveSection(growth=1.0)
    changed = plan.model_copy(update={"segment": segments, "objective": objective})
    changes = changes_since(demo_artifact, facts, changed)
    assert changes.decisions == (
        (
            "segment hiring-logistics was: industry is logistics and hiring is yes; "
            "it is now: industry is logistics"
        ),
        "segment banks is new: industry is banking",
        f"segment fraud-detection-on-kafka is gone: {plan.segment[2].rule.sentence}",
        "the weights were growth 50%, lifetime value 30% and efficiency 20%; they are now growth 100%",
    )


def test_attributes_and_files_are_gained_and_lost(demo_artifact: Artifact, facts: dict[str, Any]) -> None:
    facts["attributes"] = [*facts["attributes"][1:], "zodiac_sign"]
    files = facts["book"]["files"]
    files["invoices.csv"] = {"rows": 7, "sha256": "1" * 64}
    rows = files.pop("events.csv")["rows"]
    files["accounts.csv"] = {"rows": 3, "sha256": "2" * 64}
    changes = changes_since(demo_artifact, facts, demo_artifact.plan)
    assert changes.gained == ("zodiac_sign",)
    assert changes.lost == (demo_artifact.manifest["attributes"][0],)
    assert FileChange("invoices.csv", None, 7, "new") in changes.files
    assert FileChange("events.csv", rows, None, "gone") in changes.files
    accounts = next(file for file in changes.files if file.name == "accounts.csv")
    assert (accounts.now, accounts.state) == (3, "changed")
    assert ["invoices.csv", "\u2013", "7", "new"] in tables(changes_section(changes))["File"].rows


@pytest.mark.parametrize("made_in", ["format-1", "format-2"])
def test_of_an_old_version_what_it_did_not_record_is_not_known(
    made_in: str, facts: Mapping[str, Any], plan_text: str, tmp_path: Path
) -> None:
    registry = Path(shutil.copytree(CONTRACTS / made_in, tmp_path / "registry"))
    earlier = earlier_version(registry, facts, plan_text)
    assert isinstance(earlier, Artifact)
    changes = changes_since(earlier, facts, Plan())
    assert len(changes.not_known) == 5
    assert changes.gained == changes.lost == ()
    assert all(pair.before is None for pair in (*changes.objectives, *changes.company, *changes.segments))
    section = changes_section(changes)
    assert "does not say how well it predicted, the company's figures" in prose(section)
    assert "File" not in tables(section)
    assert "The same attributes" not in prose(section)


def test_a_version_made_again_is_compared_with_what_it_was_compared_with(
    demo_registry: Path, demo_artifact: Artifact, facts: dict[str, Any], plan_text: str, tmp_path: Path
) -> None:
    """As when a book is trained on twice, and its first version was made the active one in between."""
    registry = Path(shutil.copytree(demo_registry, tmp_path / "registry"))
    facts = {name: value for name, value in facts.items() if name not in ("files", "format", "as_of")}
    facts |= {"seed": 1, "compared_with": demo_artifact.version}
    version = write_artifact(
        registry,
        as_of="2026-06-30",
        facts=facts,
        model=demo_artifact.model,
        policy=demo_artifact.policy,
        plan_text=plan_text,
        card="<!doctype html><title>A card</title>",
    )
    activate(registry, version)
    earlier = earlier_version(registry, read_artifact(registry, version).manifest, plan_text)
    assert isinstance(earlier, Artifact)
    assert earlier.version == demo_artifact.version


def test_the_first_version_says_so() -> None:
    assert prose(changes_section(FIRST)) == "This is the first version."
