"""The columns of a book's tables: which there are, which must be, and the plan's names for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, Literal, TypeAlias

import polars as pl

from scoring.attribute_names import alike
from scoring.errors import BookError
from scoring.plan import TableName
from scoring.values import as_amount

ColumnKind: TypeAlias = Literal["label", "text", "number", "date", "domain"]

COMPANY_TABLES: tuple[TableName, ...] = ("accounts", "prospects")  # these alone have attributes
MONEY = ("mrr", "amount", "cost", "cac", "cost_to_serve")  # columns that may carry a currency's sign
COMPANY_COLUMNS: dict[str, ColumnKind] = {
    "account_id": "label",
    "domain": "domain",
    "name": "label",
    "parent_id": "label",
    "status": "text",
    "crm_id": "label",
    "cac": "number",
    "gross_margin": "number",
    "cost_to_serve": "number",
    "nps": "number",
}
COLUMNS: dict[TableName, dict[str, ColumnKind]] = {
    "accounts": COMPANY_COLUMNS,
    "prospects": COMPANY_COLUMNS,
    "subscriptions": {
        "account_id": "label",
        "start": "date",
        "mrr": "number",
        "end": "date",
        "product": "text",
    },
    "invoices": {
        "account_id": "label",
        "date": "date",
        "amount": "number",
        "product": "text",
        "cost": "number",
    },
    "opportunities": {
        "account_id": "label",
        "created": "date",
        "outcome": "text",
        "closed": "date",
        "amount": "number",
        "type": "text",
        "source": "text",
        "opportunity_id": "label",
    },
    "events": {
        "account_id": "label",
        "domain": "domain",
        "email": "label",
        "type": "text",
        "occurred_at": "date",
        "event_id": "label",
        "topic": "text",
        "strength": "number",
        "person": "label",
        "channel": "text",
    },
    "contacts": {
        "contact_id": "label",
        "account_id": "label",
        "email": "label",
        "name": "label",
        "first_name": "label",
        "last_name": "label",
        "title": "text",
        "phone": "label",
    },
}
REQUIRED: dict[TableName, tuple[str, ...]] = {
    "accounts": ("account_id",),
    "prospects": ("account_id",),
    "subscriptions": ("account_id", "start", "mrr"),
    "invoices": ("account_id", "date", "amount"),
    "opportunities": ("account_id", "created", "outcome"),
    "events": ("type", "occurred_at"),
    "contacts": (),
}
_IDENTITIES: dict[TableName, tuple[str, ...]] = {  # one of these columns names the account
    "events": ("account_id", "domain", "email"),
    "contacts": ("account_id", "email"),
}


def map_columns(table: TableName, file: str, frame: pl.DataFrame, plan: Mapping[str, Any]) -> pl.DataFrame:
    """Return a table under our column names, after checking that the required ones are there.

    A column that the plan does not name is ours where it has our name, however written: `Account ID`.

    Args:
        table: which table it is.
        file: its file name, for messages.
        frame: the table under its own names, its values not read yet.
        plan: the plan's `[columns.<table>]`, our name to theirs; a list of theirs becomes their product.

    Raises:
        BookError: the plan names a column that is in neither the table nor the file, a required column is
            missing, or two columns have one of our names.

    >>> theirs = pl.DataFrame({"Key": ["a"], "Price": ["2.5"], "Count": ["4"], "Day": ["2026-01-01"]})
    >>> plan = {"account_id": "Key", "amount": ["Price", "Count"], "date": "Day"}
    >>> map_columns("invoices", "Sales.csv", theirs, plan).rows(named=True)
    [{'account_id': 'a', 'amount': '10.0', 'date': '2026-01-01'}]
    """
    columns: dict[str, pl.Series] = {}
    consumed: set[str] = set()
    for ours, named in plan.items():
        theirs = [named] if isinstance(named, str) else named
        _check_mapping(table, file, frame, ours, theirs)
        consumed.update(theirs)
        columns[ours] = frame[theirs[0]] if len(theirs) == 1 else _product([frame[name] for name in theirs])
    others = [name for name in frame.columns if name not in consumed and name not in columns]
    ours_of = _own_names(table, file, others, [ours for ours in COLUMNS[table] if ours not in columns])
    renamed = [column.alias(ours) for ours, column in columns.items()]
    mapped = pl.DataFrame([*renamed, *(frame[name].alias(ours_of.get(name, name)) for name in others)])
    _check_required(table, file, frame.columns, mapped.columns)
    return mapped


def _check_mapping(
    table: TableName, file: str, frame: pl.DataFrame, ours: str, theirs: Sequence[str]
) -> None:
    place = f"the plan's [columns.{table}]"
    if table not in COMPANY_TABLES and ours not in COLUMNS[table]:
        known = ", ".join(COLUMNS[table])
        raise BookError(f"{place} maps {ours}, which {table} does not have. It can have: {known}")
    if not theirs:
        raise BookError(f"{place} maps {ours} to an empty list; name at least one column of {file}")
    absent = [name for name in theirs if name not in frame.columns]
    if absent:
        raise BookError(
            f"{place} maps {ours} to {', '.join(absent)}, which {file} does not have. "
            f"Its columns: {', '.join(frame.columns)}"
        )


def _own_names(table: TableName, file: str, names: Sequence[str], ours: Sequence[str]) -> dict[str, str]:
    """Return theirs -> ours for the columns that have one of our names, however written."""
    found = alike(names, ours)
    for own, theirs in found.items():
        if len(theirs) > 1:
            raise BookError(
                f"{file} has more than one column that reads as {own}: {', '.join(theirs)}. Rename or remove "
                f'one, or say in the plan which it is:\n\n[columns.{table}]\n{own} = "{theirs[0]}"'
            )
    return {theirs[0]: own for own, theirs in found.items()}


def _product(columns: Sequence[pl.Series]) -> pl.Series:
    """Multiply row by row: missing where a factor is; an unreadable factor stands for the product."""

    def multiply(*factors: Any) -> str | None:
        numbers = []
        for factor in factors:
            try:
                numbers.append(as_amount(factor))
            except ValueError:
                return str(factor)  # the reader of the column refuses it with its row
        return None if None in numbers else repr(prod(number for number in numbers if number is not None))

    known = {factors: multiply(*factors) for factors in set(zip(*columns, strict=True))}
    return pl.Series([known[factors] for factors in zip(*columns, strict=True)], dtype=pl.String)


def _check_required(table: TableName, file: str, theirs: Sequence[str], ours: Sequence[str]) -> None:
    has = ", ".join(theirs)
    for name in REQUIRED[table]:
        if name not in ours:
            raise BookError(
                f"{file} has no column {name}, which is required. Its columns: {has}. "
                f'If it has another name, write in the plan:\n\n[columns.{table}]\n{name} = "their column"'
            )
    identities = _IDENTITIES.get(table, ())
    if identities and not set(identities) & set(ours):
        raise BookError(
            f"{file} has none of the columns {', '.join(identities)}, one of which is required. "
            f'Its columns: {has}. Write in the plan:\n\n[columns.{table}]\naccount_id = "their column"'
        )
