"""Which columns of a book are industries and countries, and the one attribute that several of them fill.

A column is one by its name and its values: half of them must stand in the taxonomy, else it is a category
like any other. Columns of NAICS and SIC codes fill the industry where the text says none that is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from scoring.attribute_names import folded
from scoring.industry import System, agree
from scoring.plan import Plan
from scoring.readings import Reading, Source
from scoring.training.cells import Cells, read_cells, reject_unread
from scoring.training.rejects import LINE, TABLE, Log
from scoring.values import as_flag

INDUSTRY = "industry"  # the attribute that codes fill where no column of names is there
_RECOGNISED_SHARE = 0.5  # of a column's values that must stand in the taxonomy
TAGGED_SHARE = 0.1  # of a column's values that hold a `;`, from which on it is a tag list
_EXAMPLES = 3
_TIMES = "__times"
_OF_INDUSTRY = re.compile(r"industry|sector|vertical|branche")
_OF_COUNTRY = re.compile(r"country")
_OF_CODES: dict[System, re.Pattern[str]] = {
    "naics": re.compile(r"naics"),
    "sic": re.compile(r"(?:^|_)sic(?:$|_|code|\d)"),
}
_DESCRIPTIONS = re.compile(r"desc|title|name|label|year|count(?!ry)")  # `sic_desc` is no code


def find_readings(columns: pl.DataFrame, plan: Plan) -> tuple[Reading, ...]:
    """Find the columns that are read as industries and countries; also those that become no attribute.

    Args:
        columns: those of the accounts that may be attributes, not read yet.
        plan: a column that it drops fills no other.
    """
    names = [name for name in columns.columns if name not in plan.attributes.drop]
    codes = [source for source in _code_columns(names) if _fits(columns[source[0]], source)]
    texts = [
        name
        for name in columns.columns
        if _OF_INDUSTRY.search(folded(name)) and not _system(name) and _is_industry(columns[name])
    ]
    kept = [name for name in texts if name in names]
    industries = [
        Reading(name, "industry", ((name, None), *(codes if name in kept[:1] else ()))) for name in texts
    ]
    if codes and not kept:
        industries.append(_of_codes_alone(codes, taken=columns.columns))
    countries = [
        Reading(name, "country", ((name, None),))
        for name in columns.columns
        if _OF_COUNTRY.search(folded(name)) and _is_country(columns[name])
    ]
    return (*industries, *countries)


def _of_codes_alone(codes: Sequence[Source], *, taken: Sequence[str]) -> Reading:
    """Return the reading of a book without industries by name; requests may still say them so."""
    if INDUSTRY in taken:  # a company's own categories, which stay apart
        return Reading(codes[0][0], "industry", tuple(codes))
    return Reading(INDUSTRY, "industry", ((INDUSTRY, None), *codes))


def _code_columns(names: Sequence[str]) -> list[Source]:
    """Return the columns of codes with their system, NAICS first."""
    found = [(name, _system(name)) for name in names]
    return sorted(((name, system) for name, system in found if system), key=lambda source: source[1] == "sic")


def _system(name: str) -> System | None:
    plain = folded(name)
    if _DESCRIPTIONS.search(plain):
        return None
    return next((system for system, pattern in _OF_CODES.items() if pattern.search(plain)), None)


def _fits(column: pl.Series, source: Source) -> bool:
    reading = Reading(source[0], "industry", (source,))
    return not column.is_null().all() and _recognised(column, reading, source[1])


def _is_industry(column: pl.Series) -> bool:
    return _recognised(column, Reading(column.name, "industry", ((column.name, None),)), None)


def _is_country(column: pl.Series) -> bool:
    return _recognised(column, Reading(column.name, "country", ((column.name, None),)), None)


def _recognised(column: pl.Series, reading: Reading, system: System | None) -> bool:
    """Tell whether enough of a column's values stand in the taxonomy; without any its name decides."""
    counts = column.drop_nulls().value_counts(name=_TIMES)
    written, times = counts[column.name], counts[_TIMES]
    cells = read_cells(written, reading.reader(system), pl.String())
    said = cells.values.is_not_null() | cells.reasons.is_not_null()  # the others are words for missing
    recognised = int(times.filter(_only_recognised(cells.values, reading).is_not_null()).sum())
    enough = recognised >= _RECOGNISED_SHARE * int(times.filter(said).sum())
    return enough and not _is_of_another_kind(written.filter(said), times.filter(said))


