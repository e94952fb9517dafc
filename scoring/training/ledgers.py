"""The ledgers: subscriptions, invoices, opportunities and events, checked and pointed at their accounts."""

from __future__ import annotations

import polars as pl

from scoring.account import normalise_domain
from scoring.plan import Plan, TableName
from scoring.training.cells import read_own_columns
from scoring.training.columns import COLUMNS
from scoring.training.ledger_oddities import note_oddities
from scoring.training.merging import Companies
from scoring.training.raw_table import RawTable
from scoring.training.rejects import LINE, TABLE, Log, drop_incomplete, drop_rows

OUTCOMES = {
    "won": "won",
    "closed won": "won",
    "closedwon": "won",
    "lost": "lost",
    "closed lost": "lost",
    "closedlost": "lost",
    "open": "open",
}
_KNOWN = "__known"
_ROW_ID = {"opportunities": "opportunity_id", "events": "event_id"}  # one row each
_BAD_ROWS: dict[TableName, tuple[tuple[str, str, pl.Expr], ...]] = {
    "subscriptions": (
        ("mrr", "is negative", pl.col("mrr") < 0),
        ("end", "is before start", pl.col("end") < pl.col("start")),
    ),
    "opportunities": (
        ("outcome", "is none of won, lost, open", ~pl.col("outcome").is_in(sorted(OUTCOMES))),
        ("closed", "is before created", pl.col("closed") < pl.col("created")),
    ),
}


def read_ledger(raw: RawTable, companies: Companies, plan: Plan, log: Log) -> pl.DataFrame:
    """Return the usable rows of a ledger, each with the id under which its account is now known.

    Rows that lack a required value, contradict themselves, stand twice or name no account of the book go
    to the rejects. What is read but looks odd, such as rows after `as_of`, is noted.
    """
    frame = read_own_columns(raw, log)
    if raw.table == "events":
        frame = _with_event_account(frame, companies)
    frame = drop_incomplete(frame, raw.table, log)
    for name, reason, bad in _BAD_ROWS.get(raw.table, ()):
        frame = drop_rows(frame, bad, name, reason, log)
    if raw.table == "opportunities":
        frame = frame.with_columns(pl.col("outcome").replace(OUTCOMES))
    frame = _once_each(frame, raw, log)
    known = pl.col("account_id").replace_strict(companies.ids, default=None, return_dtype=pl.String)
    frame = frame.with_columns(known.alias(_KNOWN))
    frame = drop_rows(frame, pl.col(_KNOWN).is_null(), "account_id", "names no account of the book", log)
    frame = frame.with_columns(pl.col(_KNOWN).alias("account_id")).drop(TABLE, LINE, _KNOWN)
    note_oddities(raw.table, raw.file, frame, plan, log)
    return frame


def _with_event_account(frame: pl.DataFrame, companies: Companies) -> pl.DataFrame:
    """Find the account of an event by its id, else its domain, else the domain of its e-mail address.

    Events that name nobody of the book keep what they have and are rejected later.
    """
    senders = {email: normalise_domain(email) for email in frame["email"].drop_nulls().unique().to_list()}

    def by_domain(domains: pl.Expr) -> pl.Expr:
        return domains.replace_strict(companies.by_domain, default=None, return_dtype=pl.String)

    by_id = pl.col("account_id").replace_strict(companies.ids, default=None, return_dtype=pl.String)
    sender = pl.col("email").replace_strict(senders, default=None, return_dtype=pl.String)
    found = pl.coalesce(by_id, by_domain(pl.col("domain")), by_domain(sender), "account_id")
    person = pl.coalesce("person", "email")
    return frame.with_columns(found.alias("account_id"), person.alias("person")).drop("domain", "email")


def _once_each(frame: pl.DataFrame, raw: RawTable, log: Log) -> pl.DataFrame:
    """Drop rows whose own id stood in an earlier row, and subscriptions that are an earlier row again.

    A file that numbers its subscriptions has no such row: every column counts, those we do not read too.
    """
    if raw.table in _ROW_ID:
        name = _ROW_ID[raw.table]
        again = pl.col(name).is_not_null() & ~pl.col(name).is_first_distinct()
        return drop_rows(frame, again, name, "stands in an earlier row", log)
    if raw.table != "subscriptions":
        return frame
    written = raw.frame.drop(TABLE, *COLUMNS[raw.table], strict=False)
    rows = frame.join(written, on=LINE, how="left", maintain_order="left").drop(TABLE, LINE)
    doubled = pl.lit(~rows.select(pl.struct(pl.all()).is_first_distinct()).to_series())
    return drop_rows(frame, doubled, "", "the same as an earlier row", log)
