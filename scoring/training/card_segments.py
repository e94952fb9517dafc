"""The model card on segments: those that people decided, and those that the machine proposes to them."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from scoring.plan import Plan
from scoring.plan_rules import SegmentSpec
from scoring.rules import Rule
from scoring.training.card_blocks import (
    Amounts,
    Block,
    Bullets,
    Entry,
    Heading,
    Item,
    Prose,
    Section,
    Table,
    as_sentence,
    chance,
    count,
    listed,
)
from scoring.training.conditions import holds_for
from scoring.training.found import Candidate, Effect, GroupFigures
from scoring.training.group_flags import said
from scoring.training.outcomes import TARGETS
from scoring.training.survey import Survey
from scoring.training.trials import MOST_FALSE

_METRICS = {"nrr": "NRR", "clv": "CLV", "payback": "Payback"}


def segments_section(survey: Survey) -> Section:
    """Say the plan's segments and the machine's candidates as sentences, with their effects."""
    blocks: list[Block] = [Heading("Decided by people"), *_decided(survey)]
    blocks += [Heading("Proposed by the machine"), Prose([_searched(survey)])]
    for better, title in ((True, "Better than the rest"), (False, "Worse than the rest")):
        found = [one for one in survey.discovery.candidates if one.better == better]
        if found:
            blocks += _proposed(survey, found, title)
    return Section("segments", "Segments", blocks)


# What people decided


def _decided(survey: Survey) -> list[Block]:
    sentence = icp_sentence(survey.plan)
    if not survey.plan.segment:
        return [Prose([f"The plan has no segment. {sentence}"])]
    return [Prose([sentence]), Bullets([_segment_item(survey, spec) for spec in survey.plan.segment])]


def icp_sentence(plan: Plan) -> str:
    """Say what makes an account part of the ICP."""
    profile = "the ideal customer profile (ICP)"
    if not plan.icp.require_segment:
        inside = " inside one of these segments or" if plan.segment else ""
        return f"Accounts{inside} with a Fit of at least {plan.icp.fit_floor:g} belong to {profile}."
    if plan.segment:
        return f"Only accounts inside one of these segments belong to {profile}."
    return f"As it requires one, no account belongs to {profile}, and no signal counts."


def _segment_item(survey: Survey, spec: SegmentSpec) -> Item:
    figures = next((one for one in survey.figures if (one.kind, one.id) == ("segment", spec.id)), None)
    text = f"{spec.rule.sentence}. {accounts_meant(survey, spec.rule)}"
    return Item(f"{spec.name or spec.id}:", text + ("" if figures is None else _told(figures)))


def _told(figures: GroupFigures) -> str:
    return "".join(
        f" {as_sentence(one)}" for one in (f"Its NRR is {said(figures.figures['nrr'])}", *figures.flags)
    )


def accounts_meant(survey: Survey, rule: Rule) -> str:
    """Say how many customers and prospects a rule holds for, and which of its attributes the book lacks."""
    unknown = [name for name, _ in rule.where if name not in survey.customers.columns]
    if unknown:
        return f"The book has no {listed(sorted(set(unknown)))}, so it says nothing about these accounts."
    text = f"{_matches(rule, survey.customers)} of {count(survey.customers.height, 'customer')}"
    prospects = survey.book.prospects
    if prospects is not None:
        text += f" and {_matches(rule, prospects)} of {count(prospects.height, 'prospect')}"
    return f"Holds for {text}."


def _matches(rule: Rule, accounts: pl.DataFrame) -> str:
    return f"{holds_for(rule.where, accounts).sum():,}"


# What the machine proposes


def _searched(survey: Survey) -> str:
    found = survey.discovery
    tried = (
        f"{count(found.searched, 'combination')} of up to three conditions were searched on one half of the "
        f"customers, and {found.tested:,} of them tested on the other half. "
        if found.searched
        else ""
    )
    if not found.candidates:
        return (
            f"{tried}Nothing was found. {as_sentence(found.note)}"
            if found.note
            else f"{tried}Nothing was found."
        )
    return (
        f"{tried}Effects are from the test half alone; the q-value is the share of findings as clear as this "
        f"that chance would bring (Benjamini-Hochberg), and at most {MOST_FALSE:.1%} is let through. People "
        "decide: what the plan does not take up has no say in who is in the ICP."
    )


def _proposed(survey: Survey, found: Sequence[Candidate], title: str) -> list[Block]:
    objectives = [target for target in TARGETS if any(target.objective in one.effects for one in found)]
    currency = survey.plan.book.currency
    head = ["Where", "Customers", "Prospects", *(_METRICS[target.metric] for target in objectives)]
    rows: list[list[str | Entry]] = []
    for one in found:
        row: list[str | Entry] = [Entry(one.rule.sentence, _in_plan(survey, one)), f"{one.customers:,}"]
        row.append("\u2013" if one.prospects is None else f"{one.prospects:,}")
        for target in objectives:
            effect = one.effects.get(target.objective)
            row.append("\u2013" if effect is None else _effect(effect, Amounts(target.unit, currency)))
        rows.append(row)
    caption = (
        f"{title}: the mean of its customers with its 90% interval, that of all others, and the q-value; "
        "all of the test half"
    )
    blocks: list[Block] = [Table(caption, head, rows, [*range(1, len(head))])]
    notes = [Item(f"{one.rule.sentence}:", text) for one in found for text in _notes(one)]
    return [*blocks, Bullets(notes)] if notes else blocks


def _in_plan(survey: Survey, candidate: Candidate) -> list[str]:
    segment = survey.taken_up.get(candidate.id)
    return [f"the plan has it as {segment}"] if segment else []


def _effect(effect: Effect, say: Amounts) -> Entry:
    doubt = effect.q_value > MOST_FALSE
    return Entry(
        say.value(effect.inside),
        [
            f"{say.bare(effect.low)} to {say.bare(effect.high)}",
            f"others {say.bare(effect.outside)}",
            f"q {chance(effect.q_value)}, n = {effect.n:,}",
            *(["may be chance"] if doubt else []),
        ],
    )


def _notes(candidate: Candidate) -> list[str]:
    flags = [as_sentence(flag) for flag in candidate.flags]
    merged = [f"Stands also for: {'; '.join(candidate.merged)}."] if candidate.merged else []
    return [*flags, *merged]
