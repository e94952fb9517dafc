"""The rows of a CSV file: every cell as it was written, every row with the line of the file it starts on."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import polars as pl

from scoring.errors import BookError
from scoring.plan import FileSpec, TableName
from scoring.training.rejects import LINE, Log

_BATCH = 20_000  # rows held as Python lists at a time; the garbage collector is slow with many of them
_FIELD = "__field"
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs"}
_QUOTED = re.compile(r'"[^"]*"')


def read_csv(table: TableName, file: str, data: bytes, spec: FileSpec, log: Log) -> tuple[pl.DataFrame, int]:
    r"""Return LINE and the named columns as strings, and how many data rows the file has.

    Rows of another length than the header are rejected, not padded, and counted; blank lines are no rows.
    Where the plan names no separator, a header without commas is split at its `;` or tabs.

    Raises:
        BookError: the file is empty, is not UTF-8 or not valid CSV, or has two columns of one name.

    >>> log = Log()
    >>> frame, rows = read_csv("accounts", "a.csv", b"id,name\na,Acme\nb\n", FileSpec(path="a.csv"), log)
    >>> frame.rows(), rows, log.rejects
    ([(2, 'a', 'Acme')], 2, [('accounts', 3, '', 'the row has 1 fields, the header 2')])
    """
    text = _decoded(data, file)
    separator = _separator(text, file, spec, log)
    lines = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")
    reader = csv.reader(lines, delimiter=separator, strict=True)
    records = _records(reader, file)
    _, first = (0, spec.header) if spec.header else next(records, (0, None))
    if first is None:
        raise BookError(f"{file} is empty; it needs a header row")
    header = _checked_header(first, file, log)
    if _lines_are_records(text, separator):
        return _split_lines(table, text, reader.line_num, header, separator, log)
    rows, frames = 0, [_by_column(header, [])]
    while batch := list(islice(records, _BATCH)):
        rows += len(batch)
        frames.append(_by_column(header, _fitting(table, batch, len(header), log)))
    return pl.concat(frames), rows


def _decoded(data: bytes, file: str) -> str:
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise BookError(
            f'{file} is not UTF-8 text (byte {error.start + 1}); export it as "CSV UTF-8"'
        ) from error


def _separator(text: str, file: str, spec: FileSpec, log: Log) -> str:
    """Return what parts the cells: the plan's word, else a comma, `;` or tab, as the header shows."""
    if "separator" in spec.model_fields_set or spec.header:
        return spec.separator
    bare_header = _QUOTED.sub("", text.lstrip("\r\n").partition("\n")[0])
    if spec.separator in bare_header:
        return spec.separator
    found = max(_OTHER_SEPARATORS, key=bare_header.count)
    if found not in bare_header:
        return spec.separator
    log.notes.append(f"{file}: read as separated by {_OTHER_SEPARATORS[found]}, as its header has no comma")
    return found


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


def _checked_header(cells: Sequence[str], file: str, log: Log) -> list[str]:
    header = [name.strip() for name in cells]
    doubled = sorted(name for name, times in Counter(header).items() if name and times > 1)
    if doubled:
        raise BookError(f"{file} has more than one column named {', '.join(doubled)}; rename or remove one")
    if "" in header:
        log.notes.append(f"{file}: a column without a name was left out")
    return header


def _fitting(
    table: TableName, records: Sequence[tuple[int, list[str]]], width: int, log: Log
) -> list[tuple[int, list[str]]]:
    """Return the records of the header's width; others are rejected, unless they only have blanks beyond."""
    fitting = []
    for line, cells in records:
        if len(cells) == width or (len(cells) > width and not any(cells[width:])):
            fitting.append((line, cells))
        else:
            log.reject(table, line, "", f"the row has {len(cells)} fields, the header {width}")
    return fitting


def _by_column(header: Sequence[str], records: Sequence[tuple[int, list[str]]]) -> pl.DataFrame:
    lines = pl.Series(LINE, [line for line, _ in records], dtype=pl.Int64)
    by_column = zip(*(cells for _, cells in records), strict=False) if records else ((),) * len(header)
    columns = zip(header, by_column, strict=False)  # a longer record has only blanks beyond the header
    return pl.DataFrame(
        [lines, *(pl.Series(name, cells, dtype=pl.String) for name, cells in columns if name)]
    )


# Files without quotes: a line is a record, and all of them are split at once, which is several times as fast


def _lines_are_records(text: str, separator: str) -> bool:
    ends_alike = text.count("\r") == text.count("\r\n")
    return '"' not in text and ends_alike and separator not in "\r\n"


def _split_lines(
    table: TableName, text: str, skipped: int, header: Sequence[str], separator: str, log: Log
) -> tuple[pl.DataFrame, int]:
    """Do what the reader of records does, after the lines of the header are skipped."""
    width, written = len(header), pl.col(_FIELD)
    lines = pl.DataFrame({_FIELD: text.split("\n")}, schema={_FIELD: pl.String})
    rows = (
        lines.with_row_index(LINE, offset=1)
        .slice(skipped)
        .select(pl.col(LINE).cast(pl.Int64), written.str.strip_suffix("\r"))
        .filter(written != "")
    )
    fits = written.str.count_matches(separator, literal=True) == width - 1
    regular = rows.filter(fits)
    fields = regular[_FIELD].str.split_exact(separator, width - 1).struct.unnest()
    named = [field.alias(name) for name, field in zip(header, fields, strict=True) if name]
    others = [(line, cells.split(separator)) for line, cells in rows.filter(~fits).iter_rows()]
    frames = [pl.DataFrame([regular[LINE], *named]), _by_column(header, _fitting(table, others, width, log))]
    return pl.concat(frames).sort(LINE), rows.height
