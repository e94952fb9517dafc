"""Boosted trees on codes, each bound to one term, and what they say in tables, exactly.

A term is a feature or a pair of features. Every tree may split on the features of one term only (scikit-learn's
`interaction_cst`), so all it can say is one value per code, or per pair of codes: its table. A table is read
off by asking the tree for every code. The tables' sum is then the ensemble's own prediction.

Trees are grown by scikit-learn's histogram grower itself, below its estimators: codes are its bins already, so
nothing is binned again, no matrix of floats is made, and pairs can be learnt on top of single features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble._hist_gradient_boosting.common import G_H_DTYPE
from sklearn.ensemble._hist_gradient_boosting.grower import TreeGrower

from scoring.features import CategoryEncoder, Codes, FeatureSchema
from scoring.training.additive import Floats, Term
from scoring.training.loss import Loss

Bins = NDArray[np.uint8]  # (accounts, columns), Fortran order
BinOf = NDArray[np.uint8]  # (codes,): the bin of each code of a feature
MISSING_BIN = 255  # where the grower expects it
_BINS = MISSING_BIN + 1
WORTH_WAITING = 1e-4  # of the loss before the first tree: less than that is no better prediction


def own_bins(size: int) -> BinOf:
    """Give each code a bin of its own: the one below it, so that missing, 0, becomes MISSING_BIN.

    >>> own_bins(3).tolist()
    [255, 0, 1]
    """
    return np.arange(size).astype(np.uint8) - np.uint8(1)


def to_bins(codes: Codes, features: Sequence[int], bin_of: Sequence[BinOf]) -> Bins:
    """Return the codes of some features as the grower's bins."""
    bins = np.empty((len(codes), len(features)), np.uint8, order="F")
    for column, (feature, lookup) in enumerate(zip(features, bin_of, strict=True)):
        bins[:, column] = lookup[codes[:, feature]]
    return bins


@dataclass(frozen=True, slots=True)
class Growth:
    """How trees are grown."""

    shrinkage: float  # of each tree's say
    leaves: int
    least_leaf: int  # accounts a leaf must have
    most_trees: int
    patience: int  # trees without a better prediction of the held accounts after which growing ends
    l2: float = 1.0


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree, and the table that says the same: an entry per code of each feature of its term."""

    term: Term
    table: Floats
    predictor: Any  # scikit-learn's
    features: tuple[int, ...]  # of the schema, one per column the tree was grown on
    bin_of: tuple[BinOf, ...]  # by column

    def predict(self, codes: Codes) -> Floats:
        """Ask the tree itself: (accounts,)."""
        bins = to_bins(codes, self.features, self.bin_of)
        return np.asarray(self.predictor.predict_binned(bins, MISSING_BIN, 1), np.float64)


@dataclass(frozen=True, slots=True)
class Boosted:
    """Trees in the order they were grown, and the mean loss on held accounts before the first and after each."""

    trees: Sequence[Tree]
    losses: Floats  # (trees + 1,)


@dataclass(frozen=True, eq=False, slots=True)
class Sample:
    """Accounts with their outcomes, and what is predicted for them before the trees to come."""

    codes: Codes
    y: Floats
    raw: Floats

    def plus(self, trees: Sequence[Tree]) -> Sample:
        """Return the sample with the say of these trees added to its predictions."""
        raw = self.raw.copy()
        for tree in trees:
            raw += look_up(tree, self.codes)
        return Sample(self.codes, self.y, raw)


def look_up(tree: Tree, codes: Codes) -> Floats:
    """Return the entry of a tree's table for each account: (accounts,)."""
    return np.asarray(tree.table[tuple(codes[:, feature] for feature in tree.term)])


