"""Directions that people decided: which attributes the outcomes may only rise, or only fall, with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from scoring.errors import TableError
from scoring.features import FeatureSchema, NumberEncoder
from scoring.plan import Plan

Direction = Literal["rising", "falling"]
_SIGNS: dict[str, int] = {"rising": 1, "falling": -1}


def directions_of(plan: Plan, schema: FeatureSchema) -> dict[str, Direction]:
    """Return the plan's directions of the attributes that are learnt from."""
    names = {feature.attribute for feature in schema.features}
    return {name: direction for name, direction in plan.attributes.monotone.items() if name in names}


def signs_of(schema: FeatureSchema, directions: Mapping[str, Direction]) -> dict[int, int]:
    """Return by feature 1 where the outcome may only rise with it, and -1 where it may only fall.

    Raises:
        TableError: a direction is neither, or of an attribute that is no number, date or flag of the schema.
    """
    able = {
        f.attribute
        for f in schema.features
        if isinstance(f.encoder, NumberEncoder) or f.encoder.kind == "flag"
    }
    for attribute, direction in directions.items():
        if direction not in _SIGNS:
            raise TableError(f"the direction of {attribute} is {direction!r}; write rising or falling")
        if attribute not in able:
            said = ", ".join(sorted(able)) or "none"
            raise TableError(
                f"{attribute} cannot have a direction; these can, being numbers, dates or flags: {said}"
            )
    return {
        j: _SIGNS[directions[f.attribute]] for j, f in enumerate(schema.features) if f.attribute in directions
    }
