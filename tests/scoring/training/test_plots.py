from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from scoring.training.plots import Move, Point, Span, agreement_chart, move_chart, span_chart
from scoring.training.svg import WIDE

values = st.floats(-1e6, 1e6)


def marks(svg: Markup, tag: str, kind: str = "") -> list[ElementTree.Element]:
    drawn = ElementTree.fromstring(svg)  # noqa: S314 - we wrote it a moment ago
    found = drawn.iter(f"{{http://www.w3.org/2000/svg}}{tag}")
    return [part for part in found if kind in ("", part.get("class"))]


def number(part: ElementTree.Element, name: str) -> float:
    return float(part.attrib[name])


def test_groups_below_the_mark_are_cool_and_left_of_its_line() -> None:
    spans = [Span("shrinks", 0.8, 0.7, 0.9, "n = 40"), Span("grows", 1.2, 1.1, 1.4, "n = 9")]
    svg = span_chart("t", "d", spans, str, mark=1.0)
    (mark,) = marks(svg, "line", "mark")
    (cool,), (warm,) = marks(svg, "circle", "cool"), marks(svg, "circle", "warm")
    assert number(cool, "cx") < number(mark, "x1") < number(warm, "cx")
    assert abs(number(warm, "cx") + number(cool, "cx") - 2 * number(mark, "x1")) <= 0.2


def test_an_interval_reaches_from_its_low_to_its_high_end() -> None:
    spans = [Span("a", 1.0, 0.5, 2.0, ""), Span("b", 1.0, 0.5, 1.0, "")]
    wide, narrow = marks(span_chart("t", "d", spans, str, mark=1.0), "rect", "warm")
    assert abs(number(wide, "width") - 3 * number(narrow, "width")) <= 0.3
    assert number(wide, "x") == number(narrow, "x")


def test_a_group_without_an_interval_is_a_dot_alone() -> None:
    svg = span_chart("t", "d", [Span("a", 1.0, None, None, "n = 1")], str, mark=1.0)
    assert len(marks(svg, "circle")) == 1
    assert marks(svg, "rect") == []


def test_a_long_name_takes_two_lines_and_its_row_more_room() -> None:
    name = "employees is at least 100 and technologies has kafka"
    short, long = (
        span_chart("t", "d", [Span(one, 1.0, None, None, "")], str, mark=1.0) for one in ("a", name)
    )
    words = [part.text for part in marks(long, "text") if part.get("class") == ""]
    assert words == ["employees is at least 100 and", "technologies has kafka"]
    heights = [float(marks(svg, "svg")[0].attrib["viewBox"].split()[3]) for svg in (short, long)]
    assert heights[1] > heights[0]


@given(st.lists(st.tuples(values, st.floats(0, 1e5), st.floats(0, 1e5)), min_size=1, max_size=5), values)
def test_every_dot_stands_on_the_picture(rows: list[tuple[float, float, float]], mark: float) -> None:
    spans = [Span("a", value, value - below, value + above, "n") for value, below, above in rows]
    dots = marks(span_chart("t", "d", spans, str, mark=mark), "circle")
    assert len(dots) == len(spans)
    assert all(0 <= number(dot, "cx") <= WIDE for dot in dots)


def test_predictions_that_came_true_stand_on_the_line() -> None:
    points = [Point(x, x, x - 0.1, x + 0.1, "n = 20") for x in (0.0, 1.0, 2.0)]
    svg = agreement_chart("t", "d", points, str, unit="")
    (line,) = marks(svg, "line", "mark")
    slope = (number(line, "y2") - number(line, "y1")) / (number(line, "x2") - number(line, "x1"))
    for dot in marks(svg, "circle"):
        expected = number(line, "y1") + slope * (number(dot, "cx") - number(line, "x1"))
        assert abs(number(dot, "cy") - expected) <= 0.2


def test_more_than_was_predicted_stands_above_the_line() -> None:
    points = [Point(1.0, 2.0, 1.5, 2.5, ""), Point(3.0, 1.0, 0.5, 1.5, "")]
    svg = agreement_chart("t", "d", points, str, unit="")
    better, worse = marks(svg, "circle")
    assert number(better, "cx") < number(worse, "cx")
    assert number(better, "cy") < number(worse, "cy")
    whiskers = marks(svg, "line", "whisker")
    assert [number(one, "x1") for one in whiskers] == [number(better, "cx"), number(worse, "cx")]


def test_one_point_alone_can_be_drawn() -> None:
    assert (
        len(marks(agreement_chart("t", "d", [Point(0.0, 0.0, 0.0, 0.0, "")], str, unit="USD"), "circle")) == 1
    )


def test_what_stands_in_pictures_is_escaped() -> None:
    svg = span_chart("<t>", "<d>", [Span("<b>&", 1.0, None, None, "<i>")], str, mark=1.0)
    assert "<b>" not in svg
    assert "<i>" not in svg


def test_what_was_found_stands_beside_what_it_was_taken_to_be_on_a_scale_of_ratios() -> None:
    moves = [Move("a", 20.0, 5.0, 2.5, 10.0, "n = 1"), Move("b", 10.0, 10.0, 10.0, 10.0, "n = 2")]
    svg = move_chart("t", "d", moves, str, [5.0, 10.0, 20.0])
    after = [number(part, "cx") for part in marks(svg, "circle", "warm")]
    before = [number(part, "x") + 1.5 for part in marks(svg, "rect", "cool")]
    octave = after[1] - after[0]
    assert octave > 0
    assert before == [pytest.approx(after[0] + 2 * octave, abs=0.2), pytest.approx(after[1], abs=0.2)]
    interval = marks(svg, "rect", "warm")[0]
    assert number(interval, "width") == pytest.approx(2 * octave, abs=0.2)
    assert after[0] - number(interval, "x") == pytest.approx(octave, abs=0.2)
