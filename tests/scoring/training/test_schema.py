from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.features import (
    LARGEST_SIZE,
    MISSING,
    UNSEEN,
    CategoryEncoder,
    DateEncoder,
    FeatureSchema,
    NumberEncoder,
    TagsEncoder,
)
from scoring.training.attributes import Attribute, AttributeKind
from scoring.training.encode import encode_frame
from scoring.training.schema import (
    FEW,
    LEAST_FOR_LEVEL,
    LEAST_FOR_TAG,
    MOST_INTERVALS,
    MOST_TAGS,
    build_schema,
)


def schema_of(kind: AttributeKind, values: Sequence[Any]) -> FeatureSchema:
    return build_schema([Attribute("x", kind)], frame_of(values))


def frame_of(values: Sequence[Any]) -> pl.DataFrame:
    return pl.DataFrame({"x": pl.Series(values)})


def edges_of(values: Sequence[float | None]) -> tuple[float, ...]:
    (encoder,) = schema_of("number", values).encoders
    assert isinstance(encoder, NumberEncoder)
    return encoder.edges


def levels_of(values: Sequence[str | None]) -> tuple[str, ...]:
    (encoder,) = schema_of("category", values).encoders
    assert isinstance(encoder, CategoryEncoder)
    return encoder.levels


def tags_of(values: Sequence[list[str] | None]) -> tuple[str, ...]:
    (encoder,) = schema_of("tags", values).encoders
    assert isinstance(encoder, TagsEncoder)
    return encoder.tags


@given(st.lists(st.one_of(st.none(), st.floats(-1e12, 1e12)), min_size=1, max_size=300))
def test_edges_ascend_and_every_interval_holds_a_customer(values: list[float | None]) -> None:
    present = [value for value in values if value is not None]
    if not present:
        return
    edges = edges_of(values)
    assert all(low < high for low, high in pairwise(edges))
    codes = encode_frame(schema_of("number", values), frame_of(values))[:, 0]
    counts = np.bincount(codes[codes != MISSING], minlength=len(edges) + 2)[1:]
    assert len(edges) + 1 <= MOST_INTERVALS
    assert (counts > 0).all()


def test_intervals_hold_like_numbers_of_customers() -> None:
    values = np.exp(np.random.default_rng(0).normal(0, 3, 1000)).tolist()
    codes = encode_frame(schema_of("number", values), frame_of(values))[:, 0]
    counts = np.bincount(codes)[1:]
    assert len(counts) == MOST_INTERVALS
    assert np.ptp(counts) <= 1


def test_many_customers_get_no_more_intervals_than_people_can_read() -> None:
    assert len(edges_of(np.random.default_rng(0).random(20_000).tolist())) == MOST_INTERVALS - 1


def test_few_distinct_values_are_cut_half_way_between_them() -> None:
    assert edges_of([1.0, 2.0, 4.0] * 100) == (1.5, 3.0)


def test_a_value_most_customers_share_gets_an_interval_of_its_own() -> None:
    values = [0.0] * 900 + np.linspace(1, 2, 100).tolist()
    codes = encode_frame(schema_of("number", values), frame_of(values))[:, 0]
    assert (codes[:900] == 1).all()
    assert (codes[900:] > 1).all()


def test_a_number_that_never_varies_only_tells_present_from_missing() -> None:
    schema = schema_of("number", [7.0, 7.0, None])
    assert encode_frame(schema, frame_of([7.0, None, 8.0])).tolist() == [[1], [0], [1]]


def test_a_date_keeps_how_it_was_written() -> None:
    attributes = [Attribute("x", "date", day_first=True)]
    schema = build_schema(attributes, frame_of([2020.0, 2024.0] * 50))
    (encoder,) = schema.encoders
    assert isinstance(encoder, DateEncoder)
    assert encoder.day_first
    assert schema.encode([{"x": "01-02-2024"}]).codes.tolist() == [[2]]


