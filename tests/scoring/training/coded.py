"""Tables of codes drawn at random, and what is learnt from them."""

import numpy as np

from scoring.features import Codes, FeatureSchema, FlagEncoder, NumberEncoder
from scoring.training.additive import Floats
from scoring.training.learn import learn
from scoring.training.learnt import Learnt


def flags(rng: np.random.Generator, rows: int, columns: int) -> tuple[FeatureSchema, Codes]:
    schema = FeatureSchema(tuple(FlagEncoder(f"flag_{n}") for n in range(columns)))
    return schema, rng.integers(1, 3, (rows, columns)).astype(np.uint8)


def numbers(rng: np.random.Generator, rows: int, columns: int) -> tuple[FeatureSchema, Codes]:
    edges = tuple(np.arange(9.0))
    schema = FeatureSchema(tuple(NumberEncoder(f"number_{n}", edges) for n in range(columns)))
    return schema, rng.integers(1, 11, (rows, columns)).astype(np.uint8)


def learnt_from(schema: FeatureSchema, codes: Codes, y: Floats, *, seed: int = 0) -> Learnt:
    learnt = learn(schema, codes, y, seed=seed)
    assert isinstance(learnt, Learnt), learnt
    return learnt
