"""Reading who is whose parent from a file of accounts, and storing it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from api.family_bodies import FamilyBody, link_of
from scoring.attribute_names import alike
from scoring.errors import FirebrandError, RequestError
from scoring.store.families import Asked, Families, LinkStatus
from scoring.values import is_missing

BATCH = 500  # links stored together
DELIMITERS = ",;\t"

OnBatch = Callable[[int], None]


class FamilyFileError(FirebrandError):
    """A file of accounts cannot be read, or does not say who is whose parent."""

    code = "family_file_unusable"


@dataclass(slots=True)
class Imported:
    """What became of the rows of a file."""

    linked: int = 0
    unchanged: int = 0
    alone: int = 0  # rows without a parent; links that are stored for them stay
    faults: list[tuple[int, RequestError]] = field(default_factory=list)  # by line


async def import_families(file: Path, families: Families, on_batch: OnBatch) -> Imported:
    """Store the links in a CSV file with account_id and/or domain, and parent_id and/or parent_domain.

    Where the file has the parent in a row of its own, its domain is taken from there.

    Args:
        file: as a book has it; further columns are left alone.
        families: where the links go.
        on_batch: told how many rows were read so far.

    Raises:
        FamilyFileError: the file cannot be read, or lacks a column.
        StoreUnavailableError: not everything was stored; importing the file again is safe.
    """
    domains = {
        row["account_id"]: row["domain"] for _, row in _rows(file) if row["account_id"] and row["domain"]
    }
    imported = Imported()
    rows = _rows(file)
    while batch := list(islice(rows, BATCH)):
        asked = [(line, _asked(row, domains)) for line, row in batch]
        imported.alone += sum(one is None for _, one in asked)
        links = [(line, one) for line, one in asked if isinstance(one, tuple)]
        imported.faults += [(line, one) for line, one in asked if isinstance(one, RequestError)]
        outcomes = await families.link([one for _, one in links])
        for (line, _), outcome in zip(links, outcomes, strict=True):
            if isinstance(outcome, RequestError):
                imported.faults.append((line, outcome))
            elif outcome is LinkStatus.LINKED:
                imported.linked += 1
            else:
                imported.unchanged += 1
        on_batch(batch[-1][0])
    imported.faults.sort(key=lambda fault: fault[0])
    return imported


def _asked(row: Mapping[str, str], domains: Mapping[str, str]) -> Asked | RequestError | None:
    if not row["parent_id"] and not row["parent_domain"]:
        return None
    known = row["parent_domain"] or domains.get(row["parent_id"], "")
    try:
        return _link({**row, "parent_domain": known})
    except RequestError as error:
        return error


def _link(row: Mapping[str, Any]) -> Asked:
    """Read a link, leaving out domains that name nobody where there is an id: CRMs are full of them."""
    try:
        return link_of(row)
    except RequestError as error:
        ids = {"domain": "account_id", "parent_domain": "parent_id"}
        if error.code == "identity_missing" and row.get(ids.get(error.field, "")):
            return _link({**row, error.field: ""})
        raise


def _rows(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of a file under our names, each with its line."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            header = text.readline()
            text.seek(0)
            delimiter = max(DELIMITERS, key=header.count)
            reader = csv.DictReader(text, delimiter=delimiter)
            columns = _columns(reader.fieldnames or (), file)
            for row in reader:
                yield reader.line_num, {ours: _cell(row.get(theirs)) for ours, theirs in columns.items()}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FamilyFileError(f"cannot read {file}: {error}") from error


def _columns(names: Sequence[str], file: Path) -> dict[str, str]:
    """Return ours -> theirs; a column that is missing reads as empty."""
    found = alike(names, FamilyBody.model_fields)
    for ours, theirs in found.items():
        if len(theirs) > 1:
            raise FamilyFileError(
                f"{file} has more than one column that reads as {ours}: {', '.join(theirs)}"
            )
    for needed in (("account_id", "domain"), ("parent_id", "parent_domain")):
        if not set(needed) & set(found):
            raise FamilyFileError(f"{file} needs a column {' or '.join(needed)}; it has: {', '.join(names)}")
    return {name: found[name][0] if name in found else "" for name in FamilyBody.model_fields}


def _cell(text: str | None) -> str:
    stripped = (text or "").strip()
    return "" if is_missing(stripped) else stripped
