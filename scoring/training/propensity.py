"""Win propensity: how likely an account is to buy, learnt from the deals that were won and lost.

A secondary outcome: it stands beside Fit and never in it. Who buys easily need not be worth having; a segment
that wins easily and retains badly is the win-rate trap.
"""

from __future__ import annotations

import polars as pl

from scoring.fit import SECONDARY
from scoring.training.assemble import Head
from scoring.training.deals import decided_deals
from scoring.training.encode import encode_frame
from scoring.training.learn import LEAST_CUSTOMERS, SIGNIFICANCE, fit
from scoring.training.outcomes import Target
from scoring.training.progress import Begin
from scoring.training.survey import Survey

LEAST_DECIDED = 2 * LEAST_CUSTOMERS  # deals
LEAST_EACH = 10  # deals won, and deals lost
WINNING = Target(
    SECONDARY, "win_rate", "ratio", "won", "opportunities that were won and lost", lambda won: won
)


def learn_propensity(found: Survey, *, seed: int, on_step: Begin = lambda _: None) -> Head | str:
    """Learn from each new deal that was decided whether it was won; deals of one account are never parted.

    Args:
        found: the survey of the book.
        seed: of folds and samples.
        on_step: told the name of each step as it begins.

    Returns:
        What was learnt, its outcome an entry per deal, or the reason why nothing was, as a sentence.
    """
    if found.book.opportunities is None:
        return f"the book has no data for it; it needs {WINNING.needs}"
    deals = _with_attributes(found, decided_deals(found.book.opportunities, found.as_of))
    won = deals["won"].cast(pl.Float64).to_numpy()
    if len(won) < LEAST_DECIDED or min(won.sum(), len(won) - won.sum()) < LEAST_EACH:
        return (
            f"only {int(won.sum())} new deals were won and {int(len(won) - won.sum())} lost; at least "
            f"{LEAST_DECIDED} are needed, and {LEAST_EACH} of each"
        )
    learnt = fit(
        found.schema,
        encode_frame(found.schema, deals),
        won,
        "binary",
        seed=seed,
        groups=deals["account_id"]
        .cast(pl.Enum(deals["account_id"].unique().sort()))
        .to_physical()
        .to_numpy(),
        on_step=on_step,
    )
    evidence = learnt.evidence
    if evidence.p_value > SIGNIFICANCE or evidence.r_squared <= 0:
        return (
            f"no attribute is shown to predict which deals are won: on accounts not seen in training, "
            f"predictions correlate {evidence.correlation:.2f} with what happened "
            f"(p = {evidence.p_value:.2g})"
        )
    return Head(WINNING, learnt, won)


def _with_attributes(found: Survey, deals: pl.DataFrame) -> pl.DataFrame:
    names = ["account_id", *dict.fromkeys(encoder.attribute for encoder in found.schema.encoders)]
    tables = [
        table.select(names) for table in (found.book.accounts, found.book.prospects) if table is not None
    ]
    companies = pl.concat(tables).unique("account_id", keep="first", maintain_order=True)
    return deals.join(companies, on="account_id", how="inner", maintain_order="left")
