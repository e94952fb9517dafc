"""The contacts of a book: people, each with the account they work for, and what is missing about them."""

from __future__ import annotations

import polars as pl

from scoring.account import SHARED_DOMAINS, normalise_domain
from scoring.training.cells import read_own_columns
from scoring.training.merging import Companies
from scoring.training.raw_table import RawTable
from scoring.training.rejects import LINE, TABLE, Log, drop_rows

GAP_SEPARATOR = "; "
_COLUMNS = ("account_id", "contact_id", "email", "name", "title", "phone")


def read_contacts(raw: RawTable, companies: Companies, log: Log) -> pl.DataFrame:
    """Return the contacts, each with its account or null, and with its gaps in words.

    A contact finds its account by id, else by the domain of its e-mail address; mailbox providers' domains
    name nobody. Incomplete contacts are kept. One whose contact_id stood in an earlier row is rejected.
    """
    frame = read_own_columns(raw, log)
    again = pl.col("contact_id").is_not_null() & ~pl.col("contact_id").is_first_distinct()
    frame = drop_rows(frame, again, "contact_id", "stands in an earlier row", log)
    full_name = pl.concat_str("first_name", "last_name", separator=" ", ignore_nulls=True)
    frame = frame.with_columns(
        pl.coalesce("name", pl.when(full_name != "").then(full_name)).alias("name"),
        pl.col("email").str.to_lowercase(),
    )
    frame = _with_accounts(frame, companies)
    gaps = [pl.when(missing).then(pl.lit(gap)) for gap, missing in _gaps()]
    return (
        frame.with_columns(pl.concat_str(gaps, separator=GAP_SEPARATOR, ignore_nulls=True).alias("gaps"))
        .select(pl.col(LINE).alias("row"), *_COLUMNS, "gaps")
        .drop(TABLE, strict=False)
    )


def _with_accounts(frame: pl.DataFrame, companies: Companies) -> pl.DataFrame:
    """Add `written_id` and `email_domain`, and put the account's id as it is now known into account_id."""
    emails = frame["email"].drop_nulls().unique()
    domains = pl.Series(
        [normalise_domain(email) if "@" in email else None for email in emails], dtype=pl.String
    )
    email_domain = frame["email"].replace_strict(emails, domains, default=None, return_dtype=pl.String)
    by_id = pl.col("account_id").replace_strict(companies.ids, default=None, return_dtype=pl.String)
    by_domain = email_domain.replace_strict(companies.by_domain, default=None, return_dtype=pl.String)
    return frame.with_columns(
        pl.col("account_id").alias("written_id"),
        email_domain.alias("email_domain"),
        pl.coalesce(by_id, by_domain).alias("account_id"),
    )


def _gaps() -> tuple[tuple[str, pl.Expr], ...]:
    """Return each kind of gap and the rows that have it."""
    no_account, no_email = pl.col("account_id").is_null(), pl.col("email").is_null()
    return (
        ("no account", no_account & pl.col("written_id").is_null()),
        ("an account that the book does not have", no_account & pl.col("written_id").is_not_null()),
        ("no e-mail address", no_email),
        ("an e-mail address that cannot be one", ~no_email & pl.col("email_domain").is_null()),
        ("a mailbox provider's address", pl.col("email_domain").is_in(sorted(SHARED_DOMAINS))),
        ("an e-mail address of an earlier contact", ~no_email & ~pl.col("email").is_first_distinct()),
        ("no name", pl.col("name").is_null()),
        ("no title", pl.col("title").is_null()),
        ("no telephone number", pl.col("phone").is_null()),
    )


def count_gaps(contacts: pl.DataFrame) -> dict[str, int]:
    """Count the contacts that have each kind of gap, in a fixed order; kinds that nobody has are left out.

    >>> count_gaps(pl.DataFrame({"gaps": ["no title", "", "no title; no telephone number"]}))
    {'no title': 2, 'no telephone number': 1}
    """
    counts = contacts["gaps"].str.split(GAP_SEPARATOR).explode().value_counts(name="times")
    times = dict(counts.iter_rows())
    return {gap: times[gap] for gap, _ in _gaps() if gap in times}
