"""The model card on the backtest: what a training a window ago said, and what happened since."""

from __future__ import annotations

from datetime import date

from markupsafe import Markup

from scoring.training.backtest import UNSURE, Backtest, Check, Cut
from scoring.training.card_blocks import (
    Amounts,
    Block,
    Bullets,
    Figure,
    Heading,
    Item,
    Notice,
    Prose,
    Section,
    as_sentence,
    chance,
    count,
    decimal,
    listed,
    say_date,
)
from scoring.training.card_comparison import comparison_blocks
from scoring.training.card_reliability import slope_sentence
from scoring.training.curves import Band, band_chart
from scoring.training.lift import Lift, Reliability

_METRICS = {"nrr": "NRR", "clv": "CLV", "payback": "payback", "margin": "margin"}


def backtest_section(tested: Backtest | str, currency: str) -> Section:
    """Show what Fit was worth in the window after a training in the past, or say why that cannot be told."""
    if isinstance(tested, str):
        return Section("backtest", "Backtest", [Prose([as_sentence(tested)])])
    blocks: list[Block] = [block for cut in tested.cuts for block in _cut(cut, currency)]
    blocks += [Heading("To bear in mind"), Bullets([Item("", as_sentence(note)) for note in tested.notes])]
    return Section("backtest", "Backtest: did it come true?", blocks)


def _cut(cut: Cut, currency: str) -> list[Block]:
    trained, measured = (say_date(date.fromisoformat(day)) for day in (cut.trained_as_of, cut.measured_as_of))
    learnt = listed([f"{name.replace('_', ' ')} from {n:,}" for name, n in cut.learnt_from.items()])
    sentence = (
        f"A model was trained on what the book knew on {trained}, under the same plan, and its Fit held "
        f"against what happened until {measured}. It learnt {learnt} customers."
    )
    blocks: list[Block] = [Prose([sentence])]
    for check in cut.checks:
        blocks += _check(check, currency)
    missing = [Item(f"{_METRICS[name]}:", as_sentence(why)) for name, why in cut.not_checked.items()]
    missing += [Item(f"{name.replace('_', ' ')}:", as_sentence(why)) for name, why in cut.not_learnt.items()]
    return [*blocks, Heading("Not measured"), Bullets(missing)] if missing else blocks


def _check(check: Check, currency: str) -> list[Block]:
    lift, say = check.lift, Amounts(check.lift.unit, currency)
    name = _METRICS[lift.metric]
    title = f"{name[0].upper()}{name[1:]} of {check.population}"
    blocks: list[Block] = [Heading(title)]
    if lift.p_value > UNSURE:
        blocks.append(Notice("", [f"Fit did not rank them better than chance (p {chance(lift.p_value)})."]))
    blocks.append(Prose([_worth(lift, say), *_reliable(check.reliability)]))
    drawn = _bands(lift)
    if drawn:
        blocks.append(Figure("", _picture(title, lift, drawn, say), _caption(lift)))
    return [*blocks, *comparison_blocks(check.comparison)]


def _worth(lift: Lift, say: Amounts) -> str:
    best, average = lift.bands[0], lift.average
    ranked = (
        f"Over all {count(lift.n, 'customer')}, Fit and outcome have a rank correlation of "
        f"{decimal(lift.rank_correlation)} (p {chance(lift.p_value)})"
    )
    if lift.auc is not None:
        ranked += f"; of a customer above the median and one below, Fit knows the better in {lift.auc:.0%}"
    if best.value is None or average is None:
        return f"{ranked}."
    times = "" if best.lift is None else f", {best.lift:.2f} times as good"
    return (
        f"The band with the highest Fit came to {say.value(best.value)}, against {say.value(average)} of "
        f"all{times}. {ranked}."
    )


def _reliable(reliability: Reliability | None) -> list[str]:
    if reliability is None or reliability.slope is None:
        return []
    return [f"The objective's own predictions: {slope_sentence(reliability)}"]


def _bands(lift: Lift) -> list[Band]:
    return [
        Band(str(at), band.value, band.low, band.high, f"n = {band.n:,}")
        for at, band in enumerate(lift.bands, start=1)
        if band.value is not None
    ]


def _picture(title: str, lift: Lift, drawn: list[Band], say: Amounts) -> Markup:
    average = 0.0 if lift.average is None else lift.average
    said = "; ".join(f"band {band.name}: {say.bare(band.mean)}" for band in drawn)
    return band_chart(
        f"{title} by band of Fit",
        f"From the highest Fit to the lowest. {said}. Average {say.value(average)}.",
        drawn,
        say.bare,
        unit=say.unit_name,
        mark=(average, f"average {say.bare(average)}"),
    )


def _caption(lift: Lift) -> str:
    better = "shorter is better" if lift.metric == "payback" else "higher is better"
    note = f" {as_sentence(lift.note)}" if lift.note else ""
    return (
        f"Bands of like numbers of customers, the highest Fit at the left; {better}. Whiskers are 90% "
        f"intervals.{note}"
    )
