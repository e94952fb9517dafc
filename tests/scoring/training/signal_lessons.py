"""Lessons as `learn_signals` returns them, made by hand."""

from dataclasses import replace

from scoring.plan import FireSection
from scoring.signals.policy import DEFAULT_TYPES, Policy
from scoring.training.activation_lift import Rank, RankGain
from scoring.training.half_lives import OWN_TYPE, LearntType
from scoring.training.signals_learnt import SignalLessons

GAIN = RankGain(
    moments=9_000,
    accounts=1_100,
    opened=700,
    ours=Rank(0.81, 4.5),
    theirs=Rank(0.79, 4.0),
    auc_gain=0.02,
    low=0.01,
    high=0.03,
    sure=0.008,
    sure_auc=0.79,
    lift_gain=0.5,
    lift_low=0.1,
    lift_high=0.9,
)
MEETING = LearntType("meeting", 1_234, 800, DEFAULT_TYPES["meeting"], 7.0, 3.5, 14.0, 1.5)
TOUR = LearntType("plant_tour", 321, 200, OWN_TYPE, 45.0, 45.0, 45.0, 0.0123)
BETTER = SignalLessons(
    events=5_000,
    unplaced=17,
    opportunities=640,
    learnt_until="2025-09-12",
    types=(MEETING, TOUR),
    too_few={"webinar": 12},
    policy=Policy(types={**DEFAULT_TYPES, "meeting": MEETING.policy, "plant_tour": TOUR.policy}),
    intent_gain=GAIN,
    policy_gain=GAIN,
    fire=FireSection(fit=0.5, intent=0.25, recency=0.05, engagement=0.2),
    fire_gain=GAIN,
)
NO_BETTER = replace(
    BETTER,
    policy="the defaults stay: no better",
    intent_gain=replace(GAIN, ours=Rank(0.78, 3.9), auc_gain=-0.01, low=-0.02, high=0.0, sure=-0.03),
    fire="the plan's weights stay: the learnt ones are the same",
    fire_gain=None,
    too_few={},
    unplaced=0,
)
