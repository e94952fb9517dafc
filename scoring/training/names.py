"""Ids of segments, as plans write them."""

from __future__ import annotations

import re
from collections.abc import Collection

from scoring.rules import Between, Condition, Flag, Has, Missing, OneOf
from scoring.training.conditions import Where

_LONGEST = 72  # characters; a plan allows 80, and a number may follow


def segment_id(where: Where, taken: Collection[str]) -> str:
    """Return an id that tells what a rule is about, unlike those already taken.

    >>> where = (("industry", OneOf(one_of=("fintech",))), ("employees", Between(min=200, max=2000)))
    >>> segment_id(where, []), segment_id(where, ["fintech-employees-200-to-2000"])
    ('fintech-employees-200-to-2000', 'fintech-employees-200-to-2000-2')
    """
    words = "-".join(_words(name, condition) for name, condition in where)
    slug = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:_LONGEST].strip("-") or "segment"
    return next(one for one in (slug, *(f"{slug}-{n}" for n in range(2, len(taken) + 3))) if one not in taken)


def _words(name: str, condition: Condition) -> str:
    match condition:
        case OneOf(one_of=levels):
            return "-or-".join(levels)
        case Has(has=tags):
            return "-".join(tags)
        case Flag(flag=flag):
            return name if flag else f"not-{name}"
        case Missing(missing=missing):
            return f"{name}-{'missing' if missing else 'known'}"
        case Between(min=low, max=high):
            bounds = [f"{bound:.15g}" for bound in (low, high) if bound is not None]
            return (
                f"{name}-{'from-' if high is None else 'up-to-' if low is None else ''}{'-to-'.join(bounds)}"
            )
