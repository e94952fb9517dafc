"""The model card on signals: what they said before opportunities, and what is proposed because of it."""

from __future__ import annotations

from datetime import date

from markupsafe import Markup

from scoring.plan import FireSection, Plan
from scoring.signals.policy import Policy
from scoring.training.activation_lift import RankGain
from scoring.training.card_blocks import (
    Block,
    Bullets,
    Code,
    Figure,
    Heading,
    Item,
    Prose,
    Section,
    Table,
    as_sentence,
    count,
    minus,
    say_date,
)
from scoring.training.deal_moments import HORIZON_DAYS
from scoring.training.half_lives import GRID, LEAST_EVENTS, LearntType
from scoring.training.plots import Move, move_chart
from scoring.training.signals_learnt import SignalLessons
from scoring.training.signals_said import gain_said, pinned_toml, proposed_policy

TITLE = "What signals said before deals"


def signals_section(lessons: SignalLessons | str, plan: Plan) -> Section:
    """Show what was learnt against the defaults, what it was worth, and how to use it."""
    if isinstance(lessons, str):
        said = f"Nothing was learnt of signals, so the defaults stay: {lessons}"
        return Section("signals", TITLE, [Prose([as_sentence(said)])])
    blocks: list[Block] = [
        Prose([_verdict(lessons, plan), _introduction(lessons)]),
        Heading("Half-life by type of signal"),
        Figure("", _picture(lessons.types), _CAPTION),
        _table(lessons.types),
        *_too_few(lessons),
        Heading("Whether it is better"),
        *_tests(lessons),
        *_proposal(lessons),
        Heading("How it was learnt"),
        Bullets(_notes(lessons)),
    ]
    return Section("signals", TITLE, blocks)


def _verdict(lessons: SignalLessons, plan: Plan) -> str:
    learnt, asked = proposed_policy(lessons) is not None, plan.signals.use == "learnt"
    if learnt and asked:
        return "The plan asks for what was learnt, and this model uses it."
    if learnt:
        return "What was learnt ranks accounts better than the defaults. The plan does not ask for it yet."
    if asked:
        return "The plan asks for what was learnt; it is not better than the defaults, and these are used."
    return "What was learnt is not better than the defaults, and these are used."


def _introduction(lessons: SignalLessons) -> str:
    placed = f"{count(lessons.events, 'event')} of accounts of the book"
    lost = f", {lessons.unplaced:,} could not be placed at any" if lessons.unplaced else ""
    until = say_date(date.fromisoformat(lessons.learnt_until))
    return (
        f"{placed}{lost}. What went before {lessons.opportunities:,} opportunities until {until} was held "
        "against other accounts on the same days; what came later tested it."
    )


_CAPTION = (
    "Dots are half-lives that were learnt, lines the ones that fit nearly as well (90%), blue uprights the "
    "defaults. A half-life says how fast a signal stops announcing an opportunity, beyond what other signals "
    "of the account say."
)


def _picture(types: tuple[LearntType, ...]) -> Markup:
    ordered = sorted(types, key=lambda one: (one.half_life_days, one.type))
    moves = [
        Move(
            one.type,
            one.default.half_life_days,
            one.half_life_days,
            one.low,
            one.high,
            f"n = {one.events:,}",
        )
        for one in ordered
    ]
    said = "; ".join(f"{move.name}: {move.after:g}, default {move.before:g}" for move in moves)
    return move_chart(
        "Half-lives of types of signals", f"Learnt half-lives in days. {said}.", moves, _days, GRID
    )


def _days(value: float) -> str:
    return f"{value:g}"


