"""The demo's companies: names, domains and the attributes that a CRM knows about them.

The marginals follow what real books show: sizes over five orders of magnitude, one industry in four
missing, about ten technologies each. Values are texts, written the way people write them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

AS_OF = date(2026, 6, 30)
MEAN_LN_EMPLOYEES, SD_LN_EMPLOYEES = 5.0, 2.56  # whole numbers from 1 up: 2.5 remain

_SYLLABLES = np.array([first + vowel for first in "bcdfghjklmnprstvwxyz" for vowel in "aeiou"][:97])
_PRIME = len(_SYLLABLES)
MOST_COMPANIES = _PRIME**3

# country: share, top-level domain, legal form
_COUNTRIES = {
    "US": (0.40, "com", "Inc"),
    "GB": (0.15, "co.uk", "Ltd"),
    "DE": (0.12, "de", "GmbH"),
    "FR": (0.09, "fr", "SAS"),
    "CA": (0.08, "ca", "Inc"),
    "AU": (0.06, "com.au", "Pty Ltd"),
    "NL": (0.05, "nl", "BV"),
    "SE": (0.05, "se", "AB"),
}
_INDUSTRIES = (
    *("fintech", "logistics", "media", "healthcare", "manufacturing"),
    *("retail", "energy", "education", "software", "insurance"),
)
# Rows: under 51 employees, 200 to 2,000, all others. Media firms are mostly small, fintechs mid-size.
_INDUSTRY_WEIGHTS = np.array(
    [
        [0.06, 0.16, 0.28, 0.08, 0.06, 0.10, 0.03, 0.08, 0.12, 0.03],
        [0.34, 0.16, 0.04, 0.09, 0.10, 0.07, 0.05, 0.05, 0.06, 0.04],
        [0.08, 0.16, 0.07, 0.14, 0.16, 0.10, 0.08, 0.08, 0.06, 0.07],
    ]
)
_USE_CASES = {
    "analytics": 0.28,
    "fraud detection": 0.20,
    "forecasting": 0.18,
    "compliance": 0.16,
    "personalisation": 0.14,
    "reselling": 0.04,
}
_FUNDING = {
    "bootstrapped": 0.30,
    "seed": 0.20,
    "series a": 0.18,
    "series b": 0.14,
    "series c": 0.08,
    "public": 0.10,
}
_MONTHS = {"december": 0.55, "march": 0.15, "june": 0.17, "september": 0.13}
_TECHNOLOGIES = (
    *("aws", "azure", "gcp", "snowflake", "bigquery", "redshift", "databricks", "dbt", "airflow"),
    *("kafka", "kubernetes", "docker", "terraform", "salesforce", "hubspot", "marketo", "zendesk"),
    *("intercom", "segment", "amplitude", "mixpanel", "tableau", "looker", "powerbi", "postgresql"),
    *("mysql", "mongodb", "redis", "elasticsearch", "datadog", "grafana", "sentry", "github"),
    *("gitlab", "jenkins", "jira", "confluence", "slack", "zoom", "okta", "auth0", "stripe"),
    *("netsuite", "sap", "workday", "shopify", "twilio", "sendgrid"),
)
_FIRST_TAGS_LEAD = 1.5  # log-weight of the first technology over the last
_SNOWFLAKE_LIFT, _KAFKA_LIFT = 4.0, 3.0  # log-weights that make the planted conjunctions common enough
# Shares of companies and the number of technologies up to there.
_TAG_COUNT_SHARES, _TAG_COUNTS = (0.0, 0.1, 0.5, 0.9, 1.0), (1.0, 4.0, 10.0, 17.0, 30.0)
_GAPS = {
    "industry": 0.27,
    "employees": 0.08,
    "annual_revenue": 0.15,
    "technologies": 0.05,
    "use_case": 0.20,
    "funding_stage": 0.15,
    "founded": 0.10,
    "hiring": 0.10,
    "fiscal_year_end": 0.05,
    "social_followers": 0.12,
}


@dataclass(frozen=True)
class Market:
    """Companies in a fixed order, one entry each.

    `attributes` holds texts by column name; a text of `scoring.values.MISSING_WORDS` is a gap.
    `size` is ln(employees), standardised: what the CRM may not know and deal sizes follow all the same.
    """

    names: list[str]
    legal_forms: list[str]
    domains: list[str]
    attributes: dict[str, list[str]]
    size: NDArray[np.float64]


def make_market(rng: np.random.Generator, n: int) -> Market:
    """Invent `n` companies.

    >>> market = make_market(np.random.default_rng(0), 3)
    >>> len(set(market.domains)), sorted(market.attributes)[:3]
    (3, ['annual_revenue', 'country', 'employees'])
    """
    words = _name_words(rng, n)
    country = _pick(rng, n, [share for share, _, _ in _COUNTRIES.values()])
    _, endings, forms = (list(column) for column in zip(*_COUNTRIES.values(), strict=True))
    io_instead = (country == 0) & (rng.random(n) < 0.3)
    domains = [
        f"{first}{second}.{'io' if io else endings[at]}"
        for (first, second), io, at in zip(words, io_instead, country, strict=True)
    ]
    size = rng.standard_normal(n)
    return Market(
        names=[f"{first.title()} {second.title()}" for first, second in words],
        legal_forms=[str(forms[at]) for at in country],
        domains=domains,
        attributes={"country": [list(_COUNTRIES)[at] for at in country], **_attributes(rng, size)},
        size=size,
    )


def _name_words(rng: np.random.Generator, n: int) -> list[tuple[str, str]]:
    """Two words of three syllables: Reed-Solomon code words, so any two names differ in four syllables.

    Chance likenesses would make honest companies look like the planted duplicates.
    """
    message = rng.choice(MOST_COMPANIES, size=n, replace=False)[:, None]
    point = np.arange(1, 7)
    code = message % _PRIME + message // _PRIME % _PRIME * point + message // _PRIME**2 * point**2
    return [("".join(row[:3]), "".join(row[3:])) for row in _SYLLABLES[code % _PRIME].tolist()]


def _attributes(rng: np.random.Generator, size: NDArray[np.float64]) -> dict[str, list[str]]:
    n = len(size)
    employees = np.maximum(np.rint(np.exp(MEAN_LN_EMPLOYEES + SD_LN_EMPLOYEES * size)), 1)
    industry = _industries(rng, employees)
    use_case = _pick(rng, n, list(_USE_CASES.values()))
    revenue = employees * np.exp(rng.normal(np.log(180_000), 0.7, n))
    founded = AS_OF.year - 1 - np.minimum(rng.gamma(1.6, 9.0, n) + 2 * np.maximum(size, 0), 150).astype(int)
    columns = {
        "industry": _in_mixed_case(rng, [_INDUSTRIES[at] for at in industry]),
        "employees": _written_counts(rng, employees),
        "annual_revenue": _written_money(rng, revenue),
        "technologies": _tag_lists(rng, _tag_weights(employees, industry, use_case)),
        "use_case": [list(_USE_CASES)[at] for at in use_case],
        "funding_stage": _named(rng, n, _FUNDING),
        "founded": founded.astype(str).tolist(),
        "hiring": _written_flags(rng, n),
        "fiscal_year_end": _named(rng, n, _MONTHS),
        "social_followers": np.rint(np.exp(rng.normal(7.5, 1.8, n))).astype(int).astype(str).tolist(),
    }
    return {name: _with_gaps(rng, texts, _GAPS[name]) for name, texts in columns.items()}


def _pick(
    rng: np.random.Generator, n: int, weights: Sequence[float] | NDArray[np.float64]
) -> NDArray[np.intp]:
    """Draw `n` positions by weight: one row of weights for all, or a row each."""
    edges = np.cumsum(np.atleast_2d(np.asarray(weights)), axis=1)
    draw = rng.random((n, 1)) * edges[:, -1:]
    return np.asarray((draw > edges[:, :-1]).sum(axis=1), dtype=np.intp)


def _named(rng: np.random.Generator, n: int, shares: dict[str, float]) -> list[str]:
    return [list(shares)[at] for at in _pick(rng, n, list(shares.values()))]


def _industries(rng: np.random.Generator, employees: NDArray[np.float64]) -> NDArray[np.intp]:
    mid_size = (employees >= 200) & (employees <= 2000)
    row = np.where(employees <= 50, 0, np.where(mid_size, 1, 2))
    return _pick(rng, len(employees), _INDUSTRY_WEIGHTS[row])


def _tag_weights(
    employees: NDArray[np.float64], industry: NDArray[np.intp], use_case: NDArray[np.intp]
) -> NDArray[np.float64]:
    weights = np.tile(np.linspace(_FIRST_TAGS_LEAD, 0.0, len(_TECHNOLOGIES)), (len(employees), 1))
    mid_fintech = (industry == _INDUSTRIES.index("fintech")) & (employees >= 200) & (employees <= 2000)
    on_fraud = use_case == list(_USE_CASES).index("fraud detection")
    weights[mid_fintech, _TECHNOLOGIES.index("snowflake")] += _SNOWFLAKE_LIFT
    weights[on_fraud, _TECHNOLOGIES.index("kafka")] += _KAFKA_LIFT
    return weights


def _tag_lists(rng: np.random.Generator, weights: NDArray[np.float64]) -> list[str]:
    """Draw tags without replacement: the largest of weight plus Gumbel noise come first."""
    counts = np.rint(np.interp(rng.random(len(weights)), _TAG_COUNT_SHARES, _TAG_COUNTS)).astype(int)
    order = np.argsort(-(weights + rng.gumbel(size=weights.shape)), axis=1)
    return [
        ";".join(_TECHNOLOGIES[at] for at in row[:count])
        for row, count in zip(order.tolist(), counts.tolist(), strict=True)
    ]


def _with_gaps(rng: np.random.Generator, texts: list[str], share: float) -> list[str]:
    n = len(texts)
    gap = rng.permutation(n) < round(share * n)
    word = np.array(["", "n/a", "unknown"])[_pick(rng, n, [0.94, 0.03, 0.03])]
    return [missing if is_gap else text for text, is_gap, missing in zip(texts, gap, word, strict=True)]


def _in_mixed_case(rng: np.random.Generator, texts: list[str]) -> list[str]:
    way = _pick(rng, len(texts), [0.88, 0.09, 0.03])
    return [(text, text.title(), text.upper())[at] for text, at in zip(texts, way, strict=True)]


def _written_counts(rng: np.random.Generator, counts: NDArray[np.float64]) -> list[str]:
    grouped = rng.random(len(counts)) < 0.1
    return [
        f"{count:,.0f}" if comma else f"{count:.0f}" for count, comma in zip(counts, grouped, strict=True)
    ]


def _written_money(rng: np.random.Generator, amounts: NDArray[np.float64]) -> list[str]:
    in_millions = (amounts >= 1e6) & (rng.random(len(amounts)) < 0.05)
    return [
        f"${amount / 1e6:.1f}M" if short else f"{amount:.0f}"
        for amount, short in zip(amounts, in_millions, strict=True)
    ]


def _written_flags(rng: np.random.Generator, n: int) -> list[str]:
    way = _pick(rng, n, [0.88, 0.07, 0.05])
    yes = rng.random(n) < 0.5
    spellings = (("no", "yes"), ("FALSE", "TRUE"), ("N", "Y"))
    return [spellings[at][is_yes] for at, is_yes in zip(way, yes.astype(int), strict=True)]
