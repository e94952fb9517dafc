"""Training: book -> growth metrics -> features -> fit model -> artifact, under the plan people decided."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version as package_version
from itertools import count
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from scoring.artifact import write_artifact
from scoring.fit import FitModel
from scoring.plan import read_plan
from scoring.plan_signals import policy_of
from scoring.registry import activate, has_active
from scoring.training.assemble import Head, assemble, exactness
from scoring.training.card import Trained, card_html
from scoring.training.changes import changes_since, earlier_version
from scoring.training.found import Candidate
from scoring.training.honesty import STEPS as HONESTY_STEPS
from scoring.training.honesty import Honesty, examine_honesty
from scoring.training.progress import OnStep, nobody
from scoring.training.signals_learnt import STEPS as SIGNAL_STEPS
from scoring.training.signals_learnt import SignalLessons, learn_signals
from scoring.training.signals_said import proposed_policy, signal_facts
from scoring.training.study import STEPS as STUDY_STEPS
from scoring.training.study import Study, examine

PACKAGES = ("numpy", "polars", "scikit-learn", "scipy")
STEPS = STUDY_STEPS + HONESTY_STEPS + SIGNAL_STEPS + 1
EXACT = 1e-9  # how far the tables' sum may be from the learner's own prediction


def train(book: Path, plan: Path, artifacts: Path, *, seed: int = 0, on_step: OnStep = nobody) -> str:
    """Make an artifact from a book, and make it the active one where none is active yet.

    Its card says what changed since the active version. Where that was made from the same book, plan and
    seed, the card compares with what that one was compared with: training twice gives the same bytes.

    Args:
        book: the folder of tables.
        plan: the plan file.
        artifacts: the registry the artifact is written into.
        seed: of folds, samples and bootstraps; one book, plan and seed give the same bytes.
        on_step: told each step as it begins.

    Returns:
        The version id.

    Raises:
        BookError: the book cannot be read.
        PlanError: the plan cannot be read.
        NothingToLearnError: no outcome can be predicted from the attributes; nothing is written.
        ArtifactError: the registry cannot be written.
    """
    done = count()

    def begin(step: str) -> None:
        on_step(step, min(next(done) / STEPS, 0.99))

    study = examine(book, read_plan(plan), seed=seed, on_step=begin)
    honesty = examine_honesty(study, seed=seed, on_step=begin)
    lessons = learn_signals(
        study.book, study.plan, study.as_of, seed=seed, on_step=lambda step: begin(f"signals: {step}")
    )
    begin("writing the artifact")
    with threadpool_limits(1):  # as in `learn`: sums have one order on any machine
        model = assemble(study.schema, study.codes, study.all_heads, seed=seed)
    plan_text = plan.read_text(encoding="utf-8")
    facts = _facts(study, honesty, lessons, model, seed)
    earlier = earlier_version(artifacts, facts, plan_text)
    changes = earlier if isinstance(earlier, str) else changes_since(earlier, facts, study.plan)
    version = write_artifact(
        artifacts,
        as_of=study.as_of.isoformat(),
        facts={**facts, "compared_with": None if isinstance(earlier, str) else earlier.version},
        model=model,
        policy=policy_of(study.plan.signals, proposed_policy(lessons)),
        plan_text=plan_text,
        card=card_html(Trained(study, model, honesty, lessons, changes)),
    )
    if not has_active(artifacts):
        activate(artifacts, version)
    return version


def _facts(
    study: Study, honesty: Honesty, lessons: SignalLessons | str, model: FitModel, seed: int
) -> dict[str, Any]:
    """Return what the manifest says of how the artifact came to be."""
    worst = exactness(model, study.all_heads, study.codes)
    if max(worst.values()) > EXACT:
        raise AssertionError(f"tables and learner disagree by {worst}: the extraction is wrong")
    return {
        "made_by": {
            "firebrand": package_version("firebrand"),
            **{name: package_version(name) for name in PACKAGES},
        },
        "seed": seed,
        "book": {
            "files": {
                name: {"sha256": d.sha256, "rows": d.rows} for name, d in sorted(study.book.digests.items())
            },
            "customers": study.metrics.height,
            "prospects": 0 if study.book.prospects is None else study.book.prospects.height,
            "rejected_cells_and_rows": study.book.rejects.height,
            "merged_accounts": study.book.merges.height,
        },
        "plan": {
            "name": study.plan.name,
            "approved": study.plan.approved,
            "sign_offs": [sign_off.model_dump(mode="json") for sign_off in study.plan.sign_off],
        },
        "currency": study.plan.book.currency,
        "company": asdict(study.company) | {"as_of": study.company.as_of.isoformat()},
        "attributes": sorted({feature.attribute for feature in study.schema.features}),
        "ignored_attributes": dict(study.book.ignored),
        "leaks": dict(study.leaks),
        "left_out": dict(study.left_out),
        "objectives": {head.target.objective: _evidence(head) for head in study.heads},
        "win_propensity": study.propensity
        if isinstance(study.propensity, str)
        else _evidence(study.propensity),
        "candidates": [_described(candidate) for candidate in study.discovery.candidates],
        "figures": [asdict(figures) for figures in study.figures],
        "drift": study.drift if isinstance(study.drift, str) else asdict(study.drift),
        "honesty": _without_names(honesty),
        "signals": signal_facts(lessons, study.plan.signals),
        "largest_difference_from_the_learner": worst,
    }


def _without_names(honesty: Honesty) -> dict[str, Any]:
    """Return the findings without who the best customers are: that stands in the card alone."""
    facts = asdict(honesty)
    named = {best["warning"] for best in facts.pop("best").values() if isinstance(best, dict)}
    unnamed = [warning for warning in facts["warnings"] if warning not in named]
    if len(unnamed) < len(facts["warnings"]):
        unnamed.insert(0, "Fit puts some of the ten best customers low; the card says which")
    return {**facts, "warnings": unnamed}


def _described(candidate: Candidate) -> dict[str, Any]:
    facts = asdict(candidate)
    del facts["where"]
    return {**facts, "rule": candidate.rule.sentence}


def _evidence(head: Head) -> dict[str, Any]:
    learnt = head.learnt
    forms = (*learnt.rivals, learnt.evidence)
    return {
        "metric": head.target.metric,
        "customers": len(head.known),
        "form": learnt.evidence.form,
        "r_squared_out_of_fold": {evidence.form: evidence.r_squared for evidence in forms},
        "correlation_out_of_fold": learnt.evidence.correlation,
        "p_value": learnt.evidence.p_value,
        "tables": len(learnt.additive.tables),
        "pair_tables": len(learnt.pairs),
    }
