"""Whom to reach, in a plan: how many accounts, whom to know there, and which attributes say so."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from scoring.plan_rules import Section


class ListSection(Section):
    """The list of target accounts that is made of the scores."""

    size: int | None = Field(default=None, ge=1, le=1_000_000, strict=True)  # default: all accounts in a tier


class CoverageSection(Section):
    """Whom to know at each account on the list."""

    contacts_per_account: int | None = Field(default=None, ge=1, le=1000, strict=True)
    roles: list[str] = []  # of the people to know, such as "CFO" or "head of data"


def _listed(raw: Any) -> Any:
    return [raw] if isinstance(raw, str) else raw


Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]  # one attribute, or a list of them


class RolesSection(Section):
    """Which attributes say what, so that it can be spoken of by its meaning."""

    use_case: Names = ()
    prior_solution: Names = ()  # what the account used before, or uses now
    champion: Names = ()  # who speaks for us there
    readiness: Names = ()
    locked_in_with: Names = ()  # the competitor, or until when
