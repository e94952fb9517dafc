"""Examining a book: everything it can teach, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np

from scoring.errors import NothingToLearnError, PlanError
from scoring.plan import OBJECTIVES, Plan
from scoring.training.assemble import Head
from scoring.training.learn import learn
from scoring.training.monotone import directions_of
from scoring.training.outcomes import TARGETS
from scoring.training.propensity import WINNING, learn_propensity
from scoring.training.survey import STEPS as SURVEY_STEPS
from scoring.training.survey import Begin, Survey, learning_outcomes, survey

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
    heads, left_out = _learn_all(found, seed, on_step)
    if not heads:
        advice = "\nleft out, unless [attributes] keep in the plan names them:" if found.leaks else ""
        raise NothingToLearnError(
            f"no artifact was made: {folder} teaches no objective"
            f"{_said(left_out)}{advice}{_said(found.leaks)}"
        )
    _check_weights(found.plan, left_out)
    surveyed = {part.name: getattr(found, part.name) for part in fields(found)}
    propensity = learn_propensity(found, seed=seed, on_step=partial(_on_metric, on_step, WINNING.metric))
    return Study(**surveyed, heads=heads, left_out=left_out, propensity=propensity)


def _learn_all(found: Survey, seed: int, on_step: Begin) -> tuple[tuple[Head, ...], dict[str, str]]:
    heads: list[Head] = []
    left_out: dict[str, str] = {}
    outcomes = learning_outcomes(found.metrics)
    for target in TARGETS:
        y = outcomes[target.objective]
        known = np.isfinite(y)
        if not known.any():
            left_out[target.objective] = f"the book has no data for it; it needs {target.needs}"
            continue
        learnt = learn(
            found.schema,
            found.codes[known],
            y[known],
            seed=seed,
            on_step=partial(_on_metric, on_step, target.metric),
            directions=directions_of(found.plan, found.schema),
        )
        if isinstance(learnt, str):
            left_out[target.objective] = learnt
        else:
            heads.append(Head(target, learnt, target.values(found.metrics)[known]))
    return tuple(heads), left_out


def _on_metric(on_step: Begin, metric: str, step: str) -> None:
    on_step(f"{metric}: {step}")


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
