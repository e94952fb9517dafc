"""An account: who it is, and the attributes its caller knows."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from publicsuffixlist import PublicSuffixList

from scoring.errors import RequestError
from scoring.values import is_missing

LONGEST_IDENTITY = 256  # characters; longer ones are mistakes, and every one is a key in the store
_HOST = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?(?:[^@/?#]*@)?([^/?#:@]+)", re.IGNORECASE)
_HOST_NAME = re.compile(r"(?:[a-z0-9_-]{1,63}\.)+[a-z0-9-]{1,63}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_NO_ATTRIBUTES: Mapping[str, Any] = MappingProxyType({})


def _shared_domains() -> frozenset[str]:
    table = tomllib.loads(Path(__file__).with_name("shared_domains.toml").read_text(encoding="utf-8"))
    rule = (f"{name}.{country}" for name in table["everywhere"] for country in table["countries"])
    return frozenset([*rule, *table["mailboxes"], *table["disposable"], *table["hosts"]])


SHARED_DOMAINS = _shared_domains()  # many companies share these, so they identify none


@cache
def _public_suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False)


@lru_cache(maxsize=65_536)
def normalise_domain(text: str) -> str | None:
    """Return the registrable domain in a URL, e-mail address or host name, or None where there is none.

    >>> normalise_domain("https://www.Acme.co.uk:443/about?x=1"), normalise_domain("jo@mail.acme.io")
    ('acme.co.uk', 'acme.io')
    >>> normalise_domain("n/a") is None
    True
    """
    found = _HOST.match(text.strip())
    if found is None:
        return None
    host = found[1].rstrip(".").lower()
    try:
        ascii_host = host if host.isascii() else host.encode("idna").decode("ascii").rstrip(".")
    except UnicodeError:
        return None
    if not _HOST_NAME.fullmatch(ascii_host):
        return None
    domain = _public_suffixes().privatesuffix(ascii_host)
    return domain if domain and len(domain) <= LONGEST_IDENTITY else None


def account_keys(account_id: str | None, domain: str | None) -> tuple[str, ...]:
    """Return the names under which an account's signals are kept: by id, by domain, or both.

    A domain that many companies share names no account, and neither does an id such as `null`.

    >>> account_keys("0015500000Xyy06", "www.acme.com")
    ('a:0015500000Xyy06', 'd:acme.com')
    """
    by_id = () if is_missing(account_id) else (f"a:{account_id}",)
    normalised = normalise_domain(domain) if domain else None
    return (*by_id, f"d:{normalised}") if normalised and normalised not in SHARED_DOMAINS else by_id


def keys_named(account_id: str, domain: str = "") -> tuple[str, ...]:
    """Return the names under which the signals of an account are kept, whose id may be its domain.

    An e-mail address names one person's record and not the company.

    Raises:
        RequestError: nothing here names an account (`identity_missing`), or a text is no identity.

    >>> keys_named("acme.com"), keys_named("jo@acme.com"), keys_named("42", "www.acme.com")
    (('a:acme.com', 'd:acme.com'), ('a:jo@acme.com',), ('a:42', 'd:acme.com'))
    """
    account_id = checked_identity(account_id, "account_id")
    domain = checked_identity(domain, "domain")
    keys = (*account_keys(account_id, None if "@" in account_id else account_id), *account_keys(None, domain))
    if not keys or (domain and not account_keys(None, domain)):
        message = "name an account by its id, or by a domain of its own such as acme.com"
        raise RequestError(message, field="domain" if domain else "account_id", code="identity_missing")
    return tuple(dict.fromkeys(keys))


def no_identity(what: str, *domains: str) -> RequestError:
    """Return the error of something that names no account; it says where a domain is one that many share.

    Args:
        what: is needed, and of what.
        domains: those that were given instead, or addresses.
    """
    shared = any(normalise_domain(domain) in SHARED_DOMAINS for domain in domains if domain)
    why = (
        "; the one given is shared by many: a mailbox provider's, or a site that hosts pages"
        if shared
        else ""
    )
    return RequestError(what + why, field="account_id", code="identity_missing")


def checked_identity(text: str, field_name: str) -> str:
    """Return an identity (account id or domain) without surrounding blanks.

    Raises:
        RequestError: it is too long, or holds control characters or half a surrogate pair.
    """
    stripped = text.strip()
    if len(stripped) > LONGEST_IDENTITY:
        message = f"{field_name} is longer than {LONGEST_IDENTITY} characters; send the identity alone"
        raise RequestError(message, field=field_name, code="text_too_long")
    if _CONTROL.search(stripped):
        message = f"{field_name} holds control characters or half a surrogate pair; send plain text"
        raise RequestError(message, field=field_name, code="text_invalid")
    return stripped


@dataclass(frozen=True, slots=True)
class Account:
    """One account as a caller names it: an id, a domain, or both, and attributes by name.

    Raises:
        RequestError: neither an id nor a usable domain was given (`identity_missing`).
    """

    account_id: str = ""
    domain: str = ""
    attributes: Mapping[str, Any] = field(default_factory=lambda: _NO_ATTRIBUTES)
    keys: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        keys = account_keys(
            checked_identity(self.account_id, "account_id"), checked_identity(self.domain, "domain")
        )
        if not keys:
            message = "an account needs an account_id, or a domain of its own such as acme.com"
            raise no_identity(message, self.domain)
        object.__setattr__(self, "keys", keys)
