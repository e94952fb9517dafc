"""Boosted trees on codes, under constraints that keep them additive, and their exact extraction into tables.

Each tree may split on single features or on kept pairs of features only, so every leaf speaks of at most
two features. Adding each leaf's value to the cells it covers, in the table of the features on its path, gives
tables whose sum is the ensemble's own prediction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor

from scoring.features import MISSING, CategoryEncoder, Codes, FeatureSchema
from scoring.training.additive import Additive, Floats, Term, mean_of

BAGS = 8
MOST_PAIRS = 10  # pair tables kept; more would be more than people read
CANDIDATE_FEATURES = 16  # pairs are sought among the features with the strongest effects of their own
LEAST_PAIR_SHARE = 0.01  # of the spread of the whole prediction; a weaker pair is not worth a table

Integers = NDArray[np.intp]
Masks = dict[int, NDArray[np.bool_]]


def _order(schema: FeatureSchema) -> Integers:
    """Put categories first: scikit-learn moves them there, but not its interaction constraints."""
    return np.argsort(
        [not isinstance(feature.encoder, CategoryEncoder) for feature in schema.features], kind="stable"
    )


def to_matrix(schema: FeatureSchema, codes: Codes) -> Floats:
    """Return codes as the learner takes them: categories first, missing as NaN."""
    ordered = codes[:, _order(schema)]
    return np.where(ordered == MISSING, np.nan, ordered.astype(np.float64))


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Bagged boosted trees, and the additive function that says the same in tables."""

    schema: FeatureSchema
    members: tuple[HistGradientBoostingRegressor, ...]
    additive: Additive

    def predict(self, codes: Codes) -> Floats:
        """Predict with the trees themselves: (accounts,)."""
        matrix = to_matrix(self.schema, codes)
        return np.asarray(np.mean([member.predict(matrix) for member in self.members], axis=0))


def fit_ensemble(schema: FeatureSchema, codes: Codes, y: Floats, *, seed: int, bags: int = BAGS) -> Ensemble:
    """Learn single features and the strongest pairs, in `bags` members that each stop on rows of their own.

    Args:
        schema: what the codes mean; sizes and categories come from it.
        codes: (accounts, features).
        y: (accounts,), the outcome.
        seed: of the members' row samples.
        bags: how many members.
    """
    pairs = strongest_pairs(schema, codes, y, seed=seed)
    members = tuple(_fit(schema, codes, y, pairs, seed + bag) for bag in range(bags))
    return Ensemble(schema, members, mean_of(extract(member, schema) for member in members))


def strongest_pairs(schema: FeatureSchema, codes: Codes, y: Floats, *, seed: int) -> list[Term]:
    """Find the pairs that add most beyond their features' own effects."""
    alone = extract(_fit(schema, codes, y, [], seed), schema)
    spread = {term[0]: float(entries.std()) for term, entries in alone.contributions(codes)}
    strongest = sorted(spread, key=lambda feature: (-spread[feature], feature))[:CANDIDATE_FEATURES]
    candidates: list[Term] = [
        (min(pair), max(pair))
        for pair in combinations(strongest, 2)
        if schema.features[pair[0]].attribute != schema.features[pair[1]].attribute
    ]
    if not candidates:
        return []
    together = extract(_fit(schema, codes, y, candidates, seed), schema).purified(codes)
    whole = float(together.predict(codes).std())
    gain: dict[Term, float] = {
        term: float(entries.std()) for term, entries in together.contributions(codes) if len(term) == 2
    }
    kept: list[Term] = [term for term in gain if gain[term] > LEAST_PAIR_SHARE * whole]
    return sorted(kept, key=lambda term: (-gain[term], term))[:MOST_PAIRS]


def _fit(
    schema: FeatureSchema, codes: Codes, y: Floats, pairs: Sequence[Term], seed: int
) -> HistGradientBoostingRegressor:
    place = np.argsort(_order(schema))
    model = HistGradientBoostingRegressor(
        learning_rate=0.06,
        max_iter=300,
        max_leaf_nodes=8,
        min_samples_leaf=max(5, min(20, len(y) // 50)),
        l2_regularization=1.0,
        categorical_features=[
            isinstance(schema.features[feature].encoder, CategoryEncoder) for feature in _order(schema)
        ],
        interaction_cst=[{f} for f in range(len(place))] + [{int(place[a]), int(place[b])} for a, b in pairs],
        early_stopping=True,
        validation_fraction=0.15,
        n_iter_no_change=15,
        random_state=seed,
    )
    return model.fit(to_matrix(schema, codes), y)


def extract(model: HistGradientBoostingRegressor, schema: FeatureSchema) -> Additive:
    """Turn trees whose leaves speak of at most two features into tables that sum to the same prediction."""
    order = _order(schema)
    values = _seen_values(model, schema)
    intercept = float(model._baseline_prediction.item())  # noqa: SLF001 - not public, nor are the trees
    tables: dict[Term, Floats] = {}
    for (tree,) in model._predictors:  # noqa: SLF001 - as above; one tree an iteration for a single output
        for masks, value in _leaves(tree, order, values):
            if not masks:
                intercept += value
                continue
            term = tuple(sorted(masks))
            table = tables.setdefault(term, np.zeros([schema.features[feature].size for feature in term]))
            table[np.ix_(*(masks[feature] for feature in term))] += value
    return Additive(intercept, tables)


def _seen_values(model: HistGradientBoostingRegressor, schema: FeatureSchema) -> list[Floats]:
    """Return, by feature, what trees see for each code: categories are recoded, unseen ones to NaN."""
    sizes = [feature.size for feature in schema.features]
    probes = np.minimum(np.arange(max(sizes))[:, None], np.array(sizes) - 1).astype(np.int32)
    seen = model._preprocess_X(to_matrix(schema, probes), reset=False)  # noqa: SLF001 - no public way, as above
    place = np.argsort(_order(schema))
    return [seen[:size, place[feature]] for feature, size in enumerate(sizes)]


def _leaves(tree: Any, order: Integers, values: Sequence[Floats]) -> Iterator[tuple[Masks, float]]:
    """Yield each leaf's value with the codes, by feature, that lead to it."""
    stack: list[tuple[int, Masks]] = [(0, {})]
    while stack:
        index, masks = stack.pop()
        node = tree.nodes[index]
        if node["is_leaf"]:
            yield masks, float(node["value"])
            continue
        feature = int(order[node["feature_idx"]])
        left = _goes_left(tree, node, values[feature])
        reach = masks.get(feature, np.ones(len(left), bool))
        stack.append((int(node["right"]), {**masks, feature: reach & ~left}))
        stack.append((int(node["left"]), {**masks, feature: reach & left}))


def _goes_left(tree: Any, node: Any, values: Floats) -> NDArray[np.bool_]:
    """Tell for each code of a feature whether a split sends it left, as scikit-learn would."""
    missing = np.isnan(values)
    if node["is_categorical"]:
        left = _in_bitset(
            tree.raw_left_cat_bitsets[node["bitset_idx"]], np.where(missing, 0, values).astype(int)
        )
    else:
        left = values <= node["num_threshold"]
    return np.asarray(np.where(missing, bool(node["missing_go_to_left"]), left))


def _in_bitset(bitset: NDArray[np.uint32], codes: NDArray[np.intp]) -> NDArray[np.bool_]:
    return np.asarray((bitset[codes // 32] >> (codes % 32).astype(np.uint32)) & 1 == 1)
