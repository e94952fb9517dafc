"""The demo's contracts and deals: subscriptions and opportunities of a contractual seller.

A contract runs in terms of twelve months. At each anniversary a customer leaves, or renews at the
same, a lower or a higher price; a larger rise is often sold as an added product, by an opportunity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.training.demo_market import AS_OF
from scoring.training.demo_outcomes import Drivers

Days = NDArray[np.datetime64]
Floats = NDArray[np.float64]

PRODUCTS = np.array(["Core", "Insights", "Connect", "Guard"])
TERMS = 4  # the history is four years long
_TODAY = np.datetime64(AS_OF, "D")

# Normal scores and the annual contract values (USD) there; in between on a log scale. The steep step past
# the 90th percentile (1.2816) lets a tenth of the accounts bring most of the revenue.
_DEAL_SCORES = (-3.5, -1.2816, 0.0, 1.2816, 1.7, 2.05, 3.5)
_DEAL_AMOUNTS = (1_400.0, 11_000.0, 47_000.0, 204_000.0, 335_000.0, 1_600_000.0, 4_000_000.0)
_DEAL_LIKENESS = 0.9  # correlation of the deal scores of one account
_RENEWAL_SPREAD = 12.0  # a + b of the beta distribution that an account's chance to renew is drawn from
_PRICE_SPREAD = 0.2  # standard deviation of ln(price change), where the price changes
_ADDED_FROM, _ADDED_SHARE = 1.10, 0.5  # of the rises above 10%, half are added products
_NEGOTIATED = 0.08  # share of renewals that the CRM holds as opportunities
_OPPORTUNITIES = (np.log(2.45), 0.88)  # mean and deviation of ln(opportunities of a customer)


@dataclass(frozen=True)
class Contracts:
    """What customers pay: `mrr[customer, term, product]`, 0 where nothing.

    `due[customer, term]`: the term's first day came while the company was a customer.
    """

    starts: Days
    mrr: Floats
    due: NDArray[np.bool_]

    @property
    def total(self) -> Floats:
        """MRR by customer and term."""
        return np.asarray(self.mrr.sum(axis=2))

    @property
    def left(self) -> NDArray[np.bool_]:
        """Whether a customer has left by the demo's last day."""
        return np.asarray((self.due & (self.total == 0)).any(axis=1))

    @property
    def nrr(self) -> Floats:
        """MRR after all anniversaries over MRR before them; NaN for customers in their first term."""
        after, before = self.total[:, 1:], self.total[:, :-1]
        start = before.sum(axis=1, where=self.due[:, 1:])
        known = self.due[:, 1]
        return np.where(known, after.sum(axis=1) / np.where(known, start, 1.0), np.nan)


def anniversary(starts: Days, years: int | NDArray[np.intp]) -> Days:
    """Return the day of the month `years` later; days run to 28, so every month has them.

    >>> anniversary(np.array(["2024-02-28"], dtype="M8[D]"), 2)
    array(['2026-02-28'], dtype='datetime64[D]')
    """
    months = starts.astype("M8[M]")
    return np.asarray((months + 12 * np.asarray(years)).astype("M8[D]") + (starts - months.astype("M8[D]")))


def deal_amount(score: Floats) -> Floats:
    """Return the annual contract value (USD) at a standard normal score.

    >>> deal_amount(np.array([0.0])).round(2)
    array([47000.])
    """
    return np.asarray(np.exp(np.interp(score, _DEAL_SCORES, np.log(_DEAL_AMOUNTS))))


