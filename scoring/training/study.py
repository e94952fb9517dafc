"""Examining a book: everything it can teach, before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from scoring.errors import NothingToLearnError, PlanError
from scoring.features import Codes, FeatureSchema
from scoring.plan import OBJECTIVES, Plan
from scoring.readings import readers
from scoring.training.additive import Floats
from scoring.training.assemble import Head
from scoring.training.book import Book, read_book
from scoring.training.company import CompanyMetrics, company_metrics, resolve_as_of
from scoring.training.encode import encode_frame
from scoring.training.leaks import find_leaks
from scoring.training.learn import learn
from scoring.training.metrics import account_metrics
from scoring.training.outcomes import TARGETS
from scoring.training.plan_attributes import check_attributes
from scoring.training.schema import build_schema

STEPS = 3 + 3 * len(TARGETS)  # how often `on_step` is called at most

Begin = Callable[[str], None]  # told the name of each step as it begins


@dataclass(frozen=True)
class Study:
    """Everything that was found in a book: what an artifact is made of and a report speaks of."""

    plan: Plan  # its rules spelt as the book is read
    book: Book
    as_of: date
    metrics: pl.DataFrame  # a row per customer
    company: CompanyMetrics
    customers: pl.DataFrame  # their attributes, in the order of `metrics`
    schema: FeatureSchema
    codes: Codes  # (customers, features)
    heads: tuple[Head, ...]
    left_out: Mapping[str, str]  # objective -> why it could not be learnt
    leaks: Mapping[str, str]  # attribute -> why it was left out


def examine(folder: Path, plan: Plan, *, seed: int = 0, on_step: Begin = lambda _: None) -> Study:
    """Read a book and learn what it can teach.

    Raises:
        BookError: the book cannot be read.
        PlanError: the plan names an attribute that the book does not have, or weighs nothing learnt.
        NothingToLearnError: no outcome can be predicted from the attributes.
    """
    on_step("reading the book")
    book = read_book(folder, plan)
    plan = plan.spelt(readers(book.readings))
    check_attributes(plan, book)
    on_step("computing growth metrics")
    metrics = account_metrics(book, plan)
    customers = attributes_of(metrics, book)
    outcomes = learning_outcomes(metrics)
    on_step("looking for leaky columns")
    leaks = find_leaks(book, metrics, customers, keep=plan.attributes.keep, seed=seed)
    schema = build_schema(book.attributes, customers, book.readings, without=leaks)
    if not schema.features:
        raise NothingToLearnError(
            f"{folder} holds no attribute to learn from{_said({**book.ignored, **leaks})}"
        )
    codes = encode_frame(schema, customers)
    heads, left_out = _learn_all(schema, codes, metrics, outcomes, seed, on_step)
    if not heads:
        advice = "\nleft out, unless [attributes] keep in the plan names them:" if leaks else ""
        raise NothingToLearnError(
            f"no artifact was made: {folder} teaches no objective{_said(left_out)}{advice}{_said(leaks)}"
        )
    _check_weights(plan, left_out)
    return Study(
        plan=plan,
        book=book,
        as_of=resolve_as_of(book, plan),
        metrics=metrics,
        company=company_metrics(book, plan),
        customers=customers,
        schema=schema,
        codes=codes,
        heads=heads,
        left_out=left_out,
        leaks=leaks,
    )


def attributes_of(metrics: pl.DataFrame, book: Book) -> pl.DataFrame:
    """Return the accounts of the metrics, in their order, with all that the book says of them."""
    return metrics.select("account_id").join(
        book.accounts, on="account_id", how="left", maintain_order="left"
    )


def learning_outcomes(metrics: pl.DataFrame) -> dict[str, Floats]:
    """Return each objective's learning target: (customers,), NaN where it is not known."""
    with np.errstate(invalid="ignore"):  # NaN in, NaN out
        return {target.objective: target.to_target(target.values(metrics)) for target in TARGETS}


def _learn_all(
    schema: FeatureSchema,
    codes: Codes,
    metrics: pl.DataFrame,
    outcomes: Mapping[str, Floats],
    seed: int,
    on_step: Begin,
) -> tuple[tuple[Head, ...], dict[str, str]]:
    heads: list[Head] = []
    left_out: dict[str, str] = {}
    for target in TARGETS:
        y = outcomes[target.objective]
        known = np.isfinite(y)
        if not known.any():
            left_out[target.objective] = f"the book has no data for it; it needs {target.needs}"
            continue
        learnt = learn(
            schema, codes[known], y[known], seed=seed, on_step=partial(_on_metric, on_step, target.metric)
        )
        if isinstance(learnt, str):
            left_out[target.objective] = learnt
        else:
            heads.append(Head(target, learnt, target.values(metrics)[known]))
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
