"""The demo's account tables: customers and former customers with their CRM columns, and prospects.

Some accounts stand twice, as they do in any CRM: the same domain written in another way, or another
spelling of the name with no domain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.training.demo_ledger import Contracts
from scoring.training.demo_market import Market
from scoring.training.demo_outcomes import BASE_NRR, LEAKY_COLUMN, Drivers

DOUBLED_SHARE = 0.03
_BLANK_SHARE = 0.25  # of a second row's attributes
_CONFLICT_SHARE = 0.05  # of the second rows say another funding stage
_SAFE_FROM_BLANKS = "country"  # two names are only ever compared within a country


@dataclass(frozen=True)
class Identities:
    """Who is who: ids by company, and the companies that stand twice with their second ids.

    Companies from `customers` on are prospects.
    """

    customers: int
    ids: list[str]
    doubled: NDArray[np.intp]
    second_ids: list[str]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """First and second id of each account that stands twice."""
        return [(self.ids[at], second) for at, second in zip(self.doubled, self.second_ids, strict=True)]

    def ids_of(self, member: NDArray[np.bool_]) -> list[str]:
        """All ids, sorted, of the companies that `member` marks."""
        second = {pair[0]: pair[1] for pair in self.pairs}
        first = [self.ids[at] for at in np.flatnonzero(member)]
        return sorted(first + [second[one] for one in first if one in second])

    def spread(self, company: NDArray[np.intp]) -> list[str]:
        """Return the id of each row; rows of a company that stands twice go to its two ids in turn."""
        second = dict(zip(self.doubled.tolist(), self.second_ids, strict=True))
        seen = dict.fromkeys(second, 0)
        chosen = []
        for one in company.tolist():
            if one in second:
                seen[one] += 1
                chosen.append(second[one] if seen[one] % 2 == 0 else self.ids[one])
            else:
                chosen.append(self.ids[one])
        return chosen


def identify(rng: np.random.Generator, contracts: Contracts, prospects: int) -> Identities:
    """Give out ids, and choose who stands twice: customers with two subscription rows to divide."""
    customers = len(contracts.starts)
    divisible = np.flatnonzero(np.count_nonzero(contracts.mrr, axis=(1, 2)) > 1)
    count = min(round(DOUBLED_SHARE * customers), len(divisible))
    doubled = np.sort(rng.choice(divisible, count, replace=False))
    numbers = [f"C-{number:06d}" for number in rng.permutation(customers + count) + 1]
    prospect_ids = [f"P-{number:06d}" for number in range(1, prospects + 1)]
    return Identities(customers, numbers[:customers] + prospect_ids, doubled, numbers[customers:])


def account_table(
    rng: np.random.Generator,
    market: Market,
    drivers: Drivers,
    contracts: Contracts,
    identities: Identities,
    domains: list[str],
) -> pl.DataFrame:
    """Return customers and former customers by id, the second rows of the doubled among them."""
    n = identities.customers
    first = pl.DataFrame(
        {
            "account_id": identities.ids[:n],
            "domain": domains[:n],
            "name": _written_names(rng, market, n),
            "parent_id": _parents(rng, identities.ids[:n]),
            "status": np.where(contracts.left, "former", "customer"),
            "crm_id": _crm_ids(rng, n),
            **_money(rng, drivers, contracts),
            "nps": _nps(rng, drivers.nrr[:n]),
            **{name: texts[:n] for name, texts in market.attributes.items()},
        }
    )
    second = _second_rows(rng, first[identities.doubled.tolist()], market, identities)
    return pl.concat([first, second]).sort("account_id")


def prospect_table(market: Market, identities: Identities, domains: list[str]) -> pl.DataFrame:
    """Return the prospects by id."""
    n = identities.customers
    return pl.DataFrame(
        {
            "account_id": identities.ids[n:],
            "domain": domains[n:],
            "name": market.names[n:],
            "status": ["prospect"] * (len(identities.ids) - n),
            **{name: texts[n:] for name, texts in market.attributes.items()},
        }
    )


def known_domains(rng: np.random.Generator, market: Market, doubled: NDArray[np.intp]) -> list[str]:
    """Return the domains the CRM knows: a few are missing, but none of an account that stands twice."""
    unknown = rng.random(len(market.domains)) < 0.03
    unknown[doubled] = False
    return ["" if gap else domain for domain, gap in zip(market.domains, unknown, strict=True)]


def written_domains(rng: np.random.Generator, domains: list[str]) -> list[str]:
    """Write some domains as addresses of a site."""
    way = rng.random(len(domains))
    return [
        _site(domain) if draw < 0.04 else f"www.{domain}" if draw < 0.08 else domain
        for domain, draw in zip(domains, np.where(np.array(domains) == "", 1.0, way), strict=True)
    ]


def leaky_notes(
    rng: np.random.Generator, contracts: Contracts, companies: int, *, null: bool
) -> dict[str, list[str]]:
    """Return the leaky column by company: notes that were taken when a renewal was at risk.

    They are there once an anniversary has passed, and all but tell how it went. With `null` the same
    numbers fall on companies at random, prospects included.
    """
    nrr = contracts.nrr
    known = np.isfinite(nrr)
    notes = np.rint(12 * np.maximum(2 - nrr[known], 0) + rng.normal(0, 0.7, known.sum()))
    column = [""] * companies
    where = np.flatnonzero(known)
    if null and known.any():
        where = np.flatnonzero(rng.random(companies) < known.mean())
        notes = rng.choice(notes, len(where))
    for at, count in zip(where, np.maximum(notes, 0), strict=True):
        column[at] = f"{count:.0f}"
    return {LEAKY_COLUMN: column}


def _site(domain: str) -> str:
    return f"https://www.{domain}/"


def _written_names(rng: np.random.Generator, market: Market, n: int) -> list[str]:
    formal = rng.random(n) < 0.3
    return [
        f"{name} {form}" if is_formal else name
        for name, form, is_formal in zip(market.names[:n], market.legal_forms[:n], formal, strict=True)
    ]


def _parents(rng: np.random.Generator, ids: list[str]) -> list[str | None]:
    """Link every thirtieth account to one before it that has no parent itself: chains can't close."""
    parents: list[str | None] = [None] * len(ids)
    order = rng.permutation(len(ids))
    for child, parent in zip(order[0::30], order[1::30], strict=False):
        parents[child] = ids[parent]
    return parents


