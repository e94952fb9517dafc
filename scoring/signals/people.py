"""Who at an account did something: in which role, and how senior. A record has a byte for both."""

from __future__ import annotations

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
