"""The keys of the store: a log per account key, and beside it what else is kept of the account."""

from __future__ import annotations

from functools import lru_cache

from scoring.addresses import holds_address
from scoring.signals.record import keyed_hash

LOG_PREFIX = "fb:s:"  # the account's signals
LINK_PREFIX = "fb:l:"  # which other logs hold signals of the same account
REMEMBERED_PREFIX = "fb:r:"  # what the account was scored with
PARENT_PREFIX = "fb:p:"  # whose child the account is
CHILDREN_PREFIX = "fb:c:"  # which accounts are its children
# What is kept of an account beside its log and its links, under the same name: erasing reaches all of it.
BESIDE = (REMEMBERED_PREFIX, PARENT_PREFIX, CHILDREN_PREFIX)


class StoredKeys:
    """Turns the keys of accounts (`account.account_keys`) into keys of logs.

    Attributes:
        all_of: gives the keys of all logs of an account; those of the accounts last asked for are remembered.
    """

    def __init__(self, person_key: bytes) -> None:
        self._person_key = person_key
        self.all_of = lru_cache(maxsize=65_536)(self._all_of)

    def of(self, account_key: str) -> str:
        """Return the log's key; an account id that holds an e-mail address is hashed, as people are.

        >>> StoredKeys(b"secret").of("a:0015500000Xyy06")
        'fb:s:a:0015500000Xyy06'
        >>> "acme" in StoredKeys(b"secret").of("a:jo@acme.com")
        False
        """
        if not holds_address(account_key):
            return LOG_PREFIX + account_key
        hashed = keyed_hash(account_key, key=self._person_key, purpose=b"account", size=16)
        return f"{LOG_PREFIX}{account_key[:2]}#{hashed:032x}"

    def _all_of(self, account_keys: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(self.of, account_keys))


def link_key(log_key: str) -> str:
    """Return where the links of a log are.

    >>> link_key("fb:s:d:acme.com")
    'fb:l:d:acme.com'
    """
    return LINK_PREFIX + log_key.removeprefix(LOG_PREFIX)


def remembered_key(log_key: str) -> str:
    """Return where it is kept what the account of a log was scored with.

    >>> remembered_key("fb:s:d:acme.com")
    'fb:r:d:acme.com'
    """
    return REMEMBERED_PREFIX + log_key.removeprefix(LOG_PREFIX)


def beside(log_key: str) -> tuple[str, ...]:
    """Return the keys of all that is kept of an account beside its log and its links.

    >>> beside("fb:s:d:acme.com")
    ('fb:r:d:acme.com', 'fb:p:d:acme.com', 'fb:c:d:acme.com')
    """
    name = log_key.removeprefix(LOG_PREFIX)
    return tuple(prefix + name for prefix in BESIDE)
