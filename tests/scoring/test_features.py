from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.features import (
    MISSING,
    UNSEEN,
    CategoryEncoder,
    CountryEncoder,
    DateEncoder,
    Encoder,
    FeatureSchema,
    FlagEncoder,
    IndustryEncoder,
    NumberEncoder,
    TagsEncoder,
)
from tests.scoring.models import SCHEMA, SIZES, attributes

NUMBER = NumberEncoder("employees", (10.0, 200.0, 2_000_000.0))
DATE = DateEncoder("founded", (2000.0, 2015.5))
CATEGORY = CategoryEncoder("industry", ("fintech", "retail"))
TAGS = TagsEncoder("tools", ("aws", "dbt"))


@pytest.mark.parametrize(
    ("value", "code"),
    [(-5, 1), (10, 1), (10.001, 2), ("200", 2), ("1,200", 3), (2_000_000, 3), ("3m", 4), (True, 1), (0, 1)],
)
def test_a_number_falls_into_the_interval_whose_upper_edge_it_does_not_exceed(value: Any, code: int) -> None:
    assert NUMBER.encode(value) == (code,)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_inside_the_interval_it_is_said_to_be_in(number: float) -> None:
    (code,) = NUMBER.encode(number)
    bounds = [-np.inf, *NUMBER.edges, np.inf]
    assert bounds[code - 1] < number <= bounds[code]


def test_a_number_without_edges_is_only_known_or_missing() -> None:
    only = NumberEncoder("employees", ())
    assert only.sizes == (2,)
    assert [only.encode(value) for value in (None, -3, 1e9)] == [(0,), (1,), (1,)]
    assert [only.say(0, code) for code in (0, 1)] == ["missing", "any"]


@pytest.mark.parametrize(
    ("value", "code"),
    [("1999-12-31", 1), ("2000-01-01", 1), ("2000-01-02", 2), (2015.5, 2), ("2015-12-01", 3), (2024, 3)],
)
def test_a_date_counts_as_its_year_with_fraction(value: Any, code: int) -> None:
    assert DATE.encode(value) == (code,)


def test_a_date_is_read_as_its_book_writes_dates() -> None:
    month_first, day_first = (DateEncoder("d", (2024.5,), first) for first in (False, True))
    assert (month_first.encode("03-09-2024"), day_first.encode("03-09-2024")) == ((1,), (2,))


def test_a_category_has_one_code_in_any_spelling_and_another_for_unseen_ones() -> None:
    codes = [CATEGORY.encode(value) for value in ("Fintech", "  fintech ", "retail", "mining", 7)]
    assert codes == [(2,), (2,), (3,), (UNSEEN,), (UNSEEN,)]


def test_a_flag_is_no_yes_or_missing() -> None:
    flag = FlagEncoder("public")
    assert [flag.encode(value) for value in ("no", 0, "Yes", True, None)] == [(1,), (1,), (2,), (2,), (0,)]


def test_tags_make_a_feature_each_and_all_are_missing_where_the_list_is() -> None:
    assert TAGS.encode("DBT; cobol") == (1, 2)
    assert TAGS.encode(["aws", "dbt"]) == (2, 2)
    assert TAGS.encode("cobol") == (1, 1)
    assert TAGS.encode(" ") == (0, 0)


@pytest.mark.parametrize("encoder", [NUMBER, DATE, CATEGORY, FlagEncoder("public"), TAGS])
@pytest.mark.parametrize("blank", [None, "", "N/A", float("nan"), []])
def test_every_encoder_has_one_code_for_missing(encoder: Encoder, blank: Any) -> None:
    assert encoder.encode(blank) == (MISSING,) * len(encoder.sizes)


