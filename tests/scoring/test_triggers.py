from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.features import DateEncoder, FeatureSchema
from scoring.moments import say_moment
from scoring.plan import parse_plan
from scoring.plan_rules import TriggerSpec
from scoring.signals.log import SignalBatch
from scoring.signals.signal import Signal
from scoring.triggers import Held, Triggers
from tests.scoring.models import AS_OF, DAY, SCHEMA, batch_of, log_of, signal, signals

SPECS = parse_plan(
    """
[[trigger]]
id = "asked"
signals = ["demo_request", "meeting"]
within_days = 30
intent = 0.5

[[trigger]]
id = "new-cfo"
date_of = "cfo_since"
within_days = 180

[[trigger]]
id = "funded-and-looking"
signals = ["page_view"]
date_of = "funded"
where = [{employees = {min = 50}}]
intent = 3
""",
    "plan.toml",
).trigger


def held(known: Mapping[str, object], *found: Signal, as_of: float = AS_OF) -> Held:
    return Triggers(SPECS, SCHEMA).held([known], batch_of([[log_of(found)]]), np.array([as_of]))


def ids(found: Held, row: int = 0) -> list[str]:
    return [one.spec.id for one in found.holding[row]]


def test_a_trigger_holds_from_its_signal_for_its_days() -> None:
    asked = [signal("demo_request", days_ago=30), signal("meeting", days_ago=50)]
    assert ids(held({}, *asked)) == ["asked"]
    assert held({}, *asked).weights.tolist() == [0.5]
    assert ids(held({}, *asked, as_of=AS_OF + 1)) == []
    assert ids(held({}, *asked, as_of=AS_OF - 21 * DAY)) == ["asked"]
    assert ids(held({}, *asked, as_of=AS_OF - 51 * DAY)) == []


def test_a_trigger_stands_since_its_last_signal_or_date() -> None:
    (one,) = held({}, signal("demo_request", days_ago=9), signal("meeting", days_ago=4)).holding[0]
    assert one.since == AS_OF - 4 * DAY
    (one,) = held({"cfo_since": "2026-06-01"}).holding[0]
    assert one.since == datetime(2026, 6, 1, tzinfo=UTC).timestamp()


@given(st.integers(0, 400 * DAY * 1000))
def test_a_trigger_stands_since_that_very_second_whatever_the_moment_asked(later: int) -> None:
    as_of = round(AS_OF + later / 1000, 3)
    (one,) = held({"cfo_since": say_moment(as_of)[:10]}, as_of=as_of).holding[0]
    assert one.since == as_of // DAY * DAY


def test_a_trigger_that_gives_several_things_needs_them_all() -> None:
    known = {"employees": "1,200", "funded": "2026-05-01"}
    visit = signal("page_view", days_ago=2)
    assert ids(held(known, visit)) == ["funded-and-looking"]
    assert held(known, visit).holding[0][0].since == visit.at
    assert ids(held(known)) == []
    assert ids(held({**known, "employees": 49}, visit)) == []
    assert ids(held({**known, "funded": "2026-08-01"}, visit)) == [], "a day to come has not happened"


@pytest.mark.parametrize("value", ["soon", {"a": 1}, None, "", 7])
def test_what_is_no_date_shows_no_situation(value: object) -> None:
    assert ids(held({"cfo_since": value})) == []


@pytest.mark.parametrize("day_first", [True, False])
def test_a_date_is_read_as_the_model_reads_it(day_first: bool) -> None:
    schema = FeatureSchema((DateEncoder("cfo_since", (2020.0,), day_first=day_first),))
    known, nothing = [{"cfo_since": "12.01.2026"}], SignalBatch.empty(1)
    found = Triggers(SPECS, schema).held(known, nothing, np.array([AS_OF]))
    assert ids(found) == (["new-cfo"] if day_first else []), "else it is in December"


def test_a_plan_without_triggers_has_none_that_hold() -> None:
    found = Triggers([], SCHEMA).held([{}, {}], SignalBatch.empty(2), np.array([AS_OF, AS_OF]))
    assert (found.holding, found.weights.tolist()) == (((), ()), [0, 0])


KNOWN = st.fixed_dictionaries(
    {},
    optional={
        "employees": st.sampled_from([10, 60]),
        "funded": st.sampled_from(["2026-06-01", "2025-06-01", "2027-01-01"]),
        "cfo_since": st.sampled_from(["2026-06-01", "soon"]),
    },
)


@settings(deadline=None)
@given(st.lists(st.tuples(KNOWN, signals()), min_size=1, max_size=5))
def test_a_batch_is_what_each_trigger_says_of_each_account(
    asked: list[tuple[dict[str, object], list[Signal]]],
) -> None:
    batch = batch_of([[log_of(found)] for _, found in asked])
    together = Triggers(SPECS, SCHEMA).held([known for known, _ in asked], batch, np.full(len(asked), AS_OF))
    for row, (known, found) in enumerate(asked):
        expected = [spec.id for spec in SPECS if holds(spec, known, found)]
        assert ids(together, row) == expected
        assert together.weights[row] == sum(spec.intent for spec in SPECS if spec.id in expected)


def holds(spec: TriggerSpec, known: dict[str, object], found: list[Signal]) -> bool:
    sent = {}
    for one in sorted((s for s in found if s.at <= AS_OF), key=lambda s: s.at):
        sent[one.type] = (AS_OF - one.at) / DAY
    days = {}
    for name in ("funded", "cfo_since"):
        if known.get(name, "soon") != "soon":
            at = datetime.fromisoformat(f"{known[name]}T00:00:00+00:00").timestamp()
            days[name] = (AS_OF - at) / DAY
    return spec.holds(known, sent, days)


def test_no_trigger_weighs_less_than_nothing() -> None:
    for weight in (-1, math.inf, 101):
        with pytest.raises(ValueError, match="intent"):
            TriggerSpec(id="a", signals=("meeting",), intent=weight)
    assert TriggerSpec(id="a", signals=("meeting",)).intent == 1
