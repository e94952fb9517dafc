from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.fire import Fire, combine, gate
from scoring.plan import FireSection, IcpSection, TiersSection
from tests.scoring import obvious

WEIGHTS, TIERS = FireSection(), TiersSection()
share = st.floats(0, 1)
fits = st.floats(0, 100) | st.sampled_from([35.0, 40.0, 50.0, 60.0, 65.0])


def one(fit: float, parts: tuple[float, float, float], opening: float, *, excluded: bool = False) -> Fire:
    intent, recency, engagement = (np.array([part]) for part in parts)
    return combine(
        WEIGHTS,
        TIERS,
        fit=np.array([fit]),
        opening=np.array([opening]),
        intent=intent,
        recency=recency,
        engagement=engagement,
        excluded=np.array([excluded]),
    )


@given(fits, st.tuples(share, share, share), share, st.booleans())
def test_score_grade_and_tier_are_their_formulas(
    fit: float, parts: tuple[float, float, float], opening: float, excluded: bool
) -> None:
    intent, recency, engagement = parts
    lift = 0.2 * intent + 0.1 * recency + 0.2 * engagement
    score = 0.0 if excluded else 100 * (0.5 * fit / 100 + opening * lift)
    fire = one(fit, parts, opening, excluded=excluded)
    assert fire.score[0] == pytest.approx(score, abs=1e-9)
    assert fire.activation[0] == pytest.approx(lift / 0.5, abs=1e-12)
    assert fire.grade == (obvious.grade(fit, fire.activation[0], excluded=excluded),)
    assert fire.tier == (obvious.tier(fire.score[0], 70, 50, 30),)
    assert 0 <= fire.score[0] <= 100


@given(fits, st.floats(0, 100), st.floats(0, 100))
def test_the_gate_ramps_from_the_floor_to_the_threshold(fit: float, one_end: float, other: float) -> None:
    floor, threshold = sorted((one_end, other))
    if 0 < threshold - floor < 1e-6:  # a ramp this steep is a step but for rounding
        threshold = floor
    icp = IcpSection(fit_floor=floor, fit_threshold=threshold)
    inside, outside = gate(np.array([fit, fit]), np.array([True, False]), icp)
    assert inside == pytest.approx(obvious.gate(fit, floor, threshold), abs=1e-12)
    assert outside == 0


def test_a_gate_without_a_ramp_opens_at_the_floor() -> None:
    icp = IcpSection(fit_floor=50, fit_threshold=50)
    found = gate(np.array([49.999, 50.0, 50.001]), np.ones(3, np.bool_), icp)
    assert found.tolist() == [0, 1, 1]


@given(fits, st.tuples(share, share, share))
def test_behind_a_closed_gate_no_signal_lifts_the_score(
    fit: float, parts: tuple[float, float, float]
) -> None:
    quiet, busy = one(fit, (0, 0, 0), 0.0), one(fit, parts, 0.0)
    assert busy.score[0] == quiet.score[0] == 100 * (0.5 * (fit / 100))


@given(fits, st.tuples(share, share, share), share)
def test_an_excluded_account_scores_0_and_has_the_lowest_grade(
    fit: float, parts: tuple[float, float, float], opening: float
) -> None:
    fire = one(fit, parts, opening, excluded=True)
    assert (fire.score[0], fire.grade, fire.tier) == (0.0, ("D4",), ("none",))


@pytest.mark.parametrize(
    ("fit", "letter"), [(0, "D"), (34.99, "D"), (35, "C"), (50, "B"), (64.99, "B"), (65, "A"), (100, "A")]
)
def test_the_letter_is_fit(fit: float, letter: str) -> None:
    assert one(fit, (0, 0, 0), 1.0).grade == (f"{letter}4",)


@pytest.mark.parametrize(("level", "digit"), [(0.0, 4), (0.09, 4), (0.11, 3), (0.36, 2), (0.61, 1), (1.0, 1)])
def test_the_digit_is_activation_whether_or_not_signals_count(level: float, digit: int) -> None:
    for opening in (0.0, 1.0):
        assert one(80, (level, level, level), opening).grade == (f"A{digit}",)


def test_a_tier_begins_at_its_cut() -> None:
    scores = [one(fit, (0, 0, 0), 0.0) for fit in (59.9, 60.0, 99.9, 100.0)]
    assert [fire.tier[0] for fire in scores] == ["none", "tier_3", "tier_3", "tier_2"]
    assert one(80, (1, 1, 0), 1.0).tier == ("tier_1",)


def test_a_plan_of_fit_alone_has_no_activation() -> None:
    fire = combine(
        FireSection(fit=1, intent=0, recency=0, engagement=0),
        TIERS,
        fit=np.array([71.0]),
        opening=np.ones(1),
        intent=np.ones(1),
        recency=np.ones(1),
        engagement=np.ones(1),
        excluded=np.zeros(1, np.bool_),
    )
    assert (fire.score[0], fire.activation[0], fire.grade, fire.tier) == (71.0, 0.0, ("A4",), ("tier_1",))
