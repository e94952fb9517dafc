"""A signal: one thing an account did (an event), or a gauge a vendor reports about it (a level)."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from scoring.account import account_keys, checked_identity, no_identity, normalise_domain
from scoring.addresses import holds_address, without_query
from scoring.errors import RequestError
from scoring.signals.people import read_role, read_seniority, read_title
from scoring.values import as_flag, as_moment, is_missing

LONGEST_TEXT = 256  # characters
LARGEST_STRENGTH = 1000.0  # above every vendor's scale, and below what the log's half float can hold
CLOCK_SKEW = 300.0  # seconds a sender's clock may be ahead of ours
_SECONDS_PER_DAY = 86_400
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
NEEDED = "a signal needs an account_id, a company's domain such as acme.com, or an e-mail address there"
ADDRESS = "(address)"  # stands for an e-mail address where a type, topic or channel should be
_NOT_A_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Signal:
    """One event or level of one account.

    Attributes:
        keys: the names of the account's logs; a signal with both an id and a domain goes to both.
        type: lower-case snake, such as `demo_request`.
        at: when it happened, in unix seconds, UTC.
        event_id: the sender's id, by which a resend is known.
        topic: what it was about; empty where it is about nothing in particular.
        strength: 0..1000, on the sender's own scale.
        person: who did it, as sent; only a keyed hash of it is ever stored.
        channel: where it happened, such as `web` or `email`.
        role: which of `people.ROLES` the person has, by number; 0 is not known.
        seniority: which of `people.SENIORITIES`, likewise.
        level: a gauge, of which the latest per type and topic counts; otherwise an event, which is counted.

    Raises:
        RequestError: there is no account key (`identity_missing`).
    """

    keys: tuple[str, ...]
    type: str
    at: float
    event_id: str
    topic: str = ""
    strength: float = 1.0
    person: str = ""
    channel: str = ""
    role: int = 0
    seniority: int = 0
    level: bool = False

    def __post_init__(self) -> None:
        if not self.keys:
            raise no_identity(NEEDED)

    @classmethod
    def parse(cls, raw: Mapping[str, object], *, now: float) -> Signal:
        """Read a signal as a caller sent it; fields it does not know are left alone.

        The person is the e-mail address where no person is given. Without an event id the other fields stand
        in for it, so that a resend is a duplicate; without a time as well, the same signal counts once a day.

        Args:
            raw: account_id, domain, email, type, occurred_at, event_id, topic, strength, person, channel,
                title, role, seniority and level, of which an identity and the type are needed.
            now: the time in unix seconds, for a signal that does not say when it happened.

        Raises:
            RequestError: `code` is identity_missing, type_missing, time_invalid, time_in_future,
                strength_invalid, level_invalid, text_too_long or text_invalid. The value is never repeated.

        >>> sent = {"email": "Jo@Acme.com", "type": "Demo Request", "occurred_at": "2026-06-30T12:00:00Z"}
        >>> signal = Signal.parse(sent, now=1_782_900_000)
        >>> signal.keys, signal.type, signal.at, signal.person
        (('d:acme.com',), 'demo_request', 1782820800.0, 'jo@acme.com')
        """
        given_at = _time(raw.get("occurred_at"), now)
        level = _level(raw.get("level"))
        role, seniority = read_standing(raw)
        signal = cls(
            keys=read_keys(raw),
            type=read_type(raw),
            at=now if given_at is None else given_at,
            event_id=_text(raw, "event_id"),
            topic=read_name(raw, "topic"),
            strength=_strength(raw.get("strength"), level=level),
            person=read_person(raw),
            channel=read_name(raw, "channel"),
            role=role,
            seniority=seniority,
            level=level,
        )
        return signal if signal.event_id else replace(signal, event_id=_stand_in_id(signal, given_at))


def signal_type(text: str) -> str:
    """Return a signal type in its one spelling, lower-case snake; empty where there is no word in it.

    >>> signal_type(" Demo Request"), signal_type("contact.creation"), signal_type("--")
    ('demo_request', 'contact_creation', '')
    """
    return _NOT_A_WORD.sub("_", text.lower()).strip("_")


def _refuse(field: str, code: str, what_to_do: str) -> RequestError:
    return RequestError(f"{field} {what_to_do}", field=field, code=code)


def read_keys(raw: Mapping[str, object]) -> tuple[str, ...]:
    """Return the names of the account's logs; none where nothing was sent that could name one.

    Raises:
        RequestError: what was sent names none (`identity_missing`), or is no identity.
    """
    account_id, domain, email = (
        checked_identity(_plain(raw.get(name), name), name) for name in ("account_id", "domain", "email")
    )
    keys = account_keys(account_id, domain if domain and normalise_domain(domain) else email)
    if not keys and (domain or email):
        raise no_identity(NEEDED, domain, email)
    return keys


def _plain(value: object, field: str) -> str:
    """Return what was sent as a text: senders write ids as numbers."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _refuse(field, "text_invalid", "must be a text; send it as a JSON string")
    if value.bit_length() > LONGEST_TEXT:
        raise _refuse(field, "text_too_long", f"is longer than {LONGEST_TEXT} characters; shorten it")
    return str(value)


