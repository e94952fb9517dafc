"""Reading a file of signals, line by line: an export, or signals as senders have them, in NDJSON or CSV."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import msgspec
import orjson

from scoring.attribute_names import folded
from scoring.errors import RequestError, SignalFileError
from scoring.signals.together import SentSignal
from scoring.store.export_format import ExportHeader, ExportLine, header_decoder, line_decoder
from scoring.values import as_flag

FIELDS = SentSignal.__struct_fields__
IDENTITIES = ("account_id", "domain", "email")
DELIMITERS = ",;\t"
# A signal that looks plain, one that does not, a line of an export, or why it is none of these.
Row = SentSignal | Mapping[str, object] | ExportLine | RequestError
_sent = msgspec.json.Decoder(SentSignal)


@dataclass(frozen=True, slots=True)
class SignalFile:
    """An open file.

    Attributes:
        header: of an export; None of signals as senders have them.
        rows: each with the number of its line, counted from 1.
        unknown: how many of a CSV's columns are none that a signal has.
    """

    header: ExportHeader | None
    rows: Iterator[tuple[int, Row]]
    unknown: int = 0


def read_signal_file(lines: Iterable[bytes]) -> SignalFile:
    r"""Tell what a file holds by its first line.

    Raises:
        SignalFileError: it is none of these or empty, a CSV lacks a column, or an export's format is unknown.

    >>> found = read_signal_file([b"domain,type,occurred_at\n", b"acme.com,visit,2026-06-30\n"])
    >>> [(line, row.domain, row.type) for line, row in found.rows]
    [(2, 'acme.com', 'visit')]
    """
    numbered = enumerate(lines, start=1)
    for number, line in numbered:
        first = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
        if first.strip():
            break
    else:
        raise SignalFileError("the file is empty")
    if first.lstrip().startswith(b"["):
        raise SignalFileError("the file is a JSON array; write one signal a line instead (NDJSON)")
    if not first.lstrip().startswith(b"{"):
        return _read_csv(first, number, (line for _, line in numbered))
    header = _header(first)
    rows = numbered if header else chain([(number, first)], numbered)
    read = _export_line if header else _sent_line
    return SignalFile(header, ((number, read(line)) for number, line in rows if line.strip()))


def _header(line: bytes) -> ExportHeader | None:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if "firebrand" not in found:
        return None
    try:
        return header_decoder.decode(line)
    except msgspec.ValidationError:
        message = "this version of Firebrand does not know the format of the export"
        raise SignalFileError(f"{message}: import it with the version that made it") from None


def _export_line(line: bytes) -> Row:
    try:
        return line_decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        message = "this is no line of an export that this version of Firebrand can read"
        return RequestError(message, code="line_unreadable")


def _sent_line(line: bytes) -> Row:
    try:
        return _sent.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        pass
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return RequestError("this line is not JSON", code="line_unreadable")
    if isinstance(found, dict):
        return found
    return RequestError("a signal is a JSON object", code="signal_invalid")


def _read_csv(header: bytes, number: int, lines: Iterator[bytes]) -> SignalFile:
    text = _text(header)
    delimiter = max(DELIMITERS, key=text.count)
    names = [folded(name) for name in next(csv.reader([text], delimiter=delimiter))]
    known = [name for name in names if name in FIELDS]
    if missing := _missing(known):
        raise SignalFileError(f"the file lacks {missing}; its first line must name its columns")
    if len(set(known)) < len(known):
        raise SignalFileError("the file has two columns of one name; leave one of them out")
    return SignalFile(None, _csv_rows(lines, names, delimiter, number), len(names) - len(known))


def _missing(names: Sequence[str]) -> str:
    wanted = [name for name in ("type", "occurred_at") if name not in names]
    if not set(names) & set(IDENTITIES):
        wanted.insert(0, f"one of {', '.join(IDENTITIES)}")
    return " and ".join(wanted)


def _text(line: bytes) -> str:
    """Decode a line; what is not UTF-8 becomes half surrogates, which no field of a signal may hold."""
    return line.decode("utf-8", "surrogateescape")


def _csv_rows(
    lines: Iterator[bytes], names: Sequence[str], delimiter: str, before: int
) -> Iterator[tuple[int, Row]]:
    rows = csv.reader(map(_text, lines), delimiter=delimiter)
    while True:
        try:
            cells = next(rows, None)
        except csv.Error:
            message = "this row cannot be read as CSV"
            yield before + rows.line_num, RequestError(message, code="line_unreadable")
            continue
        if cells is None:
            return
        if cells:
            yield before + rows.line_num, _csv_row(cells, names)


def _csv_row(cells: Sequence[str], names: Sequence[str]) -> Row:
    if len(cells) > len(names):
        message = "this row has more cells than the file has columns; put quotes around commas"
        return RequestError(message, code="line_unreadable")
    found: dict[str, str | float | bool] = {
        name: cell for name, cell in zip(names, cells, strict=False) if cell and name in FIELDS
    }
    level, strength = found.pop("level", None), found.get("strength")
    try:
        if strength is not None:
            found["strength"] = float(strength)
        return SentSignal(**found, level=as_flag(level))
    except ValueError:  # which of the two it is, and what to do, `Signal.parse` says
        return found if level is None else {**found, "level": level}
