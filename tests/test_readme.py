"""What the README shows is what the service answers."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from api.schemas import parse_score_body
from scoring.registry import read_active
from scoring.scorer import Scorer
from scoring.signals.log import SignalBatch

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_request_in_the_readme_gets_the_answer_in_the_readme() -> None:
    sent = re.search(r"curl -s [^\n]*/score -d '(\{.*?\})'", README, re.DOTALL)
    shown = re.search(r"```json\n(\{.*?\n\})\n```", README, re.DOTALL)
    assert sent is not None
    assert shown is not None
    scorer = Scorer(read_active(ROOT / "artifacts"))
    request = parse_score_body(json.loads(sent[1])).request(scorer, now=0.0, request_id="readme")
    answer = asdict(scorer.score_one(request, SignalBatch.empty(1)))
    expected = json.loads(shown[1])
    detail = expected.pop("detail")
    assert {name: answer[name] for name in expected} == expected
    fit = answer["detail"]["fit"]
    assert (fit["base"], fit["unclipped"]) == (detail["fit"]["base"], detail["fit"]["unclipped"])
    assert fit["points"][: len(detail["fit"]["points"])] == detail["fit"]["points"]
    for metric, shown_of_metric in detail["fit"]["expected"].items():
        assert fit["expected"][metric] == pytest.approx(shown_of_metric, abs=0.001)
    assert set(answer) == {*expected, "detail"}


def test_every_path_the_readme_names_is_there() -> None:
    linked = set(re.findall(r"\]\(([^)#]+)\)", README)) - {"https://locust.io"}
    missing = [path for path in linked if "://" not in path and not (ROOT / path).exists()]
    assert not missing


def test_the_python_in_the_readme_runs() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    found: dict[str, Any] = {}
    exec(block, found)  # noqa: S102 - our own README
    assert sum(found["parts"].values()) == pytest.approx(found["log_odds"], abs=1e-9)
