"""Who at an account did something: in which role, and how senior. A record has a byte for both."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from scoring.spelling import squeezed, words

# In the order of their numbers, which stored records hold: add at the end, never in between.
SENIORITIES = ("", "individual", "manager", "director", "vice_president", "executive")  # at most 8
ROLES = (  # at most 16
    "",
    "leadership",
    "finance",
    "it",
    "engineering",
    "data",
    "product",
    "marketing",
    "sales",
    "operations",
    "security",
    "people",
    "legal",
    "procurement",
    "support",
)
UNKNOWN, LEADERSHIP = 0, 1
INDIVIDUAL, EXECUTIVE = 1, 5
_LONGEST_TITLE = 160  # characters; a longer text is no title, and is not kept in the cache
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})

Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Titles:
    """What the words of titles say, by phrase."""

    seniority: Mapping[Phrase, int]
    role: Mapping[Phrase, int]
    assistants: frozenset[Phrase]
    longest: int  # words of the longest phrase


def read_title(title: str) -> tuple[int, int]:
    """Read a job title: its role and seniority, as indexes into `ROLES` and `SENIORITIES`; 0 is unknown.

    Of several roles the first counts, of several ranks the highest. Whoever leads and has no other role leads
    the company.

    >>> [(ROLES[role], SENIORITIES[rank]) for role, rank in map(read_title, ["VP of Finance", "Founder"])]
    [('finance', 'vice_president'), ('leadership', 'executive')]
    >>> read_title("Assistant to the CEO"), read_title("Wizard")
    ((0, 1), (0, 0))
    """
    return _read_title(title) if len(title) <= _LONGEST_TITLE else (UNKNOWN, UNKNOWN)


def read_role(text: str) -> int:
    """Read a role, or the department or title that says it, as an index into `ROLES`; 0 is unknown.

    >>> ROLES[read_role("Human Resources")], ROLES[read_role("information_technology")], read_role("?")
    ('people', 'it', 0)
    """
    return _by_name(ROLES).get(squeezed(text)) or read_title(text)[0]


def read_seniority(text: str) -> int:
    """Read a seniority, or the title that says it, as an index into `SENIORITIES`; 0 is unknown.

    >>> [SENIORITIES[read_seniority(text)] for text in ("C-Level", "vp", "Executive", "entry", "none")]
    ['executive', 'vice_president', 'executive', 'individual', '']
    """
    return _by_name(SENIORITIES).get(squeezed(text)) or read_title(text)[1]


@lru_cache(maxsize=16_384)
def _read_title(title: str) -> tuple[int, int]:
    titles = _titles()
    phrases = list(_phrases(words(title), titles))
    if any(phrase in titles.assistants for phrase in phrases):
        return UNKNOWN, INDIVIDUAL
    rank = max((titles.seniority.get(phrase, UNKNOWN) for phrase in phrases), default=UNKNOWN)
    role = next((titles.role[phrase] for phrase in phrases if phrase in titles.role), UNKNOWN)
    return role or (LEADERSHIP if rank == EXECUTIVE else UNKNOWN), rank


def _phrases(title: Sequence[str], titles: _Titles) -> Iterator[Phrase]:
    """Part a title into the longest phrases that are known, from left to right."""
    at = 0
    while at < len(title):
        for length in range(min(titles.longest, len(title) - at), 0, -1):
            phrase = tuple(title[at : at + length])
            if phrase in titles.seniority or phrase in titles.role or phrase in titles.assistants:
                yield phrase
                at += length
                break
        else:
            at += 1


@cache
def _titles() -> _Titles:
    read = tomllib.loads(files(__package__).joinpath("titles.toml").read_text(encoding="utf-8"))
    seniority, role = _numbered(read["seniority"], SENIORITIES), _numbered(read["role"], ROLES)
    assistants = frozenset(phrase for text in read["assistants"] for phrase in _spellings(text))
    longest = max(map(len, (*seniority, *role, *assistants)))
    return _Titles(seniority, role, assistants, longest)


def _numbered(texts: Mapping[str, Sequence[str]], names: Sequence[str]) -> dict[Phrase, int]:
    return {
        phrase: names.index(name)
        for name, entries in texts.items()
        for text in entries
        for phrase in _spellings(text)
    }


def _spellings(text: str) -> set[Phrase]:
    return {words(text), words(text.translate(_UMLAUTS))}


@cache
def _by_name(names: tuple[str, ...]) -> Mapping[str, int]:
    return {squeezed(name): number for number, name in enumerate(names) if name}
