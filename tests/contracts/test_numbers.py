"""Numbers that were read before bands, bounds and units were: the same texts must read the same ever after.

A model was learnt on what the reader said then; `earlier` is that reader.
"""

import math
import re
from collections.abc import Callable

from hypothesis import example, given
from hypothesis import strategies as st

from scoring.values import as_amount, as_number, is_missing

SCALE = {"": 1.0, "k": 1e3, "m": 1e6, "mm": 1e6, "mn": 1e6, "b": 1e9, "bn": 1e9}
NUMBER = re.compile(
    r"([-+]?)(?:us\$|[$€£¥]|usd|eur|gbp|chf)?\s*([-+]?)([\d.,'_ \u00a0\u202f]*\d\.?)(e[-+]?\d{1,3})?"
    r"\s*(bn|mm|mn|[kmb])?\s*(?:[$€£¥]|usd|eur|gbp|chf)?(%|\+)?"
)
NEW = re.compile(
    r"\d.*[-\u2013\u2014\u2212]|\d.*to|[<>≤≥~]|than|over|under|about|(?:employees|people|staff)$",
    re.IGNORECASE,
)

signs = st.sampled_from(["", "", "-", "+", "\u2212", "$", "-$", "€ ", "USD ", "$-", "--", "("])
digits = st.one_of(
    st.integers(0, 10**9).map(str),
    st.integers(0, 10**9).map(lambda number: f"{number:,}"),
    st.integers(0, 10**9).map(lambda number: f"{number:,}".replace(",", ".")),
    st.integers(0, 10**9).map(lambda number: f"{number:,}".replace(",", " ")),
    st.floats(0, 1e9).map(lambda number: f"{number:,.2f}"),
    st.floats(0, 1e9).map(repr),
    st.text("0123456789.,' _", min_size=1, max_size=8),
)
tails = st.sampled_from(
    ["", "", "k", " M", "bn", "%", " %", "+", "e3", "e-2", " EUR", "€", ")", " employees"]
)
numbers = st.tuples(signs, digits, tails).map("".join)
joined = st.tuples(numbers, st.sampled_from(["-", " - ", "\u2013", " to ", ""]), numbers).map("".join)
texts = st.one_of(
    numbers, joined, st.text("0123456789 .,-+%$kmb()<~etoNna/", max_size=12), st.text(max_size=8)
)


def earlier(value: str) -> float | None:
    """Read a text as a number, as Firebrand did before it read bands."""
    if is_missing(value):
        return None
    text = value.strip().lower().replace("\u2212", "-")
    in_parentheses = text.startswith("(") and text.endswith(")")
    found = NUMBER.fullmatch(text[1:-1].strip() if in_parentheses else text)
    if found is None or len(value) > 64 or len(found[1] + found[2]) > 1:
        raise ValueError("not a number")
    size = float(plain(found[3]) + (found[4] or "")) * SCALE[found[5] or ""]
    negative = in_parentheses != (found[1] + found[2] == "-")
    number = (-size if negative else size) / (100 if found[6] == "%" else 1)
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


def plain(written: str) -> str:
    written = written.replace("\u00a0", " ").replace("\u202f", " ").strip()
    if re.fullmatch(r"\d*\.?\d+|\d+\.", written):
        return written
    if grouped := re.fullmatch(r"\d{1,3}([,'_ ])\d{3}(?:\1\d{3})*(?:\.\d*)?", written):
        return written.replace(grouped[1], "")
    if re.fullmatch(r"\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}|\d+,\d+", written):
        return written.replace(".", "").replace(",", ".")
    raise ValueError("not a number")


def said(reader: Callable[[str], float | None], text: str) -> float | str | None:
    try:
        return reader(text)
    except ValueError:
        return "refused"


@given(texts)
@example("1.200")
@example("(3.5k)")
@example("10,000+")
@example("1e400")
@example("-")
def test_what_was_read_before_reads_the_same(text: str) -> None:
    before = said(earlier, text)
    assert said(as_amount, text) == before
    if before != "refused":
        assert said(as_number, text) == before


@given(texts)
@example("51-200")
@example("2024-05")
def test_what_was_refused_before_is_read_only_as_a_band_a_bound_or_a_count_of_people(text: str) -> None:
    if said(earlier, text) == "refused" and said(as_number, text) != "refused":
        assert NEW.search(text.strip())
