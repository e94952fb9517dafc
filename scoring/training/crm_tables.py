"""The tables of a CRM's export brought to what every book has: current rows, outcomes, account ids."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from scoring.errors import BookError
from scoring.plan import TableName
from scoring.training.cells import read_cells
from scoring.training.presets import Lookup, Preset
from scoring.training.rejects import Log
from scoring.values import as_flag, as_text

_WON, _NOT_WON = r"won\b", r"(lost|closed|dead)\b"  # in a stage's name; whatever else it says is still open
_BY_NUMBER = r"^\d+$"  # the id of a stage that no table names
_SHORT_ID = r"^001[A-Za-z0-9]{12}$"  # of a Salesforce account
_CHECK_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def drop_outdated(preset: Preset, file: str, frame: pl.DataFrame, log: Log) -> pl.DataFrame:
    """Return the rows that are neither deleted nor an older version; the log notes how many were."""
    kinds = (
        (preset.rows.deleted, True, "deleted in the CRM"),
        (preset.rows.current, False, "older versions of other rows"),
    )
    for spellings, unwanted, what in kinds:
        name = preset.first(spellings, frame.columns)
        if name is not None:
            outdated = _flags(frame[name]).eq_missing(unwanted)
            if outdated.any():
                log.notes.append(
                    f"{file}: {int(outdated.sum()):,} rows left out, as they are {what} ({name})"
                )
            frame = frame.filter(~outdated)
    return frame


def look_up(
    preset: Preset, lookup: Lookup, frame: pl.DataFrame, other: pl.DataFrame, other_file: str
) -> pl.DataFrame:
    """Fill a column from the table that has it: `lookup.column`, where the file's own has nothing.

    Raises:
        BookError: the lookup's file lacks its key or its value.

    >>> from scoring.training.presets import read_preset
    >>> hubspot = read_preset("hubspot")
    >>> deals = pl.DataFrame({"deal_id": ["7", "8"]})
    >>> pairs = pl.DataFrame({"deal_id": ["7", "7"], "company_id": ["c1", "c2"], "type_id": ["341", "5"]})
    >>> look_up(hubspot, hubspot.lookup[0], deals, pairs, "deal_company.csv")["account_id"].to_list()
    ['c2', None]
    """
    by = preset.first(lookup.by, frame.columns)
    if by is None:
        return frame
    key, value = (_needed(preset, names, other, other_file) for names in (lookup.key, lookup.value))
    if lookup.prefer is not None and (prefer := preset.first([lookup.prefer.column], other.columns)):
        first = other[prefer].cast(pl.String) == lookup.prefer.value
        other = pl.concat([other.filter(first), other.filter(~first.fill_null(value=False))])
    known = (
        other.select(pl.col(key).cast(pl.String), pl.col(value).cast(pl.String))
        .drop_nulls()
        .unique(key, keep="first", maintain_order=True)
    )
    found = frame[by].cast(pl.String).replace_strict(known[key], known[value], default=None)
    return _filled(preset, lookup, frame, by, found.alias(lookup.column))


def _filled(preset: Preset, lookup: Lookup, frame: pl.DataFrame, by: str, found: pl.Series) -> pl.DataFrame:
    if lookup.column == "stage":
        return frame.with_columns(found.fill_null(frame[by].cast(pl.String)))
    own = preset.first(preset.columns[lookup.table].get(lookup.column, []), frame.columns)
    if own is None:
        return frame.with_columns(found)
    written = frame[own].cast(pl.String)
    blank = written.is_null() | (written.str.strip_chars() == "")
    return frame.drop(own).with_columns(
        pl.select(pl.when(blank).then(found).otherwise(written)).to_series().alias(own)
    )


def _needed(preset: Preset, spellings: Sequence[str], frame: pl.DataFrame, file: str) -> str:
    name = preset.first(spellings, frame.columns)
    if name is None:
        raise BookError(
            f"{file} has no column {' or '.join(spellings)}, which says what belongs together. "
            f"Its columns: {', '.join(frame.columns)}. Export it again, or move it out of the folder"
        )
    return name


def with_outcome(preset: Preset, frame: pl.DataFrame) -> pl.DataFrame:
    """Add `outcome`: by the flags for won and closed, else by the name of the stage.

    A stage given by a bare number that no table names stays as it is, and is rejected later. A file with none
    of these columns is returned as it is.

    >>> from scoring.training.presets import read_preset
    >>> deals = pl.DataFrame({"Deal Stage": ["Closed Won (Sales)", "Closed Lost", "Demo", "417", None]})
    >>> with_outcome(read_preset("hubspot"), deals)["outcome"].to_list()
    ['won', 'lost', 'open', '417', None]
    """
    nothing = pl.Series([None] * frame.height, dtype=pl.String)
    stage_name = preset.first(preset.outcome.stage, frame.columns)
    flag_names = [preset.first(names, frame.columns) for names in (preset.outcome.won, preset.outcome.closed)]
    if stage_name is None and flag_names == [None, None]:
        return frame
    stage = nothing if stage_name is None else read_cells(frame[stage_name], as_text, pl.String()).values
    by_stage = (
        pl.when(stage.str.contains(_WON)).then(pl.lit("won"))
        .when(stage.str.contains(_NOT_WON)).then(pl.lit("lost"))
        .when(stage.is_null() | stage.str.contains(_BY_NUMBER)).then(stage)
        .otherwise(pl.lit("open"))
    )  # fmt: skip
    won, closed = (nothing.cast(pl.Boolean) if name is None else _flags(frame[name]) for name in flag_names)
    outcome = (
        pl.when(won).then(pl.lit("won"))
        .when(~closed).then(pl.lit("open"))
        .when(closed & ~won).then(pl.lit("lost"))
        .otherwise(by_stage)
    )  # fmt: skip
    return frame.with_columns(pl.select(outcome.alias("outcome")).to_series())


def in_our_words(preset: Preset, table: TableName, file: str, frame: pl.DataFrame, log: Log) -> pl.DataFrame:
    """Return a table under our column names with our words for a status or type, and one whole id per cell.

    Words that the preset does not know stay as they are. `closed` is blank where the opportunity is open: a
    CRM puts the day it hopes for there.
    """
    for name, words in preset.values.get(table, {}).items():
        if name in frame.columns:
            text = read_cells(frame[name], as_text, pl.String()).values
            frame = frame.with_columns(text.replace(words).alias(name))
    if {"closed", "outcome"} <= set(frame.columns):
        frame = frame.with_columns(pl.when(pl.col("outcome") != "open").then("closed").alias("closed"))
    frame = _with_first_ids(preset, file, frame, log)
    return _with_full_ids(frame) if preset.full_ids else frame


def _with_first_ids(preset: Preset, file: str, frame: pl.DataFrame, log: Log) -> pl.DataFrame:
    """Keep the first of several ids in one cell; the log notes how many rows had more."""
    for name in preset.first_of_many:
        if name in frame.columns and frame[name].dtype == pl.String:
            times = int(frame[name].str.contains(";").sum())
            if times:
                log.notes.append(f"{file}: {times:,} rows name several companies; the first counts ({name})")
                frame = frame.with_columns(pl.col(name).str.split(";").list.first())
    return frame


def _with_full_ids(frame: pl.DataFrame) -> pl.DataFrame:
    """Write the 15-character ids of Salesforce accounts with 18, as its API does."""
    for name in ("account_id", "parent_id", "crm_id"):
        if name in frame.columns and frame[name].dtype == pl.String:
            written = frame[name].str.strip_chars()
            short = written.filter(written.str.contains(_SHORT_ID)).unique().to_list()
            frame = frame.with_columns(written.replace({one: full_id(one) for one in short}))
    return frame


def full_id(short: str) -> str:
    """Return the 18 characters of a Salesforce id of 15: three more say which letters are capitals.

    The algorithm is Salesforce's own; five letters make one check letter, the first being the lowest bit.

    >>> full_id("0015500000Xyy06")
    '0015500000Xyy06AAB'
    """
    groups = (short[at : at + 5] for at in range(0, 15, 5))
    return short + "".join(
        _CHECK_LETTERS[
            sum(1 << place for place, letter in enumerate(group) if letter.isascii() and letter.isupper())
        ]
        for group in groups
    )


def _flags(column: pl.Series) -> pl.Series:
    return read_cells(column, as_flag, pl.Boolean()).values
