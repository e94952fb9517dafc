"""Boosted trees on codes, bound to single features or to pairs, and what they say in tables, exactly.

A tree may split on one feature, or along each of its paths on the features of one pair only (scikit-learn's
`interaction_cst`), so every leaf speaks of at most two features. Adding each leaf's value to the cells it
covers, in the table of the features on its path, gives tables whose sum is the ensemble's own prediction.

Trees are grown by scikit-learn's histogram grower itself, below its estimators: codes are its bins already,
so nothing is binned again, no matrix of floats is made, and pairs can be learnt on top of single features.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
Reach = dict[int, NDArray[np.bool_]]  # feature -> whether each of its codes
BinOf = NDArray[np.uint8]  # (codes,): the bin of each code of a feature
MISSING_BIN = 255  # where the grower expects it
_BINS = MISSING_BIN + 1
_NO_THRESHOLDS = np.zeros(_BINS)
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
    """One tree, and how to ask it."""

    predictor: Any  # scikit-learn's
    features: tuple[int, ...]  # of the schema, one per column the tree was grown on
    bin_of: tuple[BinOf, ...]  # by column

    def predict(self, codes: Codes) -> Floats:
        """Ask the tree itself: (accounts,)."""
        bins = to_bins(codes, self.features, self.bin_of)
        return np.asarray(self.predictor.predict_binned(bins, MISSING_BIN, 1), np.float64)


@dataclass(frozen=True, slots=True)
class Boosted:
    """Trees in the order they were grown, and the mean loss on held accounts after each."""

    trees: Sequence[Tree]
    losses: Floats  # (trees + 1,): the first stands before any tree


@dataclass(frozen=True, eq=False, slots=True)
class Sample:
    """Accounts with their outcomes, and what is predicted for them before the trees to come."""

    codes: Codes
    y: Floats
    raw: Floats


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
    held_bins = to_bins(held.codes, ground.features, ground.bin_of)
    raw, held_raw = train.raw.copy(), held.raw.copy()
    trees: list[Tree] = []
    losses = [loss.mean(held.y, held_raw)]
    best = 0
    while len(trees) < growth.most_trees and len(trees) - best < growth.patience:
        grown = ground.grow(*loss.derivatives(train.y, raw), growth)
        if grown.n_nodes == 1:  # no split is worth it
            break
        for leaf in grown.finalized_leaves:
            raw[leaf.sample_indices] += leaf.value
        trees.append(ground.tree(grown))
        held_raw += trees[-1].predictor.predict_binned(held_bins, MISSING_BIN, 1)
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

    def grow(self, gradient: Floats, curvature: Floats, growth: Growth) -> TreeGrower:
        """Grow one tree."""
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
        return grower

    def tree(self, grown: TreeGrower) -> Tree:
        """Keep what a grown tree says."""
        unused = [_NO_THRESHOLDS] * len(self.features)  # of numbers; bins alone are asked about
        return Tree(grown.make_predictor(binning_thresholds=unused), self.features, self.bin_of)


# What trees say, in tables


def extract(trees: Sequence[Tree], schema: FeatureSchema) -> dict[Term, Floats]:
    """Return tables that sum to what the trees predict: by term, an entry per code of each feature."""
    tables: dict[Term, Floats] = {}
    for tree in trees:
        for reach, value in _leaves(tree):
            term = tuple(sorted(reach))
            if term not in tables:
                tables[term] = np.zeros([schema.features[feature].size for feature in term])
            tables[term][np.ix_(*(reach[feature] for feature in term))] += value
    return tables


def _leaves(tree: Tree) -> Iterator[tuple[Reach, float]]:
    """Yield each leaf's value with the codes, by feature, that lead to it."""
    nodes, stack = tree.predictor.nodes, [(0, Reach())]
    while stack:
        index, reach = stack.pop()
        node = nodes[index]
        if node["is_leaf"]:
            yield reach, float(node["value"])
            continue
        column = int(node["feature_idx"])
        feature, left = tree.features[column], _goes_left(tree, node, tree.bin_of[column])
        here = reach.get(feature, np.ones(len(left), bool))
        stack.append((int(node["right"]), {**reach, feature: here & ~left}))
        stack.append((int(node["left"]), {**reach, feature: here & left}))


def _goes_left(tree: Tree, node: Any, bins: BinOf) -> NDArray[np.bool_]:
    """Tell for each code of a feature whether a split sends it left."""
    if node["is_categorical"]:
        bitset = tree.predictor.binned_left_cat_bitsets[node["bitset_idx"]]
        left = (bitset[bins // 32] >> (bins % 32).astype(np.uint32)) & 1 == 1
    else:
        left = bins <= node["bin_threshold"]
    return np.asarray(np.where(bins == MISSING_BIN, bool(node["missing_go_to_left"]), left))
