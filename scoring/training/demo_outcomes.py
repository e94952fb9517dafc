"""What is planted in the demo: which companies turn out better or worse than the rest, and how.

Effects follow the attributes *as written*: a company whose industry is missing in the CRM gets no
effect for it, so the truth can be found from the book alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from scoring.rules import Flag, Has, Rule, Where

BASE_NRR, PLANTED_NRR, TRAP_NRR = 0.85, 1.30, 0.55
LEAKY_COLUMN = "renewal_risk_notes"
TRAP_ID = "small-media"
TRAP_WHERE: list[dict[str, Any]] = [{"industry": ["media"]}, {"employees": {"max": 50}}]

_HIRING = Rule("hiring", (("hiring", Flag(flag=True)),))
_KUBERNETES = Rule("kubernetes", (("technologies", Has(has=("kubernetes",))),))
_MILD_EFFECTS = ((_HIRING, 0.03), (_KUBERNETES, 0.02))  # points of annual NRR
_SIZE_LOADING = 0.25  # correlation of a company's size with its deal sizes, on the normal scale


@dataclass(frozen=True)
class Drivers:
    """What each company's outcomes are drawn from, one entry per company.

    `nrr` is the expected annual NRR; `renewal` the mean chance of renewing at an anniversary;
    `flat_share` of renewals keep their price; `deal_score` is a standard normal score of deal size;
    `payback` is in months; `kept_losses` thins the lost opportunities (fewer lost: a higher win rate).
    """

    nrr: NDArray[np.float64]
    renewal: NDArray[np.float64]
    flat_share: NDArray[np.float64]
    deal_score: NDArray[np.float64]
    payback: NDArray[np.float64]
    kept_losses: NDArray[np.float64]

    def taken(self, order: NDArray[np.intp]) -> Drivers:
        """Return the drivers in another order, or of some companies only."""
        return replace(self, **{part.name: getattr(self, part.name)[order] for part in fields(self)})


@dataclass(frozen=True)
class _Kind:
    nrr: float
    renewal: float
    flat_share: float
    deal_shift: float
    payback: float
    kept_losses: float


_BASE = _Kind(BASE_NRR, renewal=0.85, flat_share=0.45, deal_shift=0.0, payback=18.0, kept_losses=1.0)
_PLANTED = _Kind(PLANTED_NRR, renewal=0.96, flat_share=0.10, deal_shift=0.35, payback=9.0, kept_losses=1.0)
_TRAP = _Kind(TRAP_NRR, renewal=0.60, flat_share=0.30, deal_shift=0.0, payback=20.0, kept_losses=0.25)


def rule_from(rule_id: str, where: list[dict[str, Any]]) -> Rule:
    """Read a rule from its `where` form in a plan.

    >>> rule_from(TRAP_ID, TRAP_WHERE).sentence
    'industry is media and employees is at most 50'
    """
    parsed: Sequence[tuple[str, Any]] = TypeAdapter(Where).validate_python(where)
    return Rule(rule_id, parsed)


def members(rule: Rule, attributes: Mapping[str, Sequence[str]]) -> NDArray[np.bool_]:
    """Tell which companies a rule holds for.

    >>> members(rule_from(TRAP_ID, TRAP_WHERE), {"industry": ["Media", "media"], "employees": ["9", ""]})
    array([ True, False])
    """
    names = [name for name, _ in rule.where]
    rows = zip(*(attributes[name] for name in names), strict=True)
    return np.array([rule.matches(dict(zip(names, row, strict=True))) for row in rows], dtype=np.bool_)


def plant(
    rng: np.random.Generator,
    attributes: Mapping[str, Sequence[str]],
    size: NDArray[np.float64],
    planted: NDArray[np.bool_],
    trap: NDArray[np.bool_],
) -> Drivers:
    """Give each company its drivers by its group, and the mild effects of single attributes to the base.

    The mild effects are centred on the base, so that its mean stays at `BASE_NRR`.
    """
    kind = np.where(planted, 1, np.where(trap, 2, 0))
    parts = {
        part.name: np.array([getattr(one, part.name) for one in (_BASE, _PLANTED, _TRAP)])[kind]
        for part in fields(_Kind)
    }
    mild = sum((points * members(rule, attributes) for rule, points in _MILD_EFFECTS), np.zeros(len(size)))
    base = kind == 0
    mild = np.where(base, mild - mild.sum(where=base) / max(base.sum(), 1), 0.0)
    own = np.sqrt(1 - _SIZE_LOADING**2) * rng.standard_normal(len(size))
    return Drivers(
        nrr=parts["nrr"] + mild,
        renewal=parts["renewal"] + mild / 2,
        flat_share=parts["flat_share"],
        deal_score=_SIZE_LOADING * size + own + parts["deal_shift"],
        payback=parts["payback"],
        kept_losses=parts["kept_losses"],
    )
