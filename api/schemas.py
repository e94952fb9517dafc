"""The requests: the one description of what callers send. Answers are `scoring.answer.Answer` itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from api.hubspot_rows import as_row
from api.problems import faults
from scoring.account import Account
from scoring.errors import RequestError
from scoring.plan import OBJECTIVES, PRESETS
from scoring.scorer import Scorer, ScoreRequest
from scoring.signals.policy import COUNTED_TYPES
from scoring.signals.rolled_up import Rollup
from scoring.values import as_moment

MOST_ATTRIBUTES = 1_000


def _as_text(value: Any) -> Any:
    """Take whole numbers for texts: many systems send ids so."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _as_moment(value: Any) -> float | None:
    try:
        return as_moment(value)
    except (ValueError, OverflowError):
        raise ValueError("give an ISO 8601 time, or unix seconds or milliseconds, before 2099") from None


def _as_objective(value: Any, parse: ValidatorFunctionWrapHandler) -> Any:
    """Take nothing for the plan's own weights; name no part of ours, and none of the caller's, in a fault."""
    try:
        return parse(None if value == "" else value)
    except ValidationError:
        names = ", ".join(OBJECTIVES)
        raise ValueError(f"give finite weights of {names}, or a preset's name") from None


def _as_rollup(value: Any) -> Any:
    """Take nothing for none; forms and files send empty texts."""
    return (value.strip().lower() or None) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_as_text), Field(max_length=256)]
Moment = Annotated[float | None, BeforeValidator(_as_moment, json_schema_input_type=str | float | None)]
RollupWord = Annotated[Rollup | None, BeforeValidator(_as_rollup)]
FiniteWeights = dict[str, Annotated[float, Field(allow_inf_nan=False)]]
Objective = Annotated[FiniteWeights | str | None, WrapValidator(_as_objective)]


class ScoreBody(BaseModel):
    """One account to score. Any further top-level key is an attribute of the account."""

    model_config = ConfigDict(
        extra="allow",
        allow_inf_nan=False,
        json_schema_extra={
            "examples": [
                {
                    "domain": "acme.com",
                    "reference": "lead-7",
                    "attributes": {
                        "industry": "fintech",
                        "employees": 850,
                        "technologies": ["snowflake", "dbt"],
                    },
                    "objective": {"growth": 0.5, "lifetime_value": 0.5},
                }
            ]
        },
    )

    account_id: Text | None = Field(
        default=None, description="Your id of the account. Give it, a domain, or both."
    )
    domain: Text | None = Field(default=None, description="A domain, URL or e-mail address of the account.")
    reference: Text | None = Field(default=None, description="Echoed in the answer.")
    attributes: dict[str, Any] = Field(
        default={}, description="What you know of the account, by attribute name."
    )
    objective: Objective = Field(
        default=None, description=f"Weights of {', '.join(OBJECTIVES)}, or a preset: {', '.join(PRESETS)}."
    )
    as_of: Moment = Field(default=None, description="Score as of this moment; later signals do not count.")

    rollup: RollupWord = Field(
        default=None,
        description="Whose signals count: the account's own (none), those of all accounts beneath it as well "
        "(parent), or of its whole family.",
    )

    def request(self, scorer: Scorer, *, now: float, request_id: str) -> ScoreRequest:
        """Turn the body into a request to the scorer.

        Raises:
            RequestError: it names no account, or an objective the model does not have.
        """
        attributes = {**(self.model_extra or {}), **self.attributes}
        if len(attributes) > MOST_ATTRIBUTES:
            raise RequestError(f"send at most {MOST_ATTRIBUTES} attributes", field="attributes")
        return ScoreRequest(
            account=Account(self.account_id or "", self.domain or "", attributes),
            as_of=round(now if self.as_of is None else self.as_of, 3),  # as the answer says it
            objective=scorer.objective(self.objective),
            reference=self.reference or "",
            request_id=request_id,
            rollup=self.rollup or Rollup.NONE,
        )


# One that cannot be read gets an error of its own, so a batch takes anything.
UnreadAccount = Annotated[Any, PlainValidator(lambda raw: raw, json_schema_input_type=ScoreBody)]


class BulkBody(BaseModel):
    """Many accounts to score; what stands beside them holds for those that give none of their own."""

    accounts: list[UnreadAccount]
    objective: Objective = None
    as_of: Moment = None
    rollup: RollupWord = None


class SignalBody(BaseModel):
    """One thing an account did, or a gauge of it: an account_id, domain or e-mail, and a type."""

    account_id: Text | None = None
    domain: Text | None = None
    email: Text | None = None
    type: str = Field(
        examples=["demo_request"],
        description=f"What happened: {', '.join([*COUNTED_TYPES][:10])}, ... or a word of your own.",
    )
    occurred_at: str | float | None = Field(
        default=None, description="ISO 8601, unix seconds or milliseconds."
    )
    event_id: Text | None = Field(
        default=None, description="Your id of the event: sent again, it counts once."
    )
    topic: str | None = None
    strength: float | None = Field(default=None, ge=0, le=1000)
    person: str | None = Field(default=None, description="Who did it; only a keyed hash is stored.")
    title: str | None = Field(default=None, description="The person's job title.", examples=["VP of Finance"])
    role: str | None = Field(default=None, description="Their role, where it is known apart from the title.")
    seniority: str | None = Field(default=None, description="Likewise: how senior they are.")
    channel: str | None = Field(default=None, examples=["web"])
    level: bool = Field(default=False, description="A gauge of which the latest value counts, not an event.")


class SignalsBody(BaseModel):
    """Signals of any accounts."""

    signals: list[SignalBody]


class SignalResult(BaseModel):
    """What became of one signal, by its place in the request; `code`, `field` and `message` say why not."""

    index: int
    status: Literal["accepted", "duplicate", "dropped", "rejected"]
    code: str = ""
    field: str = ""
    message: str = ""


class SignalsAnswer(BaseModel):
    """What became of the signals. All but the rejected ones are stored, or need not be."""

    accepted: int
    duplicates: int = Field(description="Known before: sent again, a signal counts once.")
    dropped: int = Field(description="Older than the store keeps signals.")
    rejected: int = Field(description="Could not be read; `results` says why.")
    results: list[SignalResult] = Field(
        description="In order, what is not in the store, and why; with ?results=all every signal."
    )
    unknown_types: dict[str, int] = Field(
        description="Accepted signals whose type the model does not know: they are kept and weigh nothing."
    )


class ItemProblem(BaseModel):
    """An account of a batch that could not be scored."""

    status: int
    code: str
    field: str
    message: str
    account_id: str = ""
    reference: str = ""


def parse_score_body(raw: Any, defaults: Mapping[str, Any] | None = None) -> ScoreBody:
    """Read one account of a request.

    Args:
        raw: parsed JSON, or the fields of a query or form; a CRM object is read too.
        defaults: `objective`, `as_of` and `rollup` where the account gives none.

    Raises:
        RequestError: it is no object, or a field has the wrong form.
    """
    if not isinstance(raw, Mapping):
        raise RequestError("send an account as a JSON object")
    try:
        body = ScoreBody.model_validate(as_row(raw))
    except ValidationError as error:
        found = faults(error)
        detail = "; ".join(f"{fault.field}: {fault.message}" for fault in found)
        raise RequestError(detail, field=found[0].field.partition(".")[0]) from error
    missing = {name: value for name, value in (defaults or {}).items() if getattr(body, name) is None}
    return body.model_copy(update=missing) if missing else body
