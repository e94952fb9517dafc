import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.training.attributes import Attribute, AttributeKind
from scoring.training.drift import LEAST_PROSPECTS, MOST_ACCOUNTS, Drift, drift_of, stability_index
from scoring.training.schema import build_schema

KINDS: dict[str, AttributeKind] = {
    "employees": "number",
    "industry": "category",
    "hiring": "flag",
    "technologies": "tags",
}
counts = st.lists(st.integers(0, 500), min_size=2, max_size=12).filter(lambda x: sum(x) > 0)


def accounts(seed: int, rows: int, *, scale: float = 100.0, snowflake: float = 0.3) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    tags = [["aws", *(["snowflake"] if hit else [])] for hit in rng.random(rows) < snowflake]
    tags = [each if aws else each[1:] for each, aws in zip(tags, rng.random(rows) < 0.6, strict=True)]
    return pl.DataFrame(
        {
            "employees": np.round(scale * np.exp(rng.normal(0, 1.5, rows))),
            "industry": rng.choice(["fintech", "media", "retail"], rows, p=[0.5, 0.3, 0.2]),
            "hiring": rng.random(rows) < 0.4,
            "technologies": tags,
        }
    )


def drifted(customers: pl.DataFrame, prospects: pl.DataFrame | None) -> Drift | str:
    schema = build_schema([Attribute(name, kind) for name, kind in KINDS.items()], customers)
    return drift_of(schema, customers, prospects, seed=0)


def found(customers: pl.DataFrame, prospects: pl.DataFrame) -> Drift:
    drift = drifted(customers, prospects)
    assert isinstance(drift, Drift)
    return drift


@given(counts, st.data())
def test_the_index_is_never_negative_symmetric_and_nought_for_like_shares(
    left: list[int], data: st.DataObject
) -> None:
    size = len(left)
    right = data.draw(
        st.lists(st.integers(0, 500), min_size=size, max_size=size).filter(lambda x: sum(x) > 0)
    )
    a, b = np.array(left, np.float64), np.array(right, np.float64)
    assert stability_index(a, b) >= 0
    assert stability_index(a, b) == pytest.approx(stability_index(b, a))
    assert stability_index(a, a) == 0


def test_the_index_of_a_textbook_table() -> None:
    """Shares .2/.3/.5 against .3/.3/.4: .1 ln 1.5 + .1 ln 1.25."""
    index = stability_index(np.array([2e5, 3e5, 5e5]), np.array([3e5, 3e5, 4e5]))
    assert index == pytest.approx(0.1 * np.log(1.5) + 0.1 * np.log(1.25), abs=1e-4)


def test_prospects_like_customers_are_steady_and_no_warning_is_given() -> None:
    drift = found(accounts(0, 2000), accounts(1, 800))
    assert {one.level for one in drift.attributes} == {"steady"}
    assert {one.attribute for one in drift.attributes} == set(KINDS)
    assert drift.warning == ""


def test_few_prospects_are_seldom_called_shifted_for_their_number() -> None:
    """Their indexes are mostly over .1 all the same."""
    drifts = [found(accounts(100 + n, 300), accounts(300 + n, LEAST_PROSPECTS)) for n in range(100)]
    assert sum(drift.attributes[0].index > 0.1 for drift in drifts) > 90
    assert sum(any(one.level != "steady" for one in drift.attributes) for drift in drifts) < 12


def test_each_kind_of_attribute_that_shifts_is_named_with_where() -> None:
    customers = accounts(0, 2000)
    prospects = accounts(1, 800, scale=400.0, snowflake=0.7).with_columns(
        pl.lit("retail").alias("industry"), pl.when(pl.col("hiring")).then(True).alias("hiring")
    )
    drift = found(customers, prospects)
    level = {one.attribute: one.level for one in drift.attributes}
    assert set(level.values()) == {"shifted much"}
    where = {one.attribute: one for one in drift.attributes}
    assert where["employees"].most.startswith("over ")
    assert where["technologies"].most in ("snowflake", "no snowflake")
    assert (where["industry"].most, where["industry"].prospects) == ("retail", 1.0)
    assert where["hiring"].most in ("missing", "no")
    assert [one.index for one in drift.attributes] == sorted(
        (one.index for one in drift.attributes), reverse=True
    )
    assert "prospects differ much from customers in" in drift.warning


