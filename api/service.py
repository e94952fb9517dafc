"""What a running service holds: its scorer, its store and its settings; one per worker."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from api.metrics import Metrics
from api.other_models import OtherModels
from api.settings import Settings
from scoring.answer import Answer
from scoring.scorer import Scorer, ScoreRequest
from scoring.store.store import SignalStore

PRESENT_SECONDS = 60.0  # a request as of so short a time ago is about the present
FEW_SIGNALS = 10_000  # scored on the event loop; families may have more
SMALL_BATCH = 16  # accounts scored on the event loop; larger batches would hold up other requests there


@dataclass(frozen=True)
class Service:
    """The parts that routes use."""

    settings: Settings
    scorer: Scorer
    store: SignalStore
    metrics: Metrics
    models: OtherModels

    async def score(self, requests: Sequence[ScoreRequest]) -> list[Answer]:
        """Read the accounts' signals in one round trip, and score them in order."""
        signals = await self.store.read(
            [request.account.keys for request in requests], rollups=[request.rollup for request in requests]
        )
        if len(requests) <= SMALL_BATCH and len(signals.records) <= FEW_SIGNALS:
            answers = self.scorer.score_many(requests, signals)
        else:
            answers = await run_in_threadpool(self.scorer.score_many, requests, signals)
        self._count(signals.read_ago.tolist(), answers)
        self._remember(requests)
        return answers

    def _count(self, read_ago: Sequence[float], answers: Sequence[Answer]) -> None:
        live, unavailable = read_ago.count(0.0), sum(map(math.isnan, read_ago))
        last_good = len(read_ago) - live - unavailable
        self.metrics.count_read(live=live, last_good=last_good, unavailable=unavailable)
        self.metrics.count_scored(len(answers), degraded=sum(answer.degraded for answer in answers))

    def _remember(self, requests: Sequence[ScoreRequest]) -> None:
        """Note what is scored as of now, so that it can be told later what changed since."""
        now = self.now()
        present = [one for one in requests if one.as_of >= now - PRESENT_SECONDS]
        self.store.scored.note(
            [one.account for one in present],
            version=self.scorer.artifact.version,
            names=self.scorer.names,
            at=min((one.as_of for one in present if one.as_of < now), default=now),
        )

    @staticmethod
    def now() -> float:
        """Return the time, unix seconds."""
        return time.time()


def service_of(request: Request) -> Service:
    """Return the service a request is for."""
    service: Service = request.app.state.service
    return service
