"""The model card on attributes: how much each tells alone, and which nobody need pay for any longer."""

from __future__ import annotations

from collections.abc import Sequence

from scoring.training.card_blocks import (
    Block,
    Bullets,
    Entry,
    Figure,
    Heading,
    Item,
    Prose,
    Section,
    Table,
    as_sentence,
    decimal,
)
from scoring.training.curves import Bar, bar_chart
from scoring.training.found import AttributePower
from scoring.training.power import LEAST_JUDGED
from scoring.training.survey import Survey

TOP = 12  # attributes in the picture; the table has all
_OBJECTIVES = {"growth": "Growth", "lifetime_value": "Lifetime value", "efficiency": "Efficiency"}
_RANKED = (
    "How much of the differences between customers each attribute explains by itself (R\u00b2, on customers "
    "that were not used to fit it), summed over the objectives. Attributes that overlap share what they "
    "tell, so the numbers do not add up to a model's."
)


def attributes_section(survey: Survey) -> Section:
    """Rank the attributes by their power, and name those whose enrichment could be stopped."""
    ranked = survey.discovery.attributes
    if not ranked:
        return Section("attributes", "Attributes", [Prose(["The book has no attribute that could be used."])])
    blocks: list[Block] = [Prose([_RANKED]), *_picture(ranked[:TOP]), _table(survey)]
    return Section("attributes", "Attributes by predictive power", [*blocks, *_stopped(survey)])


def _picture(ranked: Sequence[AttributePower]) -> list[Block]:
    bars = [Bar(one.attribute, sum(one.alone.values()), "") for one in ranked]
    if bars[0].value <= 0:
        return [Prose(["No attribute tells anything alone."])]
    title = "Attributes by what they tell alone"
    said = ", ".join(f"{bar.name} {bar.value:.3f}" for bar in bars)
    svg = bar_chart(
        title, f"R squared summed over objectives: {said}.", bars, "{:.3f}".format, largest=bars[0].value
    )
    return [Heading(title), Figure("", svg, "R\u00b2 of the attribute alone, summed over objectives.")]


def _table(survey: Survey) -> Table:
    ranked = survey.discovery.attributes
    objectives = [name for name in _OBJECTIVES if any(name in one.alone for one in ranked)]
    head = [
        "Attribute",
        *(f"R\u00b2 {_OBJECTIVES[name].lower()}" for name in objectives),
        "Filled",
        "Enrichment",
    ]
    rows: list[list[str | Entry]] = [
        [
            one.attribute,
            *(decimal(one.alone.get(name), 3) for name in objectives),
            f"{one.filled:.0%}",
            "could be stopped" if one.stop else "worth having",
        ]
        for one in ranked
    ]
    return Table("All attributes, the most telling first", head, rows, [*range(1, len(head) - 1)])


def _stopped(survey: Survey) -> list[Block]:
    blocks: list[Block] = [Heading("Enrichment that could be stopped")]
    stopped = [one for one in survey.discovery.attributes if one.stop]
    if stopped:
        return [*blocks, Bullets([Item(f"{one.attribute}:", as_sentence(one.stop)) for one in stopped])]
    sentence = (
        f"None. No attribute is called worthless before {LEAST_JUDGED} customers have a known outcome, and "
        "none where a candidate segment needs it."
    )
    return [*blocks, Prose([sentence])]
