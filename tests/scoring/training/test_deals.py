from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from scoring.training.deals import Deals, new_deals, velocity
from tests.scoring.training.typed_books import Row, book_of

AS_OF = date(2024, 6, 30)


def deals_of(*rows: Row) -> Deals:
    opportunities = book_of(subscriptions=[], deals=rows).opportunities
    assert opportunities is not None
    return new_deals(opportunities, AS_OF)


def sums_of(*rows: Row, account: str = "a") -> dict[str, Any]:
    frame = deals_of(*rows).sums
    return frame.row(by_predicate=pl.col("account_id") == account, named=True)


def deal(
    outcome: str = "won",
    created: str = "2024-01-01",
    days: int | None = 30,
    amount: float | None = 100.0,
    kind: str | None = "new",
    account: str = "a",
) -> Row:
    first = date.fromisoformat(created)
    return (account, first, None if days is None else first + timedelta(days), outcome, amount, kind)


def test_deals_are_counted_and_added_up_by_account() -> None:
    rows = [deal(), deal(days=50, amount=300.0), deal("lost"), deal("open", days=None), deal(account="b")]
    found = sums_of(*rows)
    assert (found["won"], found["closed"], found["open"]) == (2, 3, 1)
    assert (found["priced"], found["amount"], found["cycle_sum"]) == (2, 400, 80)
    assert sums_of(*rows, account="b")["amount"] == 100


def test_sales_cycles_are_days_from_creation_to_close_of_deals_won() -> None:
    deals = deals_of(deal(days=50), deal("lost", days=9), deal(days=None), deal(days=0, account="b"))
    accounts = deals.sums["account_id"].to_list()
    cycles = [(accounts[at], days) for at, days in zip(deals.owner, deals.days, strict=True)]
    assert cycles == [("a", 50), ("b", 0)]


def test_a_deal_that_closes_after_the_day_is_open_and_one_created_later_is_not_there() -> None:
    found = sums_of(deal(days=400), deal("lost", days=400), deal(created="2024-07-01"))
    assert (found["open"], found["won"], found["closed"], found["amount"]) == (2, 0, 0, 0)


def test_a_won_deal_without_an_amount_is_won_but_prices_nothing() -> None:
    found = sums_of(deal(amount=None), deal(amount=80.0))
    assert (found["won"], found["priced"], found["amount"]) == (2, 1, 80)


@pytest.mark.parametrize(
    ("kind", "new"),
    [
        ("new", True),
        (None, True),
        ("New Business", True),
        ("newbusiness", True),
        ("New Customer", True),
        ("expansion", False),
        ("renewal", False),
        ("existingbusiness", False),
        ("Existing Customer - Upgrade", False),
        ("Contract Renewal", False),
    ],
)
def test_only_deals_that_would_win_a_customer_count(kind: str | None, new: bool) -> None:
    assert sums_of(deal(kind=kind), deal(kind="new"))["won"] == 1 + new


def test_without_deals_there_are_no_accounts() -> None:
    deals = deals_of()
    assert deals.sums.height == deals.owner.size == deals.days.size == 0


def test_velocity_is_unknown_where_a_term_is_and_for_deals_won_in_no_time() -> None:
    terms = np.array([[10, 0.5, 100.0, 60.875], [10, np.nan, 100.0, 60.0], [10, 0.5, 100.0, 0.0]]).T
    found = velocity(*terms)
    assert found[0] == pytest.approx(250)
    assert np.isnan(found[1:]).all()
