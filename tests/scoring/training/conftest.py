"""One demo book and what is trained on it, made once for all tests here; and customers drawn at random."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from scoring.artifact import Artifact, read_artifact
from scoring.features import Codes, FeatureSchema
from scoring.training.attributes import Attribute, AttributeKind
from scoring.training.demo_book import DemoTruth, write_demo_book
from scoring.training.encode import encode_frame
from scoring.training.schema import build_schema
from scoring.training.train import train

ACCOUNTS, PROSPECTS = 1000, 400


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DemoTruth]:
    folder: Path = tmp_path_factory.mktemp("demo") / "book"
    return folder, write_demo_book(folder, accounts=ACCOUNTS, prospects=PROSPECTS)


@pytest.fixture(scope="session")
def demo_book(demo: tuple[Path, DemoTruth]) -> Path:
    return demo[0]


@pytest.fixture(scope="session")
def demo_truth(demo: tuple[Path, DemoTruth]) -> DemoTruth:
    return demo[1]


@pytest.fixture(scope="session")
def demo_registry(demo_book: Path) -> Path:
    """The registry that holds the demo book's artifact, and nothing else."""
    registry = demo_book.parent / "artifacts"
    train(demo_book, demo_book / "plan.toml", registry)
    return registry


@pytest.fixture(scope="session")
def demo_artifact(demo_registry: Path) -> Artifact:
    return read_artifact(demo_registry, (demo_registry / "active").read_text().strip())


def _random_column(rng: np.random.Generator, kind: str, rows: int) -> pl.Series:
    """Draw values as `Book.accounts` holds them; some are missing, some levels and tags are rare."""
    match kind:
        case "number":
            drawn = np.round(np.exp(rng.normal(0, 2, rows)), int(rng.integers(0, 3))).tolist()
        case "date":
            drawn = (2015 + 10 * rng.random(rows)).tolist()
        case "flag":
            drawn = (rng.random(rows) < 0.3).tolist()
        case "category":
            drawn = [f"level {level}" for level in np.minimum(rng.geometric(0.25, rows), 12)]
        case _:
            drawn = [[tag for tag in ("a", "b", "c", "rare") if rng.random() < 0.3] for _ in range(rows)]
    gaps = rng.random(rows) < rng.choice([0.0, 0.1, 0.6])
    gaps[0] = False
    return pl.Series([None if gap else value for value, gap in zip(drawn, gaps, strict=True)])


@pytest.fixture(scope="session")
def random_customers() -> Callable[
    [int, Sequence[str], int], tuple[FeatureSchema, Codes, NDArray[np.float64]]
]:
    """Make a schema, customers' codes and an outcome from a seed, the attributes' kinds, and a row count."""

    def make(seed: int, kinds: Sequence[str], rows: int) -> tuple[FeatureSchema, Codes, NDArray[np.float64]]:
        rng = np.random.default_rng(seed)
        names = [f"{kind}_{place}" for place, kind in enumerate(kinds)]
        columns = {name: _random_column(rng, kind, rows) for name, kind in zip(names, kinds, strict=True)}
        attributes = [
            Attribute(name, cast("AttributeKind", kind)) for name, kind in zip(names, kinds, strict=True)
        ]
        customers = pl.DataFrame(columns)
        schema = build_schema(attributes, customers)
        codes = encode_frame(schema, customers)
        effects = [rng.normal(size=feature.size) for feature in schema.features]
        y = rng.normal(size=rows) * rng.choice([0.3, 2.0])
        for feature, effect in enumerate(effects):
            y += effect[codes[:, feature]] * (codes[:, feature - 1] > 1)
        return schema, codes, y

    return make
