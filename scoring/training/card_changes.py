"""The model card on what changed since the version that is served."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from scoring.training.card_blocks import (
    Block,
    Bullets,
    Heading,
    Item,
    Prose,
    Section,
    Table,
    as_sentence,
    decimal,
    listed,
    minus,
)
from scoring.training.changes import Changes, Pair

TITLE = "What changed since the version that is served"
_NAMES = {
    "nrr": "NRR",
    "grr": "GRR",
    "logo_retention": "Logo retention",
    "expansion_rate": "Expansion",
    "growth": "Growth",
    "lifetime_value": "Lifetime value",
    "efficiency": "Efficiency",
}


def changes_section(changes: Changes | str) -> Section:
    """Show results, decisions and data before and now; or say why there is nothing to compare with."""
    if isinstance(changes, str):
        return Section("changes", TITLE, [Prose([changes])])
    blocks: list[Block] = [Prose([f"Compared with {changes.since}.", *_not_known(changes)])]
    blocks += _table("Objective", changes.objectives, _square, _square_apart)
    blocks += _table("The company", changes.company, _percent, _points)
    blocks += _table("Segment", changes.segments, _percent, _points)
    blocks += [
        Heading("Decisions"),
        *_bullets(changes.decisions, "Segments, exclusions and weights are the same."),
    ]
    if "its attributes" not in changes.not_known:
        blocks += [Heading("Attributes"), *_bullets(_attributes(changes), "The same attributes were used.")]
    if "the files it was made from" not in changes.not_known:
        blocks += [Heading("The book"), _files(changes)]
    return Section("changes", TITLE, blocks)


def _not_known(changes: Changes) -> list[str]:
    if not changes.not_known:
        return []
    return [f"That version is older than this comparison and does not say {listed(changes.not_known)}."]


_CAPTIONS = {
    "Objective": "How well it predicts customers not seen (R\u00b2)",
    "The company": "Figures of the company",
    "Segment": "NRR of the plan's segments",
}


def _table(
    of: str, pairs: Sequence[Pair], say: Callable[[float], str], say_apart: Callable[[float], str]
) -> list[Block]:
    rows = [
        [
            _NAMES.get(pair.name, pair.name),
            *("\u2013" if value is None else say(value) for value in (pair.before, pair.now)),
            "" if pair.before is None or pair.now is None else say_apart(pair.now - pair.before),
        ]
        for pair in pairs
    ]
    return [Table(_CAPTIONS[of], [of, "Before", "Now", "Change"], rows, [1, 2, 3])] if rows else []


def _square(value: float) -> str:
    return decimal(value, 3)


def _square_apart(value: float) -> str:
    return minus(f"{value:+.3f}")


def _percent(value: float) -> str:
    return f"{value:.1%}"


def _points(value: float) -> str:
    return minus(f"{100 * value:+.1f} points")


def _bullets(said: Sequence[str], nothing: str) -> list[Block]:
    return [Bullets([Item("", as_sentence(one)) for one in said])] if said else [Prose([nothing])]


def _attributes(changes: Changes) -> list[str]:
    parts = (("new", changes.gained), ("no longer used", changes.lost))
    return [f"{said}: {', '.join(names)}" for said, names in parts if names]


def _files(changes: Changes) -> Table:
    rows = [
        [one.name, *("\u2013" if n is None else f"{n:,}" for n in (one.before, one.now)), one.state]
        for one in changes.files
    ]
    return Table("Files", ["File", "Rows before", "Rows now", "Content"], rows, [1, 2])
