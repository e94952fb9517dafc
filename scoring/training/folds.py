"""Folds: which accounts a model is tested on that it has not learnt from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FOLDS = 5

Integers = NDArray[np.intp]


def folds(count: int, seed: int) -> Integers:
    """Deal rows into FOLDS folds of like size at random: (count,) of 0..FOLDS-1."""
    return np.random.default_rng(seed).permutation(count) % FOLDS


def deal(y: NDArray[np.float64], groups: Integers | None, seed: int) -> Integers:
    """Deal accounts into FOLDS folds: (accounts,) of 0..FOLDS-1.

    Accounts of one group stay together. Without groups each fold gets its share of low and high outcomes, so
    that few cases of one kind are spread evenly.

    Args:
        y: (accounts,), the outcome.
        groups: (accounts,), whole numbers from 0 up, or None.
        seed: of the dealing.

    >>> deal(np.repeat([0.0, 1.0], 10), None, 0)[10:].tolist().count(3)
    2
    """
    rng = np.random.default_rng(seed)
    if groups is None:
        order = np.lexsort((rng.random(len(y)), y))  # ties are broken by chance
        blocks = np.arange(len(y)) // FOLDS
        within = np.lexsort((rng.random(len(y)), blocks))  # and so is who of each five goes where
        dealt = np.empty(len(y), np.intp)
        dealt[order[within]] = np.arange(len(y)) % FOLDS
        return dealt
    sizes = np.bincount(groups)
    largest_first = np.lexsort((rng.random(len(sizes)), -sizes))
    fold_of, filled = np.empty(len(sizes), np.intp), np.zeros(FOLDS, np.int64)
    for group in largest_first:
        fold_of[group] = filled.argmin()
        filled[fold_of[group]] += sizes[group]
    return fold_of[groups]
