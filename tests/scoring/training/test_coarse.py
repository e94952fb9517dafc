from collections.abc import Callable

import numpy as np
import pytest

from scoring.features import CategoryEncoder, Codes, FeatureSchema, NumberEncoder
from scoring.training.additive import Floats
from scoring.training.coarse import bins_of, coarse


def test_many_intervals_become_a_few_with_like_numbers_of_accounts() -> None:
    schema = FeatureSchema((NumberEncoder("employees", tuple(np.arange(1.0, 64.0).tolist())),))
    column = (1 + np.arange(6400) % 64).astype(np.int32)
    bins = bins_of(schema.features[0], column, 10)
    counts = np.bincount(bins[column])
    assert counts[0] == 0
    assert len(counts) == 11
    assert counts[1:].min() >= 500


def test_one_very_common_interval_is_a_bin_of_its_own_and_no_bin_is_skipped() -> None:
    schema = FeatureSchema((NumberEncoder("employees", (1.0, 2.0, 3.0)),))
    column = np.array([1] * 5 + [2] * 90 + [3] * 3 + [4] * 2, np.int32)
    assert bins_of(schema.features[0], column, 10).tolist() == [0, 1, 2, 3, 3]


def test_categories_stay_as_they_are() -> None:
    schema = FeatureSchema((CategoryEncoder("industry", ("a", "b", "c")),))
    assert bins_of(schema.features[0], np.array([2, 3], np.int32), 2).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("seed", range(5))
def test_bins_keep_the_order_of_codes_and_missing_apart(
    random_customers: Callable[..., tuple[FeatureSchema, Codes, Floats]],
    seed: int,
) -> None:
    schema, codes, _ = random_customers(seed, ["number", "category", "date", "tags"], 300)
    for feature, bins in zip(schema.features, coarse(schema, codes, 10), strict=True):
        assert len(bins) == feature.size
        assert bins[0] == 0
        assert set(np.diff(bins).tolist()) <= {0, 1}
        assert (bins[1:] > 0).all()
