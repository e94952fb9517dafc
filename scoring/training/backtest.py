"""The backtest: train on what was known a window ago, then look at what happened since.

At the cut T = as_of - window, ledger rows that start later are unknown, and contracts that ended later still
run. A model is learnt from the customers of that day, under the same plan, and their Fit is held against
the window after T. Who is judged, and why it is not circular:

- customers that paid at T, by the NRR and the margin of the window after T. Those that the model learnt from
  are predicted out of fold, so that it cannot remember who they are, and the outcome is later than anything
  it saw;
- customers too young at T to have an outcome, by their first CLV;
- customers won after T, by their payback. The model never saw either in any form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.plan import Plan
from scoring.training.additive import Floats
from scoring.training.attributes import Attribute
from scoring.training.book import Book
from scoring.training.company import resolve_as_of
from scoring.training.held_out import LearntObjective, held_out_fit, held_out_predictions
from scoring.training.learn import LEAST_CUSTOMERS
from scoring.training.lift import Lift, Outcome, Reliability, lift_of, reliability_of
from scoring.training.look_back import Then, accounts_by, look_back
from scoring.training.months import add_months
from scoring.training.objectives import learn_objectives
from scoring.training.outcomes import TARGETS, Target
from scoring.training.progress import Begin
from scoring.training.rivals import OURS, Comparison, compare, rival_predictions

UNSURE = 0.05  # chance of a ranking as good without any signal, above which it is not taken for one
LEAST_JUDGED = 20  # customers under whom an outcome says nothing

Mask = NDArray[np.bool_]

ATTRIBUTES_NOTE = (
    "attributes, CAC and gross margins are those of today, and so is the choice of leaks: the book keeps no "
    "history of them, so what changed with the outcome (headcount, funding) looks more telling than it was"
)
SURVIVORS_NOTE = (
    "customers that had left before the cut are in what was learnt, and not among those judged: the model is "
    "asked about customers that were still there"
)


@dataclass(frozen=True, slots=True)
class Check:
    """One outcome after the cut, held against what was said at the cut."""

    objective: str
    population: str  # whose outcome it is, in words
    lift: Lift  # by Fit under the plan's weights
    reliability: (
        Reliability | None
    )  # of the objective's own prediction; None where the outcome has another scale
    comparison: Comparison  # of the objective's own prediction with the rivals'


@dataclass(frozen=True, slots=True)
class Cut:
    """What one training in the past was worth."""

    trained_as_of: str  # ISO 8601 date
    measured_as_of: str
    learnt_from: Mapping[str, int]  # objective -> customers
    not_learnt: Mapping[str, str]  # objective -> why
    checks: tuple[Check, ...]
    not_checked: Mapping[str, str]  # metric -> why


@dataclass(frozen=True, slots=True)
class Backtest:
    """All cuts, the latest first, and what to bear in mind."""

    cuts: tuple[Cut, ...]
    notes: tuple[str, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return the outcomes that Fit did not rank better than chance, as sentences."""
        return tuple(
            f"Fit as of {cut.trained_as_of} did not rank the {check.lift.metric} of {check.population} "
            f"better than chance (rank correlation {check.lift.rank_correlation:.2f}, n = {check.lift.n:,})"
            for cut in self.cuts
            for check in cut.checks
            if check.lift.p_value > UNSURE
        )


def backtest(
    book: Book,
    plan: Plan,
    attributes: Sequence[Attribute],
    *,
    seed: int,
    on_step: Begin = lambda _: None,
    cuts: int = 1,
) -> Backtest | str:
    """Train at earlier days and measure what happened after each.

    Args:
        book: the whole book; what is later than a cut is kept from the training.
        plan: its weights, window and money; its `as_of` is the day up to which outcomes are measured.
        attributes: those that may be learnt from, leaky ones left out.
        seed: of folds, samples and bootstraps.
        on_step: told the name of each step as it begins.
        cuts: how many windows to go back at most; each costs a training.

    Returns:
        The backtest, or why none is possible, as a sentence.
    """
    until, found, notes = resolve_as_of(book, plan), [], [ATTRIBUTES_NOTE, SURVIVORS_NOTE]
    why_not = ""
    for _ in range(cuts):
        day = add_months(np.array([until], "M8[D]"), -plan.book.window_months)[0].item()
        cut = _cut(book, plan, attributes, day, until, seed=seed, on_step=on_step)
        if isinstance(cut, str):
            why_not = cut
            break
        found.append(cut[0])
        notes += [note for note in cut[1] if note not in notes]
        until = day
    if not found:
        return f"no backtest: {why_not}"
    if why_not and cuts > 1:
        notes.append(f"no earlier cut: {why_not}")
    return Backtest(tuple(found), tuple(notes))


# What was known at the cut


