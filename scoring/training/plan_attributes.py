"""Holding a plan against a book: the attributes that it names must be there, and be of a fitting kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scoring.plan import Plan
from scoring.plan_faults import advice
from scoring.plan_lines import Place
from scoring.rules import Condition
from scoring.training.book import Book

_ORDERED = ("number", "date")


def check_attributes(plan: Plan, book: Book) -> None:
    """Refuse a plan that speaks of attributes which the accounts do not have: such a rule can never hold.

    Raises:
        PlanError: a rule, a trigger, a role or `monotone` names an attribute that the book does not have, or
            one of another kind; the message has the line of each, and the attributes there are.
    """
    kinds = {attribute.name: str(attribute.kind) for attribute in book.attributes}
    known = sorted({*kinds, *book.ignored})
    faults = [
        (
            place,
            f"{what} names {name}, which the accounts do not have; {advice(name, known, 'their attributes')}",
        )
        for place, what, name in _named(plan)
        if name not in known
    ]
    faults += _misfits(plan, kinds)
    if faults:
        raise plan.origin.refusal(faults)


def _named(plan: Plan) -> Iterator[tuple[Place, str, str]]:
    """Yield each attribute that a plan names, where, and what names it."""
    for kind, specs in (
        ("segment", plan.segment),
        ("exclusion", plan.exclusion),
        ("readiness", plan.readiness),
    ):
        for at, spec in enumerate(specs):
            yield from _of_rule((kind, at), f"{kind} {spec.id}", spec.where)
    for at, trigger in enumerate(plan.trigger):
        if trigger.date_of:
            yield ("trigger", at, "date_of"), f"trigger {trigger.id}", trigger.date_of
        yield from _of_rule(("trigger", at), f"trigger {trigger.id}", trigger.where or ())
    for role in type(plan.roles).model_fields:
        for name in getattr(plan.roles, role):
            yield ("roles", role), f"role {role}", name
    for name in plan.attributes.monotone:
        yield ("attributes", "monotone", name), "monotone", name


def _of_rule(
    place: Place, what: str, where: Sequence[tuple[str, Condition]]
) -> Iterator[tuple[Place, str, str]]:
    for at, (name, _) in enumerate(where):
        yield (*place, "where", at), what, name


def _misfits(plan: Plan, kinds: dict[str, str]) -> list[tuple[Place, str]]:
    faults: list[tuple[Place, str]] = [
        (
            ("attributes", "monotone", name),
            f"monotone names {name}, which is of the kind {kinds[name]}; only a number or a date can rise",
        )
        for name in plan.attributes.monotone
        if name in kinds and kinds[name] not in _ORDERED
    ]
    for at, trigger in enumerate(plan.trigger):
        if kinds.get(trigger.date_of, "date") != "date":
            kind = kinds[trigger.date_of]
            sentence = f"trigger {trigger.id} takes {trigger.date_of} for a date; it is of the kind {kind}"
            dates = sorted(name for name in kinds if kinds[name] == "date")
            said = f"dates: {', '.join(dates)}" if dates else "the accounts have no dates"
            faults.append((("trigger", at, "date_of"), f"{sentence}; {said}"))
    return faults