def test_a_level_too_few_customers_have_falls_into_the_entry_of_unseen_ones() -> None:
    many = ["software"] * LEAST_FOR_LEVEL * FEW
    values = ["fintech"] * LEAST_FOR_LEVEL + ["retail"] * (LEAST_FOR_LEVEL - 1) + many + [None]
    schema = schema_of("category", values)
    assert levels_of(values) == ("fintech", "software")
    asked = ["fintech", "retail", "mining", None]
    assert encode_frame(schema, frame_of(asked))[:, 0].tolist() == [2, UNSEEN, UNSEEN, MISSING]


@pytest.mark.parametrize("customers", [10, 2 * FEW, 4 * FEW])
def test_of_few_customers_fewer_must_have_a_level_or_tag_but_never_one_alone(customers: int) -> None:
    least = max(2, customers // FEW)
    filler = ["software"] * (customers - 2 * least + 1)
    values = ["fintech"] * least + ["retail"] * (least - 1) + filler
    assert levels_of(values) == ("fintech", "software")
    fewest = max(2, 2 * customers // FEW)
    tagged = [["a"]] * fewest + [["b"]] * (fewest - 1) + [["c"]] * (customers - 2 * fewest + 1)
    assert tags_of(tagged) == ("a", "c")


@pytest.mark.parametrize("unit", [1e-323, 5e-324, 1e308])
def test_neighbouring_numbers_are_parted_however_large_or_small(unit: float) -> None:
    values = [-unit, 0.0, unit] if unit < 1 else [-1.7 * unit, unit, float(np.nextafter(unit, 0))]
    codes = encode_frame(schema_of("number", values), frame_of(values))[:, 0]
    assert sorted(codes.tolist()) == [1, 2, 3]


def test_a_category_of_rare_levels_only_still_tells_present_from_missing() -> None:
    assert levels_of([f"town {n}" for n in range(40)]) == ()


def test_of_too_many_levels_the_most_frequent_ones_get_an_entry() -> None:
    values = [f"common {n:03}" for n in range(LARGEST_SIZE - 2)] * (LEAST_FOR_LEVEL + 1)
    levels = levels_of(values + [f"less common {n}" for n in range(50)] * LEAST_FOR_LEVEL)
    assert len(levels) == LARGEST_SIZE - 2
    assert all(level.startswith("common") for level in levels)


@pytest.mark.parametrize(("with_it", "known"), [(LEAST_FOR_TAG - 1, False), (LEAST_FOR_TAG, True)])
def test_a_tag_needs_enough_customers_with_it(with_it: int, known: bool) -> None:
    values = [["common", "rare"]] * with_it + [["common"]] * 200 + [["other"]] * 200
    assert ("rare" in tags_of(values)) is known


@pytest.mark.parametrize(("without_it", "known"), [(LEAST_FOR_TAG - 1, False), (LEAST_FOR_TAG, True)])
def test_a_tag_needs_enough_customers_without_it(without_it: int, known: bool) -> None:
    values = [["excel", "some"]] * 200 + [["excel"]] * 200 + [["some"]] * without_it
    assert ("excel" in tags_of(values)) is known


def test_in_a_large_book_a_tag_needs_a_share_of_the_customers() -> None:
    assert tags_of([["rare"]] * 20 + [["some"]] * 1500 + [["other"]] * 1500) == ("other", "some")


def test_of_too_many_tags_the_most_frequent_ones_are_features() -> None:
    frequent = [f"frequent {n:03}" for n in range(MOST_TAGS)]
    values = [frequent] * 20 + [[f"less {n}" for n in range(30)]] * 15 + [["none of them"]] * 40
    assert set(tags_of(values)) < {*frequent, "none of them"}
    assert len(tags_of(values)) == MOST_TAGS


def test_a_tag_list_without_a_telling_tag_is_no_feature() -> None:
    assert schema_of("tags", [["a"], ["b"], []]).features == ()


@pytest.mark.parametrize("kind", ["number", "date", "flag", "category", "tags"])
def test_an_attribute_no_customer_has_is_no_feature(kind: AttributeKind) -> None:
    assert schema_of(kind, [None, None]).encoders == ()


def test_attributes_left_out_are_no_features() -> None:
    attributes = [Attribute("a", "number"), Attribute("b", "number")]
    customers = pl.DataFrame({"a": [1.0, 2.0], "b": [1.0, 2.0]})
    assert [f.attribute for f in build_schema(attributes, customers, without={"a"}).features] == ["b"]
