"""A regularised linear function of codes, in tables: what often wins where customers are few.

Each feature contributes through a small basis: a number by its rank among the intervals, a flag or tag by
being set, a category by an indicator per level; missing has an indicator of its own. The ridge penalty is
chosen by generalised cross-validation (Golub, Heath and Wahba 1979), in closed form by scikit-learn.

The penalty has a floor, because attributes are often near copies of each other (revenue and sales): without
one, chance can give the first +110 points and the second -93. With a tenth of the customers near copies share
what they say; on the books tried it moved R squared by at most .002.
"""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import RidgeCV

from scoring.features import MISSING, CategoryEncoder, Codes, Feature, FeatureSchema
from scoring.training.additive import Additive, Floats, Term

PENALTIES = np.geomspace(0.1, 1000.0, 25)  # per customer, for columns of unit variance


def basis(feature: Feature) -> Floats:
    """Return the columns a feature contributes for each of its codes: (codes, columns).

    >>> from scoring.features import NumberEncoder
    >>> basis(FeatureSchema((NumberEncoder("employees", (10.0,)),)).features[0]).tolist()
    [[0.0, 1.0], [-0.5, 0.0], [0.5, 0.0]]
    """
    if isinstance(feature.encoder, CategoryEncoder):
        return np.eye(feature.size)
    rank = np.linspace(-0.5, 0.5, feature.size - 1)
    columns = np.zeros((feature.size, 2))
    columns[1:, 0] = rank
    columns[MISSING, 1] = 1.0
    return columns


def fit_linear(schema: FeatureSchema, codes: Codes, y: Floats) -> Additive:
    """Learn the linear function.

    Args:
        schema: what the codes mean.
        codes: (accounts, features).
        y: (accounts,), the outcome.
    """
    bases = [basis(feature) for feature in schema.features]
    design = np.concatenate([columns[codes[:, j]] for j, columns in enumerate(bases)], axis=1)
    spread = design.std(axis=0)
    scale = np.where(spread > 0, 1.0 / np.where(spread > 0, spread, 1.0), 0.0)
    model = RidgeCV(alphas=PENALTIES * len(y)).fit((design - design.mean(axis=0)) * scale, y)
    weights = model.coef_ * scale
    ends = np.cumsum([columns.shape[1] for columns in bases])
    tables: dict[Term, Floats] = {
        (j,): columns @ weights[end - columns.shape[1] : end]
        for j, (columns, end) in enumerate(zip(bases, ends, strict=True))
    }
    return Additive(float(model.intercept_ - design.mean(axis=0) @ weights), tables)
