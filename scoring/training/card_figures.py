"""The model card on the growth metrics: of everybody, of each segment, and of each year's new customers."""

from __future__ import annotations

from collections.abc import Sequence

from scoring.training.card_blocks import (
    Amounts,
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
    count,
)
from scoring.training.found import Figure as Measured
from scoring.training.found import GroupFigures
from scoring.training.plots import Span, span_chart
from scoring.training.survey import Survey

# By metric of `GroupFigures`: the head of its column, and its unit.
PRIMARY = {
    "nrr": ("NRR", "ratio"),
    "grr": ("GRR", "ratio"),
    "logo_retention": ("Logo retention", "ratio"),
    "clv": ("CLV", "currency"),
    "payback": ("CAC payback", "months"),
    "ltv_cac": ("LTV:CAC", "times"),
}
SECONDARY = {
    "expansion_rate": ("Expansion", "ratio"),
    "win_rate": ("Win rate", "ratio"),
    "sales_cycle": ("Sales cycle", "days"),
    "acv": ("ACV", "currency"),
    "velocity": ("Pipeline velocity a month", "currency"),
}
_HOW_TO_READ = (
    "Each figure stands above its 90% interval (bootstrap), what it becomes when it is drawn toward "
    "everybody's as far as groups of its size differ by chance (shrunk), and the accounts it rests on. "
    "Figures pool: all revenue over all revenue, all CAC over all margin, as finance adds them up."
)
_WORDS = (
    "NRR: what a year later is left of each unit of revenue, with expansion; GRR: without it. CLV: what a "
    "customer earned and is expected to earn. Payback: months of margin that winning it cost. Secondary "
    "figures say how easily deals are won, which is not what customers are worth."
)


def figures_section(survey: Survey) -> Section:
    """Show every metric of every group with its interval, everybody first, and what to know of a group."""
    groups = [one for one in survey.figures if one.kind != "cohort"]
    cohorts = [one for one in survey.figures if one.kind == "cohort"]
    currency = survey.plan.book.currency
    blocks: list[Block] = [Prose([_HOW_TO_READ, _WORDS]), Heading("Everybody, segments and candidates")]
    blocks += [*_picture(groups, "NRR by segment"), *_flags(groups, alarm=True)]
    blocks.append(figures_table("What customers are worth, by segment", groups, PRIMARY, currency))
    blocks.append(figures_table("Secondary figures, by segment", groups, SECONDARY, currency))
    if cohorts:
        blocks += [Heading("By the year of their first payment"), *_picture(cohorts, "NRR by first year")]
        blocks += [*_flags(cohorts, alarm=False), figures_table("Cohorts", cohorts, PRIMARY, currency)]
    return Section("figures", "Growth metrics by segment", blocks)


def _flags(groups: Sequence[GroupFigures], *, alarm: bool) -> list[Block]:
    items = [Item(f"{group.name}:", as_sentence(flag)) for group in groups for flag in group.flags]
    return [Bullets(items, alarm)] if items else []


def _picture(groups: Sequence[GroupFigures], title: str) -> list[Block]:
    held = [(group, group.figures["nrr"]) for group in groups]
    spans = [
        Span(group.name, nrr.value, nrr.low, nrr.high, f"n = {nrr.n:,}")
        for group, nrr in held
        if nrr.value is not None
    ]
    if not spans:
        return []
    say = Amounts("ratio", "").bare
    said = "; ".join(f"{span.name}: {say(span.value)}" for span in spans)
    caption = "Dots are net revenue retention, lines its 90% interval. Right of the dashed line groups grow."
    return [Figure(title, span_chart(title, f"{said}.", spans, say, mark=1.0), caption)]


def figures_table(
    caption: str, groups: Sequence[GroupFigures], metrics: dict[str, tuple[str, str]], currency: str
) -> Table:
    """Make the table of some metrics of some groups; an NRR under 100% is an alarm."""
    head = ["Group", *(label for label, _ in metrics.values())]
    rows = [
        [
            Entry(group.name, [f"{_kind(group)}{count(group.customers, 'customer')}"]),
            *(
                figure_entry(group.figures[name], Amounts(unit, currency), alarm=name == "nrr")
                for name, (_, unit) in metrics.items()
            ),
        ]
        for group in groups
    ]
    return Table(caption, head, rows, [*range(1, len(head))])


def _kind(group: GroupFigures) -> str:
    return {"segment": "in the plan, ", "candidate": "found, "}.get(group.kind, "")


def figure_entry(figure: Measured, say: Amounts, *, alarm: bool) -> Entry:
    """Write one figure: its value, interval, shrunk value and n; with `alarm`, below 1 it is one."""
    if figure.value is None:
        return Entry("\u2013", [f"n = {figure.n:,}"])
    notes = []
    if figure.low is not None and figure.high is not None:
        notes.append(f"{say.bare(figure.low)} to {say.bare(figure.high)}")
    if figure.shrunk is not None and figure.shrunk != figure.value:
        notes.append(f"shrunk {say.bare(figure.shrunk)}")
    return Entry(say.value(figure.value), [*notes, f"n = {figure.n:,}"], alarm and figure.value < 1)
