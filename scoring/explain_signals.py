"""What the signals of an account were, as numbers and in words with dates."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict

from scoring.answer import (
    Answer,
    DriverDetail,
    FamilyDetail,
    RolledUpDetail,
    SignalsDetail,
    TriggerDetail,
)
from scoring.fit import POINT_GRID
from scoring.moments import DAY, say_ago, say_second, say_span
from scoring.signals.activation import Activation
from scoring.signals.drivers import Driver
from scoring.signals.people import SENIORITIES
from scoring.signals.rolled_up import RolledUp
from scoring.triggers import Held, Holding

REASONS_FOR_INTENT = 2  # drivers that are named
LONGEST_REASON = 118  # characters
_LONGEST_NAME = 28  # characters of a type or topic in a reason
_WORTH_NAMING = SENIORITIES.index("director")  # from this seniority on, whoever takes part is mentioned
_ALONE = RolledUpDetail()
_ALL = "Intent, Recency, Engagement"


def signals_detail(
    activation: Activation, row: int, as_of: float, rolled_up: RolledUp | None
) -> SignalsDetail:
    """Say what the signals of one account were.

    Args:
        activation: of a batch.
        row: of the account.
        as_of: its moment, unix seconds.
        rolled_up: whose signals were counted with its own; None where it is on its own.
    """
    breadth, all_of_them = activation.breadth, activation.families["all"]
    return SignalsDetail(
        state=all_of_them.state[row],
        age_days=_number(all_of_them.age_days[row], 2),
        read_ago=_number(activation.read_ago[row], 3),
        intent=_family(activation, "intent", row, as_of),
        recency=_family(activation, "recency", row, as_of),
        engagement=_family(activation, "engagement", row, as_of),
        people=int(breadth.people[row]),
        roles=int(breadth.roles[row]),
        most_senior=SENIORITIES[breadth.senior[row]],
        seniors=int(breadth.seniors[row]),
        channels=int(breadth.channels[row]),
        trend=_number(activation.trend[row], 3),
        course=activation.course[row],
        intent_points=float(activation.intent_points[row]),
        other_points=float(activation.drivers.other[row]),
        drivers=[_driver(driver) for driver in activation.drivers.of(row)],
        rolled_up=_ALONE
        if rolled_up is None
        else RolledUpDetail(**{**asdict(rolled_up), "ids": [*rolled_up.ids]}),
    )


def trigger_details(held: Held, activation: Activation, row: int, as_of: float) -> list[TriggerDetail]:
    """Say which triggers hold at one account, and share what they give to Intent among them."""
    total, weights = float(activation.drivers.standing[row]), float(held.weights[row])
    details, reached, before = [], 0.0, 0.0
    for holding in held.holding[row]:
        reached += holding.spec.intent
        until = round(total * (reached / weights) / POINT_GRID) * POINT_GRID if weights > 0 else 0.0
        details.append(_trigger(holding, as_of, until - before))
        before = until
    return details


def _trigger(holding: Holding, as_of: float, points: float) -> TriggerDetail:
    spec, since = holding.spec, holding.since
    return TriggerDetail(
        id=spec.id,
        name=spec.name or spec.sentence,
        why=spec.why,
        since=None if since is None else say_second(since),
        age_days=None if since is None else round((as_of - since) / DAY, 2),
        points=points,
    )


def _family(activation: Activation, name: str, row: int, as_of: float) -> FamilyDetail:
    family = activation.families[name]
    age = float(family.age_days[row])
    if math.isnan(age):
        return FamilyDetail(family.state[row], None, None)
    return FamilyDetail(family.state[row], round(age, 2), say_second(round(as_of - age * DAY, 3)))


def _driver(driver: Driver) -> DriverDetail:
    return DriverDetail(
        type=driver.type,
        topic=driver.topic,
        at=say_second(driver.at),
        age_days=round(driver.age_days, 2),
        times=driver.times,
        strength=driver.strength,
        level=driver.level,
        points=driver.points,
    )


def _number(value: float, decimals: int) -> float | None:
    return None if math.isnan(value) else round(float(value), decimals)


def signal_reasons(answer: Answer) -> Iterator[str]:
    """Say what an account does and how long ago, from an answer that is complete but for its reasons."""
    signals, triggers = answer.detail.signals, answer.detail.triggers
    if signals.read_ago is None:
        yield f"{_ALL}: signals were not read; the score is Fit's share alone"
        return
    if signals.read_ago > 0:
        yield f"{_ALL}: the store did not answer; signals are those read {say_span(signals.read_ago)} ago"
    yield from _others(signals.rolled_up)
    yield from (shortened(f"Intent: {_situation(one, answer.as_of)}", LONGEST_REASON) for one in triggers)
    if signals.age_days is None:
        yield f"{'Recency, Engagement' if triggers else _ALL}: no signals yet"
        return
    if signals.drivers or not triggers:
        yield f"Intent: {_intent(signals.drivers, answer.as_of) or 'no signal that speaks of intent'}"
    yield f"Recency: {_recency(signals.recency, answer.as_of)}"
    yield f"Engagement: {_engagement(signals)}"


def _others(rolled_up: RolledUpDetail) -> Iterator[str]:
    """Say whose signals count as well, and whose are missing."""
    others = rolled_up.accounts
    if others and rolled_up.rollup == "parent":
        yield f"{_ALL}: with {_counted(others, 'subsidiary', 'subsidiaries')}"
    elif others:
        yield f"{_ALL}: with {_counted(others, 'other account')} of its family"
    if rolled_up.unread:
        lost = f"{rolled_up.unread:,} of {_counted(others + 1, 'account')}"
        yield f"{_ALL}: {lost} could not be read in full; the score is without what is missing"
    if rolled_up.cut:
        yield f"{_ALL}: the family is larger than is counted together; the rest does not count"


def _situation(trigger: TriggerDetail, as_of: str) -> str:
    when = f" {say_ago(trigger.since, as_of)}" if trigger.since else ""
    return f"{trigger.name}{when}{': ' if trigger.why else ''}{trigger.why}"


def _intent(drivers: list[DriverDetail], as_of: str) -> str:
    """Name the strongest drivers, as many as a reason has room for."""
    said = [f"{say_signal(driver)} {say_ago(driver.at, as_of)}" for driver in drivers[:REASONS_FOR_INTENT]]
    while len(f"Intent: {', '.join(said)}") > LONGEST_REASON:
        said.pop()
    return ", ".join(said)


def say_signal(driver: DriverDetail) -> str:
    """Name a signal and its repeats, such as `page view on pricing 3 times`."""
    topic = f" on {shortened(driver.topic, _LONGEST_NAME)}" if driver.topic else ""
    reading = f" at {round(driver.strength, 1):g}" if driver.level else ""
    times = f" {driver.times} times" if driver.times > 1 else ""
    return f"{shortened(driver.type.replace('_', ' '), _LONGEST_NAME)}{topic}{reading}{times}"


def _recency(family: FamilyDetail, as_of: str) -> str:
    if family.last is None:
        return "no event yet that counts"
    return f"last signal {say_ago(family.last, as_of)}"


def _engagement(signals: SignalsDetail) -> str:
    """Say who takes part and where it is going, such as `4 people over 3 channels, deepening`."""
    if signals.engagement.last is None:
        return "nothing yet"
    roles = f" in {signals.roles} roles" if signals.roles > 1 else ""
    where = (
        f"{_counted(signals.people, 'person', 'people')}{roles} over {_counted(signals.channels, 'channel')}"
    )
    return ", ".join(part for part in (where, _seniors(signals), signals.course) if part)


def _seniors(signals: SignalsDetail) -> str:
    """Mention the most senior people, from directors on."""
    if SENIORITIES.index(signals.most_senior) < _WORTH_NAMING:
        return ""
    rank = signals.most_senior.replace("_", " ")
    one = f"{'an' if rank[0] in 'aeio' else 'a'} {rank}"
    if signals.people == signals.seniors:
        return one if signals.people == 1 else f"all of them {rank}s"
    return f"1 of them {one}" if signals.seniors == 1 else f"{signals.seniors} of them {rank}s"


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def shortened(text: str, most: int) -> str:
    """Return a text, or so many characters of it."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
