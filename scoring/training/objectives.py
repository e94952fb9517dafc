"""Learning every objective that a book can teach: the same way now and at a cut in the past."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from scoring.features import Codes, FeatureSchema
from scoring.plan import Plan
from scoring.training.additive import Floats
from scoring.training.learn import learn
from scoring.training.learnt import Learnt
from scoring.training.monotone import directions_of
from scoring.training.outcomes import TARGETS
from scoring.training.progress import Begin


def learn_objectives(
    schema: FeatureSchema,
    codes: Codes,
    outcomes: Mapping[str, Floats],
    plan: Plan,
    *,
    seed: int,
    on_step: Begin,
) -> tuple[dict[str, Learnt], dict[str, str]]:
    """Learn what can be learnt, under the plan's directions.

    Args:
        schema: what the codes mean.
        codes: (accounts, features).
        outcomes: by objective, (accounts,) with NaN where the outcome is not known.
        plan: its directions.
        seed: of folds and samples.
        on_step: told the name of each step as it begins.

    Returns:
        What was learnt, and why the rest was not, by objective.
    """
    found: dict[str, Learnt] = {}
    left_out: dict[str, str] = {}
    for target in TARGETS:
        y = outcomes[target.objective]
        known = np.isfinite(y)
        if not known.any():
            left_out[target.objective] = f"the book has no data for it; it needs {target.needs}"
            continue
        learnt = learn(
            schema,
            codes[known],
            y[known],
            seed=seed,
            on_step=partial(_on_metric, on_step, target.metric),
            directions=directions_of(plan, schema),
        )
        if isinstance(learnt, str):
            left_out[target.objective] = learnt
        else:
            found[target.objective] = learnt
    return found, left_out


def _on_metric(on_step: Begin, metric: str, step: str) -> None:
    on_step(f"{metric}: {step}")
