"""The data-quality report: a page for people, and files that list every row it counts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from scoring.errors import BookError
from scoring.training.card_blocks import Block, Bullets, Heading, Item, Prose, Section, Table, count, say_date
from scoring.training.columns import COMPANY_TABLES
from scoring.training.contacts import GAP_SEPARATOR
from scoring.training.pages import render
from scoring.training.quality import Quality, TableFacts

LISTED = 50  # rows of a long table on the page; its file has all
_ROWS_NAMED = 5  # of each cause of a reject
_REMAINDER = "... and {:,} more; the file has all"


def write_report(quality: Quality, out: Path) -> list[Path]:
    """Write report.html, rejects.csv, merges.csv, conflicts.csv and contact_gaps.csv into a folder.

    The folder is made if need be. The same quality gives the same bytes.

    Raises:
        BookError: a file cannot be written.
    """
    book = quality.book
    files = {
        "report.html": report_html(quality),
        "rejects.csv": book.rejects.write_csv(),
        "merges.csv": book.merges.write_csv(),
        "conflicts.csv": book.conflicts.write_csv(),
        "contact_gaps.csv": contact_gaps(book.contacts).write_csv(),
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (out / name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise BookError(f"cannot write the report into {out}: {error}") from error
    return [out / name for name in files]


def contact_gaps(contacts: pl.DataFrame | None) -> pl.DataFrame:
    """Return a row per contact and gap: row (line of the file), contact_id, account_id, gap.

    >>> contacts = {"row": [2], "contact_id": ["p"], "account_id": ["a"], "gaps": ["no name; no title"]}
    >>> contact_gaps(pl.DataFrame(contacts)).rows()
    [(2, 'p', 'a', 'no name'), (2, 'p', 'a', 'no title')]
    """
    columns = {"row": pl.Int64, "contact_id": pl.String, "account_id": pl.String, "gap": pl.String}
    if contacts is None:
        return pl.DataFrame(schema=columns)
    apart = contacts.select(*list(columns)[:3], pl.col("gaps").str.split(GAP_SEPARATOR).alias("gap"))
    return apart.explode("gap").filter(pl.col("gap") != "")


def report_html(quality: Quality) -> str:
    """Return the report as one HTML page that needs nothing else; every value is escaped."""
    sections = [section for section in _sections(quality) if section.blocks]
    return render(
        "quality.html",
        name=quality.name,
        as_of="" if quality.as_of is None else say_date(quality.as_of),
        trainable=quality.trainable,
        sections=sections,
    )


def _sections(quality: Quality) -> list[Section]:
    return [
        Section("tables", "Tables", _tables(quality)),
        Section("findings", "Findings", _findings(quality)),
        Section("columns", "Columns", _columns(quality)),
        Section("rejects", "Rejects", _rejects(quality.book.rejects)),
        Section("duplicates", "Merged duplicates", _listing(quality.book.merges, "merges.csv", _MERGE_HEAD)),
        Section("conflicts", "Conflicts", _listing(quality.book.conflicts, "conflicts.csv", _CONFLICT_HEAD)),
        Section("contacts", "Contacts", _contacts(quality)),
    ]


_MERGE_HEAD = ["Kept", "Merged", "Why", "What was lost"]
_CONFLICT_HEAD = ["Account", "Merged", "Column", "Kept", "Not kept"]


def _tables(quality: Quality) -> list[Block]:
    rows = [
        [facts.table, facts.file, *(f"{number:,}" for number in _numbers(facts))] for facts in quality.tables
    ]
    head = ["Table", "File", "Rows", "Used", "With rejects", "Of unknown accounts"]
    blocks: list[Block] = [Table("What was read", head, rows, [2, 3, 4, 5])]
    if quality.unread:
        blocks.append(Prose([f"Not read, as no table has these names: {', '.join(quality.unread)}."]))
    return blocks


def _numbers(facts: TableFacts) -> tuple[int, ...]:
    return facts.rows, facts.used, facts.rejected_rows, facts.orphans


def _findings(quality: Quality) -> list[Block]:
    rows = [[finding.what, f"{finding.times:,}", finding.made_of_it] for finding in quality.findings]
    blocks: list[Block] = (
        [Table("What was found", ["What", "Times", "What was made of it"], rows, [1])] if rows else []
    )
    if quality.book.notes:
        blocks += [
            Heading("Decided while reading"),
            Bullets([Item("", note) for note in quality.book.notes]),
        ]
    return blocks or [Prose(["Nothing is odd about this book."])]


def _columns(quality: Quality) -> list[Block]:
    """List every column of the companies, and of other tables those that are read."""
    head = ["Column", "Read as", "Filled", "Different values", "Remarks"]
    blocks: list[Block] = []
    for facts in quality.tables:
        columns = [one for one in quality.columns if one.table == facts.table]
        listed = [one for one in columns if one.kind or facts.table in COMPANY_TABLES]
        rows = [
            [one.column, one.kind or "not read", f"{one.filled:.1%}", f"{one.distinct:,}", one.remark]
            for one in listed
        ]
        blocks.append(Table(f"{facts.table}: {facts.file}", head, rows, [2, 3]))
        others = [one.column for one in columns if one not in listed]
        if others:
            blocks.append(Prose([f"Not read, as {facts.table} has no such column: {', '.join(others)}."]))
    return blocks


def _rejects(rejects: pl.DataFrame) -> list[Block]:
    if rejects.is_empty():
        return [Prose(["Nothing was rejected."])]
    causes = rejects.with_columns(pl.col("reason").str.split(": ").list.first())
    groups = causes.group_by("table", "column", "reason", maintain_order=True).agg(pl.col("row"))
    rows = [
        [table, column, reason, _some(lines), f"{len(lines):,}"]
        for table, column, reason, lines in groups.rows()
    ]
    head = ["Table", "Column", "Reason", "Lines of the file", "Times"]
    return [Table("What could not be used, by cause; rejects.csv lists every one", head, rows, [4])]


def _some(lines: Sequence[int]) -> str:
    return ", ".join(map(str, lines[:_ROWS_NAMED])) + (", ..." if len(lines) > _ROWS_NAMED else "")


def _listing(frame: pl.DataFrame, file: str, head: Sequence[str]) -> list[Block]:
    if frame.is_empty():
        return []
    rows = [list(map(str, row)) for row in frame.head(LISTED).rows()]
    more = [Prose([_REMAINDER.format(frame.height - LISTED)])] if frame.height > LISTED else []
    return [Table(f"{count(frame.height, 'row')}, all in {file}", head, rows, []), *more]


def _contacts(quality: Quality) -> list[Block]:
    contacts = quality.book.contacts
    if contacts is None:
        return []
    complete = int((contacts["gaps"] == "").sum())
    accounts = quality.book.accounts["account_id"]
    reached = int(accounts.is_in(contacts["account_id"].drop_nulls().implode()).sum())
    rows = [
        [gap, f"{times:,}", f"{times / contacts.height:.1%}"] for gap, times in quality.contact_gaps.items()
    ]
    sentence = (
        f"{complete:,} of {count(contacts.height, 'contact')} lack nothing; {reached:,} of "
        f"{count(len(accounts), 'account')} have a contact."
    )
    gaps: list[Block] = [
        Table("Gaps; contact_gaps.csv lists every one", ["Gap", "Contacts", "Share"], rows, [1, 2])
    ]
    return [Prose([sentence]), *(gaps if rows else [])]
