"""The figures beside a proposal, in words: what people decide by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scoring.training.found import Candidate, Effect, Figure, GroupFigures
from scoring.training.outcomes import TARGETS

_UNITS = {target.metric: target.unit for target in TARGETS}
_SHOWN = ("nrr", "grr", "clv", "payback", "win_rate")
_NAMES = {"nrr": "NRR", "grr": "GRR", "clv": "CLV", "payback": "payback", "win_rate": "win rate"}


def amount(metric: str, value: float, currency: str) -> str:
    """Write a figure of a metric with its unit.

    >>> amount("nrr", 1.304, "USD"), amount("clv", 182_345.6, "EUR"), amount("payback", 9.07, "USD")
    ('130%', '182,346 EUR', '9.1 months')
    """
    unit = {"currency": f" {currency}", "months": " months"}.get(_UNITS.get(metric, "ratio"), "")
    return f"{_bare(metric, value)}{unit}"


def _bare(metric: str, value: float) -> str:
    match _UNITS.get(metric, "ratio"):
        case "currency":
            return f"{value:,.0f}"
        case "months":
            return f"{value:.1f}"
    return f"{value:.0%}"


def effect_said(effect: Effect, currency: str) -> str:
    """Say what a segment's customers turned out to be.

    >>> effect_said(Effect("nrr", 1.3, 0.86, 1.25, 1.36, 1e-9, 2e-8, 63), "USD")
    'NRR 130% against 86% outside (90% interval 125% to 136%, q = 2e-08, on 63 unseen customers)'
    """
    inside, outside = (amount(effect.metric, mean, currency) for mean in (effect.inside, effect.outside))
    low, high = (_bare(effect.metric, bound) for bound in (effect.low, effect.high))
    return (
        f"{_NAMES[effect.metric]} {inside} against {outside} outside (90% interval {low} to {high}, "
        f"q = {effect.q_value:.1g}, on {effect.n:,} unseen customers)"
    )


def group_said(group: GroupFigures, currency: str) -> str:
    """Say the figures of a group that are known, on the whole book."""
    known = [(name, group.figures[name]) for name in _SHOWN if name in group.figures]
    said = [_figure_said(name, figure, currency) for name, figure in known if figure.value is not None]
    noun = "customer" if group.customers == 1 else "customers"
    return f"{group.customers:,} {noun}: {', '.join(said) or 'no figure is known'}"


def _figure_said(name: str, figure: Figure, currency: str) -> str:
    value = amount(name, figure.value or 0.0, currency)
    if figure.low is None or figure.high is None:
        return f"{_NAMES[name]} {value}"
    return f"{_NAMES[name]} {value} ({_bare(name, figure.low)} to {_bare(name, figure.high)})"


def candidate_said(
    candidate: Candidate, group: GroupFigures | None, prospects: int | None, currency: str
) -> list[str]:
    """Say all that is known of a candidate, a paragraph each.

    Args:
        candidate: as found.
        group: its figures on the whole book, where they were measured.
        prospects: how many the book has, or None.
        currency: of the book.
    """
    met = (
        "" if candidate.prospects is None else f" and {candidate.prospects:,} of {prospects or 0:,} prospects"
    )
    return [
        f"{candidate.rule.sentence}: {candidate.customers:,} customers{met}.",
        *(f"{effect_said(effect, currency)}." for effect in candidate.effects.values()),
        *([f"On the whole book {group_said(group, currency)}."] if group else ()),
        *(f"Careful: {flag}" for flag in _once(candidate.flags, group.flags if group else ())),
        *(f"Stands for this one too: {sentence}." for sentence in candidate.merged),
    ]


def _once(*lists: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(text for texts in lists for text in texts))


def retention_said(group: GroupFigures, everybody: GroupFigures | None) -> str:
    """Say whether a group is known to retain worse than everybody, or empty where nothing tells.

    Worse is known where the whole 90% interval of the group's NRR lies under everybody's: several groups are
    looked at, and one of them will seem worse by chance to a softer rule.
    """
    base = _nrr(everybody.figures) if everybody else None
    own = _nrr(group.figures)
    if base is None or own is None or base.value is None or base.low is None or own.high is None:
        return ""
    if own.high < base.low:
        return f"They retain worse than everybody ({base.value:.0%}): a reason to accept it."
    return f"They are not known to retain worse than everybody ({base.value:.0%}): it needs another reason."


def _nrr(figures: Mapping[str, Figure]) -> Figure | None:
    return figures.get("nrr")
