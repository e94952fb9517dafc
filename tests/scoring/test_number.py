import math
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scoring.number import band_middle, number_of

SIZES = st.integers(1, 10**9)
DASHES = st.sampled_from(["-", " - ", "\u2013", " \u2014 ", " to "])


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("51-200", math.sqrt(51 * 200)),
        ("51 to 200", math.sqrt(51 * 200)),
        ("51 \u2013 200 employees", math.sqrt(51 * 200)),
        ("1,001-4,004", 2002),
        ("1.001,5 - 4.006,0", math.sqrt(1001.5 * 4006)),
        ("$1m - $4m", 2e6),
        ("$1-4m", 2e6),
        ("250k to 1m", 5e5),
        ("20-80%", 0.4),
        ("20% - 80%", 0.4),
        ("0-10", 5),
        ("0.5-2", 1),
        ("1-2000", math.sqrt(2000)),
        ("10,000+", 10_000),
        ("10,000+ employees", 10_000),
        ("120 employees", 120),
        ("1 person", 1),
        ("7.5 fte", 7.5),
        ("< 50", 50),
        (">=1,000", 1000),
        ("less than 10", 10),
        ("more than 10,000 people", 10_000),
        ("500 or more", 500),
        ("500 and above", 500),
        ("~120", 120),
    ],
)
def test_sizes_are_read_as_people_write_them(written: str, number: float) -> None:
    assert number_of(written) == pytest.approx(number, rel=1e-12)


@pytest.mark.parametrize(
    "written",
    [
        "2024-05",  # a month
        "2024-12",
        "12-2024",
        "05-12",
        "05-2024",
        "2019-2024",  # a period
        "2023-24",
        "16-10-2024",
        "1-800-555",  # telephone numbers
        "0171-5551234",
        "555-1234-99",
        "200-51",  # the wrong way round
        "51-51",
        "500-1m",  # 500 million are not below one million
        "-5-10",
        "5--10",
        "5-10+",
        "5%-10",
        "1e3-1e4",
        "(51-200)",
        "51-",
        "51 to",
        "to 51",
        "51 or 200",
        "ab-12",
        "employees",
        "<",
        "over under 5",
        "12 years",
        "over 51-200",
    ],
)
def test_what_is_no_size_is_refused(written: str) -> None:
    assert number_of(written) is None


@given(SIZES, SIZES, DASHES)
@example(2, 2000, "-")
def test_the_middle_of_a_band_lies_within_it(one: int, other: int, dash: str) -> None:
    low, high = sorted((one, other))
    middle = band_middle(f"{low:,}{dash}{high:,}")
    if low == high:
        assert middle is None
    elif middle is not None:
        assert low < middle < high


@given(st.lists(SIZES, min_size=3, max_size=8, unique=True), DASHES)
def test_a_picklist_keeps_its_order(bounds: list[int], dash: str) -> None:
    bounds = sorted(10_000 + bound for bound in bounds)  # beyond years and months
    sizes = [*(f"{low}{dash}{high} employees" for low, high in pairwise(bounds)), f"{bounds[-1]}+"]
    read = [number for number in map(number_of, sizes) if number is not None]
    assert len(read) == len(sizes)
    assert read == sorted(set(read))


@given(st.text("0123456789 .,-+%$kmb()<~eto", max_size=14))
def test_no_text_is_both_one_number_and_a_band(text: str) -> None:
    middle = band_middle(text.strip())
    if middle is not None:
        assert number_of(text.strip()) == middle
        assert math.isfinite(middle)
        assert middle > 0
