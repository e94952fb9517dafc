"""The pictures of the model card: SVG that the page holds itself, so that it needs nothing else.

Colours and type come from the page's style sheet by class, so that one picture serves screen, dark mode and
paper. Every picture has a title and a description, and every mark that stands for a number can be pointed at.
All text is escaped on its way in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from markupsafe import Markup

Say = Callable[[float], str]

WIDE, HALF = 680.0, 420.0  # of pictures that take the whole column, and half of it
LABELS = 180.0  # room for the names at the left of bars
LONGEST = 24  # letters of a name at the left of bars
LETTER = 7.0  # about how wide a letter is, in the units of the picture
STRONGEST = 0.55  # opacity of the largest value's cell: text on it stays legible


@dataclass(frozen=True, slots=True)
class Band:
    """Customers of like prediction: their mean outcome with its interval."""

    name: str
    mean: float
    low: float
    high: float
    note: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its name at the left, its value, and a note at the right."""

    name: str
    value: float
    note: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a curve, as wide as its share of the customers."""

    name: str
    value: float
    customers: int
    ends_at: str  # the number on its right edge; empty on the last step


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a heat map; without customers it has no value."""

    name: str
    value: float
    customers: int


@dataclass(frozen=True, slots=True)
class _Scale:
    """From values to places, linearly."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return round numbers from `low` to `high`, at most about `most` of them.

    >>> ticks(0.0, 1.2), ticks(-7.0, 7.0)
    ([0.0, 0.5, 1.0], [-5.0, 0.0, 5.0])
    """
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * multiple for multiple in (1, 2, 5, 10) if power * multiple >= rough * (1 - 1e-9))
    return [i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def band_chart(
    title: str, description: str, bands: Sequence[Band], say: Say, *, unit: str, mark: tuple[float, str]
) -> Markup:
    """Draw upright bars from zero, each with a whisker for its interval.

    Args:
        title: what the picture shows.
        description: what it says, for who cannot see it.
        bands: left to right, at least one.
        say: writes a value without its unit.
        unit: of the values, to stand at the top of the scale.
        mark: a value to draw a dashed line at, and its name.
    """
    height, left, right = 276.0, 56.0, WIDE - 84.0
    y = _Scale(
        min([0.0, mark[0]] + [band.low for band in bands]),
        max([mark[0]] + [band.high for band in bands]) or 1.0,
        228.0,
        34.0,
    )
    slot = (right - left) / len(bands)
    width = min(slot * 0.6, 60.0)
    places = [left + slot * (at + 0.5) for at in range(len(bands))]
    parts = [_text(left - 8, 12.0, unit, "quiet", "end")]
    parts.extend(_grid(tick, y(tick), left, right, say) for tick in ticks(y.low, y.high))
    parts.extend(_pillar(band, x, width, y, say) for band, x in zip(bands, places, strict=True))
    parts.append(_line("mark", left, y(mark[0]), right, y(mark[0])))
    parts.append(_text(right + 6, y(mark[0]) + 4, mark[1], "quiet"))
    for band, x in zip(bands, places, strict=True):
        parts.extend(_whisker(band, x, y, say))
    return _svg(WIDE, height, title, description, parts)


def _pillar(band: Band, x: float, width: float, y: _Scale, say: Say) -> Markup:
    hint = f"{band.name}: {say(band.mean)}, 90% interval {say(band.low)} to {say(band.high)}, {band.note}"
    return _box("warm", x - width / 2, y(0.0), width, y(band.mean) - y(0.0), hint)


def _whisker(band: Band, x: float, y: _Scale, say: Say) -> Iterator[Markup]:
    yield _line("whisker", x, y(band.low), x, y(band.high))
    for end in (band.low, band.high):
        yield _line("whisker", x - 6, y(end), x + 6, y(end))
    yield _text(x, y(max(band.high, 0.0)) - 8, say(band.mean), "strong halo", "middle")
    yield _text(x, y.start + 20, band.name, "", "middle")
    yield _text(x, y.start + 38, band.note, "quiet", "middle")


def bar_chart(
    title: str, description: str, bars: Sequence[Bar], say: Say, *, largest: float, width: float = WIDE
) -> Markup:
    """Draw bars that lie, from zero to the right, and to the left of it where values are below 0.

    Args:
        title: what the picture shows.
        description: what it says, for who cannot see it.
        bars: top to bottom, at least one.
        say: writes a value with its unit.
        largest: the absolute value that takes all the room, so that pictures side by side compare.
        width: of the picture.
    """
    row, room = 24.0, 46.0
    left = min(max(LETTER * len(bar.name) for bar in bars) + 12, LABELS)
    notes = max(LETTER * len(bar.note) for bar in bars)
    both = any(bar.value < 0 for bar in bars)
    x = _Scale(-largest if both else 0.0, largest, left + (room if both else 0.0), width - room - notes - 6)
    height = row * len(bars) + 6
    parts = [_line("axis", x(0.0), 0.0, x(0.0), height)]
    for at, bar in enumerate(bars):
        parts.append(_text(left - 10, row * (at + 0.5) + 7, clip(bar.name, LONGEST), "", "end"))
        parts.extend(_bar(bar, row * at + 3, row, x, width, say))
    return _svg(width, height, title, description, parts)


def _bar(bar: Bar, top: float, row: float, x: _Scale, width: float, say: Say) -> Iterator[Markup]:
    middle, rising = top + row / 2 + 4, bar.value >= 0
    end = x(bar.value)
    hint = f"{bar.name}: {say(bar.value)}{', ' if bar.note else ''}{bar.note}"
    yield _box("warm" if rising else "cool", x(0.0), top + 3, end - x(0.0), row - 6, hint)
    yield _text(end + (6 if rising else -6), middle, say(bar.value), "strong", "start" if rising else "end")
    yield _text(width, middle, bar.note, "quiet", "end")


def step_chart(
    title: str, description: str, steps: Sequence[Step], missing: Step | None, say: Say, *, largest: float
) -> Markup:
    """Draw a value that changes in steps along an ordered attribute; half a column wide.

    Args:
        title: what the picture shows.
        description: what it says, for who cannot see it.
        steps: in the attribute's order; some have customers.
        missing: where the attribute is missing; drawn apart, at the left.
        say: writes a value.
        largest: the absolute value that takes all the room.
    """
    height, left = 210.0, 92.0
    y = _Scale(-largest, largest, 172.0, 12.0)
    x = _Scale(0.0, float(sum(step.customers for step in steps)) or 1.0, left, HALF)
    parts = [_grid(tick, y(tick), 42.0, HALF, say) for tick in ticks(-largest, largest, 4)]
    starts = accumulate((step.customers for step in steps), initial=0)
    spans = [(step, x(start), x(start + step.customers)) for step, start in zip(steps, starts, strict=False)]
    parts.extend(_under(step, begin, end, y, say) for step, begin, end in spans)
    parts.append(_outline(spans, y))
    parts.extend(_edges(spans, y.start))
    if missing:
        parts.append(_under(missing, 52.0, 78.0, y, say))
        parts.append(_line("curve", 52.0, y(missing.value), 78.0, y(missing.value)))
        parts.append(_text(65.0, y.start + 18, "missing", "quiet", "middle"))
    return _svg(HALF, height, title, description, parts)


def _under(step: Step, begin: float, end: float, y: _Scale, say: Say) -> Markup:
    kind = "warm tint" if step.value >= 0 else "cool tint"
    hint = f"{step.name}: {say(step.value)} points, {step.customers:,} customers"
    return _box(kind, begin, y(0.0), end - begin, y(step.value) - y(0.0), hint)


def _outline(spans: Sequence[tuple[Step, float, float]], y: _Scale) -> Markup:
    corners = [(place, y(step.value)) for step, begin, end in spans for place in (begin, end)]
    points = " ".join(f"{_at(across)},{_at(down)}" for across, down in corners)
    return Markup('<polyline class="curve" points="{}"></polyline>').format(points)


def _edges(spans: Sequence[tuple[Step, float, float]], floor: float) -> Iterator[Markup]:
    """Write the numbers on the edges of steps, where there is room for them."""
    free = spans[0][1] + 8 if spans else 0.0
    for step, _, end in spans:
        half = LETTER * len(step.ends_at) / 2
        if step.ends_at and end - half >= free and end + half <= HALF:
            yield _line("axis", end, floor, end, floor + 4)
            yield _text(end, floor + 18, step.ends_at, "quiet", "middle")
            free = end + half + 34


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
        parts.append(_text(LABELS - 10, middle, clip(name, LONGEST), "", "end"))
        for across, cell in enumerate(row):
            parts.extend(_cell(cell, LABELS + wide * across, tall * down, wide, tall, largest))
    for across, name in enumerate(columns):
        parts.append(_slanted(LABELS + wide * (across + 0.5) + 4, floor + 14, clip(name, 20)))
    return _svg(WIDE, floor + slant, title, description, parts)


def _cell(cell: Cell, x: float, y: float, wide: float, tall: float, largest: float) -> Iterator[Markup]:
    box = (x + 1, y + 1, wide - 2, tall - 2)
    if not cell.customers:
        yield _box("empty", *box, f"{cell.name}: no customers")
        return
    kind = "warm" if cell.value >= 0 else "cool"
    hint = f"{cell.name}: {signed(cell.value)} points, {cell.customers:,} customers"
    yield _box(kind, *box, hint, opacity=STRONGEST * abs(cell.value) / largest)
    yield _text(x + wide / 2, y + tall / 2 + 4, signed(cell.value), "small", "middle")


def signed(value: float) -> str:
    """Write points of Fit with their sign, to a tenth.

    >>> signed(3.14), signed(-0.01)
    ('+3.1', '0.0')
    """
    tenths = round(value, 1)
    return "0.0" if tenths == 0 else f"{tenths:+.1f}".replace("-", "\u2212")


def clip(text: str, most: int) -> str:
    """Shorten a text to at most so many letters.

    >>> clip("professional services", 12)
    'professiona…'
    """
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


# What pictures are made of


def _at(place: float) -> str:
    return f"{place:.1f}"


def _svg(width: float, height: float, title: str, description: str, parts: Sequence[Markup]) -> Markup:
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {} {}" class="{}">\n'
        "<title>{}</title>\n<desc>{}</desc>\n{}\n</svg>"
    ).format(
        _at(width),
        _at(height),
        "wide" if width == WIDE else "half",
        title,
        description,
        Markup("\n").join(parts),
    )


def _box(
    kind: str, x: float, y: float, width: float, height: float, hint: str, opacity: float | None = None
) -> Markup:
    """Draw a rectangle from a corner; width and height may run either way."""
    shade = Markup(' fill-opacity="{:.2f}"').format(opacity) if opacity is not None else Markup("")
    return Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"{}><title>{}</title></rect>').format(
        kind,
        _at(min(x, x + width)),
        _at(min(y, y + height)),
        _at(abs(width)),
        _at(abs(height)),
        shade,
        hint,
    )


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"></line>').format(
        kind, _at(x1), _at(y1), _at(x2), _at(y2)
    )


def _text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> Markup:
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        kind, _at(x), _at(y), anchor, words
    )


def _slanted(x: float, y: float, words: str) -> Markup:
    return Markup(
        '<text class="quiet" text-anchor="end" transform="translate({} {}) rotate(-30)">{}</text>'
    ).format(_at(x), _at(y), words)


def _grid(tick: float, y: float, left: float, right: float, say: Say) -> Markup:
    kind = "axis" if tick == 0 else "grid"
    return _line(kind, left, y, right, y) + _text(left - 8, y + 4, say(tick), "quiet", "end")
