"""Reading many signals together, into columns: what `Signal.parse` does one by one, for those that are plain.

Most signals of a batch look like each other: the same types and topics, the same accounts and people. What
was read once is remembered; times and ids are checked all at once. A signal with anything odd about it is
left to `Signal.parse`, which also says what is wrong with it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import compress
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from scoring.errors import RequestError
from scoring.signals import signal
from scoring.signals.columns import SignalColumns
from scoring.signals.record import LEVEL, ROLE_BIT, SENIORITY_BIT
from scoring.values import EARLIEST_MOMENT, LATEST_MOMENT, MISSING_WORDS, as_moment, is_missing

REMEMBERED = 16_384  # entries of each cache; a text in it has at most 256 characters
REMEMBERED_ACCOUNTS = 65_536
_ID = re.compile(f"[!-~]{{1,{signal.LONGEST_TEXT}}}")  # a plain id: ASCII, nothing to strip
_WORDS_FOR_NOTHING = MISSING_WORDS - {""}
_BLANK, _DELETE = ord(" "), 0x7F  # between them stand the letters that print
_UTC_EXAMPLE = "2026-06-30T12:00:00Z"
_UTC_LENGTH = len(_UTC_EXAMPLE)
_UTC_DIGITS = [place for place, letter in enumerate(_UTC_EXAMPLE) if letter.isdecimal()]
_UTC_MARKS = [place for place, letter in enumerate(_UTC_EXAMPLE) if not letter.isdecimal()]
_UTC_MARK_LETTERS = np.array([ord(_UTC_EXAMPLE[place]) for place in _UTC_MARKS], dtype=np.uint8)
Text = str | int | float | None
Mask = NDArray[np.bool_]


class SentSignal(msgspec.Struct, gc=False):
    """A signal as it is sent: the fields that `Signal.parse` knows."""

    account_id: Text = None
    domain: Text = None
    email: Text = None
    type: Text = None
    occurred_at: Text = None
    event_id: Text = None
    topic: Text = None
    strength: Text = None
    person: Text = None
    channel: Text = None
    title: Text = None
    role: Text = None
    seniority: Text = None
    level: bool | None = None


def read_together(sent: Sequence[SentSignal], *, now: float) -> tuple[SignalColumns, Mask]:
    """Read the plain ones among n signals.

    Args:
        sent: n signals.
        now: the time in unix seconds.

    Returns:
        The plain ones, in order, and which they are, shape (n,).

    >>> visit = SentSignal(domain="acme.com", type="Visit", occurred_at="2026-06-30T12:00:00Z", event_id="e1")
    >>> signals, plain = read_together([visit, SentSignal(type="Visit")], now=1_782_900_000)
    >>> plain.tolist(), signals.keys, [*signals.type], signals.at.tolist()
    ([True, False], [('d:acme.com',)], ['visit'], [1782820800.0])
    """
    keys = [_keys(one.account_id, one.domain, one.email) for one in sent]
    people = _people(sent)
    labels = [
        _labels(one.type, one.topic, one.channel, one.title, one.role, one.seniority, one.level)
        for one in sent
    ]
    ids = [one.event_id for one in sent]
    at = _moments([one.occurred_at for one in sent], now)
    strength = _strengths([one.strength for one in sent], [one.level for one in sent])
    plain = ~(np.isnan(at) | np.isnan(strength))
    if None in keys or None in people or None in labels or "" in ids or not _are_plain(ids):
        plain &= [
            None not in (key, person, label) and _is_plain(event_id)
            for key, person, label, event_id in zip(keys, people, labels, ids, strict=True)
        ]
    types, topics, channels, flags = zip(*_chosen(labels, plain), strict=True) if plain.any() else ((),) * 4
    return SignalColumns(
        keys=_chosen(keys, plain),
        type=types,
        topic=topics,
        channel=channels,
        person=_chosen(people, plain),
        event_id=_chosen(ids, plain),
        at=at[plain],
        strength=strength[plain],
        flags=np.array(flags, dtype=np.uint8),
    ), plain


def _chosen(column: Sequence[Any], plain: Mask) -> list[Any]:
    return [*compress(column, plain)]


@lru_cache(maxsize=REMEMBERED_ACCOUNTS)
def _keys(account_id: Text, domain: Text, email: Text) -> tuple[str, ...] | None:
    try:
        return signal.read_keys({"account_id": account_id, "domain": domain, "email": email}) or None
    except RequestError:
        return None


@lru_cache(maxsize=REMEMBERED)
def _person(person: Text, email: Text) -> str | None:
    try:
        return signal.read_person({"person": person, "email": email})
    except RequestError:
        return None


@lru_cache(maxsize=REMEMBERED)
def _labels(
    type: Text,  # noqa: A002 - the field's name
    topic: Text,
    channel: Text,
    title: Text,
    role: Text,
    seniority: Text,
    level: bool | None,  # noqa: FBT001 - one of the fields
) -> tuple[str, str, str, int] | None:
    raw = {
        "type": type,
        "topic": topic,
        "channel": channel,
        "title": title,
        "role": role,
        "seniority": seniority,
    }
    try:
        in_role, rank = signal.read_standing(raw)
        flags = LEVEL * bool(level) | rank << SENIORITY_BIT | in_role << ROLE_BIT
        return signal.read_type(raw), signal.read_name(raw, "topic"), signal.read_name(raw, "channel"), flags
    except RequestError:
        return None


def _people(sent: Sequence[SentSignal]) -> Sequence[str | None]:
    """Read who did each: many are met only once, so what was read before is of little help."""
    named = [one.email if one.person is None or one.person == "" else one.person for one in sent]
    texts = ["" if text is None else text for text in named]
    if _are_plain(texts):
        return "\n".join(texts).lower().split("\n") if texts else []  # type: ignore[arg-type]  # plain texts
    return [_person(one.person, one.email) for one in sent]


def _are_plain(texts: Sequence[Text]) -> bool:
    """Tell whether texts are plain or empty, any number at once; where not, each is to be looked at."""
    letters = _letters(texts)
    if letters is None or not ((letters > _BLANK) & (letters < _DELETE)).all():
        return False
    lengths = map(len, texts)  # type: ignore[arg-type]  # they are texts, or they had no letters
    if max(lengths, default=0) > signal.LONGEST_TEXT:
        return False
    return _WORDS_FOR_NOTHING.isdisjoint("\n".join(texts).lower().split("\n"))  # type: ignore[arg-type]


def _letters(texts: Sequence[Text]) -> NDArray[np.uint8] | None:
    """Return the letters of texts, end to end; None where one is no text, or not ASCII."""
    try:
        return np.frombuffer("".join(texts).encode("ascii"), dtype=np.uint8)  # type: ignore[arg-type]  # caught
    except (TypeError, UnicodeEncodeError):
        return None


def _is_plain(event_id: Text) -> bool:
    return isinstance(event_id, str) and _ID.fullmatch(event_id) is not None and not is_missing(event_id)


def _moments(values: Sequence[Text], now: float) -> NDArray[np.float64]:
    """Read moments, in unix seconds; NaN where there is none, or none that is plain."""
    if (at := _utc(values)) is None:
        at = np.array([_moment(value) for value in values], dtype=np.float64)
    return np.where((at >= EARLIEST_MOMENT) & (at <= min(now + signal.CLOCK_SKEW, LATEST_MOMENT)), at, np.nan)


def _utc(values: Sequence[Text]) -> NDArray[np.float64] | None:
    """Read texts such as 2026-06-30T12:00:00Z, all at once; None where one of them is no such text."""
    letters = _letters(values)
    if letters is None or {*map(len, values)} != {_UTC_LENGTH}:  # type: ignore[arg-type]  # as in `_are_plain`
        return None
    table = letters.reshape(-1, _UTC_LENGTH)
    digits = table[:, _UTC_DIGITS] - ord("0")  # what is below 0 comes round to far above 9
    if (table[:, _UTC_MARKS] != _UTC_MARK_LETTERS).any() or (digits > 9).any():
        return None
    try:
        return letters.view("S20").astype("S19").astype("M8[s]").astype(np.float64)
    except ValueError:  # such as the 30th of February
        return None


def _moment(value: Text) -> float:
    try:
        at = as_moment(value.strip() if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return math.nan
    return math.nan if at is None else at


def _strengths(values: Sequence[Text], levels: Sequence[bool | None]) -> NDArray[np.float64]:
    """Read strengths; NaN where there is none that is plain, or a level has none."""
    most = signal.LARGEST_STRENGTH
    if all(value is None for value in values) and not any(levels):
        return np.ones(len(values))
    read = []
    for value, level in zip(values, levels, strict=True):
        if isinstance(value, (int, float)) and 0 <= value <= most:
            read.append(value)
        else:
            read.append(1.0 if value is None and not level else math.nan)
    return np.array(read, dtype=np.float64)
