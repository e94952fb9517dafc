"""The model card on other ways of predicting: what a plain or a freer model makes of the same customers."""

from __future__ import annotations

from scoring.training.card_blocks import Block, Entry, Prose, Table, as_sentence, decimal
from scoring.training.rivals import Comparison

_METRICS = {"nrr": "NRR", "clv": "CLV", "payback": "Payback", "margin": "Margin"}
_NAMES = {
    "firebrand": "This model",
    "plain linear": "A plain linear model",
    "unconstrained boosting": "Boosting without constraints",
    "spend alone": "What they already paid, alone",
}


def comparison_blocks(comparison: Comparison) -> list[Block]:
    """Show how well each way of predicting ranks the same accounts, and the verdict."""
    rows: list[list[str | Entry]] = [
        [
            _NAMES[one.name],
            decimal(one.rank_correlation),
            "\u2013" if one.top_lift is None else f"{one.top_lift:.2f} times",
            decimal(one.r_squared, 3),
        ]
        for one in comparison.contenders
    ]
    metric = _METRICS[comparison.metric]
    caption = f"{metric}: {comparison.n:,} {comparison.population}"
    head = ["Way of predicting", "Rank correlation", "Best tenth against the average", "R\u00b2"]
    verdict = Prose([as_sentence(comparison.verdict)])
    return [Table(caption, head, rows, [1, 2, 3]), verdict] if rows else [verdict]
