"""Every artifact format that was ever written can still be read.

`format-<n>` holds an artifact of each, as it was written. When FORMAT is raised, add one; never change one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from scoring.account import Account
from scoring.artifact import FORMAT
from scoring.registry import read_active
from scoring.scorer import Scorer, ScoreRequest
from scoring.signals.log import SignalBatch
from scoring.signals.policy import Policy

HERE = Path(__file__).parent


def test_there_is_an_artifact_of_every_format() -> None:
    assert {path.name for path in HERE.glob("format-*")} == {f"format-{n}" for n in range(1, FORMAT + 1)}


@pytest.mark.parametrize("folder", sorted(HERE.glob("format-*")), ids=lambda path: path.name)
def test_an_old_artifact_scores_as_it_did(folder: Path) -> None:
    scorer = Scorer(read_active(folder))
    request = ScoreRequest(Account("1", "", {"employees": "450"}), 1_782_820_800.0, scorer.objective())
    answer = scorer.score_one(request, SignalBatch.empty(1))
    expected = (folder / "fit.txt").read_text(encoding="ascii").strip()
    assert repr(answer.detail.fit.unclipped) == expected


@pytest.mark.parametrize(
    "known",
    [
        {"industry": "fintech", "country": "DE"},
        {"industry": "Financial Technology", "country": "Deutschland"},
        {"naics": 522320, "country": "Germany"},
        {"industry": "n/a", "naics": "522320", "sic": "6021", "country": "deu"},
    ],
)
def test_an_artifact_of_format_2_reads_industries_and_countries(known: dict[str, object]) -> None:
    scorer = Scorer(read_active(HERE / "format-2"))
    request = ScoreRequest(Account("1", "", {"employees": 450, **known}), 1_782_820_800.0, scorer.objective())
    answer = scorer.score_one(request, SignalBatch.empty(1))
    assert answer.detail.fit.unclipped == 20.94851589202881
    assert answer.detail.icp.segments == ["fintech-mid", "german"]
    assert answer.detail.fit.unknown == []


def test_an_artifact_of_format_3_says_what_signals_mean_to_the_last_field() -> None:
    policy = read_active(HERE / "format-3").policy
    assert (policy.strength_cap, policy.repeat) == (4.0, 0.25)
    scale = policy.types["intent_score"]
    assert (scale.floor, scale.full) == (40.0, 100.0)


def test_an_artifact_from_before_format_3_weighs_signals_by_the_defaults_of_today() -> None:
    policy, usual = read_active(HERE / "format-2").policy, Policy()
    assert (policy.strength_cap, policy.repeat) == (usual.strength_cap, usual.repeat)
