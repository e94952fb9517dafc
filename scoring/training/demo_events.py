"""The demo's events: what companies do in the open, and more of it before they buy.

How long before an opportunity a kind of event tends to come differs by kind, so half-lives can be learnt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.training.demo_market import AS_OF

IdsOf = Callable[[NDArray[np.intp]], list[str]]

_END = np.datetime64(AS_OF, "s") + np.timedelta64(86_399, "s")
_HISTORY_DAYS = 730
_DAY = 86_400
_BACKGROUND = 5.0  # events of a company in the history, whatever it does
_BEFORE_DEAL = 4.0  # further events before each opportunity
_NEXT_DAYS, _NEXT_SHARE = 60, 0.08  # this share opens an opportunity in the days after the demo's last
_TOPICS = np.array(["analytics", "fraud detection", "forecasting", "compliance", "personalisation"])


@dataclass(frozen=True)
class Kind:
    """How often a kind of event comes by itself and before an opportunity, and how long before."""

    idle: float  # share of the background events
    keen: float  # share of the events before an opportunity
    lead: float  # mean days before the opportunity
    channel: str


KINDS = {
    "page_view": Kind(0.40, 0.24, 30.0, "web"),
    "content_download": Kind(0.14, 0.14, 60.0, "web"),
    "webinar": Kind(0.10, 0.09, 50.0, "webinar"),
    "email_click": Kind(0.22, 0.14, 25.0, "email"),
    "pricing_page": Kind(0.03, 0.14, 10.0, "web"),
    "demo_request": Kind(0.01, 0.06, 5.0, "web"),
    "meeting": Kind(0.03, 0.08, 12.0, "sales"),
    "product_trial": Kind(0.01, 0.04, 20.0, "product"),
    "intent_surge": Kind(0.06, 0.07, 35.0, "vendor"),
}
_NAMES = np.array(list(KINDS))
_CHANNELS = np.array([kind.channel for kind in KINDS.values()])
_LEADS = np.array([kind.lead for kind in KINDS.values()])


def make_events(
    rng: np.random.Generator, deals: pl.DataFrame, domains: Sequence[str], ids_of: IdsOf
) -> pl.DataFrame:
    """Return the events of all companies in order of time.

    Args:
        rng: the source of chance.
        deals: `company` (position) and `created` of the opportunities.
        domains: by company; empty where the CRM has none.
        ids_of: gives an account id for each company of a column.
    """
    company, kind, at = _moments(rng, deals, len(domains))
    order = np.lexsort((kind, company, at))
    return _described(rng, company[order], kind[order], at[order], domains, ids_of)


def _moments(
    rng: np.random.Generator, deals: pl.DataFrame, n: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.datetime64]]:
    idle = np.repeat(np.arange(n), rng.poisson(_BACKGROUND, n))
    idle_at = _END - _seconds(rng.random(len(idle)) * _HISTORY_DAYS * _DAY)
    idle_kind = rng.choice(len(_NAMES), len(idle), p=[kind.idle for kind in KINDS.values()])
    wanting, when = _openings(rng, deals, n)
    repeats = rng.poisson(_BEFORE_DEAL, len(wanting))
    keen_kind = rng.choice(len(_NAMES), repeats.sum(), p=[kind.keen for kind in KINDS.values()])
    keen_at = np.repeat(when, repeats) - _seconds(rng.exponential(_LEADS[keen_kind] * _DAY))
    inside = (keen_at <= _END) & (keen_at > _END - _seconds(np.array(_HISTORY_DAYS * _DAY)))
    return (
        np.concatenate([idle, np.repeat(wanting, repeats)[inside]]),
        np.concatenate([idle_kind, keen_kind[inside]]),
        np.concatenate([idle_at, keen_at[inside]]),
    )


def _openings(
    rng: np.random.Generator, deals: pl.DataFrame, n: int
) -> tuple[NDArray[np.intp], NDArray[np.datetime64]]:
    """When opportunities open: those in the book, and those that will open after its last day."""
    soon = np.flatnonzero(rng.random(n) < _NEXT_SHARE)
    soon_at = _END + _seconds(rng.random(len(soon)) * _NEXT_DAYS * _DAY)
    known_at = deals["created"].to_numpy().astype("M8[s]")
    return np.concatenate([deals["company"].to_numpy(), soon]), np.concatenate([known_at, soon_at])


def _described(
    rng: np.random.Generator,
    company: NDArray[np.intp],
    kind: NDArray[np.intp],
    at: NDArray[np.datetime64],
    domains: Sequence[str],
    ids_of: IdsOf,
) -> pl.DataFrame:
    n = len(company)
    surge = _NAMES[kind] == "intent_surge"
    seat = np.minimum(rng.geometric(0.5, n), 6)
    anonymous = surge | ((_NAMES[kind] == "page_view") & (rng.random(n) < 0.5))
    return _identified(
        rng,
        pl.DataFrame(
            {
                "account_id": ids_of(company),
                "domain": np.array(domains)[company],
                "type": _NAMES[kind],
                "occurred_at": np.datetime_as_string(at, unit="s", timezone="UTC"),
                "event_id": np.arange(1, n + 1),
                "topic": np.where(surge | (rng.random(n) < 0.4), rng.choice(_TOPICS, n), ""),
                "strength": np.where(surge, rng.integers(60, 101, n), -1),
                "seat": seat,
                "person": 10 * company + seat,
                "channel": _CHANNELS[kind],
            }
        ).with_columns(
            event_id=pl.format("ev-{}", pl.col("event_id").cast(pl.String).str.zfill(8)),
            strength=pl.when(pl.col("strength") >= 0).then(pl.col("strength")),
            person=pl.when(~pl.Series(anonymous)).then(pl.format("u-{}", pl.col("person"))),
        ),
    )


def _identified(rng: np.random.Generator, events: pl.DataFrame) -> pl.DataFrame:
    """Leave each event the one identity its source knows: account id, domain or e-mail address."""
    by_mail = pl.col("type").is_in(["email_click", "webinar"]) & (pl.col("domain") != "")
    by_domain = pl.col("channel").is_in(["web", "vendor"]) & (pl.col("domain") != "")
    by_domain &= pl.Series(rng.random(len(events)) < 0.6)
    mail = pl.format("person{}@{}", pl.col("seat"), pl.col("domain"))
    return events.select(
        account_id=pl.when(~by_mail & ~by_domain).then(pl.col("account_id")),
        domain=pl.when(by_domain).then(pl.col("domain")),
        email=pl.when(by_mail).then(mail),
        type="type",
        occurred_at="occurred_at",
        event_id="event_id",
        topic=pl.when(pl.col("topic") != "").then(pl.col("topic")),
        strength="strength",
        person="person",
        channel="channel",
    )


def _seconds(count: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.timedelta64]:
    return count.astype(np.int64).astype("m8[s]")
