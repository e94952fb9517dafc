"""The model card on what drives Fit: the attributes' weight, and their curves with how sure these are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scoring.features import MISSING, CategoryEncoder, Feature, NumberEncoder
from scoring.fit import BASE, FitModel
from scoring.training.card_blocks import Block, Figure, Grid, Heading, Prose, Section, count
from scoring.training.card_effects import Effect, Integers, effects_of, feature_name, interval, right_edge
from scoring.training.card_pairs import pair_blocks
from scoring.training.curves import Bar, Step, bar_chart, step_chart
from scoring.training.study import Study
from scoring.training.svg import HALF, signed

TOP_ATTRIBUTES = 12
TOP_CURVES = 6
MOST_BARS = 12  # of one attribute's values; what lies between the highest and lowest is left to words


def drivers_section(study: Study, model: FitModel) -> Section:
    """Show which attributes move Fit, by how much, and which do so together."""
    effects = effects_of(study, model)
    singles = [effect for effect in effects if len(effect.features) == 1][:TOP_CURVES]
    blocks = [
        *_importance_blocks(study, model),
        Heading("How single attributes move Fit"),
        Prose([_CURVES_SENTENCE]),
        Grid([_curve(study, model, effect, singles) for effect in singles]),
        Heading("What two attributes say together"),
        *pair_blocks(study, model, effects),
    ]
    return Section("drivers", "What drives Fit", blocks)


_CURVES_SENTENCE = (
    f"An account's points add up to its Fit: {BASE:.0f}, the average customer, plus the points of each "
    "attribute and of each two together. A curve's steps are as wide as their share of the customers. All "
    "pictures have one scale. Shaded bands and whiskers reach one standard error to either side "
    "(delete-a-group jackknife over the folds); over objectives it is the root of the summed squares, each "
    "weighed as in Fit, as if they erred independently."
)


def _importance_blocks(study: Study, model: FitModel) -> list[Block]:
    factors = np.array(model.planned(study.plan.objective).factors)
    weight: dict[str, float] = {}
    by_feature = (factors[:, None] * model.importance).sum(axis=0)
    for feature, share in zip(model.schema.features, (by_feature / by_feature.sum()).tolist(), strict=True):
        weight[feature.attribute] = weight.get(feature.attribute, 0.0) + share
    ranked = sorted(weight.items(), key=lambda pair: -pair[1])
    top, rest = ranked[:TOP_ATTRIBUTES], ranked[TOP_ATTRIBUTES:]
    others = sum(share for _, share in rest)
    caption = (
        "Share of the model's weight: how far an attribute moves the predictions of customers, on average."
    )
    if rest:
        caption += f" {count(len(rest), 'other attribute')} together: {others:.1%}."
    said = ", ".join(f"{name} {share:.1%}" for name, share in top)
    bars = [Bar(name, share, "") for name, share in top]
    picture = bar_chart(
        "Top attributes by their share of the model's weight",
        said,
        bars,
        lambda x: f"{x:.1%}",
        largest=top[0][1],
    )
    return [Heading("Top attributes"), Figure("", picture, caption)]


def _curve(study: Study, model: FitModel, effect: Effect, shown: Sequence[Effect]) -> Figure:
    feature = model.schema.features[effect.features[0]]
    customers = np.bincount(study.codes[:, effect.features[0]], minlength=feature.size)
    largest = max(float((np.abs(one.points) + one.errors).max()) for one in shown) or 1.0
    title = f"{feature_name(feature)}: points of Fit"
    if isinstance(feature.encoder, NumberEncoder) and feature.size > MOST_BARS:
        return _step_figure(title, feature, effect, customers, largest)
    return _bar_figure(title, feature, effect, customers, largest)


def _step_figure(title: str, feature: Feature, effect: Effect, customers: Integers, largest: float) -> Figure:
    steps = [
        Step(_say(feature, code), value, held, right_edge(feature, code), error)
        for code, (value, held, error) in enumerate(_rows(effect, customers))
    ]
    missing = steps[MISSING] if customers[MISSING] else None
    held = [step for step in steps[MISSING + 1 :] if step.customers]
    caption = _extremes([(step.name, step.value) for step in held])
    return Figure(title, step_chart(title, caption, held, missing, signed, largest=largest), caption)


def _rows(effect: Effect, customers: Integers) -> list[tuple[float, int, float]]:
    return list(zip(effect.points.tolist(), customers.tolist(), effect.errors.tolist(), strict=True))


def _bar_figure(title: str, feature: Feature, effect: Effect, customers: Integers, largest: float) -> Figure:
    bars = [
        Bar(_say(feature, code), value, f"n = {held:,}", error)
        for code, (value, held, error) in enumerate(_rows(effect, customers))
        if held
    ]
    if isinstance(feature.encoder, CategoryEncoder):
        bars.sort(key=lambda bar: -bar.value)
    between = max(len(bars) - MOST_BARS, 0)
    half = MOST_BARS // 2
    drawn = [*bars[:half], *bars[half + between :]]
    caption = _extremes([(bar.name, bar.value) for bar in bars])
    caption += f" {count(between, 'value')} between them are not shown." if between else ""
    return Figure(title, bar_chart(title, caption, drawn, signed, largest=largest, width=HALF), caption)


def _extremes(rows: Sequence[tuple[str, float]]) -> str:
    (best, most), (worst, least) = max(rows, key=lambda row: row[1]), min(rows, key=lambda row: row[1])
    return f"Most: {best} ({signed(most)}). Least: {worst} ({signed(least)})."


def _say(feature: Feature, code: int) -> str:
    """Say a code; intervals of numbers shorter than the feature itself does."""
    if isinstance(feature.encoder, NumberEncoder):
        return interval(feature, code, code)
    return feature.say(code)
