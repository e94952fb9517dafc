from __future__ import annotations

import subprocess
import sys

import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.country import as_country, is_country
from scoring.values import as_text

CODES = sorted(country.alpha_2 for country in pycountry.countries)


@pytest.mark.parametrize("country", list(pycountry.countries), ids=lambda country: country.alpha_2)
def test_the_names_and_codes_of_the_standard_are_read(country: pycountry.db.Country) -> None:
    code = "NAM" if country.name == "Namibia" else country.alpha_2
    said = [code, country.alpha_3, country.name, getattr(country, "official_name", country.name)]
    if country.name == "Congo":  # there are two
        said.remove("Congo")
    assert {as_country(name) for name in said} == {code}
    assert {as_country(name.lower()) for name in said} == {code}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("us", "US"),
        ("USA", "US"),
        ("U.S.", "US"),
        ("U. S. A.", "US"),
        ("United  States", "US"),
        ("United States of America", "US"),
        ("UK", "GB"),
        ("England", "GB"),
        ("Deutschland", "DE"),
        ("Österreich", "AT"),
        ("osterreich", "AT"),
        ("España", "ES"),
        ("Republic of Korea", "KR"),
        ("South Korea", "KR"),
        ("Korea, Democratic People's Republic of", "KP"),
        ("Iran", "IR"),
        ("Vietnam", "VN"),
        ("Viet Nam", "VN"),
        ("Côte d'Ivoire", "CI"),
        ("Ivory Coast", "CI"),
        ("The Netherlands", "NL"),
        ("Czech Republic", "CZ"),
        ("Russia", "RU"),
        ("日本", "JP"),
    ],
)
def test_common_spellings_are_read(written: str, expected: str) -> None:
    assert as_country(written) == expected


@pytest.mark.parametrize(
    "written", ["Congo", "Virgin Islands", "Middle Earth", "ZZ", "EMEA", "U", "x" * 500, "."]
)
def test_what_is_not_known_or_two_countries_keeps_its_own_text(written: str) -> None:
    assert as_country(written) == as_text(written)
    assert not is_country(as_country(written))


def test_na_is_missing_as_it_is_everywhere() -> None:
    assert as_country("NA") is None
    assert as_country("NAM") == as_country("Namibia") == "NAM"


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(ValueError, match="not a text"):
        as_country(["US"])


@given(st.text(max_size=20) | st.sampled_from([c.name for c in pycountry.countries] + CODES))
def test_reading_twice_is_reading_once(text: str) -> None:
    once = as_country(text)
    assert as_country(once) == once


def test_reading_never_loads_what_searches_by_likeness() -> None:
    code = "import sys; from scoring.country import as_country; as_country('UK'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"gettext", "pycountry.locales", "polars", "sklearn"} & set(done.stdout.split()) == set()
