"""Surveying a book: all it says before anything is learnt, from its metrics to the segments in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from scoring.features import Codes, FeatureSchema
from scoring.plan import Plan
from scoring.readings import readers
from scoring.rules import Rule
from scoring.training.additive import Floats
from scoring.training.book import Book, read_book
from scoring.training.company import CompanyMetrics, company_metrics, resolve_as_of
from scoring.training.discovery import discover
from scoring.training.drift import Drift, drift_of
from scoring.training.encode import encode_frame
from scoring.training.found import Discovery, GroupFigures, Kind
from scoring.training.groups import Group, cohorts, group_figures, members_of
from scoring.training.leaks import find_leaks
from scoring.training.metrics import account_metrics
from scoring.training.outcomes import TARGETS
from scoring.training.plan_attributes import check_attributes
from scoring.training.progress import Begin
from scoring.training.schema import build_schema

STEPS = 6  # how often `on_step` is called


@dataclass(frozen=True)
class Survey:
    """Everything that a book says by itself."""

    plan: Plan  # its rules spelt as the book is read
    book: Book
    as_of: date
    metrics: pl.DataFrame  # a row per customer
    company: CompanyMetrics
    customers: pl.DataFrame  # their attributes, in the order of `metrics`
    leaks: dict[str, str]  # attribute -> why it was left out
    schema: FeatureSchema
    codes: Codes  # (customers, features)
    discovery: Discovery
    taken_up: Mapping[str, str]  # candidate -> the plan's segment that means the same accounts; ids
    figures: tuple[GroupFigures, ...]  # of everybody, the plan's segments, the candidates and the cohorts
    drift: Drift | str  # or why it cannot be told


def survey(folder: Path, plan: Plan, *, seed: int = 0, on_step: Begin = lambda _: None) -> Survey:
    """Read a book and say what is in it.

    Args:
        folder: the book's.
        plan: what people decided.
        seed: of halves, samples and bootstraps; one book, plan and seed give the same survey.
        on_step: told the name of each step as it begins.

    Raises:
        BookError: the book cannot be read.
        PlanError: the plan names an attribute that the book does not have.
    """
    on_step("reading the book")
    book = read_book(folder, plan)
    plan = plan.spelt(readers(book.readings))
    check_attributes(plan, book)
    on_step("computing growth metrics")
    metrics = account_metrics(book, plan)
    customers = attributes_of(metrics, book)
    on_step("looking for leaky columns")
    leaks = find_leaks(book, metrics, customers, keep=plan.attributes.keep, seed=seed)
    schema = build_schema(book.attributes, customers, book.readings, without=leaks)
    on_step("searching for segments")
    usable = [attribute for attribute in book.attributes if attribute.name not in leaks]
    discovery = discover(usable, customers, metrics, book.prospects, seed=seed)
    on_step("measuring segments and cohorts")
    decided = _groups("segment", [(spec.rule, spec.name or spec.id) for spec in plan.segment], book)
    found = _groups("candidate", [(one.rule, one.rule.sentence) for one in discovery.candidates], book)
    taken_up = _taken_up(found, decided)
    groups = [*decided, *(group for group in found if group.id not in taken_up), *cohorts(metrics)]
    figures = group_figures(book, plan, metrics, groups, seed=seed)
    on_step("comparing prospects with customers")
    return Survey(
        plan=plan,
        book=book,
        as_of=resolve_as_of(book, plan),
        metrics=metrics,
        company=company_metrics(book, plan),
        customers=customers,
        leaks=leaks,
        schema=schema,
        codes=encode_frame(schema, customers),
        discovery=discovery,
        taken_up=taken_up,
        figures=figures,
        drift=drift_of(schema, customers, book.prospects, seed=seed),
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


def _groups(kind: Kind, named: Sequence[tuple[Rule, str]], book: Book) -> list[Group]:
    return [Group(rule.id, name, kind, members_of(rule, book)) for rule, name in named]


def _taken_up(found: Sequence[Group], decided: Sequence[Group]) -> dict[str, str]:
    """Return candidate -> segment where both mean the same accounts; of several such segments, the first."""
    return {
        one.id: group.id for one in found for group in reversed(decided) if one.members.equals(group.members)
    }
