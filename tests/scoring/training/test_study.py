from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from scoring.errors import NothingToLearnError, PlanError
from scoring.plan import AttributesSection, Plan, read_plan
from scoring.training.additive import Floats
from scoring.training.demo_book import write_demo_book
from scoring.training.encode import encode_frame
from scoring.training.study import STEPS, examine

CUSTOMERS = 200
Attributes = dict[str, NDArray[np.float64]]
WriteBook = Callable[[Floats, Floats, Attributes], Path]


@pytest.fixture
def write_book(tmp_path: Path) -> WriteBook:
    """Write a book whose customers pay `mrr` from 2023 on, and `nrr` times that from 2024 on."""

    def write(mrr: Floats, nrr: Floats, attributes: Attributes) -> Path:
        ids = [f"C{n:03}" for n in range(len(mrr))]
        pl.DataFrame({"account_id": ids, **attributes}).write_csv(tmp_path / "accounts.csv")
        first = pl.DataFrame(
            {"account_id": ids, "start": "2023-01-01", "end": "2024-01-01", "mrr": np.round(mrr, 2)}
        )
        second = first.with_columns(
            pl.lit("2024-01-01").alias("start"),
            pl.lit(None, pl.String).alias("end"),
            pl.Series("mrr", np.round(mrr * nrr, 2)),
        )
        pl.concat([second, first]).write_csv(tmp_path / "subscriptions.csv")
        return tmp_path

    return write


PLAN = Plan.model_validate({"book": {"as_of": "2024-06-30"}})


def keeping(*names: str) -> Plan:
    return PLAN.model_copy(update={"attributes": AttributesSection(keep=list(names))})


def noise(seed: int) -> Floats:
    return np.round(np.random.default_rng(seed).normal(size=CUSTOMERS), 3)


def test_a_book_without_attributes_teaches_nothing(write_book: WriteBook) -> None:
    book = write_book(np.full(CUSTOMERS, 100.0), np.ones(CUSTOMERS), {})
    with pytest.raises(NothingToLearnError, match="holds no attribute to learn from"):
        examine(book, PLAN)


def test_when_the_only_attribute_is_a_leak_the_reader_is_told_which_and_why(write_book: WriteBook) -> None:
    nrr = np.exp(noise(0) / 3)
    book = write_book(np.full(CUSTOMERS, 100.0), nrr, {"risk": nrr})
    with pytest.raises(NothingToLearnError, match="risk: a near copy of NRR"):
        examine(book, PLAN)


def test_when_nothing_is_learnt_the_leaks_are_named_with_how_to_keep_them(write_book: WriteBook) -> None:
    nrr = np.exp(noise(0) / 3)
    book = write_book(np.full(CUSTOMERS, 100.0), nrr, {"risk": nrr, "ordinary": noise(1)})
    with pytest.raises(NothingToLearnError) as raised:
        examine(book, PLAN)
    reasons = str(raised.value).partition("[attributes] keep")
    assert "growth: no attribute is shown to predict it" in reasons[0]
    assert "risk: a near copy of NRR" in reasons[2]


def test_a_leak_that_the_plan_keeps_is_learnt_from(write_book: WriteBook) -> None:
    nrr = np.exp(noise(0) / 3)
    book = write_book(np.full(CUSTOMERS, 100.0), nrr, {"risk": nrr, "ordinary": noise(1)})
    study = examine(book, keeping("risk"))
    assert study.leaks == {}
    assert [feature.attribute for feature in study.schema.features] == ["risk", "ordinary"]
    assert study.heads[0].learnt.evidence.correlation > 0.9


def test_what_can_be_learnt_is_and_what_cannot_is_left_out_with_the_reason(write_book: WriteBook) -> None:
    size = noise(0)
    book = write_book(np.exp(5 + 0.5 * size + 0.8 * noise(1)), np.exp(noise(2) / 9), {"size": size})
    study = examine(book, PLAN)
    assert [head.target.objective for head in study.heads] == ["lifetime_value"]
    assert set(study.left_out) == {"growth", "efficiency"}
    assert study.left_out["growth"].startswith("no attribute is shown to predict it")
    assert "no data" in study.left_out["efficiency"]
    assert study.as_of == date(2024, 6, 30)


