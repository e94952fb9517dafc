"""The book: the tables a company already has, read as people wrote them.

`read_book` finds each table, maps its columns, reads every value through `scoring.values`, merges accounts
that are one company, and points the ledgers at the accounts that remain. What cannot be read stands in
`Book.rejects` with its row and the reason; what was decided on the reader's behalf stands in `Book.notes`.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import prod
from pathlib import Path
from typing import Any, Literal, TypeAlias

import polars as pl

from scoring.account import SHARED_DOMAINS, normalise_domain
from scoring.errors import BookError
from scoring.plan import FileSpec, Plan, TableName
from scoring.values import as_date, as_flag, as_number, as_tags, as_text, as_year, is_missing

AttributeKind: TypeAlias = Literal["number", "category", "flag", "tags", "date"]
Reader: TypeAlias = Callable[[Any], Any]

OUTCOMES = {
    "won": "won",
    "closed won": "won",
    "closedwon": "won",
    "lost": "lost",
    "closed lost": "lost",
    "closedlost": "lost",
    "open": "open",
}
_READABLE_SHARE = 0.95  # of a column's values that must read as a number or date for it to be one
_TAGGED_SHARE = 0.1  # of a column's values that must hold a `;` for it to be a tag list
_IDENTIFIER_ROWS = 50  # below so many values, being all different says little
_IDENTIFIER_SHARE = 0.5  # distinct values a row above which a column names things rather than describes them
_TELEPHONE_DIGITS = 9
_TABLE, _LINE = "__table", "__line"
_FIRMS: tuple[TableName, ...] = ("accounts", "prospects")


def _as_label(value: Any) -> str | None:
    """Read an identifier or a name: as written, without surrounding blanks; 7.0 is 7."""
    if is_missing(value):
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def _as_domain(value: Any) -> str | None:
    label = _as_label(value)
    domain = normalise_domain(label) if label else None
    if label and domain is None:
        raise ValueError("no domain in it")
    return domain


_LABEL: tuple[Reader, pl.DataType] = (_as_label, pl.String())
_TEXT: tuple[Reader, pl.DataType] = (as_text, pl.String())
_NUMBER: tuple[Reader, pl.DataType] = (as_number, pl.Float64())
_DATE: tuple[Reader, pl.DataType] = (as_date, pl.Date())
_DOMAIN: tuple[Reader, pl.DataType] = (_as_domain, pl.String())
_ATTRIBUTE_READERS: dict[AttributeKind, tuple[Reader, pl.DataType]] = {
    "number": _NUMBER,
    "flag": (as_flag, pl.Boolean()),
    "tags": (as_tags, pl.List(pl.String)),
    "category": _TEXT,
}

_ACCOUNT_COLUMNS = {
    "account_id": _LABEL,
    "domain": _DOMAIN,
    "name": _LABEL,
    "parent_id": _LABEL,
    "status": _TEXT,
    "crm_id": _LABEL,
    "cac": _NUMBER,
    "gross_margin": _NUMBER,
    "cost_to_serve": _NUMBER,
    "nps": _NUMBER,
}
_COLUMNS: dict[TableName, dict[str, tuple[Reader, pl.DataType]]] = {
    "accounts": _ACCOUNT_COLUMNS,
    "prospects": _ACCOUNT_COLUMNS,
    "subscriptions": {"account_id": _LABEL, "start": _DATE, "mrr": _NUMBER, "end": _DATE, "product": _TEXT},
    "invoices": {
        "account_id": _LABEL,
        "date": _DATE,
        "amount": _NUMBER,
        "product": _TEXT,
        "cost": _NUMBER,
    },
    "opportunities": {
        "account_id": _LABEL,
        "created": _DATE,
        "outcome": _TEXT,
        "closed": _DATE,
        "amount": _NUMBER,
        "type": _TEXT,
        "source": _TEXT,
        "opportunity_id": _LABEL,
    },
    "events": {
        "account_id": _LABEL,
        "domain": _DOMAIN,
        "email": _LABEL,
        "type": _TEXT,
        "occurred_at": _DATE,
        "event_id": _LABEL,
        "topic": _TEXT,
        "strength": _NUMBER,
        "person": _LABEL,
        "channel": _TEXT,
    },
}
_REQUIRED: dict[TableName, tuple[str, ...]] = {
    "accounts": ("account_id",),
    "prospects": ("account_id",),
    "subscriptions": ("account_id", "start", "mrr"),
    "invoices": ("account_id", "date", "amount"),
    "opportunities": ("account_id", "created", "outcome"),
    "events": ("type", "occurred_at"),
}
# Optional, but a row whose value here cannot be read would say something false without it.
_MUST_READ: dict[TableName, tuple[str, ...]] = {"subscriptions": ("end",)}
_IDENTITIES = ("account_id", "domain", "email")  # of an event: one of these columns
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
_BAD_CELLS = (
    ("cac", "is negative", pl.col("cac") < 0),
    ("cost_to_serve", "is negative", pl.col("cost_to_serve") < 0),
    ("gross_margin", "is above 1; write 0.8 or 80%", pl.col("gross_margin") > 1),
)
_UNREAD = (pl.Binary, pl.Object, pl.Duration, pl.Time)
_REJECT_SCHEMA = {"table": pl.String, "row": pl.Int64, "column": pl.String, "reason": pl.String}
_MERGE_SCHEMA = dict.fromkeys(("kept_id", "merged_id", "why", "conflicts"), pl.String)


@dataclass(frozen=True, slots=True)
class Attribute:
    """An account column that a model may use.

    Values in `Book.accounts` are Float64 for numbers and dates (the year with its fraction), Boolean for
    flags, String for categories (one spelling, see `as_text`) and List(String) for tags.
    """

    name: str
    kind: AttributeKind
    day_first: bool = False  # how its dates were written, where they are not ISO 8601


@dataclass(frozen=True, slots=True)
class Digest:
    """Which file was read: its SHA-256 and how many data rows it holds."""

    sha256: str
    rows: int


@dataclass(frozen=True, eq=False, slots=True)
class Book:
    """The tables of a book, typed, with every ledger row pointing at an account.

    `accounts` and `prospects` hold account_id, domain, name, parent_id, status, crm_id, cac, gross_margin,
    cost_to_serve, nps and then the attributes. The other tables hold the columns of the design's section 3,
    absent ones as nulls. `rejects` has table, row (line of the file, the header being line 1), column and
    reason; `merges` has kept_id, merged_id, why and conflicts.
    """

    accounts: pl.DataFrame
    subscriptions: pl.DataFrame | None
    invoices: pl.DataFrame | None
    opportunities: pl.DataFrame | None
    events: pl.DataFrame | None
    prospects: pl.DataFrame | None
    attributes: tuple[Attribute, ...]
    ignored: Mapping[str, str]  # column of the accounts -> why it is no attribute
    rejects: pl.DataFrame
    merges: pl.DataFrame
    notes: tuple[str, ...]  # what was decided on the reader's behalf, and how to decide otherwise
    digests: Mapping[str, Digest]  # by file name


@dataclass(slots=True)
class _Log:
    """What the reader of the book must be told."""

    rejects: list[tuple[str, int, str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ignored: dict[str, str] = field(default_factory=dict)

    def reject_rows(self, rows: pl.DataFrame, column: str, reason: str) -> None:
        places = rows.select(_TABLE, _LINE).iter_rows()
        self.rejects.extend((table, line, column, reason) for table, line in places)

    def rejects_frame(self) -> pl.DataFrame:
        order = {table: at for at, table in enumerate(_COLUMNS)}
        rows = sorted(self.rejects, key=lambda reject: (order[reject[0]], *reject[1:]))  # type: ignore[index]  # tables are TableName
        return pl.DataFrame(rows, schema=_REJECT_SCHEMA, orient="row")


@dataclass(frozen=True, eq=False, slots=True)
class _Raw:
    """A table under our column names, its values not read yet."""

    table: TableName
    file: str
    frame: pl.DataFrame  # with _TABLE and _LINE
    digest: Digest


def read_book(folder: Path, plan: Plan) -> Book:
    """Read the tables in `folder` (`<table>.csv`, `<table>.parquet`, or the plan's `[files]`).

    The same files and plan give identical frames.

    Raises:
        BookError: the folder, the accounts or both ledgers are missing; a table cannot be read, has two
            files, lacks a required column, or a column the plan names; parents form a cycle.
    """
    if not folder.is_dir():
        raise BookError(f"{folder} is not a folder; name the folder that holds accounts.csv and the ledgers")
    log = _Log()
    found = {table: _find(folder, table, plan) for table in _COLUMNS}
    _check_tables(folder, found)
    raws = {table: _load(table, path, plan, log) for table, path in found.items() if path is not None}
    companies, attributes = _read_companies(raws, plan, log)
    merged = _merge_companies(companies, log)
    if merged.of("accounts").is_empty():
        raise BookError(f"{raws['accounts'].file} has no row with an account_id")
    ledgers = {table: _read_ledger(raws.get(table), merged, log) for table in _COLUMNS if table not in _FIRMS}
    return Book(
        accounts=merged.of("accounts"),
        prospects=merged.of("prospects") if "prospects" in raws else None,
        subscriptions=ledgers["subscriptions"],
        invoices=ledgers["invoices"],
        opportunities=ledgers["opportunities"],
        events=ledgers["events"],
        attributes=attributes,
        ignored=log.ignored,
        rejects=log.rejects_frame(),
        merges=merged.log,
        notes=tuple(log.notes),
        digests={raw.file: raw.digest for raw in raws.values()},
    )


# Files


def _find(folder: Path, table: TableName, plan: Plan) -> Path | None:
    if table in plan.files:
        path = folder / plan.files[table].path
        if not path.is_file():
            raise BookError(f"the plan's [files.{table}] names {path}, which does not exist")
        return path
    paths = [path for path in (folder / f"{table}.csv", folder / f"{table}.parquet") if path.is_file()]
    if len(paths) > 1:
        raise BookError(
            f"{folder} holds both {table}.csv and {table}.parquet; remove one, "
            f'or name the one to read in the plan: [files.{table}] path = "{table}.csv"'
        )
    return paths[0] if paths else None


def _check_tables(folder: Path, found: Mapping[TableName, Path | None]) -> None:
    holds = ", ".join(sorted(path.name for path in folder.iterdir())[:20]) or "nothing"
    if found["accounts"] is None:
        raise BookError(
            f"{folder} has no accounts.csv or accounts.parquet. It holds: {holds}. "
            f"If the table has another name, say so in the plan: [files.accounts] path = ..."
        )
    if found["subscriptions"] is None and found["invoices"] is None:
        raise BookError(
            f"{folder} has neither subscriptions nor invoices (.csv or .parquet), so it does not say what "
            f"accounts are worth. It holds: {holds}. "
            f"Name the ledger in the plan: [files.subscriptions] path = ..."
        )


def _load(table: TableName, path: Path, plan: Plan, log: _Log) -> _Raw:
    spec = plan.files.get(table, FileSpec(path=path.name))
    try:
        with path.open("rb") as handle:
            sha256 = hashlib.file_digest(handle, "sha256").hexdigest()
        parquet = path.suffix == ".parquet"
        frame, rows = _read_parquet(path, log) if parquet else _read_csv(table, path, spec, log)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BookError(f"cannot read {path.name}: {error}") from error
    except UnicodeDecodeError as error:
        raise BookError(
            f'{path.name} is not UTF-8 text (byte {error.start + 1}); export it as "CSV UTF-8"'
        ) from error
    columns = _mapped(table, path.name, frame.drop(_LINE), plan.columns.get(table, {}))
    _check_columns(table, path.name, frame, columns)
    lines = frame.select(_LINE, pl.lit(table).alias(_TABLE))
    return _Raw(table, path.name, lines.hstack(columns), Digest(sha256, rows))


def _read_csv(table: TableName, path: Path, spec: FileSpec, log: _Log) -> tuple[pl.DataFrame, int]:
    """Read all cells as strings. Rows of another length than the header are rejected, not padded."""
    with path.open(encoding="utf-8-sig", newline="") as handle:
        records = _records(csv.reader(handle, delimiter=spec.separator, strict=True), path.name)
        _, first = (0, spec.header) if spec.header else next(records, (0, None))
        if first is None:
            raise BookError(f"{path.name} is empty; it needs a header row")
        header = _checked_header(first, path.name, log)
        lines, rows, count = [], [], 0
        for line, cells in records:
            count += 1
            if len(cells) >= len(header) and not any(cells[len(header) :]):
                lines.append(line)
                rows.append(cells)
            else:
                reason = f"the row has {len(cells)} fields, the header {len(header)}"
                log.rejects.append((table, line, "", reason))
    by_column = zip(*rows, strict=False) if rows else ((),) * len(header)
    cells_of = dict(zip(header, by_column, strict=False))
    columns = [pl.Series(name, cells, dtype=pl.String) for name, cells in cells_of.items() if name]
    return pl.DataFrame([pl.Series(_LINE, lines, dtype=pl.Int64), *columns]), count


def _records(reader: Any, file: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record that is not blank with the line it starts on."""
    start = 1
    try:
        for cells in reader:
            if cells:
                yield start, cells
            start = reader.line_num + 1
    except csv.Error as error:
        raise BookError(
            f"cannot read {file}: the record that starts on line {start} is not valid CSV: {error}"
        ) from error


def _checked_header(cells: Sequence[str], file: str, log: _Log) -> list[str]:
    header = [name.strip() for name in cells]
    doubled = sorted(name for name, times in Counter(header).items() if name and times > 1)
    if doubled:
        raise BookError(f"{file} has more than one column named {', '.join(doubled)}; rename or remove one")
    if "" in header:
        log.notes.append(f"{file}: a column without a name was left out")
    return header


def _read_parquet(path: Path, log: _Log) -> tuple[pl.DataFrame, int]:
    raw = pl.read_parquet(path)
    columns = [_plain(raw[name]) for name in raw.columns]
    strange = [column.name for column in columns if column.dtype.is_nested() or column.dtype in _UNREAD]
    for name in strange:
        log.notes.append(f"{path.name}: column {name} has type {raw[name].dtype}, which is not read")
    lines = pl.Series(_LINE, range(2, raw.height + 2), dtype=pl.Int64)
    return pl.DataFrame([lines, *(column for column in columns if column.name not in strange)]), raw.height


def _plain(column: pl.Series) -> pl.Series:
    """Bring a typed column to what the readers know: strings, numbers, booleans, dates."""
    if isinstance(column.dtype, pl.List) and column.dtype.inner == pl.String:
        return column.list.join(";", ignore_nulls=True)
    if column.dtype in (pl.Categorical, pl.Enum, pl.Null):
        return column.cast(pl.String)
    if column.dtype.is_decimal():
        return column.cast(pl.Float64)
    return column.fill_nan(None) if column.dtype.is_float() else column


# Columns


def _mapped(
    table: TableName, file: str, frame: pl.DataFrame, mapping: Mapping[str, str | list[str]]
) -> pl.DataFrame:
    """Rename columns as the plan says; a list of columns becomes their product."""
    columns: dict[str, pl.Series] = {}
    consumed: set[str] = set()
    for ours, named in mapping.items():
        theirs = [named] if isinstance(named, str) else named
        _check_mapping(table, file, frame, ours, theirs)
        consumed.update(theirs)
        columns[ours] = frame[theirs[0]] if len(theirs) == 1 else _product([frame[name] for name in theirs])
    others = [name for name in frame.columns if name not in consumed and name not in columns]
    renamed = [column.alias(ours) for ours, column in columns.items()]
    return pl.DataFrame([*renamed, *(frame[name] for name in others)])


def _check_mapping(
    table: TableName, file: str, frame: pl.DataFrame, ours: str, theirs: Sequence[str]
) -> None:
    place = f"the plan's [columns.{table}]"
    if table not in _FIRMS and ours not in _COLUMNS[table]:
        known = ", ".join(_COLUMNS[table])
        raise BookError(f"{place} maps {ours}, which {table} does not have. It can have: {known}")
    if not theirs:
        raise BookError(f"{place} maps {ours} to an empty list; name at least one column of {file}")
    absent = [name for name in theirs if name not in frame.columns]
    if absent:
        raise BookError(
            f"{place} maps {ours} to {', '.join(absent)}, which {file} does not have. "
            f"Its columns: {', '.join(frame.columns)}"
        )


def _product(columns: Sequence[pl.Series]) -> pl.Series:
    """Multiply row by row: missing where a factor is; an unreadable factor stands for the product."""

    def multiply(*factors: Any) -> str | None:
        numbers = []
        for factor in factors:
            try:
                numbers.append(as_number(factor))
            except ValueError:
                return str(factor)  # the reader of the column refuses it with its row
        return None if None in numbers else repr(prod(number for number in numbers if number is not None))

    known = {factors: multiply(*factors) for factors in set(zip(*columns, strict=True))}
    return pl.Series([known[factors] for factors in zip(*columns, strict=True)], dtype=pl.String)


def _check_columns(table: TableName, file: str, original: pl.DataFrame, frame: pl.DataFrame) -> None:
    has = ", ".join(name for name in original.columns if name != _LINE)
    for name in _REQUIRED[table]:
        if name not in frame.columns:
            raise BookError(
                f"{file} has no column {name}, which is required. Its columns: {has}. "
                f'If it has another name, write in the plan:\n\n[columns.{table}]\n{name} = "their column"'
            )
    if table == "events" and not set(_IDENTITIES) & set(frame.columns):
        raise BookError(
            f"{file} has none of the columns {', '.join(_IDENTITIES)}, one of which is required. "
            f'Its columns: {has}. Write in the plan:\n\n[columns.{table}]\naccount_id = "their column"'
        )


# Values


def _read_cells(column: pl.Series, reader: Reader) -> tuple[list[Any], dict[Any, str]]:
    """Read each distinct value once; returns a value per row, and why the unreadable ones are."""
    known: dict[Any, Any] = {}
    unreadable: dict[Any, str] = {}
    for value in column.drop_nulls().unique().to_list():
        try:
            known[value] = reader(value)
        except ValueError as error:
            unreadable[value] = str(error)
    return [known.get(value) for value in column.to_list()], unreadable


def _typed(
    frame: pl.DataFrame, column: pl.Series, reader: Reader, dtype: pl.DataType, log: _Log
) -> pl.Series:
    """Read a column of `frame`, with each unreadable cell in the rejects and null in the result."""
    values, unreadable = _read_cells(column, reader)
    if unreadable:
        places = frame.select(_TABLE, _LINE).iter_rows()
        for (table, line), value in zip(places, column.to_list(), strict=True):
            if value in unreadable:
                reason = f"{unreadable[value]}: {str(value)[:40]!r}"
                log.rejects.append((table, line, column.name, reason))
    return pl.Series(column.name, values, dtype=dtype)


def _day_first(file: str, columns: Sequence[pl.Series], log: _Log) -> dict[str, bool]:
    """Decide per column whether the day or the month comes first in dates such as 03/04/2026.

    A date that exists in one order only decides; a column without any follows the table's other columns.
    """
    votes = {column.name: _order_votes(column) for column in columns}
    total = sum(day - month for day, month, _ in votes.values())
    for name, (day, month, ambiguous) in votes.items():
        if day and month:
            log.notes.append(f"{file}: {name} mixes day-first and month-first dates; write them YYYY-MM-DD")
        elif ambiguous and day == month == 0:
            order = "day" if total > 0 else "month"
            log.notes.append(
                f"{file}: {name} does not show whether the day or the month comes first; read as "
                f"{order} first. Write dates YYYY-MM-DD to be sure"
            )
    return {name: (day - month or total) > 0 for name, (day, month, _) in votes.items()}


def _order_votes(column: pl.Series) -> tuple[int, int, bool]:
    """Count the values that read only day first, and only month first; tell if all read as either."""
    days, day_faults = _read_cells(column, partial(as_date, day_first=True))
    months, month_faults = _read_cells(column, as_date)
    differ = any(day is not None and day != month for day, month in zip(days, months, strict=True))
    only_day, only_month = month_faults.keys() - day_faults.keys(), day_faults.keys() - month_faults.keys()
    return len(only_day), len(only_month), differ and not (only_day or only_month)


def _canonical(raw: _Raw, log: _Log) -> pl.DataFrame:
    """Read a table's own columns; absent ones are null."""
    known = _COLUMNS[raw.table]
    dates = [raw.frame[name] for name, kind in known.items() if kind is _DATE and name in raw.frame.columns]
    day_first = _day_first(raw.file, dates, log)
    columns = []
    for name, (reader, dtype) in known.items():
        if name not in raw.frame.columns:
            columns.append(pl.Series(name, [None] * raw.frame.height, dtype=dtype))
            continue
        of_column = partial(as_date, day_first=day_first[name]) if name in day_first else reader
        columns.append(_typed(raw.frame, raw.frame[name], of_column, dtype, log))
    return raw.frame.select(_TABLE, _LINE).hstack(columns)


def _drop_bad_rows(frame: pl.DataFrame, bad: pl.Expr, column: str, reason: str, log: _Log) -> pl.DataFrame:
    rows = frame.filter(bad)
    log.reject_rows(rows, column, reason)
    return frame.filter(~bad.fill_null(value=False)) if rows.height else frame


def _with_required(frame: pl.DataFrame, table: TableName, log: _Log) -> pl.DataFrame:
    """Drop the rows without a required value; unreadable values are already in the rejects."""
    unreadable: dict[str, list[int]] = {}
    for owner, line, column, _ in log.rejects:
        if owner == table:
            unreadable.setdefault(column, []).append(line)
    for name in _REQUIRED[table]:
        refused = pl.col(_LINE).is_in(unreadable.get(name, []))
        frame = _drop_bad_rows(frame.filter(~refused), pl.col(name).is_null(), name, "is missing", log)
    for name in _MUST_READ.get(table, ()):
        frame = frame.filter(~pl.col(_LINE).is_in(unreadable.get(name, [])))
    return frame


# Accounts and prospects


def _read_companies(
    raws: Mapping[TableName, _Raw], plan: Plan, log: _Log
) -> tuple[pl.DataFrame, tuple[Attribute, ...]]:
    """Read accounts and prospects as one frame, so that an attribute means the same in both."""
    frames, extras = [], []
    for raw in (raws[table] for table in _FIRMS if table in raws):
        typed = _with_required(_canonical(raw, log), raw.table, log)
        frames.append(_drop_bad_cells(typed, log))
        kept = raw.frame.join(typed.select(_LINE), on=_LINE, how="semi", maintain_order="left")
        extras.append(kept.drop(_LINE, _TABLE, *_ACCOUNT_COLUMNS, strict=False))
    companies = pl.concat(frames)
    others = pl.concat(extras, how="diagonal_relaxed")
    _check_attribute_names(others.columns, plan)
    attributes, columns = [], []
    for name in others.columns:
        attribute, column = _read_attribute(companies, others[name], plan, log)
        if attribute is not None:
            attributes.append(attribute)
            columns.append(column)
    return companies.hstack(columns), tuple(attributes)


def _drop_bad_cells(frame: pl.DataFrame, log: _Log) -> pl.DataFrame:
    for name, reason, bad in _BAD_CELLS:
        log.reject_rows(frame.filter(bad), name, reason)
        frame = frame.with_columns(pl.when(~bad).then(name).alias(name))
    return frame


def _check_attribute_names(names: Sequence[str], plan: Plan) -> None:
    for key, listed in (("drop", plan.attributes.drop), ("keep", plan.attributes.keep)):
        absent = [name for name in listed if name not in names]
        if absent:
            raise BookError(
                f"the plan's [attributes] {key} names {', '.join(absent)}, which the accounts do not have. "
                f"Their attribute columns: {', '.join(names)}"
            )


def _read_attribute(
    companies: pl.DataFrame, column: pl.Series, plan: Plan, log: _Log
) -> tuple[Attribute | None, pl.Series]:
    """Infer an attribute's kind and read it; None, with the reason in the log, where it is no attribute."""
    name = column.name
    if name in plan.attributes.drop:
        log.ignored[name] = "dropped by the plan"
        return None, column
    counts = _present(column)
    if not counts:
        log.ignored[name] = "every value is missing"
        return None, column
    attribute = _inferred(column, counts, log)
    reader, dtype = _attribute_reader(attribute)
    values, _ = _read_cells(column, reader)
    why = _no_attribute(attribute.kind, values, keep=name in plan.attributes.keep)
    if why:
        log.ignored[name] = why
        return None, column
    return attribute, _typed(companies, column, reader, dtype, log)


def _present(column: pl.Series) -> Counter[Any]:
    """Count the values of a column that say something."""
    counts = Counter(column.drop_nulls().to_list())
    return Counter({value: times for value, times in counts.items() if not is_missing(value)})


def _inferred(column: pl.Series, counts: Counter[Any], log: _Log) -> Attribute:
    if _share(counts, as_flag) == 1:
        return Attribute(column.name, "flag")
    # Dates come before numbers: 16.10.2024 is not sixteen million.
    readers = (as_date, partial(as_date, day_first=True))
    if max(_share(counts, reader) for reader in readers) >= _READABLE_SHARE:
        day_first = _day_first("accounts", [column], log)[column.name]
        return Attribute(column.name, "date", day_first)
    if _share(counts, as_number) >= _READABLE_SHARE:
        return Attribute(column.name, "number")
    tagged = sum(times for value, times in counts.items() if ";" in str(value))
    return Attribute(column.name, "tags" if tagged >= _TAGGED_SHARE * counts.total() else "category")


def _share(counts: Counter[Any], reader: Reader) -> float:
    """Return the share of values that a reader can read."""

    def reads(value: Any) -> bool:
        try:
            reader(value)
        except ValueError:
            return False
        return True

    return sum(times for value, times in counts.items() if reads(value)) / counts.total()


def _attribute_reader(attribute: Attribute) -> tuple[Reader, pl.DataType]:
    if attribute.kind == "date":
        return partial(as_year, day_first=attribute.day_first), pl.Float64()
    return _ATTRIBUTE_READERS[attribute.kind]


def _no_attribute(kind: AttributeKind, values: Sequence[Any], *, keep: bool) -> str:
    """Return why a column describes nothing, or an empty text."""
    if len(set(values)) == 1:
        return "the same value in every row"
    present = [value for value in values if value is not None]
    if keep or len(present) < _IDENTIFIER_ROWS:
        return ""
    if kind == "number":
        return "numbers that identify, such as a serial or telephone number" if _identifies(present) else ""
    named = [tag for tags in present for tag in tags] if kind == "tags" else present
    distinct = len(set(named))
    if kind in ("category", "tags") and distinct > _IDENTIFIER_SHARE * len(named):
        return f"{distinct} different values in {len(named)}: it names or narrates, and describes nothing"
    return ""


def _identifies(numbers: Sequence[float]) -> bool:
    """Tell whether whole numbers are serial (all different, few gaps) or telephones (long, of one length)."""
    distinct = set(numbers)
    if not all(number.is_integer() and number >= 0 for number in distinct):
        return False
    serial = len(distinct) == len(numbers) and max(distinct) - min(distinct) < 2 * len(numbers)
    lengths = Counter(len(str(int(number))) for number in numbers)
    length, times = lengths.most_common(1)[0]
    one_length = length >= _TELEPHONE_DIGITS and times >= _READABLE_SHARE * len(numbers)
    return serial or (one_length and len(distinct) > _IDENTIFIER_SHARE * len(numbers))


# Merging


@dataclass(frozen=True, eq=False, slots=True)
class _Merged:
    """One row per company, and under which id each written id is now known."""

    frame: pl.DataFrame
    ids: Mapping[str, str]
    by_domain: Mapping[str, str]
    log: pl.DataFrame

    def of(self, table: TableName) -> pl.DataFrame:
        return self.frame.filter(pl.col(_TABLE) == table).drop(_TABLE, _LINE)


def _merge_companies(companies: pl.DataFrame, log: _Log) -> _Merged:
    """Merge rows with one id, then with one domain; the first present value wins, accounts' first."""
    merges: list[tuple[str, str, str, str]] = []
    by_id = _merge(companies, pl.col("account_id"), "the same account_id", merges)
    shared = pl.col("domain").is_in(sorted(SHARED_DOMAINS))
    if by_id.filter(shared).height:
        log.notes.append("accounts on a shared domain, such as a mailbox provider's, were not merged by it")
    own_domain = pl.when(~shared).then("domain")
    merged = _merge(by_id, own_domain, "the same domain", merges)
    ids = {kept: kept for kept in merged["account_id"].to_list()}
    ids |= {gone: kept for kept, gone, _, _ in merges if kept != gone}
    owners = merged.select(own_domain.alias("domain"), "account_id").drop_nulls()
    frame = _with_parents(merged, ids, log)
    merge_log = pl.DataFrame(merges, schema=_MERGE_SCHEMA, orient="row")
    return _Merged(frame, ids, dict(owners.iter_rows()), merge_log)


def _merge(
    frame: pl.DataFrame, key: pl.Expr, why: str, merges: list[tuple[str, str, str, str]]
) -> pl.DataFrame:
    keyed = frame.with_columns(key.alias("__key")).with_row_index("__at")
    doubled = keyed.filter(pl.col("__key").is_not_null() & pl.col("__key").is_duplicated())
    if doubled.is_empty():
        return frame
    for (value,), group in doubled.group_by("__key", maintain_order=True):
        rows = group.drop("__key", "__at").to_dicts()
        reason = why if value == rows[0]["account_id"] else f"{why}, {value}"
        merges.extend(
            (rows[0]["account_id"], row["account_id"], reason, conflicts)
            for row, conflicts in zip(rows[1:], _conflicts(rows), strict=True)
        )
    first_present = pl.exclude("__key").drop_nulls().first()
    merged = doubled.group_by("__key", maintain_order=True).agg(first_present)
    singles = keyed.join(doubled, on="__at", how="anti")
    return pl.concat([singles, merged.select(singles.columns)]).sort("__at").select(frame.columns)


def _conflicts(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield for each row after the first the values it lost to an earlier row, in words."""
    kept = dict(rows[0])
    for row in rows[1:]:
        lost = []
        for name, value in row.items():
            if name in (_TABLE, _LINE, "account_id") or value is None:
                continue
            if kept[name] is None:
                kept[name] = value
            elif kept[name] != value:
                lost.append(f"{name}: kept {kept[name]!r}, not {value!r}")
        yield "; ".join(lost)


def _with_parents(frame: pl.DataFrame, ids: Mapping[str, str], log: _Log) -> pl.DataFrame:
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


# Ledgers, opportunities and events


def _read_ledger(raw: _Raw | None, companies: _Merged, log: _Log) -> pl.DataFrame | None:
    if raw is None:
        return None
    frame = _canonical(raw, log)
    if raw.table == "events":
        frame = _with_event_account(frame, companies)
    frame = _with_required(frame, raw.table, log)
    for name, reason, bad in _BAD_ROWS.get(raw.table, ()):
        frame = _drop_bad_rows(frame, bad, name, reason, log)
    if raw.table == "opportunities":
        frame = frame.with_columns(pl.col("outcome").replace(OUTCOMES))
    frame = _once_each(frame, raw.table, log)
    known = pl.col("account_id").is_in(sorted(companies.ids))
    frame = _drop_bad_rows(
        frame, ~known.fill_null(value=False), "account_id", "names no account of the book", log
    )
    return frame.with_columns(pl.col("account_id").replace(companies.ids)).drop(_TABLE, _LINE)


def _with_event_account(frame: pl.DataFrame, companies: _Merged) -> pl.DataFrame:
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


def _once_each(frame: pl.DataFrame, table: TableName, log: _Log) -> pl.DataFrame:
    """Drop rows whose own id already stood in an earlier row."""
    if table not in _ROW_ID:
        return frame
    name = _ROW_ID[table]
    again = pl.col(name).is_not_null() & ~pl.col(name).is_first_distinct()
    return _drop_bad_rows(frame, again, name, "stands in an earlier row", log)