def _text(raw: Mapping[str, object], field: str) -> str:
    """Return a checked text; a word for nothing, such as `undefined`, is empty: as an id it matches all."""
    text = _plain(raw.get(field), field).strip()
    if len(text) > LONGEST_TEXT:
        raise _refuse(field, "text_too_long", f"is longer than {LONGEST_TEXT} characters; shorten it")
    if _CONTROL.search(text):
        raise _refuse(
            field, "text_invalid", "holds control characters or half a surrogate pair; send plain text"
        )
    return "" if is_missing(text) else text


def _label(raw: Mapping[str, object], field: str) -> str:
    return " ".join(_text(raw, field).lower().split())


def read_name(raw: Mapping[str, object], field: str) -> str:
    """Return a name, which is stored as it is: without a query, and not where it holds an e-mail address."""
    label = without_query(_label(raw, field))
    return ADDRESS if holds_address(label) else label


def read_person(raw: Mapping[str, object]) -> str:
    """Return who did it: the e-mail address where no person is named."""
    return _label(raw, "person") or _label(raw, "email")


def read_standing(raw: Mapping[str, object]) -> tuple[int, int]:
    """Return the person's role and seniority: what the sender says of them, else what the title says."""
    title, role, seniority = (_text(raw, field) for field in ("title", "role", "seniority"))
    by_title = read_title(title)
    return read_role(role) or by_title[0], read_seniority(seniority) or by_title[1]


def read_type(raw: Mapping[str, object]) -> str:
    """Return what happened, in its one spelling."""
    text = _text(raw, "type")
    found = ADDRESS if holds_address(text) else signal_type(text)
    if not found:
        raise _refuse("type", "type_missing", "is missing; say what happened, such as demo_request")
    return found


def _time(value: object, now: float) -> float | None:
    try:
        at = as_moment(value.strip() if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        message = "must be an ISO 8601 time, or unix seconds or milliseconds"
        raise _refuse("occurred_at", "time_invalid", message) from None
    if at is not None and at > now + CLOCK_SKEW:
        message = "is more than 5 minutes ahead; send UTC, or say the time zone"
        raise _refuse("occurred_at", "time_in_future", message)
    return at


def _level(value: object) -> bool:
    try:
        return as_flag(value) or False
    except ValueError:
        raise _refuse("level", "level_invalid", "must be true or false") from None


def _strength(value: object, *, level: bool) -> float:
    absent = value is None or (isinstance(value, str) and not value.strip())
    if absent and not level:
        return 1.0
    try:
        strength = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]  # caught below
    except (TypeError, ValueError, OverflowError):
        strength = math.nan
    if not 0 <= strength <= LARGEST_STRENGTH:  # also refuses NaN
        message = f"must be a number from 0 to {LARGEST_STRENGTH:.0f}" + (
            ", and a level needs one" if level else ""
        )
        raise _refuse("strength", "strength_invalid", message)
    return strength


def _stand_in_id(signal: Signal, given_at: float | None) -> str:
    # A sender who gives neither id nor time cannot tell its resends from new signals: one a day is counted.
    when = f"day {signal.at // _SECONDS_PER_DAY:.0f}" if given_at is None else repr(given_at)
    parts = (*signal.keys, signal.type, when, signal.topic, repr(signal.strength), signal.person)
    text = "\0".join((*parts, signal.channel, str(signal.level)))
    return "made:" + hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
