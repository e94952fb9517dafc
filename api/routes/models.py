"""The models that are there, and the one that is served."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from api.service import Service, service_of
from scoring.artifact import read_artifact
from scoring.errors import ArtifactError
from scoring.registry import versions

router = APIRouter(tags=["models"])


class ModelSummary(BaseModel):
    """One version in the registry."""

    model_config = ConfigDict(protected_namespaces=())

    version: str
    served: bool
    draft: bool
    as_of: str
    plan: str
    customers: int
    objectives: dict[str, Any]  # by objective: how it was learnt and how well it predicts
    left_out: dict[str, str]  # objectives that could not be learnt, with the reason
    problem: str = ""  # why this version could not be read


class ModelsAnswer(BaseModel):
    """The registry."""

    served: str
    models: list[ModelSummary]


@router.get("/models", operation_id="listModels")
async def list_models(service: Annotated[Service, Depends(service_of)]) -> ModelsAnswer:
    """List the versions in the registry, oldest data first."""
    served = service.scorer.artifact
    found = await run_in_threadpool(_summaries, service)
    return ModelsAnswer(served=served.version, models=found)


def _summaries(service: Service) -> list[ModelSummary]:
    return [_summary(service, version) for version in versions(service.settings.artifacts)]


def _summary(service: Service, version: str) -> ModelSummary:
    served = service.scorer.artifact
    try:
        artifact = served if version == served.version else read_artifact(service.settings.artifacts, version)
    except ArtifactError as error:
        return ModelSummary(
            version=version,
            served=False,
            draft=False,
            as_of="",
            plan="",
            customers=0,
            objectives={},
            left_out={},
            problem=str(error),
        )
    return summary(artifact.version, artifact.manifest, draft=artifact.draft, served=artifact is served)


def summary(version: str, manifest: Mapping[str, Any], *, draft: bool, served: bool) -> ModelSummary:
    """Say what a manifest says, in short."""
    return ModelSummary(
        version=version,
        served=served,
        draft=draft,
        as_of=manifest["as_of"],
        plan=manifest["plan"]["name"],
        customers=manifest["book"]["customers"],
        objectives=manifest["objectives"],
        left_out=manifest["left_out"],
    )
