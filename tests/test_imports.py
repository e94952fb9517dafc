"""The layering: `scoring` is not aware of HTTP, serving needs no package for training, training no edge."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(file for package in ("api", "scoring") for file in (ROOT / package).rglob("*.py"))
OF_TRAINING = ("sklearn", "polars", "pandas", "scipy", "jinja2", "threadpoolctl", "scoring.training")
OF_THE_EDGE = ("fastapi", "starlette", "uvicorn")
# The commands that need the group for training import it when they run.
MAY_TRAIN = (
    "api.analyze_commands",
    "api.book_commands",
    "api.cli",
    "api.demo",
    "api.plan_commands",
    "api.score_file",
)


def module(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(file: Path) -> Iterator[tuple[str, int]]:
    """Yield what a file imports, and where; names that may be modules of a package too."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: a relative import"
            assert node.module is not None
            yield node.module, node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def crossings(within: str, beyond: tuple[str, ...], *, but: tuple[str, ...] = ()) -> list[str]:
    """Return the imports of `beyond` in the modules of a package, leaving out the packages in `but`."""
    found = []
    for file in SOURCES:
        name = module(file)
        if belongs(name, (within,)) and not belongs(name, but):
            found += [
                f"{file.relative_to(ROOT)}:{line}: {imported}"
                for imported, line in imports(file)
                if belongs(imported, beyond)
            ]
    return found


def belongs(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


def test_there_is_something_to_look_at() -> None:
    assert {"api.app", "scoring.scorer", "scoring.training.train"} <= set(map(module, SOURCES))
    assert crossings("api", ("fastapi",)), "the check itself finds nothing"


def test_the_domain_does_not_know_the_edge() -> None:
    assert crossings("scoring", ("api", *OF_THE_EDGE)) == []


def test_scoring_does_not_know_training() -> None:
    assert crossings("scoring", OF_TRAINING, but=("scoring.training",)) == []


def test_what_signals_mean_does_not_know_where_they_are_kept() -> None:
    assert crossings("scoring.signals", ("scoring.store", "scoring.servers", "redis")) == []
    assert crossings("scoring.scorer", ("scoring.store", "scoring.servers", "redis")) == []


def test_servers_know_no_signals() -> None:
    assert crossings("scoring.servers", ("scoring.signals", "scoring.store")) == []


def test_serving_does_not_know_training() -> None:
    assert crossings("api", OF_TRAINING, but=MAY_TRAIN) == []


@pytest.mark.parametrize("entry", ["api.app", "api.serve", "scoring.scorer"])
def test_serving_loads_no_package_for_training(entry: str) -> None:
    loaded = modules_after(f"import {entry}")
    assert entry in loaded
    assert sorted(name for name in loaded if belongs(name, OF_TRAINING)) == []


def test_the_command_line_loads_next_to_nothing() -> None:
    loaded = modules_after("import api.cli")
    heavy = ("sklearn", "polars", "pandas", "scipy", "jinja2", "fastapi", "uvicorn", "numpy", "redis")
    assert sorted(name for name in loaded if name in heavy) == []


@pytest.mark.parametrize("entry", ["scoring.training.train", "scoring.scorer"])
def test_the_domain_loads_no_web_framework(entry: str) -> None:
    loaded = modules_after(f"import {entry}")
    assert sorted(name for name in loaded if belongs(name, ("api", *OF_THE_EDGE))) == []


def test_importing_starts_nothing() -> None:
    code = "import api.app, api.serve, threading, asyncio; print(threading.active_count())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "1"


def test_no_module_is_a_drawer_for_everything() -> None:
    assert [file for file in SOURCES if file.stem in {"utils", "util", "helpers", "misc", "common"}] == []
