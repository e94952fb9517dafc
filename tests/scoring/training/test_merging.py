import json
import random
from collections.abc import Iterable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.plan import Plan
from scoring.training import demo_accounts
from scoring.training.book import read_book
from scoring.training.demo_book import write_demo_book
from scoring.training.merging import CITY, COUNTRY, Companies, merge_companies
from scoring.training.rejects import LINE, TABLE, Log
from tests.scoring.training.books import book_of

SAID = {"account_id": pl.String, "domain": pl.String, "name": pl.String, COUNTRY: pl.String, CITY: pl.String}


def groups(merges: pl.DataFrame) -> set[frozenset[str]]:
    """The ids that became one, chains followed."""
    joined: list[set[str]] = []
    for kept, gone in merges.select("kept_id", "merged_id").rows():
        touched = [group for group in joined if {kept, gone} & group]
        joined = [group for group in joined if group not in touched] + [{kept, gone}.union(*touched)]
    return {frozenset(group) for group in joined if len(group) > 1}


def pairs(groups: Iterable[frozenset[str]]) -> set[frozenset[str]]:
    return {frozenset((one, other)) for group in groups for one in group for other in group if one != other}


@pytest.mark.parametrize("share", [demo_accounts.DOUBLED_SHARE, 0.3])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_planted_duplicates_are_found_and_nobody_else_is_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, share: float
) -> None:
    monkeypatch.setattr(demo_accounts, "DOUBLED_SHARE", share)
    folder = tmp_path / "book"
    truth = write_demo_book(folder, accounts=600, prospects=200, seed=seed)
    book = read_book(folder, Plan())
    planted, found = {frozenset(pair) for pair in truth.duplicates}, pairs(groups(book.merges))
    assert len(planted) == round(600 * share)
    assert len(planted & found) >= 0.95 * len(planted)
    assert found <= planted
    assert json.loads((folder / "truth.json").read_text())["duplicates"]


def test_a_name_joins_customers_and_prospects_and_keeps_what_each_knows(tmp_path: Path) -> None:
    book = book_of(
        tmp_path,
        accounts="account_id,name,domain,country,size\na,Acme GmbH,,DE,\nb,Other,other.de,DE,5\n",
        prospects="account_id,name,domain,country,size\np,ACME,acme.de,de,7\nq,Zeta,zeta.de,de,9\n",
        events="domain,type,occurred_at\nacme.de,visit,2025-01-01\n",
    )
    assert book.accounts.select("account_id", "domain", "size").rows() == [
        ("a", "acme.de", 7.0),
        ("b", "other.de", 5.0),
    ]
    assert book.prospects is not None
    assert book.prospects["account_id"].to_list() == ["q"]
    assert book.merges.rows() == [("a", "p", "the same name in DE, acme", "name: kept Acme GmbH, not ACME")]
    assert book.events is not None
    assert book.events["account_id"].to_list() == ["a"]


def test_ids_follow_a_chain_of_merges(tmp_path: Path) -> None:
    book = book_of(
        tmp_path,
        accounts=(
            "account_id,name,domain,country\n"
            "a,Keba Software,,de\nb,Keba Software GmbH,keba.de,de\nc,Keba,www.keba.de,de\nc,,,\n"
            "x,Xylo,x.de,de\n"
        ),
        subscriptions="account_id,start,mrr\na,2025-01-01,1\nb,2025-01-02,2\nc,2025-01-03,3\nx,2025-01-01,4\n",
    )
    assert book.accounts["account_id"].to_list() == ["a", "x"]
    assert groups(book.merges) == {frozenset("abc")}
    assert book.subscriptions is not None
    assert book.subscriptions["account_id"].to_list() == ["a", "a", "a", "x"]


def test_nearly_the_same_name_says_so(tmp_path: Path) -> None:
    book = book_of(
        tmp_path, accounts="account_id,name,domain,country\na,Keba Software,keba.de,DE\nb,Keba Sofware,,DE\n"
    )
    assert book.merges["why"].to_list() == ["nearly the same name in DE, keba software"]


def test_without_countries_equal_names_are_noted_and_left(tmp_path: Path) -> None:
    book = book_of(tmp_path, accounts="account_id,name\na,Acme\nb,ACME Inc\nc,Zeta\n")
    assert book.accounts.height == 3
    assert len(book.notes) == 1
    assert book.notes[0].startswith("2 accounts share their name with another, but have no country")


