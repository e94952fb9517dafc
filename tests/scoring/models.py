"""A small model, artifact and signals made by hand: tiny, and real in every part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from scoring.artifact import Artifact, write_artifact
from scoring.features import (
    CategoryEncoder,
    DateEncoder,
    FeatureSchema,
    FlagEncoder,
    NumberEncoder,
    TagsEncoder,
)
from scoring.fit import ENTRY_GRID, Calibration, FitModel, Floats, Outcome, Tables, to_grid
from scoring.plan import OBJECTIVES, parse_plan
from scoring.signals.columns import SignalColumns
from scoring.signals.encode import encode
from scoring.signals.log import SignalBatch
from scoring.signals.names import Names
from scoring.signals.people import ROLES, SENIORITIES
from scoring.signals.policy import Policy, TypePolicy
from scoring.signals.record import KINDS
from scoring.signals.signal import Signal

AS_OF = 1_782_864_000.0  # 2026-07-01T00:00:00Z
DAY = 86_400
SCHEMA = FeatureSchema(
    (
        NumberEncoder("employees", (10.0, 200.0, 2_000_000.0)),
        CategoryEncoder("industry", ("fintech", "retail")),
        FlagEncoder("public"),
        DateEncoder("founded", (2000.0, 2015.5)),
        TagsEncoder("tools", ("aws", "dbt", "snowflake")),
    )
)
EMPLOYEES, INDUSTRY, PUBLIC, FOUNDED, AWS, DBT, SNOWFLAKE = range(7)
SIZES = (5, 4, 3, 4, 3, 3, 3)
TERMS = ((0,), (1,), (2,), (3,), (4,), (5,), (6,), (EMPLOYEES, INDUSTRY), (INDUSTRY, PUBLIC), (AWS, DBT))

_chance = np.random.default_rng(7)
ENTRIES: Mapping[tuple[int, ...], Floats] = {  # by term: an entry per objective and code
    term: to_grid(_chance.normal(0, 0.6, (3, *(SIZES[feature] for feature in term))), ENTRY_GRID)
    for term in TERMS
}
CORRELATION = np.array([[1.0, 0.3, -0.2], [0.3, 1.0, 0.1], [-0.2, 0.1, 1.0]])
IMPORTANCE = _chance.uniform(0.05, 1, (3, len(SIZES)))
_OUTCOMES = (
    Outcome(
        "growth", "nrr", "ratio", 1.02, 0.2, Calibration((0.0,), (0.9, 1.1), (0.8, 1.0), (1, 1.2), (40, 50))
    ),
    Outcome("lifetime_value", "clv", "currency", 9e4, 5e4, Calibration((), (8e4,), (7e4,), (9e4,), (90,))),
    Outcome(
        "efficiency",
        "payback",
        "months",
        14.0,
        -6.0,
        Calibration((-0.5, 0.5), (20.0, 14.0, 9.0), (18.0, 12.0, 8.0), (22.0, 16.0, 10.0), (30, 30, 30)),
    ),
)

PLAN = """\
format = 1
name = "Small plan"

[objective]
growth = 0.5
lifetime_value = 0.3
efficiency = 0.2

[[segment]]
id = "fintech-mid"
name = "Mid-size fintech"
where = [{industry = ["fintech"]}, {employees = {min = 200}}]

[[segment]]
id = "on-snowflake"
where = [{tools = {has = "snowflake"}}]

[[exclusion]]
id = "too-small"
reason = "Under 5 employees: no budget."
where = [{employees = {max = 4}}]

