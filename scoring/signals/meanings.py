"""What the names of a batch mean to a policy, as arrays by id, looked up once for many batches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from scoring.signals.log import SignalBatch
from scoring.signals.policy import Policy, TypePolicy

Floats = NDArray[np.float64]
T = TypeVar("T")

_UNKNOWN = TypePolicy(intent=0.0, depth=0.0, half_life_days=1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Meanings:
    """Arrays by the id of a type, but for the last two."""

    intent: Floats
    depth: Floats
    half_life: Floats  # days
    floor: Floats
    span: Floats  # from the floor of its scale to its full level
    scaled: NDArray[np.bool_]  # whether its events, too, are read on that scale
    relevance: Floats  # by the id of a topic
    seniority: Floats  # how many people one person counts as, by index into `people.SENIORITIES`


@dataclass(frozen=True, slots=True, eq=False)
class _Same(Generic[T]):
    """Something that never changes, told by which one it is: comparing what it holds would take long."""

    it: T

    def __hash__(self) -> int:
        return id(self.it)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.it is other.it


def meanings(policy: Policy, batch: SignalBatch) -> Meanings:
    """Look up what the types and topics of a batch mean. A type the policy does not know weighs nothing."""
    return _meanings(_Same(policy), _Same(batch.types), _Same(batch.topics))


@lru_cache(maxsize=16)
def _meanings(
    policy: _Same[Policy], types: _Same[tuple[str, ...]], topics: _Same[tuple[str, ...]]
) -> Meanings:
    worth = [policy.it.of(name) or _UNKNOWN for name in types.it]
    floor = np.array([one.floor for one in worth])
    return Meanings(
        intent=np.array([one.intent for one in worth]),
        depth=np.array([one.depth for one in worth]),
        half_life=np.array([one.half_life_days for one in worth]),
        floor=floor,
        span=np.array([one.full or policy.it.level_full for one in worth]) - floor,
        scaled=np.array([one.full is not None for one in worth]),
        relevance=np.array([policy.it.relevance(name) for name in topics.it]),
        seniority=np.array(policy.it.seniority_weights),
    )
