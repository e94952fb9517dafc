"""The scorer: request -> features -> fit -> signals -> FIRE -> response, a batch at a time.

It is pure: one artifact, request and log of signals give one answer, to the last bit, alone or in a batch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from scoring import explain, explain_signals
from scoring.account import Account
from scoring.answer import Answer, Detail, IcpDetail, ObjectiveDetail
from scoring.artifact import Artifact
from scoring.attribute_names import AttributeNames
from scoring.features import Encoded
from scoring.fire import DECIMALS, Fire, combine, gate
from scoring.fit import Fit, Objective
from scoring.moments import say_moment
from scoring.readings import Known
from scoring.signals.activation import Activation, measure
from scoring.signals.log import SignalBatch
from scoring.signals.rolled_up import RolledUp, Rollup
from scoring.triggers import Held, Triggers

HIGH_COVERAGE, MEDIUM_COVERAGE = 0.8, 0.5  # from which an answer's confidence is high, or medium


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """One account to score, as of a moment, for an objective."""

    account: Account
    as_of: float  # unix seconds; signals after it do not count
    objective: Objective  # from `Scorer.objective`
    reference: str = ""  # the caller's own, echoed
    request_id: str = ""
    rollup: Rollup = Rollup.NONE  # whose signals count


@dataclass(frozen=True, slots=True)
class Membership:
    """Where an account stands towards the plan's rules."""

    segments: tuple[str, ...]  # ids of the approved segments it belongs to, in the plan's order
    exclusion: str  # id of the first exclusion that holds, or empty
    exclusion_reason: str
    in_icp: bool


@dataclass(frozen=True, slots=True)
class _Batch:
    """All that was found for a batch, row by row in the order of the requests."""

    requests: Sequence[ScoreRequest]
    known: Sequence[Known]  # the attributes that are known, under their known names
    unknown: Sequence[Sequence[str]]
    encoded: Encoded
    fit: Fit
    memberships: Sequence[Membership]
    held: Held
    activation: Activation
    rolled_up: Mapping[int, RolledUp]
    fire: Fire


