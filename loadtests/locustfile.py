"""Locust users for Firebrand: `locust -f loadtests/locustfile.py --host http://127.0.0.1:8080`."""

from __future__ import annotations

from itertools import count

from locust import FastHttpUser, between, task

from loadtests.bodies import account

numbers = count()


class SingleScores(FastHttpUser):
    """An enrichment flow: one account a call."""

    wait_time = between(0.0, 0.01)

    @task(9)
    def score(self) -> None:
        """Score the next account."""
        self.client.post("/score", json=account(next(numbers)))

    @task(1)
    def signal(self) -> None:
        """Tell that an account did something."""
        number = next(numbers)
        signal = {"domain": f"company-{number}.com", "type": "pricing_page", "event_id": f"load-{number}"}
        self.client.post("/signals", json={"signals": [signal]})


class BulkScores(FastHttpUser):
    """A reverse-ETL job: batches of 100."""

    weight = 1
    wait_time = between(0.1, 0.5)

    @task
    def score(self) -> None:
        """Score the next hundred accounts."""
        self.client.post("/score/bulk", json={"accounts": [account(next(numbers)) for _ in range(100)]})
