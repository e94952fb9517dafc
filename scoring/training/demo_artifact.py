"""The small artifact the repository ships, trained on a small demo book: a fresh checkout serves at once."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from scoring.registry import activate, versions
from scoring.training.demo_book import write_demo_book
from scoring.training.train import train

ACCOUNTS, PROSPECTS, SEED = 800, 100, 7


def train_demo_artifact(artifacts: Path) -> str:
    """Make the demo book and train on it; the same bytes every time.

    Returns:
        The version id.
    """
    with tempfile.TemporaryDirectory() as folder:
        book = Path(folder) / "book"
        write_demo_book(book, accounts=ACCOUNTS, prospects=PROSPECTS, seed=SEED)
        return train(book, book / "plan.toml", artifacts)


def replace_demo_artifact(artifacts: Path) -> str:
    """Train the demo artifact, make it active, and remove the versions before it.

    It is trained in a registry of its own: its card compares with no version that a checkout no longer has.
    """
    with tempfile.TemporaryDirectory() as registry:
        version = train_demo_artifact(Path(registry))
        shutil.copytree(Path(registry) / version, artifacts / version, dirs_exist_ok=True)
    activate(artifacts, version)
    for old in versions(artifacts):
        if old != version:
            shutil.rmtree(artifacts / old)
    return version


if __name__ == "__main__":
    print(replace_demo_artifact(Path(sys.argv[1])))  # noqa: T201 - the version is what the caller asks for
