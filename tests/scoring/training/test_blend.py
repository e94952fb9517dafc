import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from scoring.training.additive import Floats
from scoring.training.blend import LEAST_SAY, MOST_SAY, PRIOR, Blend, blend
from scoring.training.loss import LOSSES, Kind

KINDS: list[Kind] = ["binary", "value"]
seeds = st.integers(0, 2**32 - 1)


def forms_of(seed: int, kind: Kind, rows: int = 300, rare: float = 1.5) -> tuple[Floats, Floats, Floats]:
    """Draw two forms that see different halves of the signal, and the outcome."""
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(2, rows))
    base = -rare if kind == "binary" else 3.0
    raw = base + first + second
    y = raw + rng.normal(size=rows) if kind == "value" else (raw + rng.logistic(size=rows) > 0).astype(float)
    return base + first, base + second, y


@pytest.mark.parametrize("kind", KINDS)
@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_weights_are_those_that_predict_best_but_for_a_little_trust_in_equal_ones(
    kind: Kind, seed: int
) -> None:
    linear, boosted, y = forms_of(seed, kind)
    loss, start = LOSSES[kind], float(LOSSES[kind].start(y))
    found = blend(linear, boosted, y, loss)

    def objective(at: Floats) -> float:
        raw = at[2] + at[0] * linear + at[1] * boosted
        return float(len(y) * loss.mean(y, raw) + PRIOR * np.square(at[:2] - 0.5).sum())

    best = minimize(
        objective,
        np.array([0.5, 0.5, start]),
        bounds=[(0, MOST_SAY), (0, MOST_SAY), (None, None)],
        method="L-BFGS-B",
    )
    assert found.form == "blend"
    assert objective(np.array([found.linear, found.boosted, found.intercept])) <= best.fun + 1e-3
    assert [found.linear, found.boosted, found.intercept] == pytest.approx(best.x, abs=0.02)


@pytest.mark.parametrize("kind", KINDS)
@given(seed=seeds, rare=st.floats(0, 4))
@settings(max_examples=20, deadline=None)
def test_the_blend_predicts_what_it_was_learnt_from_no_worse_than_either_form(
    kind: Kind, seed: int, rare: float
) -> None:
    linear, boosted, y = forms_of(seed, kind, 500, rare)
    mixed = blend(linear, boosted, y, LOSSES[kind]).mix(linear, boosted)
    worst = min(LOSSES[kind].mean(y, one) for one in (linear, boosted)) + 2 * PRIOR / len(y)
    assert LOSSES[kind].mean(y, mixed) <= worst


@given(seed=seeds, rare=st.floats(-3, 3))
@settings(max_examples=20, deadline=None)
def test_predicted_chances_are_right_on_average(seed: int, rare: float) -> None:
    linear, boosted, y = forms_of(seed, "binary", 400, rare)
    raw = blend(linear, boosted, y, LOSSES["binary"]).mix(linear, boosted)
    assert np.mean(1 / (1 + np.exp(-raw))) == pytest.approx(y.mean(), abs=0.003)


@pytest.mark.parametrize("kind", KINDS)
@given(seed=seeds, worth=st.tuples(st.floats(-2, 2), st.floats(-2, 2)))
@settings(max_examples=30, deadline=None)
def test_no_form_ever_speaks_against_itself_or_in_a_whisper(
    kind: Kind, seed: int, worth: tuple[float, float]
) -> None:
    rng = np.random.default_rng(seed)
    linear, boosted = rng.normal(size=(2, 100))
    raw = worth[0] * linear + worth[1] * boosted + rng.normal(size=100)
    found = blend(linear, boosted, raw if kind == "value" else (raw > 0.5).astype(float), LOSSES[kind])
    for say in (found.linear, found.boosted):
        assert say == 0 or LEAST_SAY <= say <= MOST_SAY


@pytest.mark.parametrize("swapped", [False, True])
def test_a_form_of_pure_noise_is_left_out(swapped: bool) -> None:
    rng = np.random.default_rng(1)
    y = rng.normal(size=500)
    good, noise = y + rng.normal(size=500), rng.normal(size=500)
    found = blend(noise, good, y, LOSSES["value"]) if swapped else blend(good, noise, y, LOSSES["value"])
    assert found.form == ("boosted" if swapped else "linear")


def test_forms_that_both_run_against_what_happened_leave_a_constant() -> None:
    rng = np.random.default_rng(2)
    y = (rng.random(400) < 0.2).astype(float)
    found = blend(-3 * y + rng.normal(size=400), -3 * y + rng.normal(size=400), y, LOSSES["binary"])
    assert (found.linear, found.boosted, found.form) == (0.0, 0.0, "constant")
    assert found.intercept == pytest.approx(np.log(y.mean() / (1 - y.mean())))


def test_two_forms_that_say_the_same_get_the_same_say() -> None:
    linear, _, y = forms_of(3, "value")
    found = blend(linear, linear, y, LOSSES["value"])
    assert found.linear == pytest.approx(found.boosted)


@pytest.mark.parametrize(
    ("linear", "boosted", "form"),
    [(1.0, 0.0, "linear"), (0.0, 1.0, "boosted"), (0.5, 0.5, "blend"), (0.0, 0.0, "constant")],
)
def test_a_form_is_named_by_who_has_a_say(linear: float, boosted: float, form: str) -> None:
    assert Blend(linear, boosted, 0.0).form == form
