"""Any table of columns, as the learner takes it, and the model that was learnt from one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.errors import TableError
from scoring.features import Codes, FeatureSchema
from scoring.training.additive import Additive, Floats, Term
from scoring.training.encode import encode_frame
from scoring.training.folds import FOLDS
from scoring.training.learnt import Evidence, Learnt
from scoring.training.loss import LOSSES, Kind
from scoring.training.schema import build_schema
from scoring.training.typed_columns import Columns, infer, kinds_of, row_count, to_frame
from scoring.values import is_missing

_SMALLEST, _LARGEST = 1e-100, 1e100  # of an outcome: sums of squares stay finite, and above 0


@dataclass(frozen=True)
class AdditiveModel:
    """What `additive` learnt."""

    schema: FeatureSchema
    kind: Kind
    learnt: Learnt

    def predict(self, columns: Columns) -> Floats:
        """Return the value of each row, or the log-odds: (rows,).

        Raises:
            TableError: a column that was learnt from is absent, or columns differ in length.
        """
        return self.learnt.additive.predict(self._codes(columns))

    def explain(self, columns: Columns) -> dict[str, Floats]:
        """Return what each term adds to each row's prediction, by the term's name: (rows,) each.

        The first is `intercept`, the same in every row. All together they sum to `predict`.

        Raises:
            TableError: as `predict`.
        """
        codes = self._codes(columns)
        parts = {"intercept": np.full(len(codes), self.intercept)}
        parts.update(
            (self.names[term], entries) for term, entries in self.learnt.additive.contributions(codes)
        )
        return parts

    @property
    def intercept(self) -> float:
        """What is predicted of the average row."""
        return self.learnt.additive.intercept

    @cached_property
    def pairs(self) -> dict[str, float]:
        """The pairs that were kept: the spread of what each does beyond its features, over the whole's."""
        return {self.names[pair.term]: pair.share for pair in self.learnt.pairs}

    @cached_property
    def standard_errors(self) -> dict[str, Floats]:
        """The standard error of every table entry, by the term's name."""
        return {self.names[term]: errors for term, errors in self.learnt.errors.items()}

    @cached_property
    def names(self) -> dict[Term, str]:
        """The name of each term: `employees`, `tools: dbt`, `employees & industry`.

        A name that is taken already, such as that of a column called `intercept`, gets a number.
        """
        names: dict[Term, str] = {}
        taken = {"intercept"}
        for term in self.learnt.additive.tables:
            plain = " & ".join(_feature_name(self.schema, feature) for feature in term)
            tries = (plain, *(f"{plain} ({number})" for number in range(2, len(taken) + 2)))
            names[term] = next(name for name in tries if name not in taken)
            taken.add(names[term])
        return names

    def _codes(self, columns: Columns) -> Codes:
        rows = row_count(columns)
        if not self.schema.features:  # a frame without columns has no rows either
            return np.empty((rows, 0), np.uint8)
        return encode_frame(self.schema, to_frame(columns, kinds_of(self.schema)))


def _feature_name(schema: FeatureSchema, feature: int) -> str:
    one = schema.features[feature]
    if one.encoder.kind != "tags":
        return one.attribute
    return f"{one.attribute}: {one.say(2)}"


def encoded(columns: Columns) -> tuple[FeatureSchema, Codes]:
    """Return what the columns hold as codes; the typed columns themselves are not needed any longer then."""
    attributes = infer(columns)
    frame = to_frame(columns, {attribute.name: attribute.kind for attribute in attributes})
    schema = build_schema(attributes, frame)
    return schema, encode_frame(schema, frame)


def checked_outcome(y: Sequence[Any] | NDArray[Any], kind: Kind, rows: int) -> Floats:
    """Return the outcome of each row: (rows,).

    Raises:
        TableError: the kind is unknown, or there is not one finite number a row; of a binary outcome 0 or 1.
    """
    if kind not in LOSSES:
        raise TableError(f"kind is {kind!r}; write one of {', '.join(LOSSES)}")
    try:
        outcome = np.asarray(y, np.float64)
    except (TypeError, ValueError) as error:
        raise TableError("y holds something that is no number; give a finite number per row") from error
    if outcome.shape != (rows,):
        raise TableError(f"y has shape {outcome.shape}; give one number for each of the {rows} rows")
    if not np.isfinite(outcome).all() or rows < FOLDS:
        raise TableError(f"give a finite outcome for every row, and at least {FOLDS} rows")
    if kind == "binary" and not np.isin(outcome, (0.0, 1.0)).all():
        raise TableError(
            "y of a binary outcome is 0 or 1 in every row; for other numbers ask for kind='value'"
        )
    size = float(np.abs(outcome).max())
    if size and not _SMALLEST < size < _LARGEST:
        raise TableError(
            f"y is as large as {size:.2g}, and its square is no number; give it in another unit, "
            f"so that it lies between {_SMALLEST:g} and {_LARGEST:g}"
        )
    return outcome


def group_numbers(groups: Sequence[Any] | None, rows: int) -> NDArray[np.intp] | None:
    """Return the group of each row as a whole number from 0 up: (rows,).

    Raises:
        TableError: there is not one label a row.
    """
    if groups is None:
        return None
    if len(groups) != rows:
        raise TableError(f"groups has {len(groups)} labels; give one for each of the {rows} rows")
    if any(is_missing(group) for group in groups):
        raise TableError("a group's label is missing; give each row that stands alone a label of its own")
    known: dict[Any, int] = {}
    numbers = np.array([known.setdefault(group, len(known)) for group in groups], np.intp)
    if len(known) == 1:
        raise TableError("all rows have one group; give at least two, for forms are compared on other groups")
    return numbers


def constant(y: Floats, kind: Kind) -> Learnt:
    """Return the model of a table that teaches nothing: one number."""
    intercept = float(LOSSES[kind].start(y))
    flat = np.full(len(y), intercept)
    evidence = Evidence("constant", flat, 0.0, 0.0, 1.0)
    return Learnt(Additive(intercept, {}), {}, evidence, (), (), lambda codes: np.full(len(codes), intercept))
