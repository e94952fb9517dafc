import numpy as np
import pytest

from scoring.training import deal_moments as module
from scoring.training.deal_moments import CONTROLS, DRAWS, HORIZON_DAYS, deal_moments
from scoring.training.signal_history import SignalHistory
from tests.scoring.training.signal_books import FIRST_DAY, deal, event, history

NAMES = [f"a{n:02}" for n in range(30)]
OPENS = FIRST_DAY + 100


@pytest.fixture(scope="module")
def found() -> SignalHistory:
    """Thirty accounts that visit on the first day; each third opens something on day 100."""
    deals = [deal(name, 100, 110) for name in NAMES[::3]]
    return history([event(name, "visit", 0) for name in NAMES], deals, NAMES)


def test_days_before_each_opportunity_stand_beside_accounts_that_were_not_about_to_open(
    found: SignalHistory,
) -> None:
    deals = deal_moments(found, FIRST_DAY, FIRST_DAY + 300, seed=0)
    assert np.bincount(deals.account[:, 0]).tolist() == ([DRAWS, 0, 0] * 10)[:28]
    assert deals.account.shape == deals.used.shape == (10 * DRAWS, 1 + CONTROLS)
    assert deals.used.all()
    assert (deals.account[:, 1:] % 3 != 0).all()
    assert ((deals.day > OPENS - HORIZON_DAYS) & (deals.day <= OPENS)).all()
    assert len(np.unique(deals.day)) > 20
    assert deals.moments.account.tolist() == deals.account.ravel().tolist()
    assert (deals.opportunities, deals.counts_as) == (10, 1 / DRAWS)


def test_nothing_is_asked_whose_answer_was_not_known_by_the_end(found: SignalHistory) -> None:
    deals = deal_moments(found, FIRST_DAY, OPENS + 20, seed=0)
    assert 0 < len(deals.day) < 10 * DRAWS
    assert (deals.day + HORIZON_DAYS <= OPENS + 20).all()
    assert len(deal_moments(found, FIRST_DAY, OPENS, seed=0).day) == 0


def test_nothing_is_asked_before_the_first_day(found: SignalHistory) -> None:
    deals = deal_moments(found, OPENS - 5, FIRST_DAY + 300, seed=0)
    assert (deals.day >= OPENS - 5).all()


def test_an_account_is_not_asked_about_while_an_opportunity_is_open() -> None:
    one = history([event("a", "visit", 0)], [deal("a", 70, 95), deal("a", 100, 110)], ["a", "b"])
    deals = deal_moments(one, FIRST_DAY, FIRST_DAY + 300, seed=1)
    assert not ((deals.day > FIRST_DAY + 70) & (deals.day <= FIRST_DAY + 95)).any()


def test_where_no_account_can_be_a_control_none_is_used() -> None:
    alone = history([event("a", "visit", 0)], [deal("a", 100, 110)], ["a"])
    deals = deal_moments(alone, FIRST_DAY, FIRST_DAY + 300, seed=0)
    assert deals.used.tolist() == [[True] + [False] * CONTROLS] * DRAWS


def test_of_very_many_days_a_sample_is_looked_at(
    found: SignalHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_CASES", 4)
    first, again, other = (deal_moments(found, FIRST_DAY, FIRST_DAY + 300, seed=seed) for seed in (1, 1, 2))
    assert len(first.day) == 4
    assert first.opportunities <= 4
    assert first.counts_as <= 1
    assert np.array_equal(first.account, again.account)
    assert not np.array_equal(first.account, other.account)
