"""Whose signals count at an account beside its own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MOST_NAMED = 10  # accounts that an answer names


class Rollup(StrEnum):
    """Whose signals count at an account."""

    NONE = "none"  # its own
    PARENT = "parent"  # and those of all accounts beneath it
    FAMILY = "family"  # and those of its topmost parent, and of all beneath that


@dataclass(frozen=True, slots=True)
class RolledUp:
    """What was counted at an account beside its own signals.

    Attributes:
        rollup: as it was asked for: `parent` or `family`.
        accounts: how many other accounts.
        ids: their ids, or domains where they have none; at most `MOST_NAMED`, from the top down.
        unread: accounts, itself among them, of which signals or links could not be read.
        cut: whether there are more accounts than are counted together.
    """

    rollup: str
    accounts: int
    ids: tuple[str, ...]
    unread: int
    cut: bool
