from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.errors import TableError
from scoring.features import FeatureSchema, FlagEncoder, NumberEncoder, TagsEncoder
from scoring.training.typed_columns import infer, kinds_of, row_count, to_frame


def kind_of(values: Any) -> str:
    return infer({"x": values})[0].kind


def read(values: Any, kind: str) -> list[Any]:
    return to_frame({"x": values}, {"x": kind})["x"].to_list()


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2.5, None], "number"),
        (["1,200", "$3k", "27%", "n/a"], "number"),
        ([1, True, 2], "number"),
        (["12", 340, "51-200", "1,000+"], "number"),
        (["1-10", "11-50", "11-50", "51-200", "1,000+"], "category"),
        ([Decimal("1.5"), np.int64(3), np.float32("nan")], "number"),
        (np.array([1, 2], np.uint8), "number"),
        (np.array([1.0, np.inf, np.nan]), "number"),
        ([True, None, False], "flag"),
        ([np.True_, np.False_], "flag"),
        (np.array([True, False]), "flag"),
        ([["a"], None, []], "tags"),
        ([("a", "b"), "c"], "tags"),
        ([{"a"}, frozenset()], "tags"),
        (["red", "blue", 3], "category"),
        (np.array(["red", "blue"]), "category"),
        ([True, "maybe"], "category"),
        ([None, None], "category"),
        ([], "category"),
    ],
)
def test_a_column_s_kind_follows_from_its_values(values: Any, kind: str) -> None:
    assert kind_of(values) == kind


@pytest.mark.parametrize(("words", "kind"), [(5, "number"), (6, "category")])
def test_one_text_in_twenty_may_fail_to_read_as_a_number(words: int, kind: str) -> None:
    assert kind_of(["12"] * (100 - words) + ["many"] * words) == kind


@pytest.mark.parametrize("nan", [float("nan"), np.float64("nan"), np.float32("nan"), np.float16("nan")])
def test_nan_of_any_width_is_a_missing_value_and_no_text(nan: Any) -> None:
    assert kind_of([1.0, 2.0, nan, nan]) == "number"
    assert read([1.0, 2.0, nan, nan], "number") == [1.0, 2.0, None, None]


@given(st.lists(st.none() | st.floats(allow_nan=True, allow_infinity=True), min_size=1))
def test_an_array_of_numbers_is_read_as_its_list_is(values: list[float | None]) -> None:
    as_floats = [float("nan") if value is None else value for value in values]
    assert read(np.array(as_floats), "number") == read(values, "number")


@pytest.mark.parametrize("values", [[1, 2, 300], [0, 1, 1]])
def test_integers_of_any_width_are_read_alike(values: list[int]) -> None:
    for dtype in (np.int16, np.uint32, np.int64, np.float32, object):
        assert read(np.array(values, dtype), "number") == [float(value) for value in values]


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (["1,200", "many", None, 7], "number", [1200.0, None, None, 7.0]),
        ([10**400, float("inf"), "1e999"], "number", [None, None, None]),
        (["  Retail ", "retail", 7.0, True, None], "category", ["retail", "retail", "7", "true", None]),
        (["yes", 0, np.True_, "perhaps"], "flag", [True, False, True, None]),
        ([{"b", "A"}, "x;y", (), None], "tags", [["a", "b"], ["x", "y"], None, None]),
        ([{"a": 1}, object(), b"x"], "category", [None, None, None]),
    ],
)
def test_values_are_read_as_a_request_s_are_and_are_missing_where_they_cannot_be(
    values: Any, kind: str, expected: list[Any]
) -> None:
    assert read(values, kind) == expected


def test_columns_are_typed_as_the_book_s_are_even_without_a_value() -> None:
    kinds = {"a": "number", "b": "flag", "c": "tags", "d": "category"}
    frame = to_frame({name: [None] for name in kinds}, kinds)
    assert frame.dtypes == [pl.Float64, pl.Boolean, pl.List(pl.String), pl.String]


def test_columns_that_were_not_learnt_from_are_passed_over() -> None:
    assert to_frame({"a": [1], "b": [2]}, {"b": "number"}).columns == ["b"]


def test_a_column_that_was_learnt_from_must_be_there() -> None:
    with pytest.raises(TableError, match="were learnt from and are absent: b, c"):
        to_frame({"a": [1]}, {"a": "number", "b": "number", "c": "flag"})


def test_columns_of_different_length_are_refused_with_their_lengths() -> None:
    with pytest.raises(TableError, match=r"give each a value per row, None for a missing one: a 1, b 2"):
        row_count({"a": [1], "b": [1, 2]})


def test_a_table_without_columns_is_refused() -> None:
    with pytest.raises(TableError, match="at least one column"):
        row_count({})


@pytest.mark.parametrize("values", [5, "text", np.zeros((3, 2)), np.float64(1.0), np.array(1.0), iter([1])])
def test_what_is_no_column_is_refused_by_its_name(values: Any) -> None:
    with pytest.raises(TableError, match="size is no column; give a list or a one-dimensional array"):
        row_count({"size": values})


def test_a_series_is_a_column_too() -> None:
    series: Any = pl.Series([1.5, None])
    assert row_count({"a": series}) == 2
    assert kind_of(series) == "number"
    assert read(series, "number") == [1.5, None]


def test_kinds_are_those_the_schema_encodes() -> None:
    schema = FeatureSchema((NumberEncoder("a", ()), TagsEncoder("b", ("x", "y")), FlagEncoder("c")))
    assert kinds_of(schema) == {"a": "number", "b": "tags", "c": "flag"}
