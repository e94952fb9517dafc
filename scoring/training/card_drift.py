"""The model card on prospects: how far they are from the customers that a model could learn from."""

from __future__ import annotations

from collections.abc import Sequence

from scoring.training.card_blocks import (
    Block,
    Bullets,
    Entry,
    Item,
    Notice,
    Prose,
    Section,
    Table,
    as_sentence,
    decimal,
)
from scoring.training.drift import (
    LEAST_TOGETHER,
    SELECTION_NOTE,
    SHIFTED,
    SHIFTED_MUCH,
    SHIFTED_MUCH_WORD,
    AttributeDrift,
    Drift,
)
from scoring.training.survey import Survey

NAMED = 3  # attributes that bring most prospects outside


def drift_section(survey: Survey) -> Section:
    """Show how prospects differ from customers, and how many stand where no customer does."""
    drift = survey.drift
    if isinstance(drift, str):
        blocks: list[Block] = [Prose([as_sentence(drift), as_sentence(SELECTION_NOTE)])]
    else:
        blocks = [*_warning(drift), Prose([_introduction(drift)]), _outside(drift), _table(drift)]
        blocks.append(Prose([as_sentence(note) for note in drift.notes]))
    return Section("drift", "Whether prospects are like customers", blocks)


def _warning(drift: Drift) -> list[Block]:
    return [Notice("", [as_sentence(drift.warning)])] if drift.warning else []


def _introduction(drift: Drift) -> str:
    return (
        f"{drift.prospects:,} prospects beside {drift.customers:,} customers. The population stability index "
        f"(PSI) says how far an attribute is spread differently: from {SHIFTED:g} on it has shifted, from "
        f"{SHIFTED_MUCH:g} on much, if that is more than chance explains."
    )


def _outside(drift: Drift) -> Bullets:
    return Bullets(
        [
            Item(
                f"{drift.never_seen:.1%}",
                f"of prospects have a value that no customer has{_by(drift.never_seen_by)}.",
            ),
            Item(
                f"{drift.rarely_seen:.1%}",
                f"have two that fewer than {LEAST_TOGETHER} customers share{_by(drift.rarely_seen_by)}.",
            ),
        ]
    )


def _by(shares: Sequence[tuple[str, float]]) -> str:
    said = "; ".join(f"{name} {share:.1%}" for name, share in shares[:NAMED])
    return f" ({said})" if said else ""


def _table(drift: Drift) -> Table:
    head = ["Attribute", "PSI", "By chance up to", "Level", "Differs most at", "Customers", "Prospects"]
    rows = [_row(one) for one in drift.attributes]
    return Table("By attribute, the one that differs most first", head, rows, [1, 2, 5, 6])


def _row(one: AttributeDrift) -> list[str | Entry]:
    return [
        one.attribute,
        decimal(one.index, 3),
        decimal(one.by_chance, 3),
        Entry(one.level, alarm=one.level == SHIFTED_MUCH_WORD),
        one.most,
        f"{one.customers:.1%}",
        f"{one.prospects:.1%}",
    ]