[[sign_off]]
who = "Dana Reyes"
role = "CRO"
when = 2026-07-01
"""
ANY_ICP = PLAN + "\n[icp]\nrequire_segment = false\n"
POLICY = Policy(
    types={
        "demo_request": TypePolicy(intent=3.0, depth=3.0, half_life_days=21),
        "page_view": TypePolicy(intent=0.2, depth=0.3, half_life_days=7),
        "meeting": TypePolicy(intent=0.0, depth=4.0, half_life_days=30),
        "intent_score": TypePolicy(intent=2.5, depth=0.0, half_life_days=30),
        "surge": TypePolicy(intent=2.5, depth=0.0, half_life_days=30, floor=50, full=100),
    },
    topics={"pricing": 2.0, "jobs": 0.0},
    channel_cap=1.7,  # no multiple of a power of two
)


def fit_model(objectives: Sequence[str] = OBJECTIVES) -> FitModel:
    rows = [OBJECTIVES.index(name) for name in objectives]
    tables = Tables(
        first=np.array([term[0] for term in TERMS], np.intp),
        second=np.array([term[1] if len(term) == 2 else -1 for term in TERMS], np.intp),
        entries=np.concatenate([ENTRIES[term][rows].reshape(len(rows), -1) for term in TERMS], axis=1),
        sizes=np.array(SIZES, np.intp),
    )
    correlation = CORRELATION[np.ix_(rows, rows)]
    return FitModel(SCHEMA, tables, tuple(_OUTCOMES[row] for row in rows), correlation, IMPORTANCE[rows])


def artifact(
    plan: str = PLAN, *, objectives: Sequence[str] = OBJECTIVES, policy: Policy = POLICY
) -> Artifact:
    left_out = {name: "no costs in the book" for name in OBJECTIVES if name not in objectives}
    return Artifact(
        "2026-06-30-0123456789ab",
        {"left_out": left_out},
        fit_model(objectives),
        policy,
        parse_plan(plan, "plan.toml"),
    )


def write_small(folder: Path, *, as_of: str = "2026-06-30", card: str = "<p>Ünïcode</p>\n") -> str:
    return write_artifact(
        folder,
        as_of=as_of,
        facts={"left_out": {}, "seed": 0},
        model=fit_model(),
        policy=POLICY,
        plan_text=PLAN,
        card=card,
    )


IDS: Mapping[str, Mapping[str, int]] = {  # as a store hands them out: by first arrival, not by name
    "type": {"page_view": 2, "mystery": 3, "demo_request": 4, "intent_score": 5, "meeting": 6, "surge": 7},
    "topic": {"pricing": 2, "security": 3, "jobs": 4},
    "channel": {"web": 2, "mail": 3, "sales": 4, "event": 5, "chat": 6, "ads": 7, "phone": 8, "blog": 9},
}


def log_of(signals: Sequence[Signal], ids: Mapping[str, Mapping[str, int]] = IDS) -> bytes:
    return np.sort(encode(SignalColumns.of(signals), ids, key=b"key"), order=["at", "id"]).tobytes()


def batch_of(logs: Sequence[Sequence[bytes]], ids: Mapping[str, Mapping[str, int]] = IDS) -> SignalBatch:
    return SignalBatch.from_logs(logs).with_names(Names.from_ids(ids))


def own_ids(signals: Sequence[Signal]) -> Mapping[str, Mapping[str, int]]:
    """Name only what these signals use, as a store that has seen nothing else would."""
    used = {kind: dict.fromkeys(getattr(s, kind) for s in signals if getattr(s, kind)) for kind in KINDS}
    return {kind: {name: number for number, name in enumerate(names, 2)} for kind, names in used.items()}


def signal(type: str = "page_view", *, days_ago: float = 1.0, **fields: object) -> Signal:  # noqa: A002 - the field's name
    at = AS_OF - days_ago * DAY
    return Signal(**{"keys": ("a:x",), "type": type, "at": at, "event_id": f"{type} {at}", **fields})  # type: ignore[arg-type]  # a test's own fields


def signals() -> st.SearchStrategy[list[Signal]]:
    """Signals of one account, no two at the same second; half of them on the last day, where they repeat."""
    one = st.builds(
        Signal,
        keys=st.just(("a:x",)),
        type=st.sampled_from([*IDS["type"]]),
        at=(st.integers(-10 * DAY, 200 * DAY) | st.integers(0, DAY)).map(lambda ago: AS_OF - ago),
        event_id=st.integers(0, 2**32).map(str),
        topic=st.sampled_from(["", *IDS["topic"]]),
        strength=st.just(0.0) | st.floats(1, 1000, width=16),
        person=st.sampled_from(["", "ana", "ben", "cleo"]),
        channel=st.sampled_from(["", *IDS["channel"]]),
        role=st.integers(0, len(ROLES) - 1),
        seniority=st.integers(0, len(SENIORITIES) - 1),
        level=st.booleans(),
    )
    return st.lists(one, max_size=12, unique_by=(lambda s: s.event_id, lambda s: s.at))


_VALUES: Mapping[str, list[object]] = {
    "employees": [3, 10, "1,200", 5e6, -1, "3k", "many", 10**400],
    "industry": ["fintech", " FinTech ", "retail", "mining", "日本", 7],
    "public": ["yes", False, 1, "maybe"],
    "founded": ["2015-07-01", 1999, "30.06.2020", "soon"],
    "tools": ["dbt;AWS", ["snowflake", None], "cobol", [[1]], "snowflake, aws"],
}
_ODD = st.one_of(
    st.none(), st.text(max_size=4), st.floats(), st.booleans(), st.lists(st.integers(), max_size=2)
) | st.sampled_from(["N/A", "", {"a": 1}, "\ud800"])


def attributes() -> st.SearchStrategy[dict[str, object]]:
    """Attributes as callers send them: plain, missing, unseen, of odd types, and ones nobody knows."""
    known = {name: st.sampled_from(values) | _ODD for name, values in _VALUES.items()}
    return st.fixed_dictionaries({}, optional={**known, "Umsatz €": _ODD})
