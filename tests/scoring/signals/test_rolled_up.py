from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scoring.account import Account
from scoring.answer import Answer
from scoring.scorer import Scorer, ScoreRequest
from scoring.signals.log import SignalBatch
from scoring.signals.rolled_up import RolledUp
from tests.scoring.models import AS_OF, artifact, batch_of, log_of, signal

SCORER = Scorer(artifact())
ALL = "Intent, Recency, Engagement: "


def answered(rolled_up: RolledUp, batch: SignalBatch | None = None) -> Answer:
    batch = batch or batch_of([[log_of([signal("demo_request", days_ago=1)])]])
    request = ScoreRequest(Account("1"), AS_OF, SCORER.objective(), "", "")
    return SCORER.score_one(request, replace(batch, rolled_up={0: rolled_up}))


@pytest.mark.parametrize(
    ("rolled_up", "reasons", "degraded"),
    [
        (RolledUp("parent", 0, (), 0, cut=False), [], False),
        (RolledUp("parent", 1, ("2",), 0, cut=False), ["with 1 subsidiary"], False),
        (RolledUp("parent", 1200, ("2",), 0, cut=False), ["with 1,200 subsidiaries"], False),
        (RolledUp("family", 1, ("2",), 0, cut=False), ["with 1 other account of its family"], False),
        (RolledUp("family", 0, (), 0, cut=False), [], False),
        (
            RolledUp("parent", 4, ("2",), 2, cut=False),
            [
                "with 4 subsidiaries",
                "2 of 5 accounts could not be read in full; the score is without what is missing",
            ],
            True,
        ),
        (
            RolledUp("family", 999, ("2",), 0, cut=True),
            [
                "with 999 other accounts of its family",
                "the family is larger than is counted together; the rest does not count",
            ],
            False,
        ),
    ],
)
def test_an_answer_says_whose_signals_count_and_whose_are_missing(
    rolled_up: RolledUp, reasons: list[str], degraded: bool
) -> None:
    answer = answered(rolled_up)
    about = [one.removeprefix(ALL) for one in answer.reasons if one.startswith(ALL)]
    assert about == reasons
    assert answer.degraded is degraded
    assert answer.intent is not None
    found = answer.detail.signals.rolled_up
    assert (found.rollup, found.accounts, found.ids, found.unread, found.cut) == (
        rolled_up.rollup,
        rolled_up.accounts,
        list(rolled_up.ids),
        rolled_up.unread,
        rolled_up.cut,
    )


def test_what_is_missing_lowers_the_confidence_as_any_fault_does() -> None:
    whole, part = (answered(RolledUp("parent", 1, ("2",), unread, cut=False)) for unread in (0, 1))
    levels = ["low", "medium", "high"]
    assert levels.index(part.confidence) == max(levels.index(whole.confidence) - 1, 0)


def test_where_nothing_could_be_read_that_is_what_is_said() -> None:
    unread = replace(SignalBatch.unavailable(1), read_ago=np.array([np.nan]))
    answer = answered(RolledUp("parent", 0, (), 1, cut=False), unread)
    assert (answer.intent, answer.degraded) == (None, True)
    assert f"{ALL}signals were not read; the score is Fit's share alone" in answer.reasons
