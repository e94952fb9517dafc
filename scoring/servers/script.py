"""Lua scripts that the servers run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script of the store. It may run twice for one call, and must do no harm then."""

    text: str
    sha: str

    @classmethod
    def load(cls, package: str, name: str) -> Script:
        """Read a script that stands in a package."""
        return cls.of(files(package).joinpath(name).read_text(encoding="utf-8"))

    @classmethod
    def of(cls, text: str) -> Script:
        """Make a script of its text."""
        return cls(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


@dataclass(frozen=True, slots=True)
class Call:
    """One run of a script: at least one key, and on a Cluster all of one slot (`Servers.groups`)."""

    keys: tuple[bytes | str, ...]
    args: tuple[Any, ...] = ()