class Scorer:
    """Scores accounts with one artifact."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact
        self._plan = artifact.plan
        self._model = artifact.model
        self._segments = [spec.rule for spec in self._plan.segment]
        self._exclusions = [(spec.rule, spec.reason) for spec in self._plan.exclusion]
        self._triggers = Triggers(self._plan.trigger, self._model.schema)
        self.names = AttributeNames(_names(artifact))
        self._left_out: Mapping[str, str] = artifact.manifest["left_out"]
        self._default = self._model.planned(self._plan.objective)

    def objective(self, asked: Mapping[str, float] | str | None = None) -> Objective:
        """Prepare what a request asks for: weights, a preset's name, or None for the plan's own.

        Raises:
            RequestError: the objective is unknown, or this model could not learn it.
        """
        if asked is None:
            return self._default
        return self._model.preset(asked) if isinstance(asked, str) else self._model.objective("custom", asked)

    def score_one(self, request: ScoreRequest, signals: SignalBatch) -> Answer:
        """Score one account: a batch of one."""
        return self.score_many([request], signals)[0]

    def score_many(self, requests: Sequence[ScoreRequest], signals: SignalBatch) -> list[Answer]:
        """Score a batch.

        Args:
            requests: the accounts; each has an objective and a moment of its own.
            signals: their logs, one owner per request, in the same order.

        Returns:
            One answer per request, in order.
        """
        if not requests:
            return []
        recognised = [self.names.recognise(request.account.attributes) for request in requests]
        known = [self._model.schema.read(attributes) for attributes, _ in recognised]
        attributes = [one.values for one in known]
        encoded = self._model.schema.encode(attributes)
        fit = self._model.fit(encoded.codes, [request.objective for request in requests])
        memberships = [self._membership(one, fit.value[row]) for row, one in enumerate(attributes)]
        as_of = np.array([request.as_of for request in requests])
        held = self._triggers.held(attributes, signals, as_of)
        activation = measure(self.artifact.policy, signals, as_of, held.weights)
        fire = self._fire(fit, memberships, activation)
        unknown = [names for _, names in recognised]
        batch = _Batch(
            requests, known, unknown, encoded, fit, memberships, held, activation, signals.rolled_up, fire
        )
        return [self._answer(batch, row) for row in range(len(requests))]

    def _membership(self, attributes: Mapping[str, Any], fit: float) -> Membership:
        segments = tuple(rule.id for rule in self._segments if rule.matches(attributes))
        held = ((rule.id, reason) for rule, reason in self._exclusions if rule.matches(attributes))
        exclusion, reason = next(held, ("", ""))
        icp = self._plan.icp
        inside = bool(segments) if icp.require_segment else bool(segments) or fit >= icp.fit_floor
        return Membership(segments, exclusion, reason, inside and not exclusion)

    def _fire(self, fit: Fit, memberships: Sequence[Membership], activation: Activation) -> Fire:
        in_icp = np.array([membership.in_icp for membership in memberships])
        return combine(
            self._plan.fire,
            self._plan.tiers,
            fit=fit.value,
            opening=gate(fit.value, in_icp, self._plan.icp),
            intent=activation.intent,
            recency=activation.recency,
            engagement=activation.engagement,
            excluded=np.array([membership.exclusion != "" for membership in memberships]),
        )

    def _answer(self, batch: _Batch, row: int) -> Answer:
        request, membership = batch.requests[row], batch.memberships[row]
        rolled_up = batch.rolled_up.get(row)
        degraded = not batch.activation.live[row] or (rolled_up is not None and rolled_up.unread > 0)
        intent, recency, engagement = self._activation(batch, row)
        answer = Answer(
            account_id=request.account.account_id,
            domain=request.account.domain,
            reference=request.reference,
            score=round(float(batch.fire.score[row]), DECIMALS),
            grade=batch.fire.grade[row],
            tier=batch.fire.tier[row],
            fit=round(float(batch.fit.value[row]), DECIMALS),
            intent=intent,
            recency=recency,
            engagement=engagement,
            in_icp=membership.in_icp,
            segment=membership.segments[0] if membership.segments else "",
            coverage=round(float(batch.fit.coverage[row]), 4),
            confidence=_confidence(float(batch.fit.coverage[row]), degraded=degraded),
            degraded=degraded,
            draft=self.artifact.draft,
            as_of=say_moment(request.as_of),
            model_version=self.artifact.version,
            request_id=request.request_id,
            reasons=[],
            detail=self._detail(batch, row),
        )
        return replace(answer, reasons=explain.reasons(self._plan, answer))

    def _activation(self, batch: _Batch, row: int) -> tuple[float | None, ...]:
        """Return Intent, Recency and Engagement as 0..100, or None where no signals are known."""
        found = batch.activation
        if math.isnan(found.read_ago[row]):
            return None, None, None
        values = (found.intent_points[row], 100.0 * found.recency[row], 100.0 * found.engagement[row])
        return tuple(round(float(value), DECIMALS) for value in values)

    def _detail(self, batch: _Batch, row: int) -> Detail:
        request, membership = batch.requests[row], batch.memberships[row]
        unreadable = batch.encoded.unreadable.get(row, ())
        return Detail(
            objective=ObjectiveDetail(request.objective.name, request.objective.weights, self._left_out),
            fit=explain.fit_detail(batch.fit, row, batch.known[row].written, unreadable, batch.unknown[row]),
            icp=IcpDetail(
                segments=list(membership.segments),
                exclusion=membership.exclusion,
                exclusion_reason=membership.exclusion_reason,
                gate=float(batch.fire.gate[row]),
            ),
            signals=explain_signals.signals_detail(
                batch.activation, row, request.as_of, batch.rolled_up.get(row)
            ),
            triggers=explain_signals.trigger_details(batch.held, batch.activation, row, request.as_of),
        )


def _names(artifact: Artifact) -> Iterator[str]:
    """Yield the attributes that the model, one of its readings or a rule of its plan asks for."""
    yield from (encoder.attribute for encoder in artifact.model.schema.encoders)
    yield from (name for reading in artifact.model.schema.readings for name, _ in reading.sources)
    for rule in [spec.rule for spec in artifact.plan.segment] + [
        spec.rule for spec in artifact.plan.exclusion
    ]:
        yield from (name for name, _ in rule.where)
    for trigger in artifact.plan.trigger:
        yield from trigger.attributes


def _confidence(coverage: float, *, degraded: bool) -> str:
    """Say how far an answer can be trusted, from the share of the model's weight it could use."""
    steps = ("low", "medium", "high")
    level = (coverage >= MEDIUM_COVERAGE) + (coverage >= HIGH_COVERAGE)
    return steps[max(level - degraded, 0)]
