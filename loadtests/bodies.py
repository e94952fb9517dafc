"""The requests that the load sends: an account of 30 attributes, alone and in batches."""

from __future__ import annotations

import json
from typing import Any

TECHNOLOGIES = [
    "airflow",
    "aws",
    "dbt",
    "kafka",
    "kubernetes",
    "looker",
    "postgres",
    "salesforce",
    "snowflake",
]
FILLERS = 22  # attributes that no model knows: callers send all they have


def account(number: int) -> dict[str, Any]:
    """Return the `number`-th account; its attributes vary so that no cache could answer for it."""
    return {
        "domain": f"company-{number}.com",
        "attributes": {
            "industry": ("fintech", "logistics", "media", "retail")[number % 4],
            "country": ("us", "de", "gb", "fr")[number % 4],
            "employees": 10 + number % 4_000,
            "annual_revenue": 1_000_000 + 7_919 * (number % 5_000),
            "technologies": TECHNOLOGIES[number % 5 :],
            "use_case": ("fraud detection", "reporting")[number % 2],
            "founded": 1980 + number % 40,
            "hiring": number % 3 == 0,
            **{f"attribute_{index}": f"value {number + index}" for index in range(FILLERS)},
        },
    }


def post(path: str, body: Any) -> bytes:
    """Return a whole HTTP/1.1 request."""
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: loadtest\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content
