"""The model card on the book: what was read and decided while reading, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from scoring.training.card_blocks import (
    Block,
    Bullets,
    Heading,
    Item,
    Prose,
    Section,
    Table,
    as_sentence,
    count,
)
from scoring.training.contacts import count_gaps
from scoring.training.survey import Survey

REJECTED_ROWS_NAMED = 5  # of each cause; enough to find it in the file


def left_out_section(survey: Survey) -> Section:
    """Name the columns that were not learnt from, with the reasons."""
    blocks: list[Block] = []
    if survey.leaks:
        sentence = (
            "These columns know the outcome because of when they were filled in, or look as if they did. A "
            "plan that vouches for one names it under keep in [attributes]."
        )
        blocks += [Heading("Leaky columns"), Prose([sentence]), _reasons("Left out, and why", survey.leaks)]
    if survey.book.ignored:
        blocks += [Heading("Ignored columns"), _reasons("Columns that are no attribute", survey.book.ignored)]
    if not blocks:
        blocks = [Prose(["Nothing: every attribute column of the book was used."])]
    return Section("left-out", "What was left out", blocks)


def _reasons(caption: str, reasons: Mapping[str, str]) -> Table:
    return Table(caption, ["Column", "Why"], [[name, reason] for name, reason in reasons.items()], [])


def book_section(survey: Survey) -> Section:
    """Say which files were read, what could not be, and what was decided on the reader's behalf."""
    book = survey.book
    files = [[name, f"{digest.rows:,}", digest.sha256[:12]] for name, digest in sorted(book.digests.items())]
    blocks: list[Block] = [Table("Files", ["File", "Rows", "SHA-256 begins"], files, [1])]
    blocks += [Heading("Rejects"), *_reject_blocks(book.rejects)]
    if book.merges.height:
        blocks += [Heading("Duplicates and conflicts"), Prose([_merge_sentence(book.merges)])]
        blocks += _conflict_blocks(book.conflicts)
    if book.contacts is not None:
        blocks += [Heading("Contacts"), *_contact_blocks(book.contacts)]
    if book.notes:
        notes = [Item("", as_sentence(note)) for note in book.notes]
        blocks += [Heading("Decided while reading"), Bullets(notes)]
    return Section("book", "The book", blocks)


def _reject_blocks(rejects: pl.DataFrame) -> list[Block]:
    if rejects.is_empty():
        return [Prose(["Nothing was rejected."])]
    # What follows the colon quotes the cell: it may be personal data, which an artifact must not carry.
    causes = rejects.with_columns(pl.col("reason").str.split(": ").list.first())
    groups = causes.group_by("table", "column", "reason", maintain_order=True).agg(pl.col("row"))
    rows = [
        [table, column, reason, _some_rows(lines), f"{len(lines):,}"]
        for table, column, reason, lines in groups.rows()
    ]
    return [Table("What could not be read", ["Table", "Column", "Reason", "Rows", "Times"], rows, [4])]


def _some_rows(lines: Sequence[int]) -> str:
    return ", ".join(map(str, lines[:REJECTED_ROWS_NAMED])) + (
        ", ..." if len(lines) > REJECTED_ROWS_NAMED else ""
    )


def _merge_sentence(merges: pl.DataFrame) -> str:
    conflicts = int((merges["conflicts"] != "").sum())
    return (
        f"{count(merges.height, 'account')} stood in the book again and went into the first of the same "
        f"company; {conflicts:,} disagreed with it somewhere, and the first one's values were kept."
    )


def _conflict_blocks(conflicts: pl.DataFrame) -> list[Block]:
    """Count what rows of one company disagree about; their values may be personal and stay in the book."""
    if conflicts.is_empty():
        return []
    times = conflicts["column"].value_counts(name="times").sort(["times", "column"], descending=[True, False])
    rows = [[column, f"{n:,}"] for column, n in times.rows()]
    return [Table("Values that were not kept, by column", ["Column", "Times"], rows, [1])]


def _contact_blocks(contacts: pl.DataFrame) -> list[Block]:
    gaps = count_gaps(contacts)
    held = count(contacts.height, "contact")
    if not gaps:
        return [Prose([f"{held}, all complete."])]
    return [
        Table(
            f"{held}: what they lack", ["Gap", "Contacts"], [[gap, f"{n:,}"] for gap, n in gaps.items()], [1]
        )
    ]
