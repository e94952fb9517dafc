"""Merging: rows of accounts and prospects that are one company become one, and parents are linked to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import polars as pl

from scoring.account import SHARED_DOMAINS
from scoring.errors import BookError
from scoring.plan import TableName
from scoring.training.rejects import LINE, TABLE, Log

_Merge: TypeAlias = tuple[str, str, str, str]
_SCHEMA = dict.fromkeys(("kept_id", "merged_id", "why", "conflicts"), pl.String)
_KEY, _AT = "__key", "__at"


@dataclass(frozen=True, eq=False, slots=True)
class Companies:
    """One row per company, and under which id each written id is now known."""

    frame: pl.DataFrame  # with TABLE and LINE
    ids: Mapping[str, str]
    by_domain: Mapping[str, str]  # of domains that one company has to itself
    merges: pl.DataFrame  # see Book.merges

    def of(self, table: TableName) -> pl.DataFrame:
        """Return the companies that stand in this table, in its order."""
        return self.frame.filter(pl.col(TABLE) == table).drop(TABLE, LINE)


def merge_companies(rows: pl.DataFrame, log: Log) -> Companies:
    """Merge rows with one id, then with one domain; the first present value wins, accounts' first.

    A domain that many companies share merges nobody.

    Args:
        rows: accounts and then prospects, with TABLE, LINE and every column read.
        log: where notes on shared domains and unknown parents go.

    Raises:
        BookError: parents form a cycle.
    """
    merges: list[_Merge] = []
    by_id = _merge(rows, pl.col("account_id"), "the same account_id", merges)
    shared = pl.col("domain").is_in(sorted(SHARED_DOMAINS))
    if by_id.filter(shared).height:
        log.notes.append("accounts on a shared domain, such as a mailbox provider's, were not merged by it")
    own_domain = pl.when(~shared).then("domain")
    merged = _merge(by_id, own_domain, "the same domain", merges)
    ids = {kept: kept for kept in merged["account_id"].to_list()}
    ids |= {gone: kept for kept, gone, _, _ in merges if kept != gone}
    owners = merged.select(own_domain.alias("domain"), "account_id").drop_nulls()
    merge_log = pl.DataFrame(merges, schema=_SCHEMA, orient="row")
    return Companies(_with_parents(merged, ids, log), ids, dict(owners.iter_rows()), merge_log)


def _merge(frame: pl.DataFrame, key: pl.Expr, why: str, merges: list[_Merge]) -> pl.DataFrame:
    keyed = frame.with_columns(key.alias(_KEY)).with_row_index(_AT)
    doubled = keyed.filter(pl.col(_KEY).is_not_null() & pl.col(_KEY).is_duplicated())
    if doubled.is_empty():
        return frame
    merges.extend(_merge_log(doubled, why))
    first_present = pl.exclude(_KEY).drop_nulls().first()
    merged = doubled.group_by(_KEY, maintain_order=True).agg(first_present)
    singles = keyed.join(doubled, on=_AT, how="anti")
    return pl.concat([singles, merged.select(singles.columns)]).sort(_AT).select(frame.columns)


def _merge_log(doubled: pl.DataFrame, why: str) -> Iterator[_Merge]:
    """Yield for each row that is merged away: the kept id, its own id, why, and the values it lost."""
    companies: dict[str, list[dict[str, Any]]] = {}
    for row in doubled.drop(_AT).to_dicts():
        companies.setdefault(row.pop(_KEY), []).append(row)
    for value, rows in companies.items():
        kept_id = rows[0]["account_id"]
        reason = why if value == kept_id else f"{why}, {value}"
        for row, conflicts in zip(rows[1:], _conflicts(rows), strict=True):
            yield kept_id, row["account_id"], reason, conflicts


def _conflicts(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield for each row after the first the values it lost to an earlier row, in words."""
    kept = dict(rows[0])
    for row in rows[1:]:
        lost = []
        for name, value in row.items():
            if name in (TABLE, LINE, "account_id") or value is None:
                continue
            if kept[name] is None:
                kept[name] = value
            elif kept[name] != value:
                lost.append(f"{name}: kept {kept[name]!r}, not {value!r}")
        yield "; ".join(lost)


# Parents


def _with_parents(frame: pl.DataFrame, ids: Mapping[str, str], log: Log) -> pl.DataFrame:
    """Point parents at merged accounts; an account that became its own parent has none."""
    parents = pl.col("parent_id").replace(ids)
    linked = frame.with_columns(pl.when(parents != pl.col("account_id")).then(parents).alias("parent_id"))
    pairs = linked.select("account_id", "parent_id").drop_nulls().rows()
    parent_of: dict[str, str] = dict(pairs)
    cycle = _cycle(parent_of)
    if cycle:
        raise BookError(f"accounts are their own ancestors: {' -> '.join(cycle)}; clear one parent_id")
    unknown = sum(parent not in ids for parent in parent_of.values())
    if unknown:
        log.notes.append(f"parent_id names no account of the book in {unknown} rows")
    return linked


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
