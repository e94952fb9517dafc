"""Pictures that hold figures against a line, another figure or a prediction."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from textwrap import wrap

from markupsafe import Markup

from scoring.training.svg import LETTER, WIDE, Say, Scale, box, clip, dot, grid, line, picture, text, ticks

ROW = 26.0
LINE = 14.0  # more of a row for a second line of its name
LONGEST_LINE = 32  # letters


@dataclass(frozen=True, slots=True)
class Span:
    """One group: its figure, the interval where there is one, and a note at the right."""

    name: str
    value: float
    low: float | None
    high: float | None
    note: str


def span_chart(title: str, description: str, spans: Sequence[Span], say: Say, *, mark: float) -> Markup:
    """Draw a dot for each group with a line for its interval, warm from the mark up and cool below it.

    Args:
        title: what the picture shows.
        description: what it says, for who cannot see it.
        spans: top to bottom, at least one.
        say: writes a value.
        mark: where a dashed line runs through all rows.
    """
    names = [_lines(span.name) for span in spans]
    left = max(LETTER * len(words) for lines in names for words in lines) + 16
    right = WIDE - max(LETTER * len(span.note) for span in spans) - 20
    held = [mark] + [end for span in spans for end in (span.value, span.low, span.high) if end is not None]
    x = _padded(held, left, right)
    rows = [ROW + LINE * (len(lines) - 1) for lines in names]
    floor = sum(rows) + 4
    parts = [_upright(tick, x(tick), floor, say) for tick in ticks(x.low, x.high)]
    parts.append(line("mark", x(mark), 0.0, x(mark), floor))
    for span, lines, row, top in zip(spans, names, rows, accumulate(rows, initial=0.0), strict=False):
        middle = top + row / 2
        first = middle + 4 - LINE * (len(lines) - 1) / 2
        parts.extend(text(left - 12, first + LINE * at, words, "", "end") for at, words in enumerate(lines))
        parts.extend(_span(span, middle, x, say, mark))
    return picture(WIDE, floor + 24, title, description, parts)


def _lines(name: str) -> list[str]:
    """Break a name into two lines at most."""
    first, *rest = wrap(name, LONGEST_LINE) or [""]
    return [first, clip(" ".join(rest), LONGEST_LINE)] if rest else [first]


def _padded(values: Sequence[float], start: float, end: float) -> Scale:
    """Return a scale on which no value stands at the very edge."""
    low, high = min(values), max(values)
    room = 0.04 * (high - low) or 0.5 * max(abs(high), 1.0)
    return Scale(low - room, high + room, start, end)


def _upright(tick: float, x: float, floor: float, say: Say) -> Markup:
    return line("grid", x, 0.0, x, floor) + text(x, floor + 18, say(tick), "quiet", "middle")


def _span(span: Span, y: float, x: Scale, say: Say, mark: float) -> Iterator[Markup]:
    kind, hint = ("warm" if span.value >= mark else "cool"), f"{span.name}: {say(span.value)}"
    if span.low is not None and span.high is not None:
        hint += f", 90% interval {say(span.low)} to {say(span.high)}"
        yield box(kind, x(span.low), y - 1.5, x(span.high) - x(span.low), 3.0, hint)
    yield dot(kind, x(span.value), y, 5.0, f"{hint}, {span.note}")
    yield text(WIDE, y + 4, span.note, "quiet", "end")


@dataclass(frozen=True, slots=True)
class Point:
    """Accounts of a like prediction: what was predicted, what happened, and the interval of that."""

    predicted: float
    actual: float
    low: float
    high: float
    note: str


def agreement_chart(title: str, description: str, points: Sequence[Point], say: Say, *, unit: str) -> Markup:
    """Draw what happened over what was predicted; on the dashed line both are alike.

    Args:
        title: what the picture shows.
        description: what it says, for who cannot see it.
        points: at least one.
        say: writes a value without its unit.
        unit: of the values, to stand at the top of the scale.
    """
    height, left, right = 320.0, 84.0, WIDE - 140.0
    held = [value for p in points for value in (p.predicted, p.actual, p.low, p.high)]
    x = _padded(held, left, right)
    y = Scale(x.low, x.high, height - 52.0, 24.0)
    parts = [text(left - 8, 12.0, unit, "quiet", "end")]
    parts.extend(grid(tick, y(tick), left, right, say) for tick in ticks(y.low, y.high))
    parts.extend(text(x(tick), height - 32, say(tick), "quiet", "middle") for tick in ticks(x.low, x.high))
    parts.append(text((left + right) / 2, height - 10, "predicted", "quiet", "middle"))
    parts.append(text(right + 8, y(x.high) + 4, "as predicted", "quiet"))
    parts.append(line("mark", x(x.low), y(x.low), x(x.high), y(x.high)))
    for point in points:
        parts.append(line("whisker", x(point.predicted), y(point.low), x(point.predicted), y(point.high)))
        hint = f"predicted {say(point.predicted)}, happened {say(point.actual)}"
        hint += f", 90% interval {say(point.low)} to {say(point.high)}, {point.note}"
        parts.append(dot("warm", x(point.predicted), y(point.actual), 5.0, hint))
    return picture(WIDE, height, title, description, parts)


@dataclass(frozen=True, slots=True)
class Move:
    """One thing of which a figure above 0 was taken to be one and turned out to be another."""

    name: str
    before: float
    after: float
    low: float  # interval of `after`
    high: float
    note: str


def move_chart(
    title: str, description: str, moves: Sequence[Move], say: Say, marks: Sequence[float]
) -> Markup:
    """Draw a dot for what was found, a line for its interval and an upright for what it was taken to be.

    Args:
        title: what the picture shows.
        description: what it says, for who cannot see it.
        moves: top to bottom, at least one.
        say: writes a value.
        marks: the round numbers of the scale, which is logarithmic.
    """
    left = max(LETTER * len(move.name) for move in moves) + 16
    right = WIDE - max(LETTER * len(move.note) for move in moves) - 20
    held = [*marks, *(end for move in moves for end in (move.before, move.low, move.high))]
    x = _padded([math.log(value) for value in held], left, right)
    floor = ROW * len(moves) + 4
    parts = [_upright(mark, x(math.log(mark)), floor, say) for mark in marks]
    for at, move in enumerate(moves):
        y = ROW * (at + 0.5)
        low, high, before, after = (x(math.log(v)) for v in (move.low, move.high, move.before, move.after))
        hint = f"{move.name}: {say(move.after)}, 90% interval {say(move.low)} to {say(move.high)}"
        parts.append(text(left - 12, y + 4, move.name, "", "end"))
        parts.append(box("warm", low, y - 1.5, high - low, 3.0, hint))
        parts.append(box("cool", before - 1.5, y - 8, 3.0, 16.0, f"{move.name}, default: {say(move.before)}"))
        parts.append(dot("warm", after, y, 5.0, hint))
        parts.append(text(WIDE, y + 4, move.note, "quiet", "end"))
    return picture(WIDE, floor + 24, title, description, parts)
