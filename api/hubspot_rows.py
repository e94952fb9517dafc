"""What HubSpot sends of its own accord, as the account it speaks of: objects from workflows, and events.

An object is as HubSpot's object APIs give it: `properties` by name, each a value or `{"value": ...}`. A
contact carries its company as `associated-company`; without one, its e-mail address names the account. An
event says that one property of one object has changed; only those of companies name an account.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scoring.values import is_missing

_COMPANY_IDS = ("companyId", "company-id")
_DOMAINS = ("domain", "website", "email")
_OURS = ("account_id", "domain", "attributes")
_KEPT = ("reference", "objective", "as_of")
_COMPANY_TYPE = "0-2"  # HubSpot's number of the type, in events that are of any object


def as_row(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a CRM object or event as the body of a score request, and anything else as it is.

    >>> as_row({"companyId": 7, "properties": {"domain": {"value": "acme.com"}, "industry": "fintech"}})
    {'account_id': 7, 'domain': 'acme.com', 'attributes': {'domain': 'acme.com', 'industry': 'fintech'}}
    >>> as_row({"subscriptionType": "company.creation", "objectId": 7})
    {'account_id': 7, 'attributes': {}}
    >>> as_row({"domain": "acme.com", "properties": {}})
    {'domain': 'acme.com', 'properties': {}}
    """
    if any(name in raw for name in _OURS):
        return raw
    if isinstance(raw.get("properties"), Mapping):
        return _object_row(raw)
    return _event_row(raw) if _is_of_a_company(raw) else raw


def _object_row(raw: Mapping[str, Any]) -> dict[str, Any]:
    own, company = _properties(raw), raw.get("associated-company")
    if isinstance(company, Mapping) and isinstance(company.get("properties"), Mapping):
        known, ids = _properties(company), [company.get(name) for name in _COMPANY_IDS]
    else:
        known, ids = own, [raw.get(name) for name in _COMPANY_IDS]
    domains = [known.get(name, own.get(name)) for name in _DOMAINS]
    row = {"account_id": _first([*ids, own.get("associatedcompanyid")]), "domain": _first(domains)}
    kept = {name: raw[name] for name in _KEPT if name in raw}
    return {**{name: value for name, value in row.items() if value is not None}, **kept, "attributes": known}


def _is_of_a_company(raw: Mapping[str, Any]) -> bool:
    kind, _, change = str(raw.get("subscriptionType", "")).partition(".")
    return change != "" and (
        kind == "company" or (kind, raw.get("objectTypeId")) == ("object", _COMPANY_TYPE)
    )


def _event_row(raw: Mapping[str, Any]) -> dict[str, Any]:
    name, value = raw.get("propertyName"), raw.get("propertyValue")
    known = {name: value} if isinstance(name, str) else {}
    domain = {"domain": value} if name in _DOMAINS and not is_missing(value) else {}
    kept = {name: raw[name] for name in _KEPT if name in raw}
    return {"account_id": raw.get("objectId"), **domain, **kept, "attributes": known}


def _properties(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(held) for name, held in record["properties"].items()}


def _value(held: Any) -> Any:
    return held.get("value") if isinstance(held, Mapping) else held


def _first(values: list[Any]) -> Any:
    """Return the first value that says something."""
    return next((value for value in values if not is_missing(value)), None)
