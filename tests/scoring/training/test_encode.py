from typing import Any, cast

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.features import (
    LARGEST_SIZE,
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
from scoring.industry import as_industry
from scoring.training.encode import encode_frame

INDUSTRIES = tuple(str(as_industry(name)) for name in ("construction", "retail", "mining"))
SCHEMA = FeatureSchema(
    (
        NumberEncoder("employees", (-5.0, 0.0, 10.0, 2e6, 1e300)),
        DateEncoder("founded", (1999.5, 2000.0, 2015.25)),
        CategoryEncoder("region", ("east", "größe", "日本 語")),
        IndustryEncoder("industry", INDUSTRIES[:2]),
        CountryEncoder("country", ("DE", "JP")),
        FlagEncoder("public"),
        TagsEncoder("tools", ("aws", "dbt", "日本")),
    )
)
TYPES = {
    "employees": pl.Float64(),
    "founded": pl.Float64(),
    "region": pl.String(),
    "industry": pl.String(),
    "country": pl.String(),
    "public": pl.Boolean(),
    "tools": pl.List(pl.String),
}
texts = st.sampled_from(["east", "größe", "日本 語", "west", "é", "östlich der elbe", "\U0001f680"])
tag_lists = st.lists(st.sampled_from(["aws", "dbt", "日本", "cobol"]), min_size=1, max_size=4, unique=True)


def account() -> st.SearchStrategy[dict[str, Any]]:
    """Draw attributes as `Book.accounts` holds them: already in one spelling."""
    numbers = st.one_of(
        st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([-5.0, 0.0, 10.0, 1e300])
    )
    drawn = {
        "employees": numbers,
        "founded": st.floats(1900, 2100) | st.sampled_from([1999.5, 2000.0]),
        "region": texts,
        "industry": st.sampled_from(INDUSTRIES),
        "country": st.sampled_from(["DE", "JP", "FR"]),
        "public": st.booleans(),
        "tools": tag_lists,
    }
    return st.fixed_dictionaries({name: st.none() | values for name, values in drawn.items()})


@given(st.lists(account(), max_size=12))
@settings(max_examples=60, deadline=None)
def test_columns_are_encoded_as_the_service_encodes_each_account(accounts: list[dict[str, Any]]) -> None:
    codes = encode_frame(SCHEMA, pl.DataFrame(accounts, schema=TYPES))
    assert codes.tolist() == SCHEMA.encode(accounts).codes.tolist()


def test_codes_are_bytes_that_lie_column_by_column() -> None:
    codes = encode_frame(SCHEMA, pl.DataFrame([{}] * 3, schema=TYPES))
    assert codes.dtype == np.uint8
    assert codes.shape == (3, 9)
    assert codes.flags.f_contiguous
    assert not codes.any()


def test_no_account_makes_no_row() -> None:
    assert encode_frame(SCHEMA, pl.DataFrame(schema=TYPES)).shape == (0, 9)


@pytest.mark.parametrize("frame", [{"tags": [[], None]}, {"tags": [[None], ["other"]]}])
def test_a_tag_nobody_has_is_one_that_everybody_with_a_list_is_without(frame: dict[str, Any]) -> None:
    schema = FeatureSchema((TagsEncoder("tags", ("dbt",)),))
    codes = encode_frame(schema, pl.DataFrame(frame, schema={"tags": pl.List(pl.String)}))
    assert codes[:, 0].tolist() == [1 if value is not None else MISSING for value in frame["tags"]]


def test_the_last_code_of_the_largest_category_fits_its_byte() -> None:
    levels = tuple(f"{n:03}" for n in range(LARGEST_SIZE - 2))
    frame = pl.DataFrame({"town": ["252", "000", "nowhere", None]})
    codes = encode_frame(FeatureSchema((CategoryEncoder("town", levels),)), frame)
    assert codes[:, 0].tolist() == [LARGEST_SIZE - 1, UNSEEN + 1, UNSEEN, MISSING]


def test_an_encoder_nobody_taught_this_module_is_an_error_and_no_column_of_zeros() -> None:
    class Strange:
        kind, attribute, sizes = "strange", "x", (2,)

    schema = FeatureSchema((cast("Encoder", Strange()),))
    with pytest.raises(TypeError, match="strange attributes have no columnar encoding"):
        encode_frame(schema, pl.DataFrame({"x": [1.0]}))
