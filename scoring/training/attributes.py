"""The attributes of a book: what kind each further column of the accounts is, and which describe nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

import polars as pl

from scoring.errors import BookError
from scoring.plan import Plan
from scoring.training.cells import Cells, Reader, find_day_first, read_cells, read_date_cells
from scoring.training.rejects import Log
from scoring.training.taxonomy import TAGGED_SHARE, Filled, fill, find_readings, tell
from scoring.training.written_numbers import is_exact_number, mostly_bands
from scoring.values import as_date, as_flag, as_number, as_tags, as_text, as_year, is_missing, quoted

AttributeKind: TypeAlias = Literal["number", "category", "flag", "tags", "date", "industry", "country"]

_READABLE_SHARE = 0.95  # of a column's values that must read as a number or date for it to be one
_IDENTIFIER_ROWS = 50  # below so many values, being all different says little
_EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
_MOSTLY_NUMBERS = 0.5  # of a column's values, from which on it seems meant as numbers
_PERSONAL_SHARE = 0.5  # of a column's values that are e-mail addresses
_IDENTIFIER_SHARE = 0.5  # distinct values a row above which a column names things rather than describes them
_TELEPHONE_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Attribute:
    """An account column that a model may use.

    Values in `Book.accounts` are Float64 for numbers and dates (the year with its fraction), Boolean for
    flags, String for categories (one spelling, see `as_text`), industries and countries (see
    `scoring.readings`), and List(String) for tags.
    """

    name: str
    kind: AttributeKind
    day_first: bool = False  # how its dates were written, where they are not ISO 8601


def read_attributes(
    companies: pl.DataFrame, others: pl.DataFrame, plan: Plan, log: Log
) -> tuple[tuple[Attribute, ...], list[pl.Series]]:
    """Infer and read the attributes among the companies' other columns; the log says why others are none.

    The log's readings say which are industries and countries. Codes of industries are read into one attribute
    with their names; as categories they would tell the same again, in pieces too small to learn from, so
    they become categories of their own only where the plan keeps them.

    Args:
        companies: with TABLE and LINE, a row per company.
        others: the columns of the same rows that are not read yet.
        plan: its `[attributes]` drops columns, and keeps some that look like identifiers.
        log: where unreadable cells and ignored columns go.

    Raises:
        BookError: the plan names a column that is not there.
    """
    _check_names(others.columns, plan)
    log.readings.extend(find_readings(others, plan))
    readings = {reading.attribute: reading for reading in log.readings}
    filling = {name: r.attribute for r in log.readings for name, _ in r.sources if name != r.attribute}
    attributes, columns = [], []
    for name in _in_order(others.columns, filling):
        keep = name in plan.attributes.keep
        if name in plan.attributes.drop:
            log.ignored[name] = "dropped by the plan"
            continue
        if name in filling and not keep:
            log.ignored[name] = f"read into {filling[name]}; [attributes] keep makes it a category too"
            continue
        if name in readings:
            attribute = Attribute(name, readings[name].kind)
            read = fill(others, readings[name])
        else:
            attribute = _inferred(others[name], log, code=name in filling)
            read = Filled.of(_read(others[name], attribute))
        why = _no_attribute(attribute.kind, read.values, keep=keep)
        if why:
            log.ignored[name] = why
            continue
        tell(companies, read, log)
        attributes.append(attribute)
        columns.append(read.values)
    return tuple(attributes), columns


def _in_order(names: Sequence[str], filling: Mapping[str, str]) -> list[str]:
    """Return the attributes in the columns' order; one that others fill stands at the first of them."""
    return list(dict.fromkeys(one for name in names for one in (filling.get(name, name), name)))


def _check_names(names: Sequence[str], plan: Plan) -> None:
    for key, listed in (("drop", plan.attributes.drop), ("keep", plan.attributes.keep)):
        absent = [name for name in listed if name not in names]
        if absent:
            raise BookError(
                f"the plan's [attributes] {key} names {', '.join(absent)}, which the accounts do not have. "
                f"Their attribute columns: {', '.join(names)}"
            )


# Kinds


def _present(column: pl.Series) -> Counter[Any]:
    """Count the values of a column that say something."""
    counts = Counter(column.drop_nulls().to_list())
    return Counter({value: times for value, times in counts.items() if not is_missing(value)})


def _inferred(column: pl.Series, log: Log, *, code: bool) -> Attribute:
    """Infer an attribute from a column's values; a code of industries is a category, however it looks."""
    if code:
        return Attribute(column.name, "category")
    counts = _present(column)
    if _reads(counts, as_flag, 1.0):
        return Attribute(column.name, "flag")
    # Dates come before numbers: 16.10.2024 is not sixteen million.
    if any(_reads(counts, partial(as_date, day_first=order), _READABLE_SHARE) for order in (False, True)):
        day_first = find_day_first("accounts", [column], log)[column.name]
        return Attribute(column.name, "date", day_first)
    if _reads(counts, as_number, _READABLE_SHARE) and not mostly_bands(counts):
        return Attribute(column.name, "number")
    tagged = sum(times for value, times in counts.items() if ";" in str(value))
    return Attribute(column.name, "tags" if tagged >= TAGGED_SHARE * counts.total() else "category")


def _reads(counts: Counter[Any], reader: Reader, share: float) -> bool:
    """Tell whether a reader can read this share of the values; stops where it no longer can."""
    total = readable = counts.total()
    for value, times in counts.items():
        try:
            reader(value)
        except ValueError:
            readable -= times
            if readable / total < share:
                return False
    return True


def _read(column: pl.Series, attribute: Attribute) -> Cells:
    match attribute.kind:
        case "date":
            return read_date_cells(column, partial(as_year, day_first=attribute.day_first), pl.Float64())
        case "number":
            return read_cells(column, as_number, pl.Float64())
        case "flag":
            return read_cells(column, as_flag, pl.Boolean())
        case "tags":
            return read_cells(column, as_tags, pl.List(pl.String))
        case "category" | "industry" | "country":
            return read_cells(column, as_text, pl.String())


# Columns that describe nothing


def _no_attribute(kind: AttributeKind, values: pl.Series, *, keep: bool) -> str:
    """Return why a column describes nothing, or an empty text."""
    present = values.drop_nulls()
    if present.is_empty():
        return "every value is missing"
    if values.n_unique() == 1:
        return "the same value in every row"
    if kind == "category" and not keep and _mostly_emails(present):
        return "e-mail addresses: they are of persons, and a model must not carry them"
    if keep or len(present) < _IDENTIFIER_ROWS:
        return ""
    if kind == "number":
        identifies = _identifies(present.to_list())
        return "numbers that identify, such as a serial or telephone number" if identifies else ""
    named = present.explode() if kind == "tags" else present
    distinct = named.n_unique()
    if kind in ("category", "tags") and distinct > _IDENTIFIER_SHARE * len(named):
        return (
            _mostly_numbers(named)
            or f"{distinct} different values in {len(named)}: it names or narrates, and describes nothing"
        )
    return ""


def _mostly_emails(present: pl.Series) -> bool:
    return present.str.contains(_EMAIL).sum() > _PERSONAL_SHARE * len(present)


def _mostly_numbers(present: pl.Series) -> str:
    """Say that a column is one of numbers but for some values, or return an empty text."""
    others = [value for value in present if not is_exact_number(value)]
    numbers = len(present) - len(others)
    if not others or numbers < _MOSTLY_NUMBERS * len(present):
        return ""
    return (
        f"{numbers:,} of {len(present):,} values are numbers, too few to read it so; others are such as "
        f"{quoted(others[0])}: write them as numbers, or leave them empty"
    )


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
