"""What the pictures of the model card are made of: SVG in the page itself, so that it needs nothing else.

Colours and type come from the page's style sheet by class, so that one picture serves screen, dark mode and
paper. All text is escaped on its way in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

Say = Callable[[float], str]

WIDE, HALF = 680.0, 420.0  # of pictures that take the whole column, and half of it
LETTER = 7.0  # about how wide a letter is, in the units of the picture


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to places, linearly."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return where a value stands."""
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


def clip(text: str, most: int) -> str:
    """Shorten a text to at most so many letters.

    >>> clip("professional services", 12)
    'professiona…'
    """
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def signed(value: float) -> str:
    """Write points of Fit with their sign, to a tenth.

    >>> signed(3.14), signed(-0.01)
    ('+3.1', '0.0')
    """
    tenths = round(value, 1)
    return "0.0" if tenths == 0 else f"{tenths:+.1f}".replace("-", "\u2212")


# Marks


def place(where: float) -> str:
    """Write a place, to a tenth of a unit."""
    return f"{where:.1f}"


def picture(width: float, height: float, title: str, description: str, parts: Sequence[Markup]) -> Markup:
    """Put marks together; the title and the description are for who cannot see them."""
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {} {}" class="{}">\n'
        "<title>{}</title>\n<desc>{}</desc>\n{}\n</svg>"
    ).format(
        place(width),
        place(height),
        "wide" if width == WIDE else "half",
        title,
        description,
        Markup("\n").join(parts),
    )


def box(
    kind: str, x: float, y: float, width: float, height: float, hint: str, opacity: float | None = None
) -> Markup:
    """Draw a rectangle from a corner; width and height may run either way."""
    shade = Markup(' fill-opacity="{:.2f}"').format(opacity) if opacity is not None else Markup("")
    return Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"{}><title>{}</title></rect>').format(
        kind,
        place(min(x, x + width)),
        place(min(y, y + height)),
        place(abs(width)),
        place(abs(height)),
        shade,
        hint,
    )


def line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    """Draw a straight line."""
    return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"></line>').format(
        kind, place(x1), place(y1), place(x2), place(y2)
    )


def dot(kind: str, x: float, y: float, radius: float, hint: str) -> Markup:
    """Draw a disc that can be pointed at."""
    return Markup('<circle class="{}" cx="{}" cy="{}" r="{}"><title>{}</title></circle>').format(
        kind, place(x), place(y), place(radius), hint
    )


def text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> Markup:
    """Write words at a place."""
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        kind, place(x), place(y), anchor, words
    )


def slanted(x: float, y: float, words: str) -> Markup:
    """Write words that end at a place and run up to it."""
    return Markup(
        '<text class="quiet" text-anchor="end" transform="translate({} {}) rotate(-30)">{}</text>'
    ).format(place(x), place(y), words)


def grid(tick: float, y: float, left: float, right: float, say: Say) -> Markup:
    """Draw a line across at a round number, with the number at its left."""
    kind = "axis" if tick == 0 else "grid"
    return line(kind, left, y, right, y) + text(left - 8, y + 4, say(tick), "quiet", "end")
