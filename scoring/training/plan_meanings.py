"""What a book's attributes seem to mean, by their names: guesses that people confirm in the plan."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from scoring.attribute_names import folded
from scoring.training.attributes import Attribute

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")  # NumberEmployees is two words


@cache
def words() -> Mapping[str, Any]:
    """Return what stands in `plan_words.toml`."""
    text = resources.files(__package__).joinpath("plan_words.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def meant(attributes: Sequence[Attribute], meaning: str) -> tuple[Attribute, ...]:
    """Return the attributes that seem to have a meaning, the likeliest first.

    >>> book = [Attribute("Uses ERP", "flag"), Attribute("NumberEmployees", "number")]
    >>> meant([*book, Attribute("Employees 2020", "category")], "size")
    (Attribute(name='NumberEmployees', kind='number', day_first=False),)
    """
    known = words()["meaning"][meaning]
    ranked = [
        (rank, at)
        for at, attribute in enumerate(attributes)
        if attribute.kind in known["kinds"] and (rank := _rank(attribute.name, known["names"])) is not None
    ]
    return tuple(attributes[at] for _, at in sorted(ranked))


def _rank(name: str, phrases: Sequence[str]) -> int | None:
    """Return which of some phrases is the first that stands in a name, word by word."""
    within = f"_{folded(_HUMP.sub('_', name))}_"
    return next((n for n, phrase in enumerate(phrases) if f"_{folded(phrase)}_" in within), None)