def test_conflicts_are_a_table_of_what_was_kept_and_what_was_not(tmp_path: Path) -> None:
    book = book_of(
        tmp_path,
        accounts=(
            "account_id,domain,industry,size,tech,crm_id\n"
            "a,ex.com,fintech,,p;q,1\nb,ex.com,retail,7,q,2\nc,ex.com,fintech,8,p;q,3\nd,y.com,media,9,r;s,4\n"
        ),
    )
    assert book.conflicts.rows() == [
        ("a", "b", "industry", "fintech", "retail"),
        ("a", "b", "tech", "p;q", "q"),
        ("a", "c", "size", "7", "8"),
    ]
    assert book.merges["conflicts"].to_list() == [
        "industry: kept fintech, not retail; tech: kept p;q, not q",
        "size: kept 7, not 8",
    ]


def test_a_ledger_may_name_accounts_by_their_crm_id(tmp_path: Path) -> None:
    book = book_of(
        tmp_path,
        accounts="account_id,domain,crm_id\na,ex.com,001\nb,ex.com,002\nc,,003\nd,,003\n",
        subscriptions="account_id,start,mrr\n002,2025-01-01,1\n003,2025-01-01,2\n",
    )
    assert book.subscriptions is not None
    assert book.subscriptions["account_id"].to_list() == ["a"]
    assert book.rejects.rows() == [("subscriptions", 3, "account_id", "names no account of the book")]


def test_an_account_that_is_its_own_parent_has_none_and_is_noted(tmp_path: Path) -> None:
    book = book_of(tmp_path, accounts="account_id,parent_id\na,a\nb,a\n")
    assert book.accounts.select("account_id", "parent_id").rows() == [("a", None), ("b", "a")]
    assert book.notes == ("1 accounts are their own parent and were read as having none: a",)


def merged(rows: list[tuple[str | None, ...]]) -> Companies:
    frame = pl.DataFrame(rows, schema=SAID, orient="row").with_columns(
        pl.lit("accounts").alias(TABLE),
        pl.int_range(2, len(rows) + 2).alias(LINE),
        parent_id=pl.lit(None, dtype=pl.String),
        crm_id=pl.lit(None, dtype=pl.String),
    )
    return merge_companies(frame, Log())


PLACES = st.tuples(st.sampled_from(["de", "us", None]), st.sampled_from(["bonn", None, None]))
NAMES = st.sampled_from(["Keba Software", "KEBA Software GmbH", "Keba Sofware", "Acme Foods", None])
ROWS = st.lists(
    st.tuples(st.sampled_from(["ex.com", "y.com", "y.de", "gmail.com", None, None]), NAMES, PLACES),
    min_size=1,
    max_size=10,
).map(lambda rows: [(str(at), domain, name, *place) for at, (domain, name, place) in enumerate(rows)])


@settings(deadline=None, max_examples=50)
@given(ROWS)
def test_merging_loses_no_id_and_leaves_each_domain_once(rows: list[tuple[str | None, ...]]) -> None:
    companies = merged(rows)
    assert set(companies.ids) == {row[0] for row in rows}
    assert set(companies.ids.values()) == set(companies.frame["account_id"])
    domains = companies.frame.filter(pl.col("domain") != "gmail.com")["domain"].drop_nulls()
    assert domains.is_unique().all()
    written = {row[1] for row in rows} - {None, "gmail.com"}
    assert set(companies.by_domain) == written
    assert set(companies.by_domain.values()) <= set(companies.frame["account_id"])


@settings(deadline=None)
@given(
    ROWS,
    st.dictionaries(st.sampled_from(["ex.com", "y.com", "y.de"]), st.tuples(NAMES, PLACES)),
    st.integers(),
)
def test_the_order_of_rows_changes_no_company(
    rows: list[tuple[str | None, ...]], said: dict[str, tuple[str | None, tuple[str | None, ...]]], seed: int
) -> None:
    # Of rows of one domain that disagree on a name or country the first one counts, so here they agree.
    agreed = {domain: (name, *place) for domain, (name, place) in said.items()}
    rows = [(row[0], row[1], *agreed.get(row[1] or "", row[2:])) for row in rows if row[1] in (None, *agreed)]
    shuffled = list(rows)
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - a shuffle, no secret
    assert groups(merged(shuffled).merges) == groups(merged(rows).merges)
