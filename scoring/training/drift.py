"""How far prospects differ from the customers a model learnt from.

The population stability index sums (p - q) * ln(p / q) over bins; from 0.1 on an attribute has shifted, from
0.25 on it has shifted much (N. Siddiqi, Credit Risk Scorecards, 2006). Missing is a bin of its own. Few
accounts alone make it rise: by chance it is about (1/n + 1/m) times a chi-squared variable with bins - 1
degrees of freedom, so a shift counts only beyond what that explains (B. Yurdakul and J. Naranjo, "Statistical
properties of the population stability index", Journal of Risk Model Validation 14, 2020).

Customers were chosen, by themselves and by those who sold to them. What a model says of prospects that are
like no customer rests on nothing, so their share is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import chi2

from scoring.features import MISSING, UNSEEN, CategoryEncoder, Codes, Encoder, FeatureSchema, NumberEncoder
from scoring.training.additive import Floats
from scoring.training.coarse import Bins, coarse
from scoring.training.encode import encode_frame

SHIFTED, SHIFTED_MUCH = 0.1, 0.25
SHIFTED_MUCH_WORD = "shifted much"
LARGE_SHARE = 0.1  # of prospects outside what customers show, from which it is a warning
INTERVALS = 10  # a number's distribution is compared over so many
PAIR_INTERVALS = 4  # fewer, so that a pair of attributes has customers in most of its cells
LEAST_TOGETHER = 5  # customers who share a combination before it is known ground
LEAST_PROSPECTS = 20  # under whom a distribution says nothing
CHANCE = 0.05  # of calling any attribute shifted where none is
MOST_ACCOUNTS = 20_000  # of each kind that are looked at; of more, a sample
HALF = 0.5  # an account, added to each bin: an empty one has no logarithm

SELECTION_NOTE = (
    "customers were chosen, by themselves and by those who sold to them: what is learnt holds for prospects "
    "that are like some customer, and is a guess for all others"
)

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class AttributeDrift:
    """How one attribute differs between customers and prospects."""

    attribute: str
    index: float  # population stability index
    by_chance: float  # as high as this it may be without any difference
    level: str  # steady, shifted, shifted much
    most: str  # where the shares differ most, in words
    customers: float  # share of customers there
    prospects: float


@dataclass(frozen=True, slots=True)
class Drift:
    """How prospects differ from customers, the attribute that differs most first."""

    customers: int
    prospects: int
    attributes: tuple[AttributeDrift, ...]
    never_seen: float  # share of prospects with a value that no customer has
    never_seen_by: tuple[tuple[str, float], ...]  # attribute, share of prospects; the most first
    rarely_seen: float  # share of prospects with two values that fewer than LEAST_TOGETHER customers share
    rarely_seen_by: tuple[tuple[str, float], ...]  # pair of attributes, share of prospects; the most first
    notes: tuple[str, ...]

    @property
    def warning(self) -> str:
        """Return which attributes have shifted much and how many prospects stand outside, or nothing."""
        much = [
            f"{one.attribute} ({one.index:.2f})" for one in self.attributes if one.level == SHIFTED_MUCH_WORD
        ]
        said = [f"prospects differ much from customers in {', '.join(much)}"] if much else []
        if self.never_seen > LARGE_SHARE:
            said.append(f"{self.never_seen:.0%} of prospects have a value that no customer has")
        return "; ".join(said)


def drift_of(
    schema: FeatureSchema, customers: pl.DataFrame, prospects: pl.DataFrame | None, *, seed: int
) -> Drift | str:
    """Compare the prospects of a book with its customers, attribute by attribute.

    Args:
        schema: what the model knows of attributes, built from the customers.
        customers: a row each, typed as in `Book.accounts`.
        prospects: likewise; None where the book has none.
        seed: of the samples that are taken where there are very many.

    Returns:
        The drift, or why there is none to tell, as a sentence.
    """
    if prospects is None or prospects.height < LEAST_PROSPECTS:
        return (
            f"the book has {0 if prospects is None else prospects.height} prospects, and at least "
            f"{LEAST_PROSPECTS} are needed to tell how they differ from customers"
        )
    ours, theirs = _sampled(customers, seed), _sampled(prospects, seed)
    left, right = encode_frame(schema, ours), encode_frame(schema, theirs)
    bins = coarse(schema, left, INTERVALS)
    found = [_attribute(schema, name, bins, left, right) for name in _attributes(schema)]
    outside = {encoder.attribute: _never_seen(encoder, customers, theirs) for encoder in schema.encoders}
    pairs = _rarely_seen(schema, left, right)
    rows = len(right)
    notes = [SELECTION_NOTE]
    notes += [
        f"of the {kind} a sample of {MOST_ACCOUNTS:,} was looked at" for kind in _large(customers, prospects)
    ]
    return Drift(
        customers=customers.height,
        prospects=prospects.height,
        attributes=tuple(sorted(found, key=lambda one: (-one.index, one.attribute))),
        never_seen=_share_of_any(outside, rows),
        never_seen_by=_shares(outside),
        rarely_seen=_share_of_any(pairs, rows),
        rarely_seen_by=_shares(pairs),
        notes=tuple(notes),
    )


def _sampled(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    if frame.height <= MOST_ACCOUNTS:
        return frame
    return frame[np.sort(np.random.default_rng(seed).choice(frame.height, MOST_ACCOUNTS, replace=False))]


def _large(customers: pl.DataFrame, prospects: pl.DataFrame) -> list[str]:
    kinds = {"customers": customers.height, "prospects": prospects.height}
    return [f"{height:,} {kind}" for kind, height in kinds.items() if height > MOST_ACCOUNTS]


def _attributes(schema: FeatureSchema) -> list[str]:
    return list(dict.fromkeys(feature.attribute for feature in schema.features))


# The index


def stability_index(left: Floats, right: Floats) -> float:
    """Return the population stability index of two distributions, given as counts by bin: (bins,).

    >>> round(stability_index(np.array([500.0, 500.0]), np.array([300.0, 700.0])), 2)
    0.17
    """
    p, q = (np.asarray((n + HALF) / (n.sum() + HALF * len(n))) for n in (left, right))
    return float(np.sum((p - q) * np.log(p / q)))


def _attribute(
    schema: FeatureSchema, name: str, bins: Sequence[Bins], left: Codes, right: Codes
) -> AttributeDrift:
    """Compare one attribute; of a tag list, the tag whose share differs most."""
    features = [j for j, feature in enumerate(schema.features) if feature.attribute == name]
    tries = len(schema.features)
    compared = [(*_compared(bins[j], left[:, j], right[:, j], tries), j) for j in features]
    index, by_chance, at, mine, theirs, j = max(compared, key=lambda found: found[0])
    return AttributeDrift(
        attribute=name,
        index=index,
        by_chance=by_chance,
        level=_level(index, by_chance),
        most=_say(schema, j, bins[j], at),
        customers=mine,
        prospects=theirs,
    )


def _compared(bins: Bins, left: Codes, right: Codes, tries: int) -> tuple[float, float, int, float, float]:
    """Return the index, what chance explains, and the bin that differs most with both shares."""
    size = int(bins.max()) + 1
    mine = np.bincount(bins[left], minlength=size).astype(np.float64)
    theirs = np.bincount(bins[right], minlength=size).astype(np.float64)
    used = int(((mine + theirs) > 0).sum())
    mine, theirs = mine / mine.sum(), theirs / theirs.sum()
    at = int(np.argmax(np.abs(mine - theirs)))
    present = (mine + theirs) > 0
    index = stability_index(mine[present] * len(left), theirs[present] * len(right))
    degrees = max(used - 1, 1)
    by_chance = (1 / len(left) + 1 / len(right)) * float(chi2.ppf(1 - CHANCE / tries, degrees))
    return index, by_chance, at, float(mine[at]), float(theirs[at])


def _level(index: float, by_chance: float) -> str:
    if index <= by_chance or index < SHIFTED:
        return "steady"
    return "shifted" if index < SHIFTED_MUCH else SHIFTED_MUCH_WORD


def _say(schema: FeatureSchema, j: int, bins: Bins, at: int) -> str:
    """Say a bin in words; of a number, the interval from the first of the codes it joins to the last."""
    encoder = schema.features[j].encoder
    if not isinstance(encoder, NumberEncoder):
        return schema.features[j].say(at)
    edges = tuple(edge for edge, (a, b) in zip(encoder.edges, pairwise(bins[1:]), strict=True) if a != b)
    return replace(encoder, edges=edges).say(0, at)


# Ground that customers do not cover


def _never_seen(encoder: Encoder, customers: pl.DataFrame, prospects: pl.DataFrame) -> Mask:
    """Tell which prospects have a value outside the customers', or lack one that no customer lacks.

    Tags are only told by their absence: one that no customer has counts for nothing in a model.
    """
    ours, theirs = customers[encoder.attribute], prospects[encoder.attribute]
    absent = theirs.is_null() if ours.null_count() == 0 else pl.zeros(len(theirs), pl.Boolean, eager=True)
    match encoder.kind:
        case "number" | "date":
            strange = ~theirs.is_between(ours.min(), ours.max())
        case "category" | "industry" | "country" | "flag":
            strange = ~theirs.is_in(ours.drop_nulls().unique().to_list())
        case _:
            return absent.to_numpy()
    return (absent | strange.fill_null(value=False)).to_numpy()


def _rarely_seen(schema: FeatureSchema, left: Codes, right: Codes) -> dict[str, Mask]:
    """Tell by pair of attributes which prospects stand where fewer than LEAST_TOGETHER customers do.

    Tags are left aside: each is seldom, and pairs of them would be rare for everybody. So is what is missing
    or unseen: it is no combination.
    """
    single = [j for j, feature in enumerate(schema.features) if feature.encoder.kind != "tags"]
    bins = coarse(schema, left, PAIR_INTERVALS)
    rare: dict[str, Mask] = {}
    for a, b in combinations(single, 2):
        known = (right[:, a] != MISSING) & (right[:, b] != MISSING)
        for j in (a, b):
            if isinstance(schema.features[j].encoder, CategoryEncoder):
                known &= right[:, j] != UNSEEN
        width = int(bins[b].max()) + 1
        counts = np.bincount(
            bins[a][left[:, a]] * width + bins[b][left[:, b]], minlength=(int(bins[a].max()) + 1) * width
        )
        cells = bins[a][right[:, a]] * width + bins[b][right[:, b]]
        names = f"{schema.features[a].attribute} & {schema.features[b].attribute}"
        rare[names] = known & (counts[cells] < LEAST_TOGETHER)
    return rare


def _share_of_any(masks: dict[str, Mask], rows: int) -> float:
    return float(np.any(list(masks.values()), axis=0).sum() / rows) if masks else 0.0


def _shares(masks: dict[str, Mask]) -> tuple[tuple[str, float], ...]:
    shares = [(name, float(mask.mean())) for name, mask in masks.items() if mask.any()]
    return tuple(sorted(shares, key=lambda one: (-one[1], one[0])))
