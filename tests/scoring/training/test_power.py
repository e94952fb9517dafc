import numpy as np
import polars as pl
import pytest

from scoring.training.attributes import Attribute
from scoring.training.found import AttributePower
from scoring.training.power import LEAST_JUDGED, rank_attributes

N = 1500
RNG = np.random.default_rng(0)
X = RNG.normal(size=N)
CUSTOMERS = pl.DataFrame(
    {
        "sales": np.exp(2 * X + 9),
        "revenue": np.exp(2 * X + 7 + 0.1 * RNG.normal(size=N)),
        "chance": RNG.normal(size=N),
        "since": 2010 + 12 * RNG.random(N),
        "line": np.where(X > 1, "road", np.where(X > 0, "touring", "mountain")),
        "code": np.where(X > 1, "r", np.where(X > 0, "t", "m")),
        "tools": [["a"] if at % 2 else ["a", "b"] for at in range(N)],
        "half": [None if at % 2 else value for at, value in enumerate(RNG.normal(size=N))],
    }
)
KINDS = {"line": "category", "code": "category", "tools": "tags", "since": "date"}


def attribute(name: str) -> Attribute:
    return Attribute(name, KINDS.get(name, "number"))  # type: ignore[arg-type]  # the kinds above


def ranked(
    names: list[str], y: np.ndarray, used: tuple[str, ...] = (), customers: pl.DataFrame = CUSTOMERS
) -> dict[str, AttributePower]:
    powers = rank_attributes([attribute(name) for name in names], customers, {"growth": y}, used, seed=0)
    return {power.attribute: power for power in powers}


def test_the_most_telling_attribute_comes_first_with_the_share_it_explains() -> None:
    y = X + RNG.normal(size=N)
    powers = ranked(["chance", "since", "line", "sales"], y)
    assert list(powers)[:2] == ["sales", "line"]
    assert powers["sales"].alone["growth"] == pytest.approx(0.5, abs=0.05)


def test_what_matters_at_both_ends_tells_as_much_as_what_rises() -> None:
    assert ranked(["sales"], X**2)["sales"].alone["growth"] > 0.7


def test_tags_and_dates_tell_what_they_tell() -> None:
    has_b = np.arange(N) % 2 == 0
    assert ranked(["tools"], has_b + 0.5 * RNG.normal(size=N))["tools"].alone["growth"] > 0.4
    assert ranked(["since"], CUSTOMERS["since"].to_numpy())["since"].alone["growth"] > 0.9


def test_chance_is_worth_nothing_and_its_enrichment_could_stop() -> None:
    power = ranked(["chance"], RNG.normal(size=N))["chance"]
    assert 0 <= power.alone["growth"] < 0.005
    assert power.stop.startswith("tells nothing alone")


def test_an_attribute_that_a_candidate_needs_is_worth_having_whatever_it_tells_alone() -> None:
    assert ranked(["chance"], RNG.normal(size=N), ("chance",))["chance"].stop == ""


def test_of_near_copies_the_one_that_tells_less_could_stop() -> None:
    powers = ranked(["revenue", "sales"], X + 0.05 * RNG.normal(size=N))
    assert powers["sales"].stop == ""
    assert powers["revenue"].stop == "a near copy (1.00) of sales, which tells more"


def test_categories_that_say_the_same_are_near_copies() -> None:
    powers = ranked(["line", "code"], X)
    assert sorted(power.stop for power in powers.values()) == [
        "",
        "a near copy (1.00) of line, which tells more",
    ]


def test_a_coarser_attribute_is_no_copy() -> None:
    coarse = CUSTOMERS.with_columns(
        code=pl.when(pl.col("code") == "m").then(pl.lit("m")).otherwise(pl.lit("o"))
    )
    assert all(power.stop == "" for power in ranked(["line", "code"], X, customers=coarse).values())


def test_few_customers_condemn_no_attribute() -> None:
    y = RNG.normal(size=N)
    y[LEAST_JUDGED - 1 :] = np.nan
    assert ranked(["chance"], y)["chance"].stop == ""


def test_how_many_have_an_attribute_is_counted() -> None:
    assert ranked(["half"], X)["half"].filled == 0.5


def test_outcomes_that_are_unknown_or_never_vary_are_explained_by_nothing() -> None:
    for y in (np.full(N, np.nan), np.ones(N)):
        assert ranked(["sales"], y)["sales"].alone == {"growth": 0.0}


def test_what_is_missing_can_tell_too() -> None:
    missing = CUSTOMERS["half"].is_null().to_numpy().astype(np.float64)
    assert ranked(["half"], missing)["half"].alone["growth"] > 0.9