@pytest.mark.parametrize(
    ("encoder", "words"),
    [
        (
            NUMBER,
            ["missing", "at most 10", "over 10, up to 200", "over 200, up to 2,000,000", "over 2,000,000"],
        ),
        (DATE, ["missing", "at most 2000", "over 2000, up to 2015.5", "over 2015.5"]),
        (CATEGORY, ["missing", "another value", "fintech", "retail"]),
        (FlagEncoder("public"), ["missing", "no", "yes"]),
    ],
)
def test_codes_are_said_in_words(encoder: Encoder, words: list[str]) -> None:
    assert encoder.sizes == (len(words),)
    assert [encoder.say(0, code) for code in range(len(words))] == words


def test_tags_are_said_by_name() -> None:
    assert [TAGS.say(1, code) for code in range(3)] == ["missing", "no dbt", "dbt"]


def test_a_schema_has_the_features_of_its_encoders_in_order() -> None:
    found = [(feature.attribute, feature.size, feature.index) for feature in SCHEMA.features]
    names = ["employees", "industry", "public", "founded", "tools", "tools", "tools"]
    assert found == list(zip(names, SIZES, [0, 0, 0, 0, 0, 1, 2], strict=True))
    assert [SCHEMA.features[6].say(code) for code in range(3)] == ["missing", "no snowflake", "snowflake"]


def test_what_cannot_be_read_counts_as_missing_and_is_named() -> None:
    encoded = SCHEMA.encode(
        [
            {"employees": "many", "public": "maybe", "founded": "soon", "tools": [[1]], "industry": {"a": 1}},
            {"employees": 5},
            {"employees": float("inf")},
        ]
    )
    assert encoded.codes.tolist() == [[0] * 7, [1, 0, 0, 0, 0, 0, 0], [0] * 7]
    assert encoded.unreadable == {
        0: ("employees", "industry", "public", "founded", "tools"),
        2: ("employees",),
    }


def test_attributes_nobody_knows_change_nothing() -> None:
    plain, more = SCHEMA.encode([{"employees": 5}, {"employees": 5, "shoe size": object()}]).codes.tolist()
    assert plain == more


@given(st.lists(attributes(), max_size=5))
def test_a_batch_is_encoded_as_each_account_alone_and_every_code_has_an_entry(
    accounts: list[dict[str, Any]],
) -> None:
    together = SCHEMA.encode(accounts)
    assert together.codes.shape == (len(accounts), len(SIZES))
    assert ((together.codes >= 0) & (together.codes < np.array(SIZES))).all()
    for row, account in enumerate(accounts):
        alone = SCHEMA.encode([account])
        assert alone.codes[0].tolist() == together.codes[row].tolist()
        assert alone.unreadable.get(0) == together.unreadable.get(row)


def test_a_schema_without_encoders_has_no_columns() -> None:
    assert FeatureSchema(()).encode([{"a": 1}, {}]).codes.shape == (2, 0)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("fintech", 2),
        ("Financial Technology", 2),
        (522320, 2),
        ("NAICS 522320", 2),
        ("RETAIL", 3),
        ("Weaving", 4),  # a category of the company's own
        ("media", UNSEEN),
        ("n/a", MISSING),
    ],
)
def test_an_industry_is_encoded_by_what_it_means(value: object, expected: int) -> None:
    assert IndustryEncoder("industry", ("fintech", "retail", "weaving")).encode(value) == (expected,)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("DE", 2),
        ("de", 2),
        ("Deutschland", 2),
        ("USA", 3),
        ("Middle Earth", 4),
        ("FR", UNSEEN),
        ("", MISSING),
    ],
)
def test_a_country_is_encoded_by_what_it_means(value: object, expected: int) -> None:
    assert CountryEncoder("country", ("DE", "US", "middle earth")).encode(value) == (expected,)


@pytest.mark.parametrize("encoder", [IndustryEncoder("x", ("fintech",)), CountryEncoder("x", ("US",))])
def test_an_industry_or_country_that_is_no_text_is_unreadable(encoder: CategoryEncoder) -> None:
    with pytest.raises(ValueError, match="not a text"):
        encoder.encode({"a": 1})
    assert [encoder.say(0, code) for code in range(3)] == ["missing", "another value", encoder.levels[0]]
