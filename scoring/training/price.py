"""Attributes that are part of the price, such as seats: what a customer pays is so much for each.

They predict revenue because they are its other factor, and nobody knows them of a company before it has
bought. Prices come from a list, so what is paid, divided by such an attribute, takes few values; for any
ordinary attribute it takes as many as there are customers, or as many as when its values are dealt out anew.
"""

from __future__ import annotations

import numpy as np

from scoring.training.additive import Floats

LIST_PRICES = 10  # prices for a unit that a list may have
DIGITS = 3  # significant ones in which two prices are the same
TOLD = 0.3  # share of customers whose price is on the list, beyond that of values dealt out anew
LEAST_CUSTOMERS = 50
DEALS = 5


def share_at_list_prices(paid: Floats, units: Floats) -> float:
    """Return the share of customers that pay one of the LIST_PRICES commonest prices for a unit.

    >>> share_at_list_prices(np.array([190.0, 380.0, 490.0]), np.array([10.0, 20.0, 10.0]))
    1.0
    """
    price = paid / units
    magnitude = 10.0 ** (np.floor(np.log10(price)) - (DIGITS - 1))
    _, counts = np.unique(np.round(price / magnitude) * magnitude, return_counts=True)
    return float(np.sort(counts)[::-1][:LIST_PRICES].sum() / len(price))


def multiple_of(paid: Floats, units: Floats, *, seed: int) -> float:
    """Tell how much more often customers pay list prices for a unit than if units were dealt out anew.

    The comparison is what clears a small whole number (floors, founders) where there are few amounts that
    anybody pays: few by few are few prices too, and stay so however the values are dealt.

    Args:
        paid: (customers,), a month; NaN where not known.
        units: (customers,), the attribute; NaN where missing.
        seed: of the dealing.

    Returns:
        The difference of both shares; 0 with fewer than LEAST_CUSTOMERS that have both above 0.

    >>> units = np.arange(1.0, 101.0)
    >>> multiple_of(19.0 * units, units, seed=0) > 0.8
    True
    """
    both = (paid > 0) & (units > 0)  # NaN is above nothing
    if both.sum() < LEAST_CUSTOMERS:
        return 0.0
    paid, units = paid[both], units[both]
    rng = np.random.default_rng(seed)
    dealt = [share_at_list_prices(paid, rng.permutation(units)) for _ in range(DEALS)]
    return share_at_list_prices(paid, units) - float(np.mean(dealt))
