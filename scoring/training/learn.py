"""Learning an outcome from attributes: a glass box, with the evidence that it predicts.

Two forms compete on accounts they have not seen, a regularised linear one and boosted trees with pairs of
attributes; either may win, or both together in a blend. All end in tables, one per feature and per pair kept.

`additive` learns from any table of columns. `learn` learns one objective of a book, and says so where the
attributes do not predict it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import mannwhitneyu, pearsonr
from threadpoolctl import threadpool_limits

from scoring.errors import TableError
from scoring.features import Codes, FeatureSchema, NumberEncoder
from scoring.training.additive import Additive, Floats, Term, mean_of
from scoring.training.crossfit import Crossfit, OnStep, Task, crossfit
from scoring.training.encode import encode_frame
from scoring.training.folds import FOLDS
from scoring.training.loss import LOSSES, Kind, Loss
from scoring.training.schema import build_schema
from scoring.training.typed_columns import Columns, infer, kinds_of, row_count, to_frame
from scoring.values import is_missing

LEAST_CUSTOMERS = 30  # below that no fold holds enough to tell signal from chance
SIGNIFICANCE = 0.001  # chance of taking noise for signal, per objective

Direction = Literal["rising", "falling"]
_SIGNS: dict[str, int] = {"rising": 1, "falling": -1}
_SMALLEST, _LARGEST = 1e-100, 1e100  # of an outcome: sums of squares stay finite, and above 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """How well one form predicted accounts it had not seen."""

    form: str  # linear, boosted, blend or constant
    predictions: Floats  # (accounts,), each made without that account
    r_squared: float  # 1 - loss over that of the best constant: of a value the share of variance explained
    correlation: float
    p_value: float  # one-sided, of predictions this good without any signal


@dataclass(frozen=True, slots=True)
class PairWorth:
    """A pair of features that was kept, and what it is worth."""

    term: Term
    share: float  # spread of what the two do together alone, over that of the whole prediction


@dataclass(frozen=True)
class Learnt:
    """One outcome's function of codes, and the evidence for it and for the forms that lost."""

    additive: (
        Additive  # effects stand in the smallest table that holds them, centred on the accounts learnt from
    )
    errors: Mapping[Term, Floats]  # the standard error of each entry
    evidence: Evidence
    rivals: tuple[Evidence, ...]  # each form alone
    pairs: tuple[PairWorth, ...]  # strongest first
    predict: Callable[
        [Codes], Floats
    ]  # by weights and trees, without tables: what the tables must agree with


def learn(
    schema: FeatureSchema,
    codes: Codes,
    y: Floats,
    *,
    seed: int,
    on_step: OnStep = lambda _: None,
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
            f"no attribute predicts it: on customers not seen in training the best form's predictions "
            f"correlate {best.correlation:.2f} with what happened (p = {best.p_value:.2g}, "
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
    on_step: OnStep = lambda _: None,
    directions: Mapping[str, Direction] | None = None,
) -> Learnt:
    """Learn one outcome, whether or not the evidence is good; the outcomes differ.

    Values are learnt in standard deviations from their mean, and said in their own unit again.
    """
    center, scale = (float(y.mean()), float(y.std())) if kind == "value" else (0.0, 1.0)
    loss = LOSSES[kind]
    task = Task(schema, codes, (y - center) / scale, loss, seed, groups, _signs(schema, directions or {}))
    # One thread for each sum: its terms have one order then, and one book gives the same bytes anywhere.
    with threadpool_limits(1):
        found = crossfit(task, on_step)
        on_step("putting it into tables")
        members = [one.times(scale, center).purified(codes) for one in found.additives()]
    function = mean_of(members)
    best, *rivals = _evidence(found, center, scale)
    return Learnt(
        additive=function,
        errors=_standard_errors(members, function),
        evidence=best,
        rivals=tuple(rivals),
        pairs=tuple(_worth(function, codes)),
        predict=lambda asked: center + scale * found.predict(asked),
    )


def _signs(schema: FeatureSchema, directions: Mapping[str, Direction]) -> dict[int, int]:
    able = {
        f.attribute
        for f in schema.features
        if isinstance(f.encoder, NumberEncoder) or f.encoder.kind == "flag"
    }
    for attribute, direction in directions.items():
        if direction not in _SIGNS:
            raise TableError(f"the direction of {attribute} is {direction!r}; write rising or falling")
        if attribute not in able:
            said = ", ".join(sorted(able)) or "none"
            raise TableError(
                f"{attribute} cannot have a direction; these can, being numbers, dates or flags: {said}"
            )
    return {
        j: _SIGNS[directions[f.attribute]] for j, f in enumerate(schema.features) if f.attribute in directions
    }


def _standard_errors(members: Sequence[Additive], function: Additive) -> dict[Term, Floats]:
    """Return the standard error of every entry by the delete-a-group jackknife over members.

    Each member left one of FOLDS groups of accounts out: se^2 = (FOLDS - 1) * mean squared distance from the
    mean (Kott 2001, "The Delete-a-Group Jackknife").
    """
    errors = {}
    for term, mean in function.tables.items():
        away = [member.tables.get(term, np.zeros_like(mean)) - mean for member in members]
        errors[term] = np.sqrt((FOLDS - 1) * np.mean(np.square(away), axis=0))
    return errors


