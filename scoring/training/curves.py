"""The pictures of the model card: bars of bands and of attributes, and curves in steps.

Every picture has a title and a description, and every mark that stands for a number can be pointed at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from markupsafe import Markup

from scoring.training.svg import (
    HALF,
    LETTER,
    WIDE,
    Say,
    Scale,
    box,
    clip,
    grid,
    line,
    picture,
    place,
    signed,
    text,
    ticks,
)

LABELS = 180.0  # room for the names at the left of bars
LONGEST = 24  # letters of a name at the left of bars


@dataclass(frozen=True, slots=True)
class Band:
    """Customers of like prediction: their mean outcome with its interval, where there is one."""

    name: str
    mean: float
    low: float | None
    high: float | None
    note: str

    @property
    def ends(self) -> tuple[float, float]:
        """The interval; the mean itself where it is not known."""
        return (self.mean if self.low is None else self.low), (self.mean if self.high is None else self.high)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its name at the left, its value, and a note at the right."""

    name: str
    value: float
    note: str
    error: float = 0.0  # standard error: drawn as a whisker to either side


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a curve, as wide as its share of the customers."""

    name: str
    value: float
    customers: int
    ends_at: str  # the number on its right edge; empty on the last step
    error: float = 0.0  # standard error: drawn as a band to either side


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
    y = Scale(
        min([0.0, mark[0]] + [band.ends[0] for band in bands]),
        max([mark[0]] + [band.ends[1] for band in bands]) or 1.0,
        228.0,
        34.0,
    )
    slot = (right - left) / len(bands)
    width = min(slot * 0.6, 60.0)
    places = [left + slot * (at + 0.5) for at in range(len(bands))]
    parts = [text(left - 8, 12.0, unit, "quiet", "end")]
    parts.extend(grid(tick, y(tick), left, right, say) for tick in ticks(y.low, y.high))
    parts.extend(_pillar(band, x, width, y, say) for band, x in zip(bands, places, strict=True))
    parts.append(line("mark", left, y(mark[0]), right, y(mark[0])))
    parts.append(text(right + 6, y(mark[0]) + 4, mark[1], "quiet"))
    for band, x in zip(bands, places, strict=True):
        parts.extend(_whisker(band, x, y, say))
    return picture(WIDE, height, title, description, parts)


def _pillar(band: Band, x: float, width: float, y: Scale, say: Say) -> Markup:
    interval = "" if band.low is None else f" 90% interval {say(band.ends[0])} to {say(band.ends[1])},"
    hint = f"{band.name}: {say(band.mean)},{interval} {band.note}"
    return box("warm", x - width / 2, y(0.0), width, y(band.mean) - y(0.0), hint)


def _whisker(band: Band, x: float, y: Scale, say: Say) -> Iterator[Markup]:
    low, high = band.ends
    if band.low is not None:
        yield line("whisker", x, y(low), x, y(high))
        for end in (low, high):
            yield line("whisker", x - 6, y(end), x + 6, y(end))
    yield text(x, y(max(high, 0.0)) - 8, say(band.mean), "strong halo", "middle")
    yield text(x, y.start + 20, band.name, "", "middle")
    yield text(x, y.start + 38, band.note, "quiet", "middle")


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
    x = Scale(-largest if both else 0.0, largest, left + (room if both else 0.0), width - room - notes - 6)
    height = row * len(bars) + 6
    parts = [line("axis", x(0.0), 0.0, x(0.0), height)]
    for at, bar in enumerate(bars):
        parts.append(text(left - 10, row * (at + 0.5) + 7, clip(bar.name, LONGEST), "", "end"))
        parts.extend(_bar(bar, row * at + 3, row, x, width, say))
    return picture(width, height, title, description, parts)


def _bar(bar: Bar, top: float, row: float, x: Scale, width: float, say: Say) -> Iterator[Markup]:
    middle, rising = top + row / 2 + 4, bar.value >= 0
    end = x(bar.value)
    error = f", standard error {bar.error:.1f}" if bar.error else ""
    hint = f"{bar.name}: {say(bar.value)}{', ' if bar.note else ''}{bar.note}{error}"
    yield box("warm" if rising else "cool", x(0.0), top + 3, end - x(0.0), row - 6, hint)
    if bar.error:
        yield line("whisker", x(bar.value - bar.error), middle - 4, x(bar.value + bar.error), middle - 4)
        end = x(bar.value + (bar.error if rising else -bar.error))
    yield text(end + (6 if rising else -6), middle, say(bar.value), "strong", "start" if rising else "end")
    yield text(width, middle, bar.note, "quiet", "end")


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
    y = Scale(-largest, largest, 172.0, 12.0)
    x = Scale(0.0, float(sum(step.customers for step in steps)) or 1.0, left, HALF)
    parts = [grid(tick, y(tick), 42.0, HALF, say) for tick in ticks(-largest, largest, 4)]
    starts = accumulate((step.customers for step in steps), initial=0)
    spans = [(step, x(start), x(start + step.customers)) for step, start in zip(steps, starts, strict=False)]
    parts.extend(_under(step, begin, end, y, say) for step, begin, end in spans)
    parts.extend(_error(step, begin, end, y) for step, begin, end in spans)
    parts.append(_outline(spans, y))
    parts.extend(_edges(spans, y.start))
    if missing:
        parts.append(_under(missing, 52.0, 78.0, y, say))
        parts.append(_error(missing, 52.0, 78.0, y))
        parts.append(line("curve", 52.0, y(missing.value), 78.0, y(missing.value)))
        parts.append(text(65.0, y.start + 18, "missing", "quiet", "middle"))
    return picture(HALF, height, title, description, parts)


def _under(step: Step, begin: float, end: float, y: Scale, say: Say) -> Markup:
    kind = "warm tint" if step.value >= 0 else "cool tint"
    error = f", standard error {step.error:.1f}" if step.error else ""
    hint = f"{step.name}: {say(step.value)} points, {step.customers:,} customers{error}"
    return box(kind, begin, y(0.0), end - begin, y(step.value) - y(0.0), hint)


def _error(step: Step, begin: float, end: float, y: Scale) -> Markup:
    low, high = step.value - step.error, step.value + step.error
    hint = f"{step.name}: within one standard error, {signed(low)} to {signed(high)}"
    return box("error", begin, y(low), end - begin, y(high) - y(low), hint) if step.error else Markup("")


def _outline(spans: Sequence[tuple[Step, float, float]], y: Scale) -> Markup:
    corners = [(place, y(step.value)) for step, begin, end in spans for place in (begin, end)]
    points = " ".join(f"{place(across)},{place(down)}" for across, down in corners)
    return Markup('<polyline class="curve" points="{}"></polyline>').format(points)


def _edges(spans: Sequence[tuple[Step, float, float]], floor: float) -> Iterator[Markup]:
    """Write the numbers on the edges of steps, where there is room for them."""
    free = spans[0][1] + 8 if spans else 0.0
    for step, _, end in spans:
        half = LETTER * len(step.ends_at) / 2
        if step.ends_at and end - half >= free and end + half <= HALF:
            yield line("axis", end, floor, end, floor + 4)
            yield text(end, floor + 18, step.ends_at, "quiet", "middle")
            free = end + half + 34
