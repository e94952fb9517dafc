"""The model card on what was learnt: per objective, from how many customers, how well, and what to expect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from markupsafe import Markup

from scoring.fit import BASE, SPREAD, Calibration, FitModel, Outcome
from scoring.plan import OBJECTIVES
from scoring.training.assemble import Head
from scoring.training.card_blocks import Amounts, Block, Figure, Heading, Prose, Section, Table, count, listed
from scoring.training.card_comparison import comparison_blocks
from scoring.training.card_reliability import reliability_blocks
from scoring.training.curves import Band, band_chart
from scoring.training.folds import FOLDS
from scoring.training.honesty import Honesty
from scoring.training.outcomes import HIGHEST_NRR
from scoring.training.study import Study


@dataclass(frozen=True, slots=True)
class _Words:
    """How an objective is spoken of."""

    name: str
    metric: str  # in full
    short: str
    scale: str  # what exactly was learnt
    better: str


_OBJECTIVES = {
    "growth": _Words(
        "Growth",
        "net revenue retention (NRR)",
        "NRR",
        f"NRR itself; a year above {HIGHEST_NRR:.0%} counts as {HIGHEST_NRR:.0%}",
        "higher",
    ),
    "lifetime_value": _Words(
        "Lifetime value",
        "customer lifetime value (CLV)",
        "CLV",
        "the logarithm of CLV, which goes on through zero where customers cost more than they bring",
        "higher",
    ),
    "efficiency": _Words(
        "Efficiency", "CAC payback", "payback", "the logarithm of payback, shorter being better", "shorter"
    ),
}


def learnt_section(study: Study, model: FitModel, honesty: Honesty) -> Section:
    """Say per objective what was learnt, how well and what to expect; or why nothing was."""
    compared = {one.objective: one for one in honesty.comparisons}
    blocks: list[Block] = [Prose([_weights_sentence(study, model), *_agreement(model)])]
    blocks.append(_evidence_table(study, model))
    for head, outcome in zip(study.heads, model.weighable, strict=True):
        objective = outcome.objective
        blocks.extend(_objective_blocks(study, head, outcome))
        blocks.extend(reliability_blocks(study, head, honesty.reliability[objective]))
        blocks.extend(comparison_blocks(compared[objective]))
    for objective, reason in study.left_out.items():
        words = _OBJECTIVES[objective]
        blocks += [Heading(words.name), Prose([f"Left out. Of {words.metric}: {reason}."])]
        if objective in compared:
            blocks.extend(comparison_blocks(compared[objective]))
    blocks += [Heading("Beside Fit: win propensity"), Prose([_propensity_sentence(study.propensity)])]
    return Section("learnt", "What was learnt", blocks)


def _propensity_sentence(propensity: Head | str) -> str:
    if isinstance(propensity, str):
        return f"Not learnt: {propensity}."
    evidence, won = propensity.learnt.evidence, propensity.known
    return (
        f"How likely a deal is to be won was learnt from {count(len(won), 'decided new deal')}, of which "
        f"{won.mean():.0%} were won; on deals of accounts it had not seen, predictions correlate "
        f"{evidence.correlation:.2f} with what happened. Answers say the win rate to expect. It has no part "
        "in Fit: who buys easily need not be worth having."
    )


def _weights_sentence(study: Study, model: FitModel) -> str:
    weights = model.planned(study.plan.objective).weights
    said = listed([f"{_OBJECTIVES[name].name.lower()} {weight:.0%}" for name, weight in weights.items()])
    asked = {name: getattr(study.plan.objective, name) for name in OBJECTIVES}
    lost = [name for name in study.left_out if asked[name] > 0]
    if not lost:
        return f"The plan weighs {said}. A request may ask for other weights."
    names = listed([_OBJECTIVES[name].name.lower() for name in lost])
    return (
        f"The plan also weighs {names}, of which nothing could be learnt; Fit is made of the rest: {said}. "
        f"A request may ask for other weights."
    )


def _agreement(model: FitModel) -> list[str]:
    """Say how far the objectives prefer the same accounts, for each two of them."""
    names = [_OBJECTIVES[outcome.objective].name.lower() for outcome in model.weighable]
    pairs = [
        f"{names[a]} with {names[b]} {model.correlation[a, b]:.2f}".replace("-", "\u2212")
        for a, b in combinations(range(len(names)), 2)
    ]
    if not pairs:
        return []
    return [f"How far they prefer the same customers (1: always, 0: unrelated): {'; '.join(pairs)}."]


def _evidence_table(study: Study, model: FitModel) -> Table:
    forms = sorted({rival.form for head in study.heads for rival in head.learnt.rivals})
    squares = ["R²", *(f"R² {form}" for form in forms)]
    head = ["Objective", "Weight", "Learnt from", "Form that won", *squares, "Correlation"]
    weights = model.planned(study.plan.objective).weights
    rows = [[*_evidence_row(one, weights, forms)] for one in study.heads]
    rows += [[_OBJECTIVES[name].name, "left out", *[""] * (len(head) - 2)] for name in study.left_out]
    caption = (
        f"How well each form predicted customers it had not seen ({FOLDS}-fold cross-validation). "
        "R²: share of the differences explained; 0 is no better than the average, 1 is perfect."
    )
    return Table(caption, head, rows, [1, 2, *range(4, len(head))])


def _evidence_row(head: Head, weights: Mapping[str, float], forms: Sequence[str]) -> list[str]:
    learnt, objective = head.learnt, head.target.objective
    found = {rival.form: rival.r_squared for rival in learnt.rivals}
    known = [learnt.evidence.r_squared, *(found[form] for form in forms)]
    squares = [f"{r_squared:.3f}".replace("-", "\u2212") for r_squared in known]
    customers, form = count(len(head.known), "customer"), learnt.evidence.form
    correlation = f"{learnt.evidence.correlation:.2f}"
    return [_OBJECTIVES[objective].name, f"{weights[objective]:.0%}", customers, form, *squares, correlation]


def _objective_blocks(study: Study, head: Head, outcome: Outcome) -> list[Block]:
    words, say = _OBJECTIVES[outcome.objective], Amounts(outcome.unit, study.plan.book.currency)
    bands = outcome.calibration
    caption = _band_caption(words)
    if outcome.metric == "nrr" and study.company.nrr is not None:
        caption += (
            " The average here counts every customer alike, over all its years; the company's NRR of "
            f"{study.company.nrr:.1%} counts all revenue alike, over the last "
            f"{study.plan.book.window_months} months."
        )
    return [
        Heading(f"{words.name}: {words.metric}"),
        Prose([_learnt_sentence(head, words), _range_sentence(bands, words, say)]),
        Figure("", _band_picture(bands, words, say), caption),
        _band_table(bands, words, say),
    ]


def _learnt_sentence(head: Head, words: _Words) -> str:
    learnt = head.learnt
    evidence = learnt.evidence
    rivals = listed([f"{rival.r_squared:.3f} for the {rival.form} form alone" for rival in learnt.rivals])
    against = f", against {rivals}".replace("-", "\u2212") if rivals else ""
    return (
        f"Learnt from {count(len(head.known), 'customer')} whose {words.metric} is known. "
        f"The {evidence.form} form won: on customers it had not seen it explains {evidence.r_squared:.1%} of "
        f"the differences (out-of-fold R² {evidence.r_squared:.3f}{against}), and its predictions correlate "
        f"{evidence.correlation:.2f} with what happened. What was learnt is {words.scale}."
        f"{_no_worse(head)}"
    )


def _no_worse(head: Head) -> str:
    """Say why a form was chosen although another does as well on these customers."""
    learnt = head.learnt
    better = [rival.form for rival in learnt.rivals if rival.r_squared >= learnt.evidence.r_squared]
    if not better:
        return ""
    return (
        f" The {listed(better)} form alone does no worse on these customers; what each form has to say is "
        "drawn toward equal shares, so that a few customers do not decide it."
    )


def _range_sentence(bands: Calibration, words: _Words, say: Amounts) -> str:
    if len(bands.mean) == 1:
        return f"Customers are too few, or too much alike, to tell bands of {words.short} apart."
    low, high = (
        f"{say.value(bands.mean[at])} (90% interval {say.span(bands.low[at], bands.high[at])})"
        for at in (0, -1)
    )
    return f"Customers of the best band turned out at {high} on average, those of the weakest at {low}."


def _band_picture(bands: Calibration, words: _Words, say: Amounts) -> Markup:
    notes = [f"n = {customers:,}" for customers in bands.count]
    rows = zip(_band_names(len(bands.mean)), bands.mean, bands.low, bands.high, notes, strict=True)
    drawn = [Band(*row) for row in rows]
    overall = float(np.average(bands.mean, weights=bands.count))
    said = "; ".join(f"{band.name}: {say.value(band.mean)}, {say.span(*band.ends)}" for band in drawn)
    return band_chart(
        f"{words.short} of customers by predicted band",
        f"Mean {words.short} with its 90% interval, from the weakest band to the best. {said}.",
        drawn,
        say.bare,
        unit=say.unit_name,
        mark=(overall, f"average {say.bare(overall)}"),
    )


def _band_caption(words: _Words) -> str:
    return (
        f"Customers in bands of predicted {words.short}, the weakest at the left; bars are what they turned "
        f"out to be ({words.better} is better), whiskers the 90% interval of the mean. Each customer was "
        "placed by a prediction made without it. Bands began equal in size; neighbours that were out of "
        "order were merged."
    )


def _band_names(bands: int) -> list[str]:
    return [f"Band {at}" for at in range(1, bands + 1)]


def _band_table(bands: Calibration, words: _Words, say: Amounts) -> Table:
    columns = (
        _band_names(len(bands.mean)),
        _fit_ranges(bands.edges),
        [say.value(mean) for mean in bands.mean],
        [say.span(low, high) for low, high in zip(bands.low, bands.high, strict=True)],
        [f"{customers:,}" for customers in bands.count],
    )
    head = ["Band", f"Fit on {words.name.lower()} alone", f"Mean {words.short}", "90% interval", "Customers"]
    return Table(
        f"{words.short[0].upper()}{words.short[1:]} by band of prediction",
        head,
        [*zip(*columns, strict=True)],
        [2, 3, 4],
    )


def _fit_ranges(edges: Sequence[float]) -> list[str]:
    """Say the bands of z as the Fit that an account has when this objective alone counts."""
    fits = [f"{np.clip(BASE + SPREAD * edge, 0.0, 100.0):.1f}" for edge in edges]
    if not fits:
        return ["any"]
    between = [f"{low} to {high}" for low, high in pairwise(fits)]
    return [f"under {fits[0]}", *between, f"{fits[-1]} and up"]
