"""Merging: rows of accounts and prospects that are one company become one, and parents are linked to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from scoring.account import SHARED_DOMAINS
from scoring.plan import TableName
from scoring.training.company_names import comparable_names
from scoring.training.conflicts import SCHEMA as CONFLICT_SCHEMA
from scoring.training.conflicts import find_conflicts, in_words
from scoring.training.duplicates import SameNames, find_same_names
from scoring.training.parents import link_parents
from scoring.training.rejects import LINE, TABLE, Log

# Columns of the rows, texts: where a company is, to compare names within.
COUNTRY, CITY = PLACES = ("__country", "__city")
_SCHEMA = dict.fromkeys(("kept_id", "merged_id", "why", "conflicts"), pl.String)
_KEY, _WHY, _AT = "__key", "__why", "__at"
# Two rows of one company differ here by their nature, which is no conflict.
_NOT_COMPARED = ("account_id", "crm_id", TABLE, LINE, *PLACES, _KEY, _WHY, _AT)


@dataclass(frozen=True, eq=False, slots=True)
class Companies:
    """One row per company, and under which id each written id is now known."""

    frame: pl.DataFrame  # with TABLE and LINE
    ids: Mapping[str, str]  # CRM ids too, where they name one company
    by_domain: Mapping[str, str]  # of domains that one company has to itself
    merges: pl.DataFrame  # see Book.merges
    conflicts: pl.DataFrame  # see Book.conflicts

    def of(self, table: TableName) -> pl.DataFrame:
        """Return the companies that stand in this table, in its order."""
        return self.frame.filter(pl.col(TABLE) == table).drop(TABLE, LINE)


@dataclass(slots=True)
class _Found:
    """What was merged so far, in the order it was."""

    merges: list[pl.DataFrame] = field(default_factory=lambda: [pl.DataFrame(schema=_SCHEMA)])
    conflicts: list[pl.DataFrame] = field(default_factory=lambda: [pl.DataFrame(schema=CONFLICT_SCHEMA)])


def merge_companies(rows: pl.DataFrame, log: Log) -> Companies:
    """Merge rows with one id, then with one domain, then with one name; the first present value wins.

    Accounts come before prospects. A domain that many companies share merges nobody, and neither does a name
    that fits several companies.

    Args:
        rows: accounts and then prospects, with TABLE, LINE and every column read; with COUNTRY and CITY where
            the book says them.
        log: where notes on shared domains, ambiguous names and parents go.

    Raises:
        BookError: parents form a cycle.
    """
    found = _Found()
    by_id = _merge(rows, pl.col("account_id"), pl.lit("the same account_id"), found)
    shared = pl.col("domain").is_in(sorted(SHARED_DOMAINS))
    if by_id.filter(shared).height:
        log.notes.append("accounts on a shared domain, such as a mailbox provider's, were not merged by it")
    own_domain = pl.when(~shared).then("domain")
    merged = _merge(by_id, own_domain, pl.format("the same domain, {}", own_domain), found)
    merged = _merge_names(merged, own_domain, found, log)
    merges = pl.concat(found.merges)
    final = _final_ids(merged["account_id"], merges)
    domains = rows.select(own_domain.alias("domain"), "account_id").drop_nulls()
    frame = link_parents(merged.drop(PLACES, strict=False), final, log)
    return Companies(
        frame=frame,
        ids=_with_crm_ids(rows, final),
        by_domain={domain: final[account] for domain, account in domains.iter_rows()},
        merges=merges,
        conflicts=pl.concat(found.conflicts).with_columns(pl.col("account_id").replace(final)),
    )


def _merge(frame: pl.DataFrame, key: pl.Expr, why: pl.Expr, found: _Found) -> pl.DataFrame:
    """Make one row of those with one key, and record each that is merged away with its conflicts."""
    keyed = frame.with_columns(key.alias(_KEY), why.alias(_WHY)).with_row_index(_AT)
    doubled = keyed.filter(pl.col(_KEY).is_not_null() & pl.col(_KEY).is_duplicated())
    if doubled.is_empty():
        return frame
    conflicts = find_conflicts(doubled, _KEY, [name for name in frame.columns if name not in _NOT_COMPARED])
    found.conflicts.append(conflicts.drop("at"))
    said = in_words(conflicts)
    gone = doubled.select(
        pl.col("account_id").first().over(_KEY).alias("kept_id"),
        pl.col("account_id").alias("merged_id"),
        pl.col(_WHY).alias("why"),
        pl.Series("conflicts", [said.get(at, "") for at in range(doubled.height)], dtype=pl.String),
        pl.col(_KEY).is_first_distinct().alias("is_kept"),
        pl.col(_AT).min().over(_KEY).alias("order"),
    )
    found.merges.append(gone.filter(~pl.col("is_kept")).sort("order", maintain_order=True).select(*_SCHEMA))
    first_present = pl.exclude(_KEY).drop_nulls().first()
    merged = doubled.group_by(_KEY, maintain_order=True).agg(first_present)
    singles = keyed.join(doubled, on=_AT, how="anti")
    return pl.concat([singles, merged.select(singles.columns)]).sort(_AT).select(frame.columns)


def _merge_names(frame: pl.DataFrame, own_domain: pl.Expr, found: _Found, log: Log) -> pl.DataFrame:
    """Merge rows of one company by its name within a country, slips of the pen included."""
    companies = frame.select(
        comparable_names(frame["name"]),
        own_domain.alias("domain"),
        *(
            pl.col(column) if column in frame.columns else pl.lit(None, dtype=pl.String).alias(column)
            for column in PLACES
        ),
    ).rename({COUNTRY: "country", CITY: "city"})
    same = find_same_names(companies)
    _note_names(companies, same, log)
    named = companies.with_columns(same.groups.alias("group"))
    first = pl.col("name").first().over("group")
    how = pl.when(pl.col("name") == first).then(pl.lit("the same")).otherwise(pl.lit("nearly the same"))
    why = named.select(pl.format("{} name in {}, {}", how, "country", first)).to_series()
    return _merge(frame, pl.lit(same.groups), pl.lit(why), found)


def _note_names(companies: pl.DataFrame, same: SameNames, log: Log) -> None:
    if same.ambiguous:
        log.notes.append(
            f"{same.ambiguous:,} accounts have a name that fits several companies; they were not merged"
        )
    lost = companies.filter(pl.col("name").is_not_null() & pl.col("name").is_duplicated())
    nowhere = int(lost["country"].is_null().sum())
    if nowhere:
        log.notes.append(
            f"{nowhere:,} accounts share their name with another, but have no country; names are compared "
            "only within a country, so they were not merged by it"
        )


def _final_ids(kept: pl.Series, merges: pl.DataFrame) -> dict[str, str]:
    """Return under which id each id of the book is known in the end, chains of merges followed."""
    final: dict[str, str] = {one: one for one in kept.to_list()}
    for kept_id, gone in reversed(merges.select("kept_id", "merged_id").rows()):
        if gone != kept_id:
            final[gone] = final[kept_id]
    return final


def _with_crm_ids(rows: pl.DataFrame, final: Mapping[str, str]) -> dict[str, str]:
    """Add the CRM's ids, where they name one company and are no account_id."""
    named = (
        rows.select("crm_id", pl.col("account_id").replace(final))
        .drop_nulls()
        .unique(maintain_order=True)
        .filter(~pl.col("crm_id").is_duplicated())
    )
    return dict(named.iter_rows()) | dict(final)
