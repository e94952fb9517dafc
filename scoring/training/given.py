"""What each day's signals of one type gave before they faded, by the very formula that serving uses.

`measure` is asked for the Intent of each account, day and type alone, under a policy in which every type
weighs 1 and nothing fades. So whatever else it does to a signal (its strength, its topic, repeats on one day)
is in what a day gave, and what is left of it at a later moment is that times 2^(-age / half_life).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.signals.activation import measure
from scoring.signals.log import SignalBatch
from scoring.signals.policy import Policy, TypePolicy
from scoring.training.signal_history import Floats, Integers, Moments, SignalHistory, seen

HALF_A_DAY = 0.5  # a day's signals count as of its noon
_FOREVER = 1e9  # days: a half-life under which nothing fades
_FAINT = 1e6  # a scale so large that 1 - exp(-x / scale) has x to nine digits
_AT_ONCE = 200_000  # days of accounts that are measured together


@dataclass(frozen=True, eq=False, slots=True)
class Given:
    """An entry for each account, day and type of which there were signals, sorted by account and day."""

    happened: Moments
    type: NDArray[np.intp]  # as in the history's names
    gave: Floats
    events: Integers  # how many there were

    def left(self, moments: Moments, half_life_days: Floats) -> Floats:
        """Return what is left at moments: (moments, types).

        Args:
            moments: whose own day and what is later is not seen.
            half_life_days: (types,), by which each type fades.
        """
        row, entry = seen(self.happened, moments)
        age = moments.day[row] - self.happened.day[entry] - HALF_A_DAY
        type_ = self.type[entry]
        cell = row * len(half_life_days) + type_
        left = self.gave[entry] * np.exp2(-age / half_life_days[type_])
        cells = len(moments.day) * len(half_life_days)
        return np.asarray(
            np.bincount(cell, left, cells).reshape(len(moments.day), len(half_life_days)), np.float64
        )


def given(history: SignalHistory, policy: Policy) -> Given:
    """Measure what each account's signals of a day and type gave under a policy, but for weight and age."""
    key = np.stack([history.owner, history.day, history.records["type"].astype(np.int64)])
    order = np.lexsort((key[2], key[1], key[0]))
    key = key[:, order]
    begins = np.flatnonzero(np.any(np.diff(key, axis=1, prepend=-1), axis=0))
    ends = np.append(begins[1:], key.shape[1])
    account, day, type_ = key[:, begins]
    plain = _plain(policy, history.names.types)
    found = [
        _measured(history, plain, order, begins[at : at + _AT_ONCE], ends[at : at + _AT_ONCE])
        for at in range(0, len(begins), _AT_ONCE)
    ]
    gave = np.concatenate(found) if found else np.zeros(0)
    return Given(Moments(account, day), type_.astype(np.intp), gave, ends - begins)


def _plain(policy: Policy, types: tuple[str, ...]) -> Policy:
    """Return the policy under which every type weighs 1 and nothing fades."""
    plain = {"intent": 1.0, "depth": 0.0, "half_life_days": _FOREVER}
    known = {
        name: policy.types[name].model_copy(update=plain) if name in policy.types else TypePolicy(**plain)
        for name in types
        if name
    }
    return policy.model_copy(update={"types": known, "intent_scale": _FAINT})


def _measured(
    history: SignalHistory, plain: Policy, order: NDArray[np.intp], begins: Integers, ends: Integers
) -> Floats:
    rows = order[begins[0] : ends[-1]]
    names = history.names
    batch = SignalBatch(
        owner=np.repeat(np.arange(len(begins)), ends - begins).astype(np.intp),
        records=history.records[rows],
        types=names.types,
        topics=names.topics,
        channels=names.channels,
        read_ago=np.zeros(len(begins)),
    )
    as_of = history.records["at"][order[begins]].astype(np.float64)
    return np.asarray(-_FAINT * np.log1p(-measure(plain, batch, as_of).intent))
