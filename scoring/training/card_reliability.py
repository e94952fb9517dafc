"""The model card on whether predictions can be taken at their word: outcomes beside predictions."""

from __future__ import annotations

import numpy as np

from scoring.training.assemble import Head
from scoring.training.card_blocks import Amounts, Block, Figure, as_sentence, count, decimal
from scoring.training.lift import Reliability
from scoring.training.plots import Point, agreement_chart
from scoring.training.study import Study

_TITLES = {"nrr": "NRR", "clv": "CLV", "payback": "Payback"}


def reliability_blocks(study: Study, head: Head, reliability: Reliability) -> list[Block]:
    """Draw what happened over what was predicted of customers not seen, by band, in the metric's own unit.

    Means are taken on the scale that is learnt, so of CLV and payback they are nearer to the typical customer
    than to the average one.
    """
    target, base = head.target, head.target.values(study.metrics)
    amounts = Amounts(target.unit, study.plan.book.currency)

    def say(learnt: float) -> str:
        return amounts.bare(float(target.to_metric(np.array(learnt), base=base)))

    points = [
        Point(band.predicted, band.actual, band.low, band.high, f"n = {band.n:,}")
        for band in reliability.bands
    ]
    title = f"{_TITLES[target.metric]}: predicted and happened"
    said = "; ".join(f"predicted {say(one.predicted)}, happened {say(one.actual)}" for one in points)
    scale = (
        "" if target.metric == "nrr" else " The scale is the one that is learnt, a logarithm; better is up."
    )
    caption = as_sentence(slope_sentence(reliability)) + (
        f" Each customer was predicted by a model that had not seen it; lines are 90% intervals.{scale}"
    )
    return [Figure(title, agreement_chart(title, f"{said}.", points, say, unit=amounts.unit_name), caption)]


def slope_sentence(reliability: Reliability) -> str:
    """Say the slope and the error of predictions, and what they mean."""
    slope = reliability.slope
    if slope is None:
        return "all alike, so nothing can be said of their slope."
    mood = "about right" if 0.8 <= slope <= 1.25 else "too bold" if slope < 0.8 else "too timid"
    return (
        f"slope {decimal(slope)} (1 is perfect, less is too bold, more too timid: {mood}), mean error "
        f"{reliability.error_share:.0%} of how far customers differ (standard deviation), over "
        f"{count(reliability.n, 'customer')}."
    )