def test_missing_is_a_bin_of_its_own() -> None:
    customers = accounts(0, 2000)
    gaps = pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.col("employees")).alias("employees")
    (first, *_) = found(customers, accounts(1, 800).with_columns(gaps)).attributes
    assert (first.attribute, first.most, first.customers, first.prospects) == (
        "employees",
        "missing",
        0.0,
        0.5,
    )


def test_a_slight_shift_is_told_from_a_large_one() -> None:
    drift = found(accounts(0, 5000), accounts(1, 5000, snowflake=0.47))
    shifted = {one.attribute: one for one in drift.attributes if one.level != "steady"}
    assert [(name, one.level) for name, one in shifted.items()] == [("technologies", "shifted")]
    assert 0.1 < shifted["technologies"].index < 0.25
    assert drift.warning == ""


def test_prospects_outside_what_customers_show_are_counted_by_attribute() -> None:
    customers = accounts(0, 1000).with_columns(pl.col("employees").clip(5, 5000))
    prospects = accounts(1, 100).with_columns(
        pl.when(pl.int_range(100) < 7).then(9000.0).otherwise(50.0).alias("employees"),
        pl.when(pl.int_range(100) < 10).then(pl.lit("farming")).otherwise(pl.lit("media")).alias("industry"),
        pl.when(pl.int_range(100) >= 98).then(None).otherwise(pl.col("hiring")).alias("hiring"),
    )
    drift = found(customers, prospects)
    assert drift.never_seen_by == (("industry", 0.1), ("employees", 0.07), ("hiring", 0.02))
    assert drift.never_seen == pytest.approx(0.12)
    assert "12% of prospects have a value that no customer has" in drift.warning


def test_a_level_too_rare_for_an_entry_of_its_own_was_seen_all_the_same() -> None:
    customers = accounts(0, 1000).with_columns(
        pl.when(pl.int_range(1000) < 2).then(pl.lit("farming")).otherwise("industry").alias("industry")
    )
    prospects = accounts(1, 100).with_columns(pl.lit("farming").alias("industry"))
    assert "industry" not in dict(found(customers, prospects).never_seen_by)


def test_two_values_that_hardly_any_customer_has_together_are_unknown_ground() -> None:
    rng = np.random.default_rng(0)
    industry = rng.choice(["fintech", "media"], 1000)
    customers = accounts(0, 1000).with_columns(
        pl.Series("industry", industry), pl.Series("hiring", industry == "media")
    )
    prospects = accounts(1, 100).with_columns(
        pl.lit("fintech").alias("industry"), (pl.int_range(100) < 25).alias("hiring")
    )
    drift = found(customers, prospects)
    assert dict(drift.rarely_seen_by)["industry & hiring"] == 0.25
    assert drift.rarely_seen == 0.25
    assert "industry" not in dict(drift.never_seen_by)


def test_without_prospects_or_with_hardly_any_there_is_nothing_to_tell() -> None:
    customers = accounts(0, 100)
    for prospects in (None, accounts(1, LEAST_PROSPECTS - 1)):
        drift = drifted(customers, prospects)
        assert isinstance(drift, str)
        assert f"at least {LEAST_PROSPECTS} are needed" in drift


def test_of_very_many_prospects_a_sample_is_looked_at_and_it_is_said() -> None:
    drift = found(accounts(0, 500), accounts(1, MOST_ACCOUNTS + 1000))
    assert drift.prospects == MOST_ACCOUNTS + 1000
    assert drift.notes[1:] == ("of the 21,000 prospects a sample of 20,000 was looked at",)
    assert {one.level for one in drift.attributes} == {"steady"}
