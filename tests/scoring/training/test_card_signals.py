from dataclasses import replace

import pytest

from scoring.plan import Plan
from scoring.plan_signals import SignalsSection
from scoring.training.card_blocks import Bullets, Code, Figure, Heading, Prose, Section, Table
from scoring.training.card_signals import TITLE, signals_section
from scoring.training.signals_learnt import SignalLessons
from tests.scoring.training.signal_lessons import BETTER, NO_BETTER

ASKS = Plan(signals=SignalsSection(use="learnt"))


def text_of(section: Section) -> str:
    parts: list[str] = []
    for block in section.blocks:
        match block:
            case Prose():
                parts += block.paragraphs
            case Heading() | Code():
                parts.append(block.text)
            case Bullets():
                parts += [f"{item.term} {item.text}" for item in block.items]
            case Figure():
                parts.append(str(block.svg))
    return "\n".join(parts)


@pytest.mark.parametrize(
    ("lessons", "plan", "said"),
    [
        (BETTER, ASKS, "The plan asks for what was learnt, and this model uses it."),
        (BETTER, Plan(), "The plan does not ask for it yet."),
        (NO_BETTER, ASKS, "it is not better than the defaults, and these are used."),
        (NO_BETTER, Plan(), "What was learnt is not better than the defaults"),
    ],
)
def test_the_section_begins_with_what_this_model_uses(lessons: SignalLessons, plan: Plan, said: str) -> None:
    section = signals_section(lessons, plan)
    assert section.title == TITLE
    assert isinstance(section.blocks[0], Prose)
    assert said in section.blocks[0].paragraphs[0]


def test_every_type_stands_in_the_picture_and_the_table_beside_its_default() -> None:
    section = signals_section(BETTER, Plan())
    types = next(block for block in section.blocks if isinstance(block, Table))
    assert types.rows == [
        ["meeting", "1,234", "30 days", "7 days", "3.5 to 14", "2", "1.5"],
        ["plant_tour", "321", "21 days", "45 days", "45", "0.5", "0.0123"],
    ]
    assert "meeting: 7, default 30; plant_tour: 45, default 21" in text_of(section)


def test_what_could_not_be_placed_or_learnt_is_named() -> None:
    text = text_of(signals_section(BETTER, Plan()))
    assert "5,000 events of accounts of the book, 17 could not be placed at any." in text
    assert "their defaults stay: webinar (12)" in text
    text = text_of(signals_section(NO_BETTER, Plan()))
    assert "could not be placed" not in text
    assert "defaults stay: webinar" not in text


def test_what_to_write_into_the_plan_stands_there_only_where_something_is_proposed() -> None:
    (code,) = (block for block in signals_section(BETTER, Plan()).blocks if isinstance(block, Code))
    assert "[signals.types]\nmeeting = {intent = 1.5, half_life_days = 7}" in code.text
    section = signals_section(NO_BETTER, Plan())
    assert not any(isinstance(block, Code) for block in section.blocks)
    assert "The defaults stay: no better." in text_of(section)


def test_shares_alone_may_be_proposed() -> None:
    text = text_of(signals_section(replace(NO_BETTER, fire=BETTER.fire, fire_gain=BETTER.fire_gain), Plan()))
    assert "[fire]\nfit = 0.5\nintent = 0.25" in text
    assert "use = " not in text


def test_a_book_that_teaches_nothing_says_why() -> None:
    (block,) = signals_section("the book has no events", Plan()).blocks
    assert isinstance(block, Prose)
    assert block.paragraphs == [
        "Nothing was learnt of signals, so the defaults stay: the book has no events."
    ]
