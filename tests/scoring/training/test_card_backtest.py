from dataclasses import replace

from scoring.training.backtest import ATTRIBUTES_NOTE, Backtest, Check, Cut
from scoring.training.card_backtest import backtest_section
from scoring.training.card_blocks import Block, Bullets, Figure, Notice, Prose, Section, Table
from scoring.training.card_reliability import slope_sentence
from scoring.training.lift import Band, Lift, Reliability
from scoring.training.rivals import Comparison, Contender

BANDS = (Band(60.0, 90.0, 20, 8.0, 7.0, 9.0, 2.0), Band(10.0, 59.0, 20, 24.0, 20.0, 30.0, 2 / 3))
LIFT = Lift("payback", "months", 40, 16.0, BANDS, 0.4, 0.00001, 0.8, "40 accounts make 2 of 10 bands")
CONTENDERS = (Contender("firebrand", 0.1, 0.4, 2.0), Contender("spend alone", None, -0.2, None))
COMPARISON = Comparison("efficiency", "payback", "new customers", 40, CONTENDERS, "Firebrand ranks best")
RELIABILITY = Reliability(40, 0.5, 0.1, 0.2, 0.25, ())
CHECK = Check("efficiency", "new customers", LIFT, RELIABILITY, COMPARISON)
CUT = Cut(
    "2025-06-30", "2026-06-30", {"growth": 1084}, {"efficiency": "too few"}, (CHECK,), {"clv": "only 3"}
)
TESTED = Backtest((CUT,), (ATTRIBUTES_NOTE,))


def told(section: Section) -> str:
    def words(block: Block) -> list[str]:
        match block:
            case Prose():
                return list(block.paragraphs)
            case Bullets():
                return [f"{item.term} {item.text}" for item in block.items]
            case Notice():
                return list(block.sentences)
            case Figure():
                return [str(block.svg), block.caption]
            case _:
                return []

    return " ".join(word for block in section.blocks for word in words(block))


def test_where_there_is_none_the_reason_stands_alone() -> None:
    section = backtest_section("no backtest: the book is too young", "USD")
    assert told(section) == "No backtest: the book is too young."
    assert len(section.blocks) == 1


def test_the_days_what_was_learnt_and_what_could_not_be_measured_are_said() -> None:
    said = told(backtest_section(TESTED, "USD"))
    assert "on 30 June 2025" in said
    assert "until 30 June 2026. It learnt growth from 1,084 customers." in said
    assert "CLV: Only 3." in said
    assert "efficiency: Too few." in said
    assert "the book keeps no history of them" in said


def test_the_best_band_is_held_against_the_average_and_drawn_first() -> None:
    section = backtest_section(TESTED, "USD")
    said = told(section)
    assert "came to 8.0 months, against 16.0 months of all, 2.00 times as good" in said
    assert "shorter is better" in said
    assert "rank correlation of 0.40 (p under 0.0001)" in said
    assert "40 accounts make 2 of 10 bands." in said.replace("</title>", "")
    (figure,) = [block for block in section.blocks if isinstance(block, Figure)]
    assert figure.svg.index("1: 8.0") < figure.svg.index("2: 24.0")
    assert "average 16.0" in figure.svg


def test_a_ranking_that_may_be_chance_is_an_alarm_and_others_are_none() -> None:
    assert not [block for block in backtest_section(TESTED, "USD").blocks if isinstance(block, Notice)]
    check = replace(CHECK, lift=replace(LIFT, p_value=0.3))
    section = backtest_section(replace(TESTED, cuts=(replace(CUT, checks=(check,)),)), "USD")
    (notice,) = [block for block in section.blocks if isinstance(block, Notice)]
    assert notice.sentences == ["Fit did not rank them better than chance (p 0.3)."]


def test_the_comparison_names_each_way_and_ends_with_the_verdict() -> None:
    section = backtest_section(TESTED, "USD")
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    assert table.rows == [
        ["This model", "0.40", "2.00 times", "0.100"],
        ["What they already paid, alone", "\u22120.20", "\u2013", "\u2013"],
    ]
    assert "Firebrand ranks best." in told(section)


def test_bands_without_a_figure_are_not_drawn() -> None:
    bands = (replace(BANDS[0], value=None, low=None, high=None, lift=None), BANDS[1])
    check = replace(CHECK, lift=replace(LIFT, bands=bands))
    section = backtest_section(replace(TESTED, cuts=(replace(CUT, checks=(check,)),)), "USD")
    (figure,) = [block for block in section.blocks if isinstance(block, Figure)]
    assert "1: " not in figure.svg
    assert "The band with the highest Fit" not in told(section)


def test_slopes_are_called_bold_right_or_timid() -> None:
    assert "too bold)" in slope_sentence(RELIABILITY)
    assert "about right)" in slope_sentence(replace(RELIABILITY, slope=1.02))
    assert "too timid)" in slope_sentence(replace(RELIABILITY, slope=1.9))
    assert slope_sentence(replace(RELIABILITY, slope=None)).startswith("all alike")
