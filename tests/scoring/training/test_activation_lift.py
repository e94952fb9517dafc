import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from scoring.training.activation_lift import rank_gain

scores = st.lists(
    st.tuples(st.integers(0, 5).map(lambda n: n / 5), st.integers(0, 5).map(float), st.booleans()),
    min_size=2,
    max_size=40,
).filter(lambda rows: 0 < sum(row[2] for row in rows) < len(rows))


@settings(deadline=None, max_examples=50)
@given(scores)
def test_auc_is_that_of_scikit_learn_ties_and_all(rows: list[tuple[float, float, bool]]) -> None:
    ours, theirs, opened = (np.array(column) for column in zip(*rows, strict=True))
    found = rank_gain(ours, theirs, opened, np.arange(len(rows)), seed=0)
    assert found.ours.auc == pytest.approx(roc_auc_score(opened, ours))
    assert found.theirs.auc == pytest.approx(roc_auc_score(opened, theirs))
    assert found.auc_gain == pytest.approx(found.ours.auc - found.theirs.auc)


def test_the_lift_of_the_top_tenth_is_its_share_of_what_opened() -> None:
    """Of 20 moments 4 opened; the two ranked highest did both: 5 times the average. Ties share the places."""
    opened = np.arange(20) >= 16
    found = rank_gain(np.arange(20.0), np.zeros(20), opened, np.arange(20), seed=0)
    assert found.ours.top_lift == pytest.approx(5.0)
    assert found.theirs.top_lift == pytest.approx(1.0)
    assert (found.moments, found.accounts, found.opened) == (20, 20, 4)


def test_a_ranking_is_not_better_than_itself() -> None:
    rng = np.random.default_rng(0)
    score, opened = rng.random(500), rng.random(500) < 0.2
    found = rank_gain(score, score, opened, np.arange(500), seed=0)
    assert (found.auc_gain, found.low, found.high, found.better) == (0.0, 0.0, 0.0, False)


def test_a_ranking_that_knows_is_better_and_its_interval_says_how_much() -> None:
    rng = np.random.default_rng(1)
    opened = rng.random(3000) < 0.2
    knows, guesses = rng.random(3000) + 0.5 * opened, rng.random(3000)
    found = rank_gain(knows, guesses, opened, np.arange(3000), seed=0)
    assert found.better
    assert found.sure < found.low < found.auc_gain < found.high
    assert found.lift_low < found.lift_gain < found.lift_high


def test_a_guess_is_not_better_than_a_ranking_that_is_wrong() -> None:
    rng = np.random.default_rng(4)
    opened = rng.random(3000) < 0.2
    found = rank_gain(rng.random(3000), rng.random(3000) - 0.5 * opened, opened, np.arange(3000), seed=0)
    assert found.sure > 0.1
    assert not found.better


def test_moments_of_one_account_are_drawn_together_so_repeating_them_makes_nothing_surer() -> None:
    rng = np.random.default_rng(2)
    opened = rng.random(300) < 0.3
    knows, guesses = rng.random(300) + 0.3 * opened, rng.random(300)
    once = rank_gain(knows, guesses, opened, np.arange(300), seed=0)
    more = [np.tile(column, 4) for column in (knows, guesses)]
    four = rank_gain(more[0], more[1], np.tile(opened, 4), np.tile(np.arange(300), 4), seed=0)
    assert four.high - four.low == pytest.approx(once.high - once.low, rel=1e-9)


def test_of_two_that_only_guess_neither_is_found_better_more_often_than_chance_allows() -> None:
    rng = np.random.default_rng(3)
    found = [
        rank_gain(rng.random(400), rng.random(400), rng.random(400) < 0.2, np.arange(400), seed=0).better
        for _ in range(60)
    ]
    assert sum(found) <= 5
