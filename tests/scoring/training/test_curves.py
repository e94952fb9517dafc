from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from scoring.training.curves import (
    Band,
    Bar,
    Step,
    band_chart,
    bar_chart,
    step_chart,
)
from scoring.training.heat_map import Cell, heat_map
from scoring.training.svg import clip, signed, ticks

values = st.floats(-1e6, 1e6)


def parts(svg: Markup, kind: str) -> list[ElementTree.Element]:
    drawn = ElementTree.fromstring(svg)  # noqa: S314 - we wrote it a moment ago
    return [part for part in drawn.iter() if part.get("class", "").split(" ")[0] == kind]


def number(part: ElementTree.Element, name: str) -> float:
    return float(part.attrib[name])


@given(low=values, span=st.floats(1e-3, 1e6))
def test_ticks_are_few_ascending_and_within_the_scale(low: float, span: float) -> None:
    found = ticks(low, low + span)
    assert 1 <= len(found) <= 6
    assert found == sorted(set(found))
    slack = 1e-9 * max(abs(low), span)
    assert all(low - slack <= tick <= low + span + slack for tick in found)


@given(st.text(), st.integers(2, 30))
def test_clipped_text_is_never_longer_than_asked(text: str, most: int) -> None:
    assert len(clip(text, most)) <= most
    assert clip(text, most) == text or clip(text, most).endswith("…")


@given(values)
def test_points_carry_their_sign_unless_they_round_to_nothing(value: float) -> None:
    written = signed(value)
    assert float(written.replace("\u2212", "-")) == round(value, 1)
    assert written[0] in "+\u2212" or written == "0.0"


def test_bars_of_bands_are_as_high_as_their_means() -> None:
    bands = [Band("a", 1.0, 0.5, 1.5, ""), Band("b", 2.0, 1.5, 2.5, "")]
    low, high = parts(band_chart("t", "d", bands, str, unit="", mark=(1.5, "all")), "warm")
    assert abs(number(high, "height") - 2 * number(low, "height")) <= 0.2
    assert abs(number(low, "y") + number(low, "height") - number(high, "y") - number(high, "height")) <= 0.2


def test_a_band_below_zero_hangs_from_the_zero_line() -> None:
    bands = [Band("loss", -1.0, -2.0, -0.5, ""), Band("gain", 1.0, 0.5, 2.0, "")]
    loss, gain = parts(band_chart("t", "d", bands, str, unit="", mark=(0.0, "all")), "warm")
    assert abs(number(loss, "y") - number(gain, "y") - number(gain, "height")) <= 0.2


def test_bands_that_are_all_zero_can_be_drawn() -> None:
    svg = band_chart("t", "d", [Band("a", 0.0, 0.0, 0.0, "")], str, unit="", mark=(0.0, "all"))
    assert len(parts(svg, "whisker")) == 3


def test_bars_run_left_below_zero_and_right_above() -> None:
    svg = bar_chart("t", "d", [Bar("up", 2.0, ""), Bar("down", -1.0, "")], signed, largest=2.0)
    (up,), (down,) = parts(svg, "warm"), parts(svg, "cool")
    assert abs(number(down, "x") + number(down, "width") - number(up, "x")) <= 0.2
    assert abs(number(up, "width") - 2 * number(down, "width")) <= 0.2


def test_steps_are_as_wide_as_their_customers() -> None:
    steps = [Step("low", -1.0, 10, "5"), Step("high", 1.0, 30, "")]
    svg = step_chart("t", "d", steps, Step("missing", 0.5, 4, ""), signed, largest=1.0)
    (low,), (missing, high) = parts(svg, "cool"), sorted(parts(svg, "warm"), key=lambda p: number(p, "x"))
    assert abs(number(high, "width") - 3 * number(low, "width")) <= 0.3
    assert number(missing, "x") < number(low, "x")


def test_a_cell_without_customers_has_no_colour_and_no_number() -> None:
    cells = [[Cell("a, x", 2.0, 9), Cell("a, y", 0.0, 0)]]
    svg = heat_map("t", "d", ["a"], ["x", "y"], cells)
    assert len(parts(svg, "warm")) == len(parts(svg, "empty")) == 1
    assert "+2.0" in svg
    assert "a, y: no customers" in svg


def test_what_stands_in_pictures_is_escaped() -> None:
    bars = [Bar("<b>&", 1.0, "<i>")]
    svg = bar_chart("<t>", "<d>", bars, signed, largest=1.0)
    assert len(parts(svg, "warm")) == 1
    assert "<b>" not in svg
    assert "<i>" not in svg


def test_a_whisker_reaches_one_standard_error_to_either_side_of_a_bar() -> None:
    svg = bar_chart("t", "d", [Bar("a", 2.0, "", 0.5), Bar("b", 1.0, "")], signed, largest=2.0)
    (whisker,) = parts(svg, "whisker")
    first, second = parts(svg, "warm")
    end = number(first, "x") + number(first, "width")
    reach = number(second, "width") / 2
    assert abs(number(whisker, "x1") - (end - reach)) <= 0.2
    assert abs(number(whisker, "x2") - (end + reach)) <= 0.2


def test_the_band_of_a_step_is_two_standard_errors_high_about_its_value() -> None:
    steps = [Step("low", 0.5, 10, "5", 0.25), Step("high", 1.0, 10, "")]
    svg = step_chart("t", "d", steps, None, signed, largest=1.0)
    (band,) = parts(svg, "error")
    low, high = sorted(parts(svg, "warm"), key=lambda part: number(part, "x"))
    assert abs(number(band, "height") - number(low, "height")) <= 0.2
    assert abs(number(band, "y") + number(band, "height") / 2 - number(low, "y")) <= 0.2
    assert number(high, "height") > number(low, "height")


def test_a_band_without_an_interval_has_no_whisker() -> None:
    svg = band_chart("t", "d", [Band("a", 1.0, None, None, "n = 1")], str, unit="", mark=(0.0, "all"))
    assert parts(svg, "whisker") == []
    assert "90% interval" not in svg
