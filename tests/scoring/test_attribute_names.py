from __future__ import annotations

from typing import Any

import pytest

from scoring.account import Account
from scoring.attribute_names import AttributeNames
from scoring.scorer import Scorer, ScoreRequest
from scoring.signals.log import SignalBatch
from tests.scoring.models import artifact

NAMES = AttributeNames(["Uses ERP", "staff", "Staff"])


@pytest.mark.parametrize("written", ["Uses ERP", "uses_erp", "USES-ERP", " uses  erp "])
def test_case_blanks_dashes_and_underscores_do_not_matter(written: str) -> None:
    assert NAMES.recognise({written: 1}) == ({"Uses ERP": 1}, [])


@pytest.mark.parametrize("sent", [{"uses_erp": 1, "Uses ERP": 2}, {"Uses ERP": 2, "uses_erp": 1}])
def test_a_name_as_it_is_known_goes_before_one_that_reads_alike(sent: dict[str, Any]) -> None:
    assert NAMES.recognise(sent) == ({"Uses ERP": 2}, [])


def test_names_that_differ_in_case_alone_stay_apart() -> None:
    assert NAMES.recognise({"staff": 1, "Staff": 2}) == ({"staff": 1, "Staff": 2}, [])


def test_an_answer_names_what_nobody_knows_and_uses_the_rest() -> None:
    scorer = Scorer(artifact())

    def ask(**attributes: Any) -> Any:
        request = ScoreRequest(Account("1", "", attributes), 1_782_820_800.0, scorer.objective())
        return scorer.score_one(request, SignalBatch.empty(1))

    as_known, otherwise = ask(employees=450), ask(Employees=450, colour="red")
    assert otherwise.fit == as_known.fit
    assert otherwise.detail.fit.points == as_known.detail.fit.points
    assert (as_known.detail.fit.unknown, otherwise.detail.fit.unknown) == ([], ["colour"])
