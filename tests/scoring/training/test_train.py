import csv
import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from scoring.account import Account
from scoring.answer import Answer
from scoring.artifact import Artifact, read_artifact
from scoring.errors import NothingToLearnError, PlanError, RequestError
from scoring.plan import parse_plan
from scoring.plan_signals import policy_of
from scoring.registry import active_version, versions
from scoring.scorer import Scorer, ScoreRequest
from scoring.signals.log import SignalBatch
from scoring.signals.policy import Policy
from scoring.training.demo_book import DemoTruth, write_demo_book
from scoring.training.learn import SIGNIFICANCE
from scoring.training.pairs import MOST_PAIRS
from scoring.training.train import EXACT, train
from tests.shared_data import SHARED

NOW = 1_782_864_000.0
RESELLER_HEADER = (
    "ResellerKey GeographyKey ResellerAlternateKey Phone BusinessType ResellerName NumberEmployees "
    "OrderFrequency OrderMonth FirstOrderYear LastOrderYear ProductLine AddressLine1 AddressLine2 "
    "AnnualSales BankName MinPaymentType MinPaymentAmount AnnualRevenue YearOpened"
)

RESELLER_PLAN = f"""
name = "Resellers"
[book]
window_months = 12
[files]
accounts = {{path = "DimReseller.csv", separator = "|", header = {json.dumps(RESELLER_HEADER.split())}}}
invoices = {{path = "FactResellerSales.csv"}}
[columns.accounts]
account_id = "ResellerKey"
name = "ResellerName"
[columns.invoices]
account_id = "ResellerKey"
date = "OrderDate"
amount = "SalesAmount"
cost = ["StandardCost", "OrderQuantity"]
product = "ProductKey"
[attributes]
drop = ["FirstOrderYear", "LastOrderYear"]
[icp]
require_segment = false
"""
SOFTWARE_PLAN = """
name = "Software"
[files]
accounts = {path = "ravenstack_accounts.csv"}
subscriptions = {path = "ravenstack_subscriptions.csv"}
[columns]
accounts = {name = "account_name"}
subscriptions = {start = "start_date", end = "end_date", mrr = "mrr_amount", product = "plan_tier"}
[icp]
require_segment = false
"""


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def answers_for(artifact: Artifact, rows: Iterable[Mapping[str, str]], **asked: float) -> list[Answer]:
    """Score rows of a table as a caller would send them, strings and all, with no signals."""
    scorer = Scorer(artifact)
    objective = scorer.objective(asked or None)
    requests = [ScoreRequest(Account(row["account_id"], "", dict(row)), NOW, objective) for row in rows]
    return scorer.score_many(requests, SignalBatch.empty(len(requests)))


