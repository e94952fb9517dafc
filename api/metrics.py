"""What a running service counts, for Prometheus: each metric once, its help text saying what to do about it.

Nothing here names an account, and no label holds what a caller may choose: routes are templates, methods
are those of the route, codes and sources are ours. So the series are bounded, and `/metrics` asks no key.

Each app has a registry of its own. With several workers each scrape reaches one of them, so they add up in
files they share: `shared_between` says where, before the workers start.
"""

from __future__ import annotations

import os
import tempfile
from asyncio import CancelledError
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import GONE

MEDIA_TYPE = CONTENT_TYPE_LATEST
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the client library's own variable; it looks when it is imported
OUTCOMES = ("accepted", "duplicate", "dropped", "rejected")  # of a signal
READS = ("live", "last_good", "unavailable")  # how an account's logs were read
# Seconds. Callers want p99 under 100 ms, and the store may take 50: most bounds are about there.
BUCKETS = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.25, 1.0, 10.0)
NO_ROUTE, OTHER_METHOD = "(none)", "(other)"


def _of_requests(own: CollectorRegistry) -> tuple[Counter, Histogram]:
    """Make what is counted of requests."""
    requests = Counter(
        "firebrand_requests",
        "Requests by route, method and status. 5xx but 503: a fault of ours, find it in the log. "
        "503: the store. 401, 413, 422: a caller sends what is wrong; its answers say what.",
        ("route", "method", "status"),
        registry=own,
    )
    seconds = Histogram(
        "firebrand_request_seconds",
        "From a request's head to the end of its answer. p99 of /score over 0.1: add workers; near the "
        "read budget: the store is slow.",
        ("route",),
        buckets=BUCKETS,
        registry=own,
    )
    return requests, seconds


def _of_scores(own: CollectorRegistry) -> tuple[Counter, Counter, Counter]:
    """Make what is counted of scores."""
    scored = Counter(
        "firebrand_accounts_scored",
        "Accounts that got a score. Falling to nothing: ask the callers, not the service.",
        registry=own,
    )
    degraded = Counter(
        "firebrand_answers_degraded",
        "Scores whose signals were not read live: from what was known last, or of Fit alone. Rising: see "
        "firebrand_log_reads.",
        registry=own,
    )
    reads = Counter(
        "firebrand_log_reads",
        "Accounts whose signals were asked for. last_good or unavailable rising: the store is slow or "
        "gone; look at it, its address, FIREBRAND_READ_BUDGET_MS.",
        ("state",),
        registry=own,
    )
    return scored, degraded, reads


def _of_signals(own: CollectorRegistry) -> tuple[Counter, Counter, Counter]:
    """Make what is counted of signals and of who sends them."""
    signals = Counter(
        "firebrand_signals",
        "Signals by what became of them. duplicate: a sender tries again, which is safe. dropped: it "
        "sends old ones. rejected: its answers say what is wrong.",
        ("outcome",),
        registry=own,
    )
    unknown = Counter(
        "firebrand_signals_unknown_type",
        "Signals of a type that the model gives no weight. Rising: a sender's spelling, or a new type to "
        "weigh in the plan; answers to senders name the types.",
        registry=own,
    )
    refused = Counter(
        "firebrand_webhooks_refused",
        "Webhook calls refused, by kind of source and reason. A wrong signature: compare the secrets on "
        "both sides. A stale time: a clock, or a replay.",
        ("source", "code"),
        registry=own,
    )
    return signals, unknown, refused


def _of_model(own: CollectorRegistry) -> Gauge:
    """Make what is said of the model."""
    return Gauge(
        "firebrand_model_info",
        "1 for the model version that is served. Two at 1 among your machines: activate the same on all.",
        ("version", "draft"),
        registry=own,
        multiprocess_mode="mostrecent",
    )


class Metrics:
    """The counts of one app."""

    def __init__(self) -> None:
        self._folder = os.environ.get(SHARED_FOLDER, "")
        self._registry = own = CollectorRegistry()
        self._requests, self._seconds = _of_requests(own)
        self._scored, self._degraded, self._reads = _of_scores(own)
        self._signals, self._unknown, self._refused = _of_signals(own)
        self._model = _of_model(own)
        self._served: tuple[str, str] | None = None
        self._by_request: dict[tuple[str, str, int], Counter] = {}
        self._by_route: dict[str, Histogram] = {}
        self._by_outcome = {outcome: self._signals.labels(outcome) for outcome in OUTCOMES}
        self._by_read = {state: self._reads.labels(state) for state in READS}
        if not self._folder:
            ProcessCollector(registry=own)

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request: its route's template, one of the route's methods, and how long it took."""
        key = (route, method, status)
        if key not in self._by_request:  # looking labels up takes longer than counting
            self._by_request[key] = self._requests.labels(route, method, str(status))
            self._by_route[route] = self._seconds.labels(route)
        self._by_request[key].inc()
        self._by_route[route].observe(seconds)

    def count_scored(self, accounts: int, *, degraded: int) -> None:
        """Count accounts that got a score, and how many of these went without live signals."""
        self._scored.inc(accounts)
        if degraded:
            self._degraded.inc(degraded)

    def count_read(self, *, live: int = 0, last_good: int = 0, unavailable: int = 0) -> None:
        """Count accounts by how their logs were read: now, from what was known before, or not at all."""
        for state, accounts in zip(READS, (live, last_good, unavailable), strict=True):
            if accounts:
                self._by_read[state].inc(accounts)

    def count_signals(self, outcomes: Mapping[str, int]) -> None:
        """Count signals by outcome, each one of `OUTCOMES`.

        Raises:
            KeyError: there is no such outcome.
        """
        for outcome, signals in outcomes.items():
            self._by_outcome[outcome].inc(signals)

    def count_unknown_type(self, signals: int) -> None:
        """Count signals of a type without a weight; their names are the senders' and no labels."""
        self._unknown.inc(signals)

    def count_refused(self, source_kind: str, code: str) -> None:
        """Count a refused webhook call: the kind of source (`hubspot`, no caller's text) and our code."""
        self._refused.labels(source_kind, code).inc()

    def serve_model(self, version: str, *, draft: bool) -> None:
        """Say which model is served from now on."""
        if self._served is not None:
            self._model.labels(*self._served).set(0)
        self._served = (version, str(draft).lower())
        self._model.labels(*self._served).set(1)

    def text(self) -> bytes:
        """Return all counts in Prometheus's text format, `MEDIA_TYPE`; of every worker where they share."""
        if not self._folder:
            return generate_latest(self._registry)
        shared = CollectorRegistry()
        MultiProcessCollector(shared, self._folder)  # type: ignore[no-untyped-call]  # ships no types there
        return generate_latest(shared)


@contextmanager
def shared_between(workers: int) -> Iterator[None]:
    """Have the workers started within count together, in files that last as long as they do."""
    if workers == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="firebrand-metrics-") as folder:
        os.environ[SHARED_FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[SHARED_FOLDER]


class CountRequests:
    """ASGI middleware that counts and times each request."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and count it when its answer is complete."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = perf_counter(), 500  # what a fault is answered with, outside of this

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_noting_status)
        except CancelledError:
            status = GONE
            raise
        finally:
            route, method = scope.get("route"), scope["method"]
            path, methods = getattr(route, "path", NO_ROUTE), getattr(route, "methods", None) or ()
            taken = method if method in methods else OTHER_METHOD
            self._metrics.count_request(path, taken, status, perf_counter() - began)
