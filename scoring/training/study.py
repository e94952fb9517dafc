"""Examining a book: everything it can teach, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from scoring.errors import NothingToLearnError, PlanError
from scoring.plan import OBJECTIVES, Plan
from scoring.training.additive import Floats
from scoring.training.assemble import Head
from scoring.training.objectives import learn_objectives
from scoring.training.outcomes import TARGETS, Target
from scoring.training.progress import Begin
from scoring.training.propensity import learn_propensity
from scoring.training.survey import STEPS as SURVEY_STEPS
from scoring.training.survey import Survey, learning_outcomes, survey

STEPS = SURVEY_STEPS + 4 * (len(TARGETS) + 1)  # how often `on_step` is called at most


@dataclass(frozen=True)
class Study(Survey):
    """A survey, and all that was learnt from it: what an artifact is made of and a card speaks of."""

    heads: tuple[Head, ...]
    left_out: Mapping[str, str]  # objective -> why it could not be learnt
    propensity: Head | str  # to win, the secondary outcome; or why it could not be learnt

    @property
    def all_heads(self) -> tuple[Head, ...]:
        """What was learnt of the objectives, and then of winning, where it was."""
        return self.heads if isinstance(self.propensity, str) else (*self.heads, self.propensity)


def examine(folder: Path, plan: Plan, *, seed: int = 0, on_step: Begin = lambda _: None) -> Study:
    """Survey a book and learn what it can teach.

    Args:
        folder: the book's.
        plan: what people decided.
        seed: of folds, halves, samples and bootstraps.
        on_step: told the name of each step as it begins.

    Raises:
        BookError: the book cannot be read.
        PlanError: the plan names an attribute that the book does not have, or weighs nothing learnt.
        NothingToLearnError: no outcome can be predicted from the attributes.
    """
    found = survey(folder, plan, seed=seed, on_step=on_step)
    if not found.schema.features:
        ignored = _said({**found.book.ignored, **found.leaks})
        raise NothingToLearnError(f"{folder} holds no attribute to learn from{ignored}")
    outcomes = learning_outcomes(found.metrics)
    learnt, left_out = learn_objectives(
        found.schema, found.codes, outcomes, found.plan, seed=seed, on_step=on_step
    )
    heads = tuple(
        Head(target, learnt[target.objective], _known(target, found, outcomes))
        for target in TARGETS
        if target.objective in learnt
    )
    if not heads:
        advice = "\nleft out, unless [attributes] keep in the plan names them:" if found.leaks else ""
        raise NothingToLearnError(
            f"no artifact was made: {folder} teaches no objective"
            f"{_said(left_out)}{advice}{_said(found.leaks)}"
        )
    _check_weights(found.plan, left_out)
    surveyed = {part.name: getattr(found, part.name) for part in fields(found)}
    propensity = learn_propensity(found, seed=seed, on_step=lambda step: on_step(f"win rate: {step}"))
    return Study(**surveyed, heads=heads, left_out=left_out, propensity=propensity)


def _known(target: Target, found: Survey, outcomes: Mapping[str, Floats]) -> Floats:
    """Return the metric of those whose outcome was learnt from, in its own unit."""
    return target.values(found.metrics)[np.isfinite(outcomes[target.objective])]


def _check_weights(plan: Plan, left_out: Mapping[str, str]) -> None:
    """Refuse a plan that asks only for what could not be learnt: the model would answer another question.

    Raises:
        PlanError: no objective with a weight above 0 was learnt.
    """
    asked = [name for name in OBJECTIVES if getattr(plan.objective, name) > 0]
    if all(name in left_out for name in asked):
        raise PlanError(
            f"the plan's [objective] weighs only what this book cannot teach{_said(left_out)}\n"
            "give weight to another objective"
        )


def _said(reasons: Mapping[str, str]) -> str:
    return "".join(f"\n  {name}: {reason}" for name, reason in reasons.items())