def files_under(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# What stands in the artifact


def test_the_artifact_is_verified_and_active(demo_registry: Path, demo_artifact: Artifact) -> None:
    assert versions(demo_registry) == [demo_artifact.version]
    assert active_version(demo_registry) == demo_artifact.version
    assert demo_artifact.version.startswith("2026-06-30-")
    assert not demo_artifact.draft


def test_the_manifest_names_every_file_that_was_read(demo_book: Path, demo_artifact: Artifact) -> None:
    book = demo_artifact.manifest["book"]
    for name, facts in book["files"].items():
        content = (demo_book / name).read_bytes()
        assert facts["sha256"] == hashlib.sha256(content).hexdigest()
        assert facts["rows"] == len(rows_of(demo_book / name))
    tables = ("accounts", "events", "opportunities", "prospects", "subscriptions")
    assert set(book["files"]) == {f"{table}.csv" for table in tables}
    assert book["prospects"] == len(rows_of(demo_book / "prospects.csv"))
    assert book["customers"] == book["files"]["accounts.csv"]["rows"] - book["merged_accounts"]


def test_the_manifest_keeps_the_plan_and_who_signed_it(demo_artifact: Artifact) -> None:
    plan = demo_artifact.manifest["plan"]
    assert (plan["name"], plan["approved"]) == ("Demo plan", True)
    assert plan["sign_offs"] == [
        {"who": "Dana Reyes", "role": "CRO", "when": "2026-07-01"},
        {"who": "Ikaika Tanaka", "role": "VP Customer Success", "when": "2026-07-01"},
    ]


def test_the_manifest_holds_the_evidence_for_each_objective(demo_artifact: Artifact) -> None:
    assert set(demo_artifact.manifest["objectives"]) == {"growth", "lifetime_value", "efficiency"}
    for found in demo_artifact.manifest["objectives"].values():
        explained = found["r_squared_out_of_fold"]
        assert set(explained) == {found["form"], "linear", "boosted"}
        assert explained[found["form"]] > max(explained.values()) - 0.01
        assert found["p_value"] <= SIGNIFICANCE
        assert found["pair_tables"] <= MOST_PAIRS
        assert found["customers"] > 500
    assert max(demo_artifact.manifest["largest_difference_from_the_learner"].values()) <= EXACT


def test_the_leaky_column_is_named_and_not_used(demo_artifact: Artifact, demo_truth: DemoTruth) -> None:
    assert list(demo_artifact.manifest["leaks"]) == demo_truth.leaky
    assert not set(demo_truth.leaky) & set(demo_artifact.manifest["attributes"])
    assert not set(demo_truth.leaky) & {e.attribute for e in demo_artifact.model.schema.encoders}
    assert {"industry", "employees", "technologies"} <= set(demo_artifact.manifest["attributes"])


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ({"industry": "Financial Technology"}, {"industry": "fintech"}),
        ({"industry": 522320}, {"industry": "fintech"}),
        (
            {"industry": "LOGISTICS_AND_SUPPLY_CHAIN", "country": "Deutschland"},
            {"industry": "logistics", "country": "de"},
        ),
        (
            {"industry": "Hospital & Health Care", "country": "U.S."},
            {"industry": "healthcare", "country": "US"},
        ),
    ],
)
def test_industries_and_countries_score_alike_however_they_are_written(
    demo_artifact: Artifact, written: dict[str, Any], plain: dict[str, Any]
) -> None:
    scorer = Scorer(demo_artifact)
    more = {"employees": 450, "technologies": "snowflake;kafka", "hiring": "yes"}
    answers = [
        scorer.score_one(
            ScoreRequest(Account("1", "", {**known, **more}), 1_782_820_800.0, scorer.objective()),
            SignalBatch.empty(1),
        )
        for known in (written, plain, {})
    ]
    fits = [answer.detail.fit.unclipped for answer in answers]
    assert fits[0] == fits[1] != fits[2]
    assert answers[0].detail.icp == answers[1].detail.icp


