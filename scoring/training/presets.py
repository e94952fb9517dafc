"""Presets: how the exports of well-known CRMs are laid out, so that a plan need not say it.

A preset is a TOML file beside this module. It names files and columns in the spellings of the CRM's several
ways of exporting; whatever the plan says of a file or a column goes before it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from scoring.attribute_names import folded
from scoring.plan import BookSection, TableName
from scoring.training.columns import COLUMNS, COMPANY_TABLES

PRESET_NAMES = ("salesforce", "hubspot")
_ENDINGS = (".csv", ".parquet")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Prefer(_Section):
    """Which of several rows of a lookup counts: the first with this value, else the first of all."""

    column: str
    value: str


class Lookup(_Section):
    """A column that stands in a table of its own, found there by a column of this one."""

    table: TableName
    column: str  # of ours
    by: list[str]  # spellings in the table itself
    files: list[str]
    key: list[str]  # spellings in the lookup's file
    value: list[str]
    prefer: Prefer | None = None


class OutcomeColumns(_Section):
    """Where a CRM says how an opportunity ended: two flags, or its stage in words."""

    won: list[str]
    closed: list[str]
    stage: list[str]


class RowColumns(_Section):
    """The flags that say which rows are no longer, or not yet, so."""

    deleted: list[str]
    current: list[str]


class Bookkeeping(_Section):
    """Columns that describe no account, by name or by regular expression."""

    names: list[str]
    like: list[str]


class Preset(_Section):
    """The layout of one CRM's exports; names are compared as `joined` writes them."""

    name: str
    full_ids: bool = False
    prefixes: list[str] = []
    first_of_many: list[str] = []
    files: dict[TableName, list[str]]
    columns: dict[TableName, dict[str, list[str]]]
    lookup: list[Lookup] = []
    outcome: OutcomeColumns
    rows: RowColumns
    values: dict[TableName, dict[str, dict[str, str]]]
    bookkeeping: Bookkeeping

    def bare(self, name: str) -> str:
        """Return a column's name without what a connector puts before it."""
        for prefix in self.prefixes:
            if name.lower().startswith(prefix) and len(name) > len(prefix):
                return name[len(prefix) :]
        return name

    def first(self, spellings: Sequence[str], names: Collection[str]) -> str | None:
        """Return which of a file's columns comes first among the spellings, or None."""
        found = {joined(self.bare(name)): name for name in sorted(names, reverse=True)}
        return next((found[joined(one)] for one in spellings if joined(one) in found), None)

    def find(self, folder: Path, stems: Sequence[str]) -> list[Path]:
        """Return the tables in a folder whose names are among these, in any letter case; `*` ends a name."""
        wanted = [joined(stem) + "*" * stem.endswith("*") for stem in stems]
        return [
            path
            for path in sorted(folder.iterdir())
            if path.suffix.lower() in _ENDINGS
            and any(fnmatchcase(joined(path.stem), pattern) for pattern in wanted)
        ]

    def mapping(
        self, table: TableName, names: Sequence[str], explicit: Mapping[str, str | list[str]]
    ) -> dict[str, str]:
        """Return our column -> theirs, for a table with these columns; what the plan maps is left to it."""
        taken = {
            one for theirs in explicit.values() for one in ([theirs] if isinstance(theirs, str) else theirs)
        }
        mapped: dict[str, str] = {}
        for ours, spellings in self.columns.get(table, {}).items():
            free = [name for name in names if name not in taken]
            theirs = None if ours in explicit else self.first(spellings, free)
            if theirs is not None:
                mapped[ours] = theirs
                taken.add(theirs)
        return mapped | self._own_names(table, names, taken, explicit.keys() | mapped.keys())

    def _own_names(
        self, table: TableName, names: Iterable[str], taken: Collection[str], used: Collection[str]
    ) -> dict[str, str]:
        """Give an attribute its name without the connector's prefix."""
        if table not in COMPANY_TABLES:
            return {}
        longer = {self.bare(name): name for name in names if name not in taken and self.bare(name) != name}
        return {bare: name for bare, name in longer.items() if bare not in used and bare not in names}

    def no_attributes(
        self, table: TableName, names: Sequence[str], mapping: Mapping[str, str]
    ) -> dict[str, str]:
        """Return the columns that describe no account, by the name they will have, with the reason."""
        if table not in COMPANY_TABLES:
            return {}
        ours_of = {theirs: ours for ours, theirs in mapping.items()}
        others = {joined(one): ours for ours, spellings in self.columns[table].items() for one in spellings}
        reasons: dict[str, str] = {}
        for name in names:
            final, plain = ours_of.get(name, name), joined(self.bare(name))
            if final in COLUMNS[table] or final in self.columns[table]:
                continue
            if plain in others and others[plain] in mapping:
                reasons[final] = f"read as {others[plain]} from {mapping[others[plain]]} already"
            elif self._keeps_book(name, plain):
                reasons[final] = f"{self.name}'s own bookkeeping"
        return reasons

    def _keeps_book(self, name: str, plain: str) -> bool:
        named = (*self.bookkeeping.names, *self.rows.deleted, *self.rows.current)
        if plain in map(joined, named):
            return True
        return any(re.search(pattern, name) for pattern in self.bookkeeping.like)


def joined(name: str) -> str:
    """Return a name without letter case, blanks and punctuation.

    >>> joined("BillingCountry") == joined("billing_country") == joined("Billing Country")
    True
    """
    return folded(name).replace("_", "")


@cache
def read_preset(name: str) -> Preset:
    """Return a preset by name.

    >>> read_preset("salesforce").first(["Website"], ["Id", "website"])
    'website'
    """
    text = resources.files(__package__).joinpath(f"preset_{name}.toml").read_text(encoding="utf-8")
    return Preset.model_validate(tomllib.loads(text))


def preset_of(section: BookSection) -> Preset | None:
    """Return the preset that a plan's `[book]` names, if any."""
    return read_preset(section.preset) if section.preset else None


def recognised(folder: Path) -> str | None:
    """Return the name of the preset whose accounts a folder holds, if exactly one is."""
    found = [
        name for name in PRESET_NAMES if read_preset(name).find(folder, read_preset(name).files["accounts"])
    ]
    return found[0] if len(found) == 1 else None
