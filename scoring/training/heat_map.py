"""The picture of what two attributes say together: a table of colours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from scoring.training.curves import LABELS, LONGEST
from scoring.training.svg import LETTER, WIDE, box, clip, picture, signed, slanted, text

STRONGEST = 0.55  # opacity of the largest value's cell: text on it stays legible


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a heat map; without customers it has no value."""

    name: str
    value: float
    customers: int


def heat_map(
    title: str, description: str, rows: Sequence[str], columns: Sequence[str], cells: Sequence[Sequence[Cell]]
) -> Markup:
    """Draw a table of colours: warm above 0, cool below, nothing where there are no customers.

    Args:
        title: what the picture shows.
        description: what it says, for who cannot see it.
        rows: their names, top to bottom.
        columns: their names, left to right.
        cells: by row and column; values in points.
    """
    tall, wide = 27.0, min(72.0, (WIDE - LABELS) / len(columns))
    floor = tall * len(rows)
    slant = max(len(clip(name, 20)) for name in columns) * LETTER * 0.5 + 24
    largest = max((abs(cell.value) for row in cells for cell in row if cell.customers), default=0.0) or 1.0
    parts: list[Markup] = []
    for down, (name, row) in enumerate(zip(rows, cells, strict=True)):
        middle = tall * down + tall / 2 + 4
        parts.append(text(LABELS - 10, middle, clip(name, LONGEST), "", "end"))
        for across, cell in enumerate(row):
            parts.extend(_cell(cell, LABELS + wide * across, tall * down, wide, tall, largest))
    for across, name in enumerate(columns):
        parts.append(slanted(LABELS + wide * (across + 0.5) + 4, floor + 14, clip(name, 20)))
    return picture(WIDE, floor + slant, title, description, parts)


def _cell(cell: Cell, x: float, y: float, wide: float, tall: float, largest: float) -> Iterator[Markup]:
    inside = (x + 1, y + 1, wide - 2, tall - 2)
    if not cell.customers:
        yield box("empty", *inside, f"{cell.name}: no customers")
        return
    kind = "warm" if cell.value >= 0 else "cool"
    hint = f"{cell.name}: {signed(cell.value)} points, {cell.customers:,} customers"
    yield box(kind, *inside, hint, opacity=STRONGEST * abs(cell.value) / largest)
    yield text(x + wide / 2, y + tall / 2 + 4, signed(cell.value), "small", "middle")