def test_training_again_gives_the_same_bytes_and_leaves_the_active_version_alone(
    demo_book: Path, demo_registry: Path, demo_artifact: Artifact, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    shutil.copytree(demo_registry, again)
    told: list[tuple[str, float]] = []
    plan = demo_book / "plan.toml"
    version = train(demo_book, plan, again, on_step=lambda step, done: told.append((step, done)))
    assert version == demo_artifact.version == active_version(again)
    assert files_under(again) == files_under(demo_registry)
    assert told[0] == ("reading the book", 0.0)
    assert told[-1][0] == "writing the artifact"
    assert all(before <= after < 1 for (_, before), (_, after) in pairwise(told))


# What signals mean


def test_what_was_learnt_of_signals_is_proposed_and_not_used_unasked(demo_artifact: Artifact) -> None:
    signals = demo_artifact.manifest["signals"]
    assert signals["use"] == "defaults"
    assert demo_artifact.policy == Policy()
    assert Policy.model_validate(signals["learnt"]["policy"]) != Policy()
    assert policy_of(parse_plan(signals["toml"], "pasted").signals, None) == Policy.model_validate(
        signals["learnt"]["policy"]
    )


def test_a_plan_that_asks_gets_what_was_learnt_and_what_it_sets_itself(tmp_path: Path) -> None:
    write_demo_book(tmp_path / "book", accounts=1_200, prospects=300)
    plan = tmp_path / "book" / "plan.toml"
    asks = '\n[signals]\nuse = "learnt"\n[signals.types.webinar]\nhalf_life_days = 77\n'
    plan.write_text(plan.read_text() + asks)
    artifact = read_artifact(tmp_path, train(tmp_path / "book", plan, tmp_path))
    learnt = Policy.model_validate(artifact.manifest["signals"]["learnt"]["policy"])
    assert artifact.policy.types["webinar"].half_life_days == 77
    assert artifact.policy.types["demo_request"] == learnt.types["demo_request"]
    assert artifact.policy.types["demo_request"].half_life_days < 21
    assert "The plan asks for what was learnt" in (tmp_path / artifact.version / "card.html").read_text()


# Whether it found what was planted


def members_of(truth: DemoTruth) -> set[str]:
    return {account for segment in truth.segments for account in segment.members}


@pytest.mark.parametrize("table", ["accounts", "prospects"])
def test_planted_accounts_score_above_the_rest(
    demo_book: Path, demo_truth: DemoTruth, demo_artifact: Artifact, table: str
) -> None:
    rows = rows_of(demo_book / f"{table}.csv")
    planted = [row["account_id"] in members_of(demo_truth) for row in rows]
    answers = answers_for(demo_artifact, rows)
    assert sum(planted) > 20
    assert roc_auc_score(planted, [answer.score for answer in answers]) >= 0.80
    assert roc_auc_score(planted, [answer.fit for answer in answers]) >= 0.80


@pytest.mark.parametrize("table", ["accounts", "prospects"])
def test_accounts_that_are_easily_won_and_badly_kept_score_below_the_average(
    demo_book: Path, demo_truth: DemoTruth, demo_artifact: Artifact, table: str
) -> None:
    assert demo_truth.trap is not None
    rows = rows_of(demo_book / f"{table}.csv")
    scored = {answer.account_id: answer for answer in answers_for(demo_artifact, rows)}
    trapped = [scored[account].fit for account in demo_truth.trap.members if account in scored]
    assert len(trapped) > 5
    assert sum(trapped) / len(trapped) < 45
    everybody = [answer.score for answer in scored.values()]
    in_trap = [scored[account].score for account in demo_truth.trap.members if account in scored]
    assert sum(in_trap) / len(in_trap) < sum(everybody) / len(everybody)


def test_better_bands_of_customers_turned_out_better(demo_artifact: Artifact) -> None:
    by_metric = {outcome.metric: outcome.calibration for outcome in demo_artifact.model.outcomes}
    assert by_metric["nrr"].mean[-1] > by_metric["nrr"].mean[0] + 0.1
    assert by_metric["payback"].mean[-1] < by_metric["payback"].mean[0] - 2


# Books that lack something


@pytest.mark.parametrize("seed", range(3))
def test_a_book_in_which_nothing_predicts_anything_makes_no_artifact(tmp_path: Path, seed: int) -> None:
    book, registry = tmp_path / "book", tmp_path / "artifacts"
    write_demo_book(book, accounts=800, prospects=200, seed=seed, null=True)
    with pytest.raises(NothingToLearnError) as raised:
        train(book, book / "plan.toml", registry)
    for objective in ("growth", "lifetime_value", "efficiency"):
        assert f"\n  {objective}: no attribute is shown to predict it" in str(raised.value)
    assert not registry.exists()


@pytest.fixture(scope="module")
def without_cac(tmp_path_factory: pytest.TempPathFactory, demo_book: Path) -> Artifact:
    """What is trained on the demo's first customers, had nobody written down what winning them cost."""
    folder = tmp_path_factory.mktemp("without_cac")
    for name in ("accounts", "subscriptions"):
        table = pl.read_csv(demo_book / f"{name}.csv", infer_schema=False)
        table.drop("cac", strict=False).write_csv(folder / f"{name}.csv")
    version = train(folder, demo_book / "plan.toml", folder / "artifacts")
    return read_artifact(folder / "artifacts", version)


def test_without_cac_efficiency_is_left_out_and_the_manifest_says_why(without_cac: Artifact) -> None:
    assert [outcome.objective for outcome in without_cac.model.outcomes] == ["growth", "lifetime_value"]
    assert without_cac.manifest["left_out"] == {
        "efficiency": "the book has no data for it; it needs what customers cost to win, as the accounts' cac"
    }
    assert without_cac.manifest["book"]["prospects"] == 0


def test_asking_for_an_objective_that_was_left_out_is_refused(without_cac: Artifact) -> None:
    for asked in ({"growth": 0.5, "efficiency": 0.5}, "efficiency", "balanced"):
        with pytest.raises(RequestError) as raised:
            Scorer(without_cac).objective(asked)
        assert raised.value.code == "objective_unavailable"
        assert raised.value.field == "objective.efficiency"


def test_answers_say_what_was_left_out_and_use_the_weights_that_are_left(
    demo_book: Path, without_cac: Artifact
) -> None:
    (answer,) = answers_for(without_cac, rows_of(demo_book / "prospects.csv")[:1])
    detail = answer.detail.objective
    assert set(detail.left_out) == {"efficiency"}
    assert detail.weights == pytest.approx({"growth": 0.625, "lifetime_value": 0.375})
    assert set(answer.detail.fit.expected) == {"nrr", "clv"}


def test_without_prospects_the_leaky_column_is_found_by_what_it_knows(
    without_cac: Artifact, demo_truth: DemoTruth
) -> None:
    assert list(without_cac.manifest["leaks"]) == demo_truth.leaky
    assert "a near copy of NRR" in without_cac.manifest["leaks"][demo_truth.leaky[0]]


def test_a_plan_that_cannot_be_read_stops_before_the_book_is_read(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text("[objective]\ngrowht = 1\n")
    with pytest.raises(PlanError, match="growht"):
        train(tmp_path / "no book", tmp_path / "plan.toml", tmp_path / "artifacts")
    assert not (tmp_path / "artifacts").exists()


# Data that others made


@pytest.fixture(scope="module")
def resellers(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    folder = tmp_path_factory.mktemp("resellers")
    (folder / "plan.toml").write_text(RESELLER_PLAN)
    version = train(SHARED / "adventureworks_reseller", folder / "plan.toml", folder)
    return read_artifact(folder, version)


def reseller_rows() -> list[dict[str, str]]:
    lines = (SHARED / "adventureworks_reseller/DimReseller.csv").read_text(encoding="utf-8").splitlines()
    rows = [dict(zip(RESELLER_HEADER.split(), line.split("|"), strict=True)) for line in lines]
    return [{"account_id": row["ResellerKey"], **row} for row in rows]


@pytest.mark.shared_data
def test_a_bicycle_maker_learns_what_a_reseller_is_worth(resellers: Artifact) -> None:
    """Growth has 206 customers whose second year is known, and nothing to hold on to."""
    assert set(resellers.manifest["objectives"]) == {"lifetime_value"}
    assert resellers.manifest["left_out"]["growth"].startswith("no attribute is shown to predict it")
    assert resellers.manifest["left_out"]["efficiency"].endswith("the accounts' cac")
    assert resellers.manifest["objectives"]["lifetime_value"]["correlation_out_of_fold"] > 0.6
    assert "FirstOrderYear" in resellers.manifest["ignored_attributes"]
    assert resellers.manifest["leaks"] == {}


@pytest.mark.shared_data
def test_a_bicycle_maker_s_resellers_are_scored_for_the_line_they_sell(resellers: Artifact) -> None:
    """Its road bicycles sell below their cost, so resellers of them lose it money."""
    rows = reseller_rows()
    answers = answers_for(resellers, rows)
    fits = (
        pl.DataFrame(
            {"line": [row["ProductLine"] for row in rows], "fit": [answer.fit for answer in answers]}
        )
        .group_by("line")
        .agg(pl.col("fit").mean())
    )
    by_line = dict(fits.iter_rows())
    assert by_line["Mountain"] > by_line["Road"] + 20
    assert all(answer.confidence == "high" for answer in answers)
    assert {answer.detail.fit.expected["clv"].value < 0 for answer in answers} == {True, False}


@pytest.mark.shared_data
def test_near_copies_among_a_reseller_s_attributes_do_not_fight(resellers: Artifact) -> None:
    """AnnualRevenue is a tenth of AnnualSales, or nearly."""
    for answer in answers_for(resellers, reseller_rows()):
        points = {point.attribute: point.points for point in answer.detail.fit.points}
        sales, revenue = points.get("AnnualSales", 0.0), points.get("AnnualRevenue", 0.0)
        assert sales * revenue >= 0 or min(abs(sales), abs(revenue)) < 2


@pytest.mark.shared_data
def test_a_software_company_s_random_outcomes_teach_nothing(tmp_path: Path) -> None:
    """Its seats are part of the price: what a customer pays is so much for each, at random otherwise."""
    plan = tmp_path / "plan.toml"
    plan.write_text(SOFTWARE_PLAN)
    with pytest.raises(NothingToLearnError) as raised:
        train(SHARED / "ravenstack", plan, tmp_path / "artifacts")
    for objective in ("growth", "lifetime_value"):
        assert f"\n  {objective}: no attribute is shown to predict it" in str(raised.value)
    assert "\n  seats: part of the price" in str(raised.value)
    assert not (tmp_path / "artifacts").exists()


@pytest.mark.shared_data
def test_of_a_software_company_s_seats_only_lifetime_value_is_learnt_where_the_plan_keeps_them(
    tmp_path: Path,
) -> None:
    (tmp_path / "plan.toml").write_text(SOFTWARE_PLAN + '[attributes]\nkeep = ["seats"]\n')
    version = train(SHARED / "ravenstack", tmp_path / "plan.toml", tmp_path)
    artifact = read_artifact(tmp_path, version)
    assert set(artifact.manifest["objectives"]) == {"lifetime_value"}
    importance = dict(
        zip((f.attribute for f in artifact.model.schema.features), artifact.model.importance[0], strict=True)
    )
    assert max(importance, key=lambda name: importance[name]) == "seats"
