"""Win propensity stands beside Fit: expected of an account, never weighed, absent where deals say nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from scoring.account import Account
from scoring.artifact import Artifact, read_artifact
from scoring.errors import RequestError
from scoring.fit import SECONDARY
from scoring.plan import read_plan
from scoring.scorer import Scorer, ScoreRequest
from scoring.signals.log import SignalBatch
from scoring.training.assemble import Head
from scoring.training.deals import decided_deals
from scoring.training.demo_book import write_demo_book
from scoring.training.propensity import learn_propensity
from scoring.training.survey import Survey, survey
from scoring.training.train import train

NOW = 1_782_864_000.0


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo book in which companies that are hiring buy four times as often."""
    folder = tmp_path_factory.mktemp("propensity") / "book"
    write_demo_book(folder, accounts=600, prospects=100)
    accounts = pl.read_csv(folder / "accounts.csv", infer_schema_length=0)
    hiring = accounts["hiring"].str.to_lowercase().is_in(["yes", "true", "y"]).fill_null(value=False)
    rng = np.random.default_rng(3)
    rows = [
        (account, "2025-01-01", "won" if rng.random() < (0.8 if is_hiring else 0.2) else "lost", "2025-03-01")
        for account, is_hiring in zip(accounts["account_id"], hiring, strict=True)
        for _ in range(2)
    ]
    deals = pl.DataFrame(rows, schema=["account_id", "created", "outcome", "closed"], orient="row")
    deals.write_csv(folder / "opportunities.csv")
    return folder


@pytest.fixture(scope="module")
def found(book: Path) -> Survey:
    return survey(book, read_plan(book / "plan.toml"))


@pytest.fixture(scope="module")
def artifact(book: Path) -> Artifact:
    artifacts = book.parent / "artifacts"
    return read_artifact(artifacts, train(book, book / "plan.toml", artifacts))


def expected_of(artifact: Artifact, hiring: str) -> float:
    scorer = Scorer(artifact)
    account = Account(account_id="x", attributes={"hiring": hiring, "industry": "retail", "employees": 100})
    request = ScoreRequest(account, NOW, scorer.objective())
    answer = scorer.score_one(request, SignalBatch.empty(1))
    assert set(answer.detail.objective.weights) <= {"growth", "lifetime_value", "efficiency"}
    return answer.detail.fit.expected["win_rate"].value


def test_an_answer_says_how_often_deals_of_such_accounts_are_won(artifact: Artifact) -> None:
    assert expected_of(artifact, "yes") > 0.6
    assert expected_of(artifact, "no") < 0.4


def test_no_request_may_weigh_it(artifact: Artifact) -> None:
    with pytest.raises(RequestError, match="objective weights are given for these alone"):
        Scorer(artifact).objective({SECONDARY: 1.0})


def test_it_adds_no_points_to_fit(artifact: Artifact) -> None:
    weights = artifact.model.planned(artifact.plan.objective)
    places = [place for place, o in enumerate(artifact.model.outcomes) if o.objective == SECONDARY]
    assert [weights.factors[place] for place in places] == [0.0]


def test_the_manifest_has_its_evidence(artifact: Artifact) -> None:
    evidence = artifact.manifest["win_propensity"]
    assert evidence["metric"] == "win_rate"
    assert evidence["correlation_out_of_fold"] > 0.4


def test_its_outcomes_are_the_decided_deals(found: Survey) -> None:
    head = learn_propensity(found, seed=0)
    assert isinstance(head, Head)
    assert found.book.opportunities is not None
    assert len(head.known) == decided_deals(found.book.opportunities, found.as_of).height


def test_a_book_without_deals_says_what_it_lacks(found: Survey) -> None:
    without = replace(found, book=replace(found.book, opportunities=None))
    assert learn_propensity(without, seed=0) == (
        "the book has no data for it; it needs opportunities that were won and lost"
    )


def test_deals_that_were_all_won_teach_nothing(found: Survey) -> None:
    assert found.book.opportunities is not None
    won = found.book.opportunities.filter(pl.col("outcome") == "won")
    said = learn_propensity(replace(found, book=replace(found.book, opportunities=won)), seed=0)
    assert isinstance(said, str)
    assert "0 lost" in said