def make_contracts(rng: np.random.Generator, drivers: Drivers) -> Contracts:
    """Let each customer start, renew, change its price and leave."""
    n = len(drivers.nrr)
    starts = _starts(rng, n)
    mrr = np.zeros((n, TERMS, len(PRODUCTS)))
    due = np.zeros((n, TERMS), dtype=np.bool_)
    due[:, 0] = True
    mrr[:, 0, 0] = np.round(deal_amount(_own_scores(rng, drivers.deal_score)) / 12, 2)
    renewal = rng.beta(_RENEWAL_SPREAD * drivers.renewal, _RENEWAL_SPREAD * (1 - drivers.renewal))
    for term in range(1, TERMS):
        before = mrr[:, term - 1]
        due[:, term] = before.any(axis=1) & (anniversary(starts, term) <= _TODAY)
        renewed = due[:, term] & (rng.random(n) < renewal)
        change = _price_changes(rng, drivers)
        added = renewed & (change > _ADDED_FROM) & (rng.random(n) < _ADDED_SHARE)
        after = before * np.where(added, 1.0, change)[:, None]
        after[added, term] = before[added].sum(axis=1) * (change[added] - 1)
        mrr[:, term] = np.round(after * renewed[:, None], 2)
    return Contracts(starts, mrr, due)


def _starts(rng: np.random.Generator, n: int) -> Days:
    ages = 1 + (1457 * rng.random(n) ** 0.9).astype(np.int64)  # days; a fifth is younger than a year
    starts = _TODAY - ages.astype("m8[D]")
    months = starts.astype("M8[M]").astype("M8[D]")
    return np.asarray(months + np.minimum(starts - months, np.timedelta64(27, "D")))


def _own_scores(rng: np.random.Generator, account_score: Floats) -> Floats:
    noise = np.sqrt(1 - _DEAL_LIKENESS**2) * rng.standard_normal(len(account_score))
    return np.asarray(_DEAL_LIKENESS * account_score + noise)


def _price_changes(rng: np.random.Generator, drivers: Drivers) -> Floats:
    """Factors on the price at renewal: so many flat, and the rest such that renewals yield the NRR."""
    needed = 1 + (drivers.nrr / drivers.renewal - 1) / (1 - drivers.flat_share)
    noise = np.exp(rng.normal(-(_PRICE_SPREAD**2) / 2, _PRICE_SPREAD, len(needed)))
    return np.where(rng.random(len(needed)) < drivers.flat_share, 1.0, needed * noise)


def subscriptions(rng: np.random.Generator, contracts: Contracts) -> pl.DataFrame:
    """Return a row per customer, term and product, by customer and start.

    `end` is the first day after a term that is over; terms that still run have none.
    """
    customer, term, slot = np.nonzero(contracts.mrr)
    over = np.column_stack([contracts.due[:, 1:], np.zeros(len(contracts.due), dtype=np.bool_)])
    ends = anniversary(contracts.starts[customer], term + 1)
    ends[~over[customer, term]] = np.datetime64("NaT")
    return pl.DataFrame(
        {
            "company": customer,
            "start": anniversary(contracts.starts[customer], term),
            "mrr": contracts.mrr[customer, term, slot],
            "end": ends,
            "product": _product_names(rng, len(contracts.starts))[customer, slot],
        }
    )


def _product_names(rng: np.random.Generator, n: int) -> NDArray[np.str_]:
    """Names by customer and slot: all begin with the core, each adds in an order of its own."""
    order = np.argsort(rng.random((n, len(PRODUCTS) - 1)), axis=1) + 1
    return np.asarray(PRODUCTS[np.column_stack([np.zeros(n, dtype=np.intp), order])])


def opportunities(
    rng: np.random.Generator, drivers: Drivers, contracts: Contracts, first_prospect: int
) -> pl.DataFrame:
    """Return every deal tried, by creation: first and added products, some renewals, and those not won.

    `drivers` covers all companies; those from `first_prospect` on have no contracts.
    """
    signed = pl.concat([_first_deals(rng, contracts), _additions(rng, contracts), _renewals(rng, contracts)])
    taken = np.bincount(signed["company"], minlength=first_prospect)
    customers = _tries(rng, drivers.kept_losses[:first_prospect], taken)
    earliest = contracts.starts[customers] - np.timedelta64(540, "D")
    prospects = _prospect_tries(rng, drivers.kept_losses[first_prospect:]) + first_prospect
    whose = np.concatenate([customers, prospects])
    since = np.concatenate([earliest, np.full(len(prospects), _TODAY - np.timedelta64(900, "D"))])
    bought = np.concatenate([contracts.starts, np.full(len(drivers.nrr) - first_prospect, _TODAY)])
    return pl.concat([signed, _unsigned(rng, drivers, whose, since, bought)]).sort(
        "created", "company", "amount"
    )


