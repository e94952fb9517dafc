from __future__ import annotations

from dataclasses import replace

from scoring.rules import OneOf
from scoring.training.found import Candidate, Effect, Figure, GroupFigures
from scoring.training.plan_figures import candidate_said, effect_said, group_said, retention_said

NOTHING = Figure(None, None, None, None, 0)


def group(id_: str = "g", flags: tuple[str, ...] = (), **figures: Figure) -> GroupFigures:
    return GroupFigures(id_, "", "candidate", 1_250, figures, flags)


def nrr(value: float, low: float, high: float) -> Figure:
    return Figure(value, low, high, value, 100)


def test_an_effect_is_said_in_its_own_unit() -> None:
    clv = Effect("clv", 182_345.0, 95_000.0, 150_000.0, 200_000.0, 1e-4, 0.0123, 1_063)
    assert effect_said(clv, "EUR") == (
        "CLV 182,345 EUR against 95,000 EUR outside "
        "(90% interval 150,000 to 200,000, q = 0.01, on 1,063 unseen customers)"
    )
    payback = Effect("payback", 9.13, 18.0, 8.0, 10.0, 0.0, 0.0, 20)
    assert effect_said(payback, "EUR").startswith(
        "payback 9.1 months against 18.0 months outside (90% interval 8.0"
    )


def test_only_figures_that_are_known_are_said() -> None:
    figures = {"nrr": nrr(0.931, 0.9, 0.96), "grr": NOTHING, "clv": Figure(1e5, None, None, None, 4)}
    assert (
        group_said(replace(group(), figures=figures), "USD")
        == "1,250 customers: NRR 93% (90% to 96%), CLV 100,000 USD"
    )
    assert group_said(group(nrr=NOTHING), "USD") == "1,250 customers: no figure is known"


def test_a_group_retains_worse_only_if_its_whole_interval_is_below_everybody() -> None:
    everybody = group("base", nrr=nrr(0.93, 0.92, 0.94))
    worse, unsure = group(nrr=nrr(0.7, 0.6, 0.91)), group(nrr=nrr(0.7, 0.6, 0.92))
    assert retention_said(worse, everybody).startswith("They retain worse than everybody (93%)")
    assert retention_said(unsure, everybody).startswith("They are not known to retain worse")
    assert retention_said(group(), everybody) == ""
    assert retention_said(group(nrr=NOTHING), everybody) == ""
    assert retention_said(worse, None) == ""


def test_a_candidate_is_said_with_all_its_figures_and_each_warning_once() -> None:
    effect = Effect("nrr", 1.3, 0.86, 1.25, 1.36, 1e-9, 2e-8, 63)
    candidate = Candidate(
        "fintech",
        (("industry", OneOf(one_of=("fintech",))),),
        True,
        126,
        24,
        {"growth": effect},
        ["covers 60% of the prospects"],
        ["industry is banking"],
    )
    flags = ("covers 60% of the prospects", "only 12 customers")
    said = candidate_said(candidate, group(flags=flags, nrr=nrr(1.29, 1.2, 1.35)), 500, "USD")
    assert said == [
        "industry is fintech: 126 customers and 24 of 500 prospects.",
        f"{effect_said(effect, 'USD')}.",
        "On the whole book 1,250 customers: NRR 129% (120% to 135%).",
        "Careful: covers 60% of the prospects",
        "Careful: only 12 customers",
        "Stands for this one too: industry is banking.",
    ]


def test_one_customer_is_not_many() -> None:
    assert group_said(replace(group(), customers=1), "USD") == "1 customer: no figure is known"
