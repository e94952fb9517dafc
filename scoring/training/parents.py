"""Parents and children: every parent_id points at an account as it is known after merging."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from scoring.errors import BookError
from scoring.training.rejects import Log


def link_parents(frame: pl.DataFrame, ids: Mapping[str, str], log: Log) -> pl.DataFrame:
    """Return companies whose parents are known by the ids that remain.

    An account that is its own parent, as written or after merging, has none; a parent that the book does not
    have stays as it is written. The log counts both.

    Raises:
        BookError: parents form a cycle; the message names its accounts.
    """
    pairs = frame.select("account_id", "parent_id").drop_nulls()
    known = {child: ids.get(parent, parent) for child, parent in pairs.iter_rows()}
    own = [child for child, parent in known.items() if child == parent]
    if own:
        some = ", ".join(own[:3]) + (", ..." if len(own) > 3 else "")
        log.notes.append(f"{len(own):,} accounts are their own parent and were read as having none: {some}")
    parent_of = {child: parent for child, parent in known.items() if child != parent}
    cycle = _cycle(parent_of)
    if cycle:
        raise BookError(f"accounts are their own ancestors: {' -> '.join(cycle)}; clear one parent_id")
    unknown = sum(parent not in ids for parent in parent_of.values())
    if unknown:
        log.notes.append(f"parent_id names no account of the book in {unknown} rows")
    parents = frame["account_id"].replace_strict(parent_of, default=None, return_dtype=pl.String)
    return frame.with_columns(parents.alias("parent_id"))


def _cycle(parent_of: Mapping[str, str]) -> list[str]:
    """Return the accounts of a cycle, its first one repeated at the end; empty where there is none."""
    cleared: set[str] = set()
    for start in parent_of:
        path: dict[str, None] = {}
        at = start
        while at in parent_of and at not in cleared:
            if at in path:
                steps = list(path)
                return [*steps[steps.index(at) :], at]
            path[at] = None
            at = parent_of[at]
        cleared.update(path)
    return []
