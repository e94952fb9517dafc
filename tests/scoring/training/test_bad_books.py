"""Books that no careful company would export, and all companies do: each gets a stated treatment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from scoring.errors import BookError, NothingToLearnError, PlanError
from scoring.plan import Plan, parse_plan
from scoring.training.demo_book import write_demo_book
from scoring.training.learn import LEAST_CUSTOMERS
from scoring.training.study import examine
from scoring.training.survey import Survey, survey
from tests.scoring.training.books import write_tables

OPEN = Plan.model_validate({"icp": {"require_segment": False}})


def contracts(mrr: Callable[[int], float], customers: int, renewed: Callable[[int], float]) -> str:
    rows = []
    for n in range(customers):
        start = date(2023, 1, 1) + timedelta(days=n % 300)
        middle, end = start + timedelta(days=366), start + timedelta(days=732)
        rows.append(f"c{n},{start},{middle},{mrr(n)}")
        rows.append(f"c{n},{middle},{end},{renewed(n)}")
    return "account_id,start,end,mrr\n" + "\n".join(rows) + "\n"


def accounts(customers: int, attribute: Callable[[int], str]) -> str:
    rows = [f"c{n},{attribute(n)}" for n in range(customers)]
    return "account_id,trait\n" + "\n".join(rows) + "\n"


def surveyed(folder: Path, tables: dict[str, str], plan: Plan = OPEN) -> Survey:
    return survey(write_tables(folder, **tables), plan)


def test_ten_customers_are_surveyed_and_teach_nothing(tmp_path: Path) -> None:
    tables = {
        "accounts": accounts(10, lambda n: "ab"[n % 2]),
        "subscriptions": contracts(lambda n: 100.0 + n, 10, lambda n: 90.0 + 5 * n),
    }
    found = surveyed(tmp_path, tables)
    assert found.metrics.height == 10
    assert not found.discovery.candidates
    assert found.discovery.note
    with pytest.raises(NothingToLearnError, match=f"at least {LEAST_CUSTOMERS} are needed"):
        examine(tmp_path, OPEN)


def test_outcomes_that_are_all_equal_are_named_as_such(tmp_path: Path) -> None:
    tables = {
        "accounts": accounts(60, lambda n: "ab"[n % 2]),
        "subscriptions": contracts(lambda _: 100.0, 60, lambda _: 100.0),
    }
    assert not surveyed(tmp_path, tables).discovery.candidates
    with pytest.raises(NothingToLearnError, match="have the same outcome"):
        examine(tmp_path, OPEN)


def test_a_category_of_its_own_in_every_row_describes_nothing(tmp_path: Path) -> None:
    tables = {
        "accounts": accounts(60, lambda n: f"word{n:03d}x"),
        "subscriptions": contracts(lambda n: 100.0 + n, 60, lambda n: 90.0 + n % 7),
    }
    found = surveyed(tmp_path, tables)
    assert "names or narrates" in found.book.ignored["trait"]
    with pytest.raises(NothingToLearnError, match="holds no attribute to learn from"):
        examine(tmp_path, OPEN)


def test_a_column_of_mixed_types_is_a_category_and_nothing_of_it_is_lost(tmp_path: Path) -> None:
    tables = {
        "accounts": accounts(60, lambda n: ("12", "many", "3.5", "yes")[n % 4]),
        "subscriptions": contracts(lambda n: 100.0 + n, 60, lambda n: 90.0 + n % 7),
    }
    found = surveyed(tmp_path, tables)
    (attribute,) = found.book.attributes
    assert attribute.kind == "category"
    assert found.customers["trait"].null_count() == 0


def test_rows_dated_in_the_future_are_not_counted_and_that_is_said(tmp_path: Path) -> None:
    plan = Plan.model_validate({"book": {"as_of": "2025-06-30"}, "icp": {"require_segment": False}})
    ledger = "account_id,start,mrr\na,2024-01-01,100\na,2027-01-01,900\nb,2024-02-01,50\n"
    found = surveyed(tmp_path, {"subscriptions": ledger}, plan)
    assert dict(found.metrics.select("account_id", "arr").rows()) == {"a": 1200.0, "b": 600.0}
    assert any("1 rows are from after as_of (2025-06-30)" in note for note in found.book.notes)


def test_negative_revenue_is_refused_with_its_row_in_contracts_and_a_return_in_invoices(
    tmp_path: Path,
) -> None:
    ledger = "account_id,start,mrr\na,2024-01-01,100\na,2024-06-01,-30\nb,2024-02-01,50\n"
    found = surveyed(tmp_path, {"subscriptions": ledger})
    assert ("subscriptions", 3, "mrr", "is negative") in found.book.rejects.rows()
    invoices = "account_id,date,amount\na,2024-01-01,100\na,2024-06-01,-30\nb,2024-02-01,50\n"
    (tmp_path / "subscriptions.csv").unlink()
    (tmp_path / "invoices.csv").write_text(invoices)
    returned = survey(tmp_path, OPEN)
    assert returned.book.rejects.is_empty()
    assert returned.book.invoices is not None
    assert returned.book.invoices["amount"].sum() == 120.0


def test_overlapping_subscriptions_add_up_and_are_noted(tmp_path: Path) -> None:
    ledger = "account_id,start,end,mrr\na,2024-01-01,2025-01-01,100\na,2024-06-01,2025-06-01,40\n"
    found = surveyed(tmp_path, {"subscriptions": ledger})
    assert any(
        "1 rows begin before another row of the same account and product" in note for note in found.book.notes
    )


def test_an_account_that_is_its_own_parent_has_none(tmp_path: Path) -> None:
    found = surveyed(tmp_path, {"accounts": "account_id,parent_id,industry\na,a,fintech\nb,,retail\n"})
    assert found.book.accounts["parent_id"].to_list() == [None, None]
    assert any("parent" in note for note in found.book.notes)


def test_parents_in_a_circle_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BookError, match="a -> b -> a"):
        surveyed(tmp_path, {"accounts": "account_id,parent_id,industry\na,b,fintech\nb,a,retail\n"})


def test_thirty_per_cent_of_duplicates_are_merged_before_anything_is_counted(tmp_path: Path) -> None:
    book = tmp_path / "book"
    write_demo_book(book, accounts=300, prospects=50)
    table = pl.read_csv(book / "accounts.csv", infer_schema_length=0)
    doubled = table.head(90).with_columns(
        account_id="X-" + pl.col("account_id"), domain="https://www." + pl.col("domain") + "/contact"
    )
    before = survey(book, OPEN)
    pl.concat([table, doubled]).write_csv(book / "accounts.csv")
    after = survey(book, OPEN)
    with_domain = doubled["domain"].drop_nulls().len()
    assert after.book.merges.height >= before.book.merges.height + with_domain
    assert after.metrics.height == before.metrics.height
    assert after.company.nrr == before.company.nrr


def test_a_rule_on_an_attribute_that_nobody_knows_names_its_line(tmp_path: Path) -> None:
    text = 'icp = {require_segment = false}\n[[segment]]\nid = "x"\nwhere = [{industri = ["fintech"]}]\n'
    with pytest.raises(PlanError, match=r"line 4: .*industri.*industry"):
        surveyed(tmp_path, {}, parse_plan(text, "plan.toml"))


def test_two_approvals_by_one_person_are_refused() -> None:
    twice = '[[sign_off]]\nwho = "Dana Reyes"\nrole = "CRO"\nwhen = 2026-07-01\n'
    again = '[[sign_off]]\nwho = "dana  reyes"\nrole = "CFO"\nwhen = 2026-07-02\n'
    segment = '[[segment]]\nid = "x"\nwhere = [{industry = ["fintech"]}]\n'
    with pytest.raises(PlanError, match=r"(?i)dana"):
        parse_plan(segment + twice + again, "plan.toml")


def test_e_mail_addresses_are_no_attribute_unless_the_plan_keeps_them(tmp_path: Path) -> None:
    tables = {"accounts": accounts(60, lambda n: f"pat.jones{n % 4}@acme.com")}
    tables["subscriptions"] = contracts(lambda n: 100.0 + n, 60, lambda n: 90.0 + n % 7)
    assert "e-mail addresses" in surveyed(tmp_path, tables).book.ignored["trait"]
    kept = Plan.model_validate({"attributes": {"keep": ["trait"]}, "icp": {"require_segment": False}})
    assert [one.name for one in survey(tmp_path, kept).book.attributes] == ["trait"]