def _tries(rng: np.random.Generator, kept_losses: Floats, taken: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the customer of each further deal: as many as a customer's count leaves, thinned."""
    wanted = np.exp(rng.normal(*_OPPORTUNITIES, len(taken))).astype(np.int64)
    further = rng.binomial(np.maximum(wanted - taken, 0), kept_losses)
    return np.repeat(np.arange(len(taken)), further)


def _prospect_tries(rng: np.random.Generator, kept_losses: Floats) -> NDArray[np.intp]:
    tries = rng.binomial(rng.geometric(0.5, len(kept_losses)) - 1, kept_losses)
    return np.repeat(np.arange(len(kept_losses)), tries)


def _first_deals(rng: np.random.Generator, contracts: Contracts) -> pl.DataFrame:
    signed = contracts.starts - _days(rng.integers(0, 10, len(contracts.starts)))
    return _deals(rng, np.arange(len(signed)), "new", "won", signed, contracts.mrr[:, 0, 0])


def _additions(rng: np.random.Generator, contracts: Contracts) -> pl.DataFrame:
    added = (contracts.mrr[:, 1:] > 0) & (contracts.mrr[:, :-1] == 0)
    customer, term, slot = np.nonzero(added)
    signed = anniversary(contracts.starts[customer], term + 1) - _days(rng.integers(0, 10, len(customer)))
    return _deals(rng, customer, "expansion", "won", signed, contracts.mrr[customer, term + 1, slot])


def _renewals(rng: np.random.Generator, contracts: Contracts) -> pl.DataFrame:
    negotiated = contracts.due[:, 1:] & (rng.random((len(contracts.due), TERMS - 1)) < _NEGOTIATED)
    customer, term = np.nonzero(negotiated)
    before, after = contracts.total[customer, term], contracts.total[customer, term + 1]
    closed = anniversary(contracts.starts[customer], term + 1)
    won = np.where(after > 0, "won", "lost")
    return _deals(rng, customer, "renewal", won, closed, np.where(after > 0, after, before))


def _deals(
    rng: np.random.Generator,
    company: NDArray[np.intp],
    kind: str | NDArray[np.str_],
    outcome: str | NDArray[np.str_],
    closed: Days,
    mrr: Floats,
) -> pl.DataFrame:
    n = len(company)
    return pl.DataFrame(
        {
            "company": company,
            "created": closed - _cycles(rng, n),
            "outcome": np.broadcast_to(outcome, n),
            "closed": closed,
            "amount": np.round(12 * mrr, 2),
            "type": np.broadcast_to(kind, n),
            "source": _sources(rng, n),
        }
    )


def _unsigned(
    rng: np.random.Generator, drivers: Drivers, company: NDArray[np.intp], since: Days, bought: Days
) -> pl.DataFrame:
    """Deals tried at any time from `since` on: lost, or open where they would close after the last day."""
    n = len(company)
    created = since + _days((rng.random(n) * (_TODAY - since).astype(np.int64)).astype(np.int64))
    closed = created + _cycles(rng, n)
    still_open = closed > _TODAY
    kind = np.where(created < bought[company], "new", "expansion")
    mrr = deal_amount(_own_scores(rng, drivers.deal_score[company])) / 12
    deals = _deals(rng, company, kind, np.where(still_open, "open", "lost"), closed, mrr)
    return deals.with_columns(
        created=pl.Series(created),
        closed=pl.when(pl.Series(still_open)).then(None).otherwise(pl.col("closed")),
    )


def _cycles(rng: np.random.Generator, n: int) -> NDArray[np.timedelta64]:
    """Days from creation to close: the sales cycle."""
    return _days(np.rint(np.exp(rng.normal(np.log(70), 0.5, n))).astype(np.int64))


def _sources(rng: np.random.Generator, n: int) -> NDArray[np.str_]:
    return rng.choice(np.array(["inbound", "outbound", "partner", "event"]), n, p=[0.4, 0.35, 0.15, 0.1])


def _days(count: NDArray[np.int64]) -> NDArray[np.timedelta64]:
    return count.astype("m8[D]")
