import numpy as np
import pytest

from scoring.training import deal_moments as module
from scoring.training.deal_moments import CONTROLS, deal_moments
from scoring.training.signal_history import SignalHistory
from tests.scoring.training.signal_books import FIRST_DAY, deal, event, history

NAMES = [f"a{n:02}" for n in range(30)]


@pytest.fixture(scope="module")
def found() -> SignalHistory:
    """Thirty accounts that visit on the first day; each third opens something on day 50, and a00 twice."""
    deals = [deal(name, 50, 60) for name in NAMES[::3]]
    return history([event(name, "visit", 0) for name in NAMES], [*deals, deal("a00", 50, 55)], NAMES)


def test_each_opportunity_is_looked_at_once_beside_accounts_that_opened_nothing(found: SignalHistory) -> None:
    deals = deal_moments(found, FIRST_DAY, FIRST_DAY + 100, seed=0)
    assert deals.account[:, 0].tolist() == list(range(0, 30, 3))
    assert deals.account.shape == deals.used.shape == (10, 1 + CONTROLS)
    assert deals.used.all()
    assert (deals.account[:, 1:] % 3 != 0).all()
    assert set(deals.day.tolist()) == {FIRST_DAY + 50}
    assert deals.moments.account.tolist() == deals.account.ravel().tolist()


def test_only_opportunities_of_the_days_asked_for_are_looked_at(found: SignalHistory) -> None:
    assert len(deal_moments(found, FIRST_DAY, FIRST_DAY + 50, seed=0).day) == 0
    assert len(deal_moments(found, FIRST_DAY + 51, FIRST_DAY + 90, seed=0).day) == 0


def test_where_no_account_can_be_a_control_none_is_used() -> None:
    alone = history([event("a", "visit", 0)], [deal("a", 50, 60)], ["a"])
    deals = deal_moments(alone, FIRST_DAY, FIRST_DAY + 100, seed=0)
    assert deals.used.tolist() == [[True] + [False] * CONTROLS]


def test_of_very_many_opportunities_a_sample_is_looked_at(
    found: SignalHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_CASES", 4)
    first, again, other = (deal_moments(found, FIRST_DAY, FIRST_DAY + 100, seed=seed) for seed in (1, 1, 2))
    assert len(first.day) == 4
    assert np.array_equal(first.account, again.account)
    assert not np.array_equal(first.account, other.account)
