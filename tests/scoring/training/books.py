"""Books made for one test: tables as text over a small valid book."""

from pathlib import Path
from typing import Any

from scoring.plan import Plan
from scoring.training.book import Book, read_book

ACCOUNTS = "account_id,industry\na,fintech\nb,retail\n"
SUBSCRIPTIONS = "account_id,start,mrr\na,2025-01-01,100\nb,2025-02-01,50\n"


def write_tables(folder: Path, **tables: str | None) -> Path:
    """Write `<name>.csv` for each table; None leaves one of the small book out."""
    for name, text in {"accounts": ACCOUNTS, "subscriptions": SUBSCRIPTIONS, **tables}.items():
        if text is not None:
            (folder / f"{name}.csv").write_text(text, encoding="utf-8", newline="")
    return folder


def plan_of(**sections: Any) -> Plan:
    return Plan.model_validate(sections)


def book_of(folder: Path, plan: Plan | None = None, **tables: str | None) -> Book:
    return read_book(write_tables(folder, **tables), plan or Plan())


def rejects(book: Book) -> list[tuple[Any, ...]]:
    return book.rejects.rows()