def _worth(function: Additive, codes: Codes) -> Iterator[PairWorth]:
    spread = float(function.predict(codes).std()) or 1.0
    shares = {term: float(entries.std()) / spread for term, entries in function.contributions(codes)}
    for term in sorted((term for term in shares if len(term) == 2), key=lambda term: (-shares[term], term)):
        yield PairWorth(term, shares[term])


def _evidence(found: Crossfit, center: float, scale: float) -> list[Evidence]:
    """Return the evidence for what was chosen, and then for each form alone.

    What was chosen is judged as a blend even where one form has all the say: the choice is judged with it.
    """
    y, loss = found.task.y, found.task.loss
    forms = [(found.blend.form, found.mixed), ("linear", found.linear), ("boosted", found.boosted)]
    return [evidence_of(form, raw, y, loss, moved=center + scale * raw) for form, raw in forms]


def evidence_of(
    form: str, raw: Floats, y: Floats, loss: Loss = LOSSES["value"], moved: Floats | None = None
) -> Evidence:
    """Hold predictions against what happened.

    The test's statistic gets the variance that it has when predictions come from the other accounts: each two
    accounts speak for one another, so its terms come in equal pairs, and it varies twice as much as with
    predictions from elsewhere (without a signal, y'Ky of a symmetric K of zero diagonal has variance 2 |K|^2,
    not |K|^2).

    Args:
        form: what made them.
        raw: (accounts,), predictions: values, or log-odds.
        y: (accounts,), what happened.
        loss: what the predictions were to make small.
        moved: the predictions in the outcome's own unit, where that is another.

    >>> evidence_of("mean", np.array([1.0, 1.0]), np.array([0.0, 2.0])).p_value
    1.0
    """
    constant = loss.mean(y, np.full(len(y), float(loss.start(y))))
    r_squared = 1.0 - loss.mean(y, raw) / constant
    predictions = raw if moved is None else moved
    if np.ptp(raw) <= 1e-12 * max(1.0, float(np.abs(raw).max())):
        return Evidence(form, predictions, r_squared, 0.0, 1.0)
    if loss.kind == "binary":
        p_value = float(mannwhitneyu(raw[y > 0], raw[y <= 0], alternative="greater").pvalue)
        correlation = float(np.corrcoef(raw, y)[0, 1])
    else:
        test = pearsonr(raw, y, alternative="greater")
        correlation, p_value = float(test.statistic), float(test.pvalue)
    return Evidence(form, predictions, r_squared, correlation, float(ndtr(ndtri(p_value) / math.sqrt(2))))


# Any table


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


def additive(
    columns: Columns,
    y: Sequence[Any] | NDArray[Any],
    kind: Kind = "binary",
    groups: Sequence[Any] | None = None,
    seed: int = 0,
    *,
    monotone: Mapping[str, Direction] | None = None,
    on_step: OnStep = lambda _: None,
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
    outcome = _outcome(y, kind, row_count(columns))
    schema, codes = _encoded(columns)
    numbers = _group_numbers(groups, len(outcome))
    _signs(schema, monotone or {})
    if np.ptp(outcome) == 0 or not schema.features:
        return AdditiveModel(schema, kind, _constant(outcome, kind))
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


def _encoded(columns: Columns) -> tuple[FeatureSchema, Codes]:
    """Return what the columns hold as codes; the typed columns themselves are not needed any longer then."""
    attributes = infer(columns)
    frame = to_frame(columns, {attribute.name: attribute.kind for attribute in attributes})
    schema = build_schema(attributes, frame)
    return schema, encode_frame(schema, frame)


def _outcome(y: Sequence[Any] | NDArray[Any], kind: Kind, rows: int) -> Floats:
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


def _group_numbers(groups: Sequence[Any] | None, rows: int) -> NDArray[np.intp] | None:
    if groups is None:
        return None
    if len(groups) != rows:
        raise TableError(f"groups has {len(groups)} labels; give one for each of the {rows} rows")
    if any(is_missing(group) for group in groups):
        raise TableError("a group's label is missing; give each row that stands alone a label of its own")
    labels, numbers = np.unique(np.asarray([str(group) for group in groups]), return_inverse=True)
    if len(labels) == 1:
        raise TableError("all rows have one group; give at least two, for forms are compared on other groups")
    return numbers


def _constant(y: Floats, kind: Kind) -> Learnt:
    """Return the model of a table that teaches nothing: one number."""
    intercept = float(LOSSES[kind].start(y))
    flat = np.full(len(y), intercept)
    evidence = Evidence("constant", flat, 0.0, 0.0, 1.0)
    return Learnt(Additive(intercept, {}), {}, evidence, (), (), lambda codes: np.full(len(codes), intercept))
