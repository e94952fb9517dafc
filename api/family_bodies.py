"""What callers send and get about families: who is whose parent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from api.problems import faults
from api.schemas import Text
from scoring.account import keys_named
from scoring.errors import RequestError
from scoring.store.families import Asked
from scoring.store.family_links import BY_ID
from scoring.store.family_walk import Family, Member

Body = TypeVar("Body", bound=BaseModel)


class ParentBody(BaseModel):
    """The parent of an account: its id, its domain or both. Give both where you have both."""

    parent_id: Text | None = None
    parent_domain: Text | None = None


class FamilyBody(ParentBody):
    """An account and its parent: of each its id, its domain or both."""

    account_id: Text | None = None
    domain: Text | None = None


class ParentAnswer(BaseModel):
    """What became of a link: linked, unchanged, removed or absent."""

    account_id: str
    status: str


class LinkResult(BaseModel):
    """What became of one link of a batch: linked, unchanged or rejected; the rest says why."""

    index: int
    status: str
    code: str = ""
    field: str = ""
    message: str = ""


class FamiliesAnswer(BaseModel):
    """What became of a batch of links, each in its place."""

    linked: int
    unchanged: int
    rejected: int
    results: list[LinkResult]


class FamilyMember(BaseModel):
    """One account of a family. An id that is an e-mail address is told by a hash."""

    account_id: str
    domain: str
    parent: str = Field(description="Its parent's id, or domain where it has none; empty at the top.")
    level: int = Field(description="1 at the top.")
    itself: bool = Field(description="Whether it is the account that was asked for.")


class FamilyAnswer(BaseModel):
    """A family, from the top down; an account without links is one by itself."""

    account_id: str
    parent: str = Field(description="Of the account asked for: as in `members`.")
    members: list[FamilyMember]
    cut: bool = Field(description="There is more than ten levels or a thousand accounts.")


def named(account_id: str, domain: str = "") -> tuple[str, ...]:
    """Return the keys of an account, what it is known by first: its id, unless that is its domain.

    Raises:
        RequestError: nothing here names an account, or a text is no identity.

    >>> named("42", "acme.com"), named("acme.com")
    (('a:42', 'd:acme.com'), ('d:acme.com', 'a:acme.com'))
    """
    keys = keys_named(account_id, domain)
    return keys if domain or len(keys) == 1 else keys[::-1]


def parent_of(raw: Any) -> tuple[str, ...]:
    """Return the keys of the parent in a body.

    Raises:
        RequestError: it is no object, or names no account.
    """
    body = _validated(ParentBody, raw)
    return _parent(body)


def link_of(raw: Any) -> Asked:
    """Return the keys of the child and of the parent in one link of a batch.

    Raises:
        RequestError: it is no object, or one of them is no account.
    """
    body = _validated(FamilyBody, raw)
    return named(body.account_id or "", body.domain or ""), _parent(body)


def _parent(body: ParentBody) -> tuple[str, ...]:
    try:
        return named(body.parent_id or "", body.parent_domain or "")
    except RequestError as error:
        field = "parent_domain" if error.field == "domain" else "parent_id"
        raise RequestError(f"the parent: {error}", field=field, code=error.code) from None


def _validated(model: type[Body], raw: Any) -> Body:
    if not isinstance(raw, Mapping):
        raise RequestError("send a link as a JSON object")
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        found = faults(error)
        detail = "; ".join(f"{fault.field}: {fault.message}" for fault in found)
        raise RequestError(detail, field=found[0].field) from error


def family_answer(account_id: str, family: Family) -> FamilyAnswer:
    """Say who is in a family."""
    top_down = sorted(family.members, key=lambda member: member.level)  # stable: otherwise as walked
    return FamilyAnswer(
        account_id=account_id,
        parent=_parent_of(family.own),
        members=[_member(member, itself=member is family.own) for member in top_down],
        cut=family.cut,
    )


def _member(member: Member, *, itself: bool) -> FamilyMember:
    names = member.kin.side()
    return FamilyMember(
        account_id=next((name[2:] for name in names if name.startswith(BY_ID)), ""),
        domain=next((name[2:] for name in names if not name.startswith(BY_ID)), ""),
        parent=_parent_of(member),
        level=member.level,
        itself=itself,
    )


def _parent_of(member: Member) -> str:
    return member.parent.side()[0][2:] if member.parent else ""
