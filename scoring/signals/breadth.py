"""How broadly an account takes part: which people, how senior, in which roles, over which channels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scoring.fit import to_grid
from scoring.signals.counted import SIGNAL_GRID, Counted, Floats, Integers
from scoring.signals.log import SignalBatch
from scoring.signals.meanings import meanings
from scoring.signals.people import ROLES
from scoring.signals.policy import Policy
from scoring.signals.record import role, seniority


@dataclass(frozen=True, slots=True, eq=False)
class Breadth:
    """Who took part, by signals with depth within the policy's breadth_days; all arrays are (accounts,)."""

    people: Integers  # distinct
    counted_as: Floats  # people by how senior they are, and the spread over roles
    roles: Integers  # distinct, of named people
    senior: Integers  # how senior the most senior is: an index into `people.SENIORITIES`
    seniors: Integers  # how many people are as senior as that; 0 where nobody's seniority is known
    channels: Integers  # distinct


def breadth(policy: Policy, batch: SignalBatch, signals: Counted) -> Breadth:
    """Count people, roles and channels. Who has several titles counts once, as the most senior."""
    recent = (signals.age <= policy.breadth_days) & (signals.depth_weight * signals.value > 0)
    named = np.flatnonzero(recent & (signals.records["person"] != 0))
    person, owner = signals.records["person"][named].astype(np.intp), signals.owner[named]
    rank, roles_of = seniority(signals.records)[named].astype(np.intp), role(signals.records)[named]
    channels = np.zeros((signals.accounts, len(batch.channels)), np.bool_)
    channels[signals.owner[recent], signals.records["channel"][recent]] = True
    roles = np.zeros((signals.accounts, len(ROLES)), np.bool_)
    roles[owner, roles_of] = True
    distinct_roles = roles[:, 1:].sum(axis=1)
    whose, rank = _people(owner, person, rank)
    counted_as = to_grid(meanings(policy, batch).seniority[rank], SIGNAL_GRID)
    senior = np.zeros(signals.accounts, np.intp)
    np.maximum.at(senior, whose, rank)
    most = whose[(rank == senior[whose]) & (rank > 0)]
    return Breadth(
        people=np.bincount(whose, minlength=signals.accounts),
        counted_as=np.bincount(whose, counted_as, signals.accounts)
        + policy.role_spread * np.maximum(distinct_roles - 1, 0),
        roles=distinct_roles,
        senior=senior,
        seniors=np.bincount(most, minlength=signals.accounts),
        channels=channels[:, 1:].sum(axis=1),
    )


def _people(owner: Integers, person: Integers, rank: Integers) -> tuple[Integers, Integers]:
    """Return each person once: of which account, and how senior at most."""
    keys = np.sort(owner << 35 | person << 3 | rank, kind="stable")  # quick, as owners are in order
    last = np.ones(len(keys), np.bool_)
    last[:-1] = keys[1:] >> 3 != keys[:-1] >> 3
    keys = keys[last]
    return keys >> 35, keys & 7