def _crm_ids(rng: np.random.Generator, n: int) -> list[str]:
    return [f"001{number:012X}AAE" for number in rng.choice(16**9, n, replace=False)]


def _money(rng: np.random.Generator, drivers: Drivers, contracts: Contracts) -> dict[str, list[str]]:
    n = len(contracts.starts)
    margin = np.clip(rng.normal(0.8, 0.05, n), 0.55, 0.95)
    payback = drivers.payback[:n] * np.exp(rng.normal(0, 0.5, n))
    cac = payback * margin * contracts.mrr[:, 0, 0]
    with_sign = rng.random(n) < 0.15
    no_cac, no_margin = rng.random(n) < 0.12, rng.random(n) < 0.20
    return {
        "cac": [
            "" if gap else f"${cost:,.0f}" if sign else f"{cost:.2f}"
            for cost, sign, gap in zip(cac, with_sign, no_cac, strict=True)
        ],
        "gross_margin": ["" if gap else f"{m:.3f}" for m, gap in zip(margin, no_margin, strict=True)],
    }


def _nps(rng: np.random.Generator, nrr: NDArray[np.float64]) -> list[int | None]:
    answers = np.clip(np.rint(30 + 40 * (nrr - BASE_NRR) + rng.normal(0, 30, len(nrr))), -100, 100)
    silent = rng.random(len(nrr)) < 0.4
    return [None if gap else int(answer) for answer, gap in zip(answers, silent, strict=True)]


def _second_rows(
    rng: np.random.Generator, rows: pl.DataFrame, market: Market, identities: Identities
) -> pl.DataFrame:
    n = len(rows)
    other_name = rng.random(n) < 0.4
    domains = [market.domains[at] for at in identities.doubled]
    return rows.with_columns(
        _blanked(rng, rows[name]) for name in market.attributes if name != _SAFE_FROM_BLANKS
    ).with_columns(
        account_id=pl.Series(identities.second_ids, dtype=pl.String),
        domain=pl.Series(
            [
                "" if named else _other_spelling(rows["domain"][i], domains[i])
                for i, named in enumerate(other_name)
            ],
            dtype=pl.String,
        ),
        name=pl.Series(
            [
                _other_name(rng, market, at) if named else market.names[at]
                for at, named in zip(identities.doubled, other_name, strict=True)
            ],
            dtype=pl.String,
        ),
        crm_id=pl.Series(_crm_ids(rng, n), dtype=pl.String),
        funding_stage=pl.when(pl.Series(rng.random(n) < _CONFLICT_SHARE, dtype=pl.Boolean))
        .then(pl.lit("acquired"))
        .otherwise(pl.col("funding_stage")),
    )


def _blanked(rng: np.random.Generator, column: pl.Series) -> pl.Series:
    gap = rng.random(len(column)) < _BLANK_SHARE
    return pl.Series(
        column.name,
        [None if blank else value for value, blank in zip(column, gap, strict=True)],
        dtype=column.dtype,
    )


def _other_spelling(written: str, domain: str) -> str:
    return domain if written == _site(domain) else _site(domain)


def _other_name(rng: np.random.Generator, market: Market, at: int) -> str:
    """Write a name as another salesperson did: shouted, hyphenated, more formal, or a letter short."""
    name, form = market.names[at], market.legal_forms[at]
    dropped = int(rng.integers(2, len(name) - 2))
    ways = (
        f"{name.upper()} {form.upper()}",
        f"{name.replace(' ', '-')}, {form}.",
        f"{name} {form}",
        name[:dropped] + name[dropped + 1 :],
    )
    return ways[int(rng.integers(len(ways)))]