def _cut(
    book: Book,
    plan: Plan,
    attributes: Sequence[Attribute],
    day: date,
    until: date,
    *,
    seed: int,
    on_step: Begin,
) -> tuple[Cut, list[str]] | str:
    on_step(f"backtest: metrics as of {day}")
    if accounts_by(book, day) < LEAST_CUSTOMERS:
        return (
            f"on {day}, a window before the measuring on {until}, the book has fewer than {LEAST_CUSTOMERS} "
            f"customers"
        )
    then, notes = look_back(book, plan, attributes, day, until, seed=seed)
    if not then.schema.features:
        return f"on {day} no customer had an attribute to learn from"
    found, not_learnt = learn_objectives(
        then.schema,
        then.codes,
        then.targets,
        plan,
        seed=seed,
        on_step=lambda step: on_step(f"backtest, {step}"),
    )
    learnt = [
        LearntObjective(objective, one, np.isfinite(then.targets[objective]))
        for objective, one in found.items()
    ]
    fit = held_out_fit(learnt, then.codes, plan.objective, base=then.customers)
    if fit is None:
        return f"on {day} nothing could be learnt that the plan weighs{_listed(not_learnt)}"
    checks, not_checked = [], {}
    predictions = {one.objective: held_out_predictions(one, then.codes) for one in learnt}
    for question in _questions(then):
        if len(question.rows) < LEAST_JUDGED:
            not_checked[question.outcome.metric] = (
                f"only {len(question.rows)} {question.population}, and at least {LEAST_JUDGED} are needed"
            )
            continue
        on_step(f"backtest: {question.outcome.metric} after {day}")
        checks.append(_check(question, then, fit.fit, predictions.get(question.target.objective), seed))
    return Cut(
        trained_as_of=day.isoformat(),
        measured_as_of=until.isoformat(),
        learnt_from={one.objective: int(one.known.sum()) for one in learnt},
        not_learnt=not_learnt,
        checks=tuple(checks),
        not_checked=not_checked,
    ), notes


def _listed(reasons: Mapping[str, str]) -> str:
    return "".join(f"; {name}: {reason}" for name, reason in reasons.items())


# What happened since


@dataclass(frozen=True, eq=False, slots=True)
class _Question:
    """One outcome to measure, of some rows."""

    target: Target  # whose prediction is held against it
    population: str
    rows: NDArray[np.intp]
    outcome: Outcome  # of those rows
    actual: Floats | None  # on the scale that is learnt


def _questions(then: Then) -> list[_Question]:
    growth, value, speed = TARGETS
    return [
        _next_nrr(then, growth),
        _next_margin(then, value),
        _first_known(then, value, "customers too young for a CLV at the cut, which have one now"),
        _first_known(then, speed, "customers whose payback was first known after the cut", falling=True),
    ]


def _floats(frame: pl.DataFrame, column: str) -> Floats:
    return frame[column].cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _next_nrr(then: Then, target: Target) -> _Question:
    """Ask for the revenue of the window's end over that of the cut, of those that paid at the cut."""
    start = _floats(then.before, "arr")
    rows = np.flatnonzero(start > 0)
    start, end = start[rows], np.maximum(_floats(then.after, "arr")[rows], 0.0)
    outcome = Outcome("nrr", "ratio", each=end / start, over=end, under=start)
    return _Question(target, "customers that paid at the cut", rows, outcome, target.to_target(end / start))


def _next_margin(then: Then, target: Target) -> _Question:
    """Ask for what those that paid at the cut earned in the window after it."""
    rows = np.flatnonzero(_floats(then.before, "arr") > 0)
    earned = (_floats(then.after, "revenue_last_window") * _floats(then.after, "margin"))[rows]
    outcome = Outcome.mean_of("margin", "currency", earned)
    return _Question(target, "customers that paid at the cut", rows, outcome, None)


def _first_known(then: Then, target: Target, population: str, *, falling: bool = False) -> _Question:
    """Ask for the metric itself, of those for whom nobody could know it at the cut."""
    later = then.later[target.objective]
    rows = np.flatnonzero(~np.isfinite(then.targets[target.objective]) & np.isfinite(later))
    values = target.values(then.after)[rows]
    outcome = Outcome.mean_of(target.metric, target.unit, values, falling=falling)
    return _Question(target, population, rows, outcome, later[rows])


def _check(question: _Question, then: Then, fit: Floats, predicted: Floats | None, seed: int) -> Check:
    rows, objective = question.rows, question.target.objective
    wanted = np.zeros(len(fit), bool)
    wanted[rows] = True
    rivals = rival_predictions(then.schema, then.codes, then.targets[objective], wanted=wanted, seed=seed)
    ours = {} if predicted is None else {OURS: predicted}
    spend = np.nan_to_num(_floats(then.before, "arr")[rows])
    return Check(
        objective=objective,
        population=question.population,
        lift=lift_of(fit[rows], question.outcome, seed=seed),
        reliability=_reliability(question, predicted, seed),
        comparison=compare(
            objective,
            question.population,
            {name: values[rows] for name, values in {**ours, **rivals}.items()},
            question.outcome,
            actual=question.actual,
            spend=spend if (spend > 0).any() else None,
        ),
    )


def _reliability(question: _Question, predicted: Floats | None, seed: int) -> Reliability | None:
    if predicted is None or question.actual is None:
        return None
    return reliability_of(predicted[question.rows], question.actual, seed=seed)
