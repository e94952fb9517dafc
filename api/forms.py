"""Fields as queries and forms carry them: `name=value` pairs in percent-encoded UTF-8."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from scoring.errors import RequestError

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 2_000
_UNFILLED = re.compile(r"\s*\{\{[^{}]*\}\}\s*")  # a template's token that its sender had no value for

Fields = dict[str, str | list[str]]


def read_fields(encoded: bytes) -> Fields:
    """Read the fields of a query or a form.

    An empty value says nothing, and neither does a token that a template left in place. A name that comes
    again with another value is a list, which suits tags; an identity that is a list is refused later.

    Raises:
        RequestError: `fields_not_utf8`, or there are more than `MOST_FIELDS`.

    >>> read_fields(b"domain=acme.com&city=Z%C3%BCrich+Altstadt&size=&tool=dbt&tool=kafka&tool=dbt")
    {'domain': 'acme.com', 'city': 'Zürich Altstadt', 'tool': ['dbt', 'kafka']}
    >>> read_fields(b"account_id={{lead.Id}}&industry=fintech")
    {'industry': 'fintech'}
    """
    found: dict[str, dict[str, None]] = {}
    for name, value in _pairs(encoded):
        if value.strip() and not _UNFILLED.fullmatch(value):
            found.setdefault(name, {})[value] = None
    return {name: _alone(list(values)) for name, values in found.items()}


def _pairs(encoded: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(encoded.decode(), errors="strict", max_num_fields=MOST_FIELDS)
    except UnicodeDecodeError:
        message = "a field of the query or form is not UTF-8; percent-encode names and values as UTF-8"
        raise RequestError(message, code="fields_not_utf8") from None
    except ValueError:  # the only other one that the parser raises
        raise RequestError(f"send at most {MOST_FIELDS} fields in a query or form") from None


def _alone(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values