def boost(
    schema: FeatureSchema,
    terms: Sequence[Term],
    train: Sample,
    held: Sample,
    loss: Loss,
    growth: Growth,
    directions: Mapping[int, int],
    bin_of: Mapping[int, BinOf] | None = None,
) -> Boosted:
    """Grow trees on one sample until another one's predictions get no better.

    Args:
        schema: what the codes mean.
        terms: what a tree may speak of.
        train: the accounts to learn from.
        held: the accounts that tell when to stop; they teach nothing else.
        loss: what is made small.
        growth: how trees are grown.
        directions: feature -> 1 where its effect may only rise, -1 where it may only fall.
        bin_of: feature -> the bin of each code, where several codes share one.
    """
    ground = _Ground.of(schema, terms, train.codes, directions, bin_of or {})
    raw, held_raw = train.raw.copy(), held.raw.copy()
    trees: list[Tree] = []
    losses = [loss.mean(held.y, held_raw)]
    best = 0
    while len(trees) < growth.most_trees and len(trees) - best < growth.patience:
        tree = ground.grow(*loss.derivatives(train.y, raw), growth)
        if tree is None:
            break
        trees.append(tree)
        raw += look_up(tree, train.codes)
        held_raw += look_up(tree, held.codes)
        losses.append(loss.mean(held.y, held_raw))
        if losses[-1] < losses[best] - WORTH_WAITING * losses[0]:
            best = len(trees)
    return Boosted(trees, np.array(losses))


@dataclass(frozen=True, eq=False, slots=True)
class _Ground:
    """What trees grow on: the bins of the features in question, and what the grower is told of them."""

    features: tuple[int, ...]  # of the schema
    bin_of: tuple[BinOf, ...]
    bins: Bins
    terms: Sequence[set[int]]  # by column
    told: Mapping[str, Any]

    @classmethod
    def of(
        cls,
        schema: FeatureSchema,
        terms: Sequence[Term],
        codes: Codes,
        directions: Mapping[int, int],
        shared: Mapping[int, BinOf],
    ) -> _Ground:
        features = tuple(sorted({feature for term in terms for feature in term}))
        column = {feature: place for place, feature in enumerate(features)}
        bin_of = tuple(shared.get(feature, own_bins(schema.features[feature].size)) for feature in features)
        bins = to_bins(codes, features, bin_of)
        told = {
            "n_bins": _BINS,
            "n_bins_non_missing": np.array([lookup[1:].max(initial=0) + 1 for lookup in bin_of], np.uint32),
            "has_missing_values": (bins == MISSING_BIN).any(axis=0).astype(np.uint8),
            "is_categorical": np.array(
                [isinstance(schema.features[feature].encoder, CategoryEncoder) for feature in features],
                np.uint8,
            ),
            "monotonic_cst": np.array([directions.get(feature, 0) for feature in features], np.int8),
            "n_threads": 1,  # sums then have one order, whatever the machine
        }
        return cls(features, bin_of, bins, [{column[feature] for feature in term} for term in terms], told)

    def grow(self, gradient: Floats, curvature: Floats, growth: Growth) -> Tree | None:
        """Grow one tree; None where no split is worth it."""
        grower = TreeGrower(
            self.bins,
            gradient.astype(G_H_DTYPE),
            curvature.astype(G_H_DTYPE),
            interaction_cst=self.terms,
            max_leaf_nodes=growth.leaves,
            min_samples_leaf=growth.least_leaf,
            l2_regularization=growth.l2,
            shrinkage=growth.shrinkage,
            **self.told,
        )
        grower.grow()
        if grower.n_nodes == 1:
            return None
        predictor = grower.make_predictor(binning_thresholds=[np.zeros(_BINS)] * len(self.features))
        nodes = predictor.nodes
        split = np.unique(nodes["feature_idx"][nodes["is_leaf"] == 0]).tolist()
        return Tree(
            tuple(self.features[column] for column in split),
            self._table(predictor, split),
            predictor,
            self.features,
            self.bin_of,
        )

    def _table(self, predictor: Any, split: Sequence[int]) -> Floats:
        """Ask a tree for every bin, or pair of bins, of the columns it splits on; codes answer as their bin."""
        bins = [np.unique(self.bin_of[column], return_inverse=True) for column in split]
        grid = np.meshgrid(*(distinct for distinct, _ in bins), indexing="ij")
        probe = np.zeros((grid[0].size, len(self.features)), np.uint8, order="F")
        for column, asked in zip(split, grid, strict=True):
            probe[:, column] = asked.ravel()
        answers = predictor.predict_binned(probe, MISSING_BIN, 1).reshape(grid[0].shape)
        return np.asarray(answers[np.ix_(*(place for _, place in bins))], np.float64)
