"""CRM objects as HubSpot's workflows send them whole: what they hold of an account, as one flat row.

The shape is that of HubSpot's object APIs: `properties` by name, each a value or `{"value": ...}`. A contact
carries its company as `associated-company`; without one, its e-mail address names the account.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scoring.values import is_missing

_COMPANY_IDS = ("companyId", "company-id")
_DOMAINS = ("domain", "website", "email")
_OURS = ("account_id", "domain", "attributes")
_KEPT = ("reference", "objective", "as_of")


def as_row(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a CRM object as the body of a score request, and anything else as it is.

    >>> as_row({"companyId": 7, "properties": {"domain": {"value": "acme.com"}, "industry": "fintech"}})
    {'account_id': 7, 'domain': 'acme.com', 'attributes': {'domain': 'acme.com', 'industry': 'fintech'}}
    >>> as_row({"domain": "acme.com", "properties": {}})
    {'domain': 'acme.com', 'properties': {}}
    """
    if not isinstance(raw.get("properties"), Mapping) or any(name in raw for name in _OURS):
        return raw
    own, company = _properties(raw), raw.get("associated-company")
    if isinstance(company, Mapping) and isinstance(company.get("properties"), Mapping):
        known, ids = _properties(company), [company.get(name) for name in _COMPANY_IDS]
    else:
        known, ids = own, [raw.get(name) for name in _COMPANY_IDS]
    domains = [known.get(name, own.get(name)) for name in _DOMAINS]
    row = {"account_id": _first([*ids, own.get("associatedcompanyid")]), "domain": _first(domains)}
    kept = {name: raw[name] for name in _KEPT if name in raw}
    return {**{name: value for name, value in row.items() if value is not None}, **kept, "attributes": known}


def _properties(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(held) for name, held in record["properties"].items()}


def _value(held: Any) -> Any:
    return held.get("value") if isinstance(held, Mapping) else held


def _first(values: list[Any]) -> Any:
    """Return the first value that says something."""
    return next((value for value in values if not is_missing(value)), None)
