"""The data files here: where vendors keep fields, what they call events, what their words weigh."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def tables(name: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the tables of a data file: fields, event_types or levels.

    >>> tables("levels")["sixsense_buying_stage"]["decision"]
    85.0
    """
    return tomllib.loads(files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))