def test_a_constant_outcome_is_left_out_as_such(write_book: WriteBook) -> None:
    size = noise(0)
    book = write_book(np.exp(5 + 0.5 * size + 0.8 * noise(1)), np.ones(CUSTOMERS), {"size": size})
    assert examine(book, PLAN).left_out["growth"] == f"all {CUSTOMERS} customers have the same outcome"


def test_customers_that_cost_nothing_to_win_count(write_book: WriteBook) -> None:
    size = noise(0)
    cac = np.where(np.arange(CUSTOMERS) % 4 == 0, 0.0, np.exp(5 - size + 0.8 * noise(1)))
    book = write_book(np.full(CUSTOMERS, 100.0), np.ones(CUSTOMERS), {"size": size, "cac": cac})
    (head,) = examine(book, PLAN).heads
    assert head.target.objective == "efficiency"
    assert (head.known == 0).sum() == CUSTOMERS // 4


def test_customers_metrics_and_codes_stand_in_one_order(write_book: WriteBook) -> None:
    size = noise(0)
    book = write_book(np.exp(5 + 0.5 * size + 0.8 * noise(1)), np.ones(CUSTOMERS), {"size": size})
    accounts = pl.read_csv(book / "accounts.csv").sample(fraction=1, shuffle=True, seed=1)
    accounts.write_csv(book / "accounts.csv")
    study = examine(book, PLAN)
    assert study.customers["account_id"].to_list() == study.metrics["account_id"].to_list()
    assert np.array_equal(study.codes, encode_frame(study.schema, study.customers))
    assert study.customers["size"].to_list() == size.tolist()


def test_the_demo_s_leaky_column_is_used_where_the_plan_keeps_it(tmp_path: Path) -> None:
    book = tmp_path / "book"
    truth = write_demo_book(book, accounts=400, prospects=100)
    plan = read_plan(book / "plan.toml")
    steps: list[str] = []
    kept = examine(
        book,
        plan.model_copy(update={"attributes": AttributesSection(keep=truth.leaky)}),
        on_step=steps.append,
    )
    assert kept.leaks == {}
    assert set(truth.leaky) <= {feature.attribute for feature in kept.schema.features}
    growth = next(head for head in kept.heads if head.target.objective == "growth")
    assert growth.learnt.evidence.r_squared > 0.6, "as good as a leak is"
    assert len(steps) <= STEPS


@pytest.mark.parametrize("kind", ["segment", "exclusion"])
def test_a_rule_on_an_attribute_that_no_account_has_is_refused_by_name(
    write_book: WriteBook, kind: str
) -> None:
    growth = noise(1)
    book = write_book(np.full(CUSTOMERS, 100.0), 1 + 0.2 * np.tanh(growth), {"size": growth, "age": noise(2)})
    why = {} if kind == "segment" else {"reason": "too small"}
    rule = {"id": "typo", "where": [{"szie": {"min": 1}}], **why}
    plan = Plan.model_validate({"book": {"as_of": "2024-06-30"}, kind: [rule]})
    with pytest.raises(PlanError, match=f"{kind} typo names szie.*age, size"):
        examine(book, plan)


def test_a_plan_that_weighs_only_what_cannot_be_learnt_is_refused(write_book: WriteBook) -> None:
    growth = noise(1)
    book = write_book(
        np.full(CUSTOMERS, 100.0),
        1 + 0.1 * np.tanh(growth) + 0.1 * noise(3),
        {"size": growth, "age": noise(2)},
    )
    plan = Plan.model_validate({"book": {"as_of": "2024-06-30"}, "objective": {"efficiency": 1}})
    with pytest.raises(PlanError, match=r"efficiency: .*cac"):
        examine(book, plan)
