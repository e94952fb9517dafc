"""The app: `create_app(settings)` assembles the service; importing this does nothing."""

from __future__ import annotations

import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import Depends, FastAPI, Security

from api import bodies, problems
from api.auth import SCHEMES, require_key
from api.metrics import CountRequests, Metrics
from api.other_models import OtherModels
from api.request_id import RequestIds
from api.routes import accounts, changes, families, health, models, score, signals, webhooks
from api.service import Service
from api.settings import Settings
from api.webhooks.sources import read_sources
from scoring.artifact import Artifact
from scoring.errors import ArtifactError
from scoring.registry import read_active
from scoring.scorer import Scorer
from scoring.servers.servers import Servers
from scoring.store.store import SignalStore

LOG_FORMAT = "%(levelname)s %(name)s: %(message)s"
DESCRIPTION = "Scores business accounts on Fit, Intent, Recency and Engagement, and explains every point."


def servable_artifact(settings: Settings) -> Artifact:
    """Read the active artifact.

    Raises:
        ArtifactError: there is none, it is damaged, or nobody approved its plan and drafts are not allowed.
    """
    artifact = read_active(settings.artifacts)
    if artifact.draft and not settings.allow_draft:
        raise ArtifactError(
            f"{settings.artifacts / artifact.version} is a draft: nobody signed its plan. Add a "
            "[[sign_off]] to the plan and train again, or serve it with --allow-draft (answers then say so)"
        )
    return artifact


def create_app(settings: Settings) -> FastAPI:
    """Assemble the service.

    Raises:
        ArtifactError: as `servable_artifact`.
        SettingsError: the store's address or key is not set, or the file of webhooks is wrong.
    """
    scorer = Scorer(servable_artifact(settings))
    url, person_key = settings.store_access()
    metrics = Metrics()
    metrics.serve_model(scorer.artifact.version, draft=scorer.artifact.draft)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        budget = settings.read_budget_ms / 1000
        store = SignalStore(
            Servers(url, read_budget=budget),
            person_key=person_key,
            read_budget=budget,
            remember_days=settings.remember_days,
        )
        others = OtherModels(settings.artifacts, scorer)
        app.state.service = Service(settings, scorer, store, metrics, others)
        yield
        await store.close()

    app = FastAPI(
        title="Firebrand",
        version=version("firebrand"),
        description=DESCRIPTION,
        lifespan=lifespan,
        redirect_slashes=False,  # webhooks follow no redirect
    )
    app.state.settings = settings
    app.state.sources = read_sources(settings.webhooks)
    app.add_middleware(RequestIds)
    app.add_middleware(CountRequests, metrics=metrics)  # the last one added is the outermost
    problems.install(app)
    bodies.install(app)
    guarded = [Depends(require_key), *(Security(scheme) for scheme in SCHEMES)]
    for routes in (score, signals, accounts, changes, families, models):
        app.include_router(routes.router, dependencies=guarded)
    for routes in (webhooks, health):  # webhooks prove themselves by their signatures
        app.include_router(routes.router)
    return app


def app_from_environment() -> FastAPI:
    """Assemble the service from FIREBRAND_* alone: what each worker process runs."""
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    app = create_app(Settings())
    # What was loaded stays: a full collection that looked at all of it would hold up every request meanwhile.
    gc.collect()
    gc.freeze()
    return app
