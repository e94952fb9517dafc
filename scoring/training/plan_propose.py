"""From a book to its first plan: read, measure, search, and write what people are to decide."""

from __future__ import annotations

from pathlib import Path

from scoring.plan import Plan
from scoring.readings import readers
from scoring.rules import Rule
from scoring.training.book import Book, read_book
from scoring.training.discovery import discover
from scoring.training.found import Discovery, Kind
from scoring.training.groups import Group, group_figures, members_of
from scoring.training.leaks import find_leaks
from scoring.training.metrics import account_metrics
from scoring.training.plan_attributes import check_attributes
from scoring.training.plan_exclusions import propose_exclusions
from scoring.training.plan_init import plan_init
from scoring.training.progress import OnStep, nobody
from scoring.training.survey import attributes_of


def propose(folder: Path, plan: Plan, *, seed: int = 0, on_step: OnStep = nobody) -> str:
    """Return the text of a first plan for a book; see `plan_init` for what is in it.

    Args:
        folder: the book's.
        plan: what is decided already, such as what columns are called.
        seed: of the halves and samples; one book, plan and seed give the same bytes.
        on_step: told each step as it begins.

    Raises:
        BookError: the book cannot be read.
        PlanError: the plan names an attribute that the book does not have.
    """
    on_step("reading the book", 0.0)
    book = read_book(folder, plan)
    plan = plan.spelt(readers(book.readings))
    check_attributes(plan, book)
    on_step("computing growth metrics", 0.2)
    metrics = account_metrics(book, plan)
    customers = attributes_of(metrics, book)
    on_step("looking for leaky columns", 0.3)
    leaks = find_leaks(book, metrics, customers, keep=plan.attributes.keep, seed=seed)
    on_step("searching for segments", 0.4)
    attributes = [attribute for attribute in book.attributes if attribute.name not in leaks]
    discovery = discover(attributes, customers, metrics, book.prospects, seed=seed)
    on_step("measuring what was found", 0.8)
    groups = _groups(book, discovery)
    figures = group_figures(book, plan, metrics, groups, seed=seed)
    return plan_init(book, discovery, figures, plan, leaks=leaks)


def _groups(book: Book, discovery: Discovery) -> list[Group]:
    """Return the candidates and the exclusions that are proposed."""
    candidates = [candidate.rule for candidate in discovery.candidates]
    exclusions = [proposed.rule for proposed in propose_exclusions(book)]
    kinds: tuple[tuple[Kind, list[Rule]], ...] = (("candidate", candidates), ("exclusion", exclusions))
    return [
        Group(rule.id, rule.sentence, kind, members_of(rule, book)) for kind, rules in kinds for rule in rules
    ]
