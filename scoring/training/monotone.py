"""Directions that people decided: which attributes the outcomes may only rise, or only fall, with."""

from __future__ import annotations

from scoring.features import FeatureSchema
from scoring.plan import Plan
from scoring.training.learn import Direction


def directions_of(plan: Plan, schema: FeatureSchema) -> dict[str, Direction]:
    """Return the plan's directions of the attributes that are learnt from."""
    names = {feature.attribute for feature in schema.features}
    return {name: direction for name, direction in plan.attributes.monotone.items() if name in names}
