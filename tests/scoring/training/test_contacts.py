from pathlib import Path

import polars as pl
import pytest

from scoring.errors import BookError
from scoring.training.contacts import count_gaps
from tests.scoring.training.books import book_of, rejects

ACCOUNTS = "account_id,domain\na,acme.com\nb,beta.com\nb2,www.beta.com\nc,gmail.com\n"
HEADER = "contact_id,account_id,email,name,first_name,last_name,title,phone\n"


def contacts_of(tmp_path: Path, rows: str) -> pl.DataFrame:
    contacts = book_of(tmp_path, accounts=ACCOUNTS, contacts=HEADER + rows).contacts
    assert contacts is not None
    return contacts


def test_a_contact_finds_its_account_by_id_and_else_by_its_address(tmp_path: Path) -> None:
    contacts = contacts_of(
        tmp_path,
        "1,a,x@beta.com,Al,,,CFO,5\n"
        "2,,Bo@Mail.BETA.com,Bo,,,CFO,5\n"
        "3,gone,cy@beta.com,Cy,,,CFO,5\n"
        "4,b2,,Di,,,CFO,5\n"
        "5,,ed@gmail.com,Ed,,,CFO,5\n",
    )
    assert contacts.select("contact_id", "account_id").rows() == [
        *(("1", "a"), ("2", "b"), ("3", "b"), ("4", "b"), ("5", None)),
    ]


def test_each_kind_of_gap_is_said_and_counted(tmp_path: Path) -> None:
    contacts = contacts_of(
        tmp_path,
        "1,a,al@acme.com,,Al,Li,CFO,5\n"
        "2,,,,,,n/a,\n"
        "3,gone,not an address,Cy,,,CFO,5\n"
        "4,a,AL@acme.com,Al,,,CFO,5\n"
        "5,a,ed@gmail.com,Ed,,,CFO,5\n",
    )
    assert contacts.select("row", "name", "gaps").rows() == [
        (2, "Al Li", ""),
        (3, None, "no account; no e-mail address; no name; no title; no telephone number"),
        (4, "Cy", "an account that the book does not have; an e-mail address that cannot be one"),
        (5, "Al", "an e-mail address of an earlier contact"),
        (6, "Ed", "a mailbox provider's address"),
    ]
    counts = count_gaps(contacts)
    assert set(counts.values()) == {1}
    assert len(counts) == 9
    assert list(counts)[:3] == ["no account", "an account that the book does not have", "no e-mail address"]


def test_a_contact_that_stands_twice_is_rejected(tmp_path: Path) -> None:
    book = book_of(
        tmp_path, accounts=ACCOUNTS, contacts=HEADER + "1,a,,,,,,\n1,b,,,,,,\n,a,,,,,,\n,b,,,,,,\n"
    )
    assert book.contacts is not None
    assert book.contacts.height == 3
    assert rejects(book) == [("contacts", 3, "contact_id", "stands in an earlier row")]


def test_contacts_need_a_column_that_leads_to_an_account(tmp_path: Path) -> None:
    with pytest.raises(BookError, match="none of the columns account_id, email"):
        book_of(tmp_path, contacts="contact_id,name\n1,Al\n")


def test_contacts_with_no_gap_have_none_to_count() -> None:
    assert count_gaps(pl.DataFrame({"gaps": ["", ""]})) == {}