def _table(types: tuple[LearntType, ...]) -> Table:
    head = ["Signal", "Events", "Half-life, default", "Learnt", "90% interval", "Weight, default", "Learnt"]
    rows = [
        [
            one.type,
            f"{one.events:,}",
            f"{one.default.half_life_days:g} days",
            f"{one.half_life_days:g} days",
            f"{one.low:g} to {one.high:g}" if one.low < one.high else f"{one.low:g}",
            f"{one.default.intent:g}",
            f"{one.intent:g}",
        ]
        for one in sorted(types, key=lambda one: (-one.intent, one.type))
    ]
    return Table("Types of signals, the heaviest first", head, rows, [1, 2, 3, 4, 5, 6])


def _too_few(lessons: SignalLessons) -> list[Block]:
    if not lessons.too_few:
        return []
    named = ", ".join(f"{name} ({events:,})" for name, events in lessons.too_few.items())
    return [Prose([f"Under {LEAST_EVENTS} seen on the days compared, so their defaults stay: {named}."])]


def _tests(lessons: SignalLessons) -> list[Block]:
    blocks: list[Block] = [Prose([minus(gain_said(lessons.intent_gain, "the defaults"))])]
    rows = [
        _row("Intent, by half-lives and weights of types", lessons.intent_gain),
        _row("Intent, Recency and Engagement, in the plan's shares", lessons.policy_gain),
    ]
    if lessons.fire_gain is not None:
        rows.append(_row("The same, in learnt shares instead of the plan's", lessons.fire_gain))
    head = ["What was learnt", "AUC", "Before", "90% interval of the gain", "Lift of the top tenth", "Before"]
    blocks.append(Table("On the later part of the events", head, rows, [1, 2, 3, 4, 5]))
    stay = [one for one in (lessons.policy, lessons.fire) if isinstance(one, str)]
    return [*blocks, Prose([as_sentence(one) for one in stay])] if stay else blocks


def _row(name: str, gain: RankGain) -> list[str]:
    return [
        name,
        f"{gain.ours.auc:.3f}",
        f"{gain.theirs.auc:.3f}",
        minus(f"{gain.low:+.3f} to {gain.high:+.3f}"),
        f"{gain.ours.top_lift:.2f}",
        f"{gain.theirs.top_lift:.2f}",
    ]


def _proposal(lessons: SignalLessons) -> list[Block]:
    lines = pinned_toml(lessons)
    if not lines:
        return []
    use = (
        'The plan decides. Write use = "learnt" under [signals], and each training learns weights and '
        "half-lives anew"
        if isinstance(lessons.policy, Policy)
        else "The plan decides"
    )
    shares = "; the shares under [fire] are written by hand" if isinstance(lessons.fire, FireSection) else ""
    return [
        Heading("To use it"),
        Prose([f"{use}{shares}. To hold on to these very values, write them out:"]),
        Code("\n".join(lines)),
    ]


def _notes(lessons: SignalLessons) -> list[Item]:
    gain = lessons.policy_gain
    return [
        Item(
            "Only what had happened.",
            "On each day only signals of earlier days are seen. Attributes and Fit have no part in it.",
        ),
        Item(
            "Who was asked about.",
            "Accounts from their first trace in the book on, and not while an opportunity was open. The test "
            f"asked {gain.moments:,} times about {count(gain.accounts, 'account')}; in the {HORIZON_DAYS} "
            f"days after {gain.opened:,} of the times an opportunity opened. Renewals do not count: the "
            "calendar opens them.",
        ),
        Item(
            "When it counts as better.",
            "Only where the gain in AUC (of Intent for the types, of the three together for their shares) is "
            "above 0 with 97.5% certainty, and the AUC above that of guessing, by bootstrap over accounts. "
            "Two questions are asked of one test. What has little to say stays near its default.",
        ),
        Item(
            "Fit keeps its share.",
            "Who opens an opportunity soon does not say who is worth having. Learnt weights share out only "
            "what the plan leaves to Intent, Recency and Engagement.",
        ),
        Item(
            "What is not learnt.",
            "A type's depth in Engagement, Recency's half-life and the relevance of topics. A row of the "
            "book is taken for an event, also where a vendor exported a level.",
        ),
    ]