def _is_of_another_kind(written: pl.Series, times: pl.Series) -> bool:
    """Tell whether values are tag lists, or flags: `no` is Norway, but not beside `yes`."""
    if written.is_empty():
        return False
    texts = written.cast(pl.String)
    tagged = int(times.filter(texts.str.contains(";", literal=True)).sum())
    flags = read_cells(texts, as_flag, pl.Boolean())
    return tagged >= TAGGED_SHARE * int(times.sum()) or bool(flags.reasons.is_null().all())


@dataclass(frozen=True, eq=False, slots=True)
class Filled:
    """An attribute that was read, and the columns it was read from, the first going first."""

    values: pl.Series
    columns: tuple[Cells, ...]
    recognised: tuple[pl.Series, ...]  # by column, its values where they stand in the taxonomy

    @classmethod
    def of(cls, cells: Cells) -> Filled:
        """Return an attribute that one column holds."""
        return cls(cells.values, (cells,), (cells.values,))


def fill(columns: pl.DataFrame, reading: Reading) -> Filled:
    """Read an attribute through its taxonomy, in each row from the first column that is recognised.

    This is `Reading.of` for a whole book.

    Args:
        columns: those of the accounts, not read yet.
        reading: which of them to read, and how; requests may have more.
    """
    cells = tuple(
        read_cells(columns[name], reading.reader(system), pl.String())
        for name, system in reading.sources
        if name in columns.columns
    )
    recognised = tuple(_only_recognised(one.values, reading) for one in cells)
    candidates = [*recognised, *(one.values for one in cells)]
    in_turn = pl.DataFrame([values.alias(str(at)) for at, values in enumerate(candidates)])
    values = in_turn.select(pl.coalesce(pl.all())).to_series().alias(reading.attribute)
    return Filled(values, cells, recognised)


def tell(companies: pl.DataFrame, filled: Filled, log: Log) -> None:
    """Tell the log which cells could not be read, and where columns of one attribute disagree.

    Args:
        companies: with TABLE and LINE, a row per company.
        filled: read from columns of the same rows.
        log: where it goes.
    """
    for cells in filled.columns:
        reject_unread(companies, cells, log)
    for cells, known in zip(filled.columns[1:], filled.recognised[1:], strict=True):
        _note_conflicts(companies, filled.values, cells.written, known, log)


def _only_recognised(values: pl.Series, reading: Reading) -> pl.Series:
    known = sorted({value for value in values.drop_nulls().unique().to_list() if reading.recognises(value)})
    return values.to_frame().select(pl.when(pl.col(values.name).is_in(known)).then(values.name)).to_series()


def _note_conflicts(
    companies: pl.DataFrame, kept: pl.Series, written: pl.Series, read: pl.Series, log: Log
) -> None:
    """Note the rows in which a later column names another industry than the one that was kept."""
    rows = companies.select(TABLE, LINE).with_columns(
        kept.alias("kept"), read.alias("read"), written.cast(pl.String).alias("written")
    )
    differing = rows.drop_nulls(["kept", "read"]).filter(pl.col("kept") != pl.col("read"))
    pairs = differing.select("kept", "read").unique(maintain_order=True)
    clashing = [pair for pair in pairs.iter_rows() if not agree(*pair)]
    wrong = differing.join(
        pl.DataFrame(clashing, schema=pairs.schema, orient="row"), on=["kept", "read"], how="semi"
    )
    if wrong.height:
        shown = "; ".join(_examples(wrong.sort(TABLE, LINE).head(_EXAMPLES)))
        log.notes.append(
            f"{kept.name}: {wrong.height} rows say another industry in {written.name}, and the one that "
            f"stands before it was kept: {shown}"
        )


def _examples(rows: pl.DataFrame) -> Iterator[str]:
    for table, line, kept, read, written in rows.iter_rows():
        yield f"{table} row {line}: {kept}, not {written} ({read})"
