"""Learning an outcome from attributes: a glass box, with the evidence that it predicts.

Two forms compete on accounts they have not seen, a regularised linear one and boosted trees with pairs of
attributes; either may win, or both together in a blend. All end in tables, one per feature and per pair kept.

`additive` learns from any table of columns. `learn` learns one objective of a book, and says so where the
attributes do not predict it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from scoring.features import Codes, FeatureSchema
from scoring.training.additive import Floats, mean_of
from scoring.training.any_table import AdditiveModel, checked_outcome, constant, encoded, group_numbers
from scoring.training.crossfit import Crossfit, crossfit
from scoring.training.learnt import Evidence, Learnt, evidence_of, standard_errors, worth_of_pairs
from scoring.training.loss import LOSSES, Kind
from scoring.training.members import Task
from scoring.training.monotone import Direction, signs_of
from scoring.training.progress import Begin
from scoring.training.typed_columns import Columns, row_count

LEAST_CUSTOMERS = 30  # below that no fold holds enough to tell signal from chance
SIGNIFICANCE = 0.001  # chance of taking noise for signal, per objective


def learn(
    schema: FeatureSchema,
    codes: Codes,
    y: Floats,
    *,
    seed: int,
    on_step: Begin = lambda _: None,
    directions: Mapping[str, Direction] | None = None,
) -> Learnt | str:
    """Learn one outcome, or say why it cannot be learnt.

    Args:
        schema: what the codes mean.
        codes: (accounts, features), accounts whose outcome is known.
        y: (accounts,), the outcome; finite.
        seed: of folds and samples.
        on_step: told the name of each step as it begins.
        directions: by attribute, how the outcome may go with it.

    Returns:
        What was learnt, or the reason why nothing was, as a sentence.

    Raises:
        TableError: a direction names an attribute that is no number, date or flag of the schema.
    """
    if len(y) < LEAST_CUSTOMERS:
        return f"only {len(y)} customers have a known outcome, and at least {LEAST_CUSTOMERS} are needed"
    if np.ptp(y) == 0:
        return f"all {len(y)} customers have the same outcome"
    learnt = fit(schema, codes, y, "value", seed=seed, on_step=on_step, directions=directions)
    best = learnt.evidence
    if best.p_value > SIGNIFICANCE or best.r_squared <= 0:
        return (
            f"no attribute is shown to predict it: on customers not seen in training the best form's "
            f"predictions correlate {best.correlation:.2f} with what happened (p = {best.p_value:.2g}, "
            f"needed: at most {SIGNIFICANCE:g})"
        )
    return learnt


def fit(
    schema: FeatureSchema,
    codes: Codes,
    y: Floats,
    kind: Kind,
    *,
    seed: int,
    groups: NDArray[np.intp] | None = None,
    on_step: Begin = lambda _: None,
    directions: Mapping[str, Direction] | None = None,
) -> Learnt:
    """Learn one outcome, whether or not the evidence is good; the outcomes differ.

    Values are learnt in standard deviations from their mean, and said in their own unit again.
    """
    center, scale = (float(y.mean()), float(y.std())) if kind == "value" else (0.0, 1.0)
    loss = LOSSES[kind]
    task = Task(schema, codes, (y - center) / scale, loss, seed, groups, signs_of(schema, directions or {}))
    # One thread for each sum: its terms have one order then, and one book gives the same bytes anywhere.
    with threadpool_limits(1):
        found = crossfit(task, on_step)
        on_step("putting it into tables")
        members = [one.times(scale, center).purified(codes) for one in found.additives()]
    function = mean_of(members)
    best, *rivals = _evidence(found, center, scale)
    return Learnt(
        additive=function,
        errors=standard_errors(members, function),
        evidence=best,
        rivals=tuple(rivals),
        pairs=tuple(worth_of_pairs(function, codes)),
        predict=lambda asked: center + scale * found.predict(asked),
    )


def _evidence(found: Crossfit, center: float, scale: float) -> list[Evidence]:
    """Return the evidence for what was chosen, and then for each form alone.

    What was chosen is judged as a blend even where one form has all the say: the choice is judged with it.
    """
    y, loss = found.task.y, found.task.loss
    forms = [(found.blend.form, found.mixed), ("linear", found.linear), ("boosted", found.boosted)]
    return [evidence_of(form, raw, y, loss, moved=center + scale * raw) for form, raw in forms]


def additive(
    columns: Columns,
    y: Sequence[Any] | NDArray[Any],
    kind: Kind = "binary",
    groups: Sequence[Any] | None = None,
    seed: int = 0,
    *,
    monotone: Mapping[str, Direction] | None = None,
    on_step: Begin = lambda _: None,
) -> AdditiveModel:
    """Learn an additive model of any table.

    What three columns do only together, and no two of them, cannot be told: no table spans more than two.

    Args:
        columns: by name, a value per row: numbers, texts, booleans or lists of tags; None is missing.
        y: a number per row; for `binary` 0 or 1.
        kind: `binary` predicts log-odds, `value` the value itself.
        groups: a label per row; rows of one label are never parted while forms are compared.
        seed: of folds and samples; the same table and seed give the same model, to the bit.
        monotone: by column, `rising` or `falling`: how the prediction may go with it.
        on_step: told the name of each step as it begins.

    Raises:
        TableError: columns, outcomes or groups do not make a table.

    >>> model = additive({"size": list(range(40))}, [size > 19 for size in range(40)])
    >>> parts = model.explain({"size": [3, 30]})
    >>> bool(np.allclose(sum(parts.values()), model.predict({"size": [3, 30]}), atol=1e-9))
    True
    """
    outcome = checked_outcome(y, kind, row_count(columns))
    schema, codes = encoded(columns)
    numbers = group_numbers(groups, len(outcome))
    signs_of(schema, monotone or {})
    if np.ptp(outcome) == 0 or not schema.features:
        return AdditiveModel(schema, kind, constant(outcome, kind))
    learnt = fit(
        schema,
        codes,
        outcome,
        kind,
        seed=seed,
        groups=numbers,
        on_step=on_step,
        directions=monotone,
    )
    return AdditiveModel(schema, kind, learnt)
