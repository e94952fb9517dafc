"""The model card on the ten best customers, those everybody knows: whether Fit would have known them too."""

from __future__ import annotations

from collections.abc import Mapping

from scoring.training.best import LOWER_HALF, WORTH, BestCustomer, BestCustomers
from scoring.training.card_blocks import (
    Amounts,
    Block,
    Entry,
    Heading,
    Notice,
    Prose,
    Section,
    Table,
    as_sentence,
    listed,
    minus,
)

_INTRODUCTION = (
    "Where Fit puts the customers that turned out to be worth most, as if it had never seen them: the share "
    "of all customers that it puts below. What pulls them down shows where model and experience part ways."
)


def best_section(best: Mapping[str, BestCustomers | str], currency: str) -> Section:
    """Show the best customers by what they are worth, and what Fit holds against them."""
    blocks: list[Block] = [Prose([_INTRODUCTION])]
    for by, found in best.items():
        blocks.append(Heading(f"By {WORTH[by]}"))
        blocks += [Prose([as_sentence(found)])] if isinstance(found, str) else _ten(found, currency)
    return Section("best", "The best customers", blocks)


def _ten(found: BestCustomers, currency: str) -> list[Block]:
    rows: list[list[str | Entry]] = [_row(one, Amounts("currency", currency)) for one in found.customers]
    head = ["Customer", "Worth", "Fit is above", "What pulls its Fit down"]
    caption = f"{found.high} of {len(found.customers)} are in the top quarter by Fit"
    table = Table(caption, head, rows, [1, 2])
    return [Notice("", [as_sentence(found.warning)]), table] if found.warning else [table]


def _row(one: BestCustomer, say: Amounts) -> list[str | Entry]:
    against = listed([f"{name} ({minus(f'{points:.1f}')})" for name, points in one.against])
    return [
        Entry(one.name, [one.account_id]) if one.name else one.account_id,
        say.value(one.worth),
        Entry(f"{one.percentile:.0f}%", alarm=one.percentile < LOWER_HALF),
        against or "nothing",
    ]
