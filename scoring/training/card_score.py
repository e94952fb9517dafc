"""The model card on scores: whom the plan excludes, and how Fit and signals become a score and a tier."""

from __future__ import annotations

from scoring.plan import Plan
from scoring.plan_rules import ExclusionSpec
from scoring.training.card_blocks import Block, Bullets, Heading, Item, Prose, Section, Table
from scoring.training.card_segments import accounts_meant
from scoring.training.survey import Survey


def score_section(survey: Survey) -> Section:
    """Say the exclusions, the FIRE weights and the tiers."""
    plan = survey.plan
    blocks: list[Block] = [
        Heading("Exclusions"),
        *_exclusion_blocks(survey),
        Heading("From Fit to score"),
        Prose([_fire_sentence(plan), _gate_sentence(plan)]),
        _tier_table(plan),
    ]
    return Section("score", "Exclusions and scores", blocks)


def _exclusion_blocks(survey: Survey) -> list[Block]:
    if not survey.plan.exclusion:
        return [Prose(["The plan excludes nobody."])]
    sentence = "Accounts that score 0, whatever else is known of them."
    return [Prose([sentence]), Bullets([_exclusion_item(survey, spec) for spec in survey.plan.exclusion])]


def _exclusion_item(survey: Survey, spec: ExclusionSpec) -> Item:
    return Item(f"{spec.rule.sentence}.", f"{spec.reason} {accounts_meant(survey, spec.rule)}")


def _fire_sentence(plan: Plan) -> str:
    fire = plan.fire
    return (
        f"The score, 0 to 100, is {fire.fit:.0%} Fit, {fire.intent:.0%} Intent, {fire.recency:.0%} Recency "
        f"and {fire.engagement:.0%} Engagement."
    )


def _gate_sentence(plan: Plan) -> str:
    icp = plan.icp
    return (
        "Fit comes first: Intent, Recency and Engagement count for nothing outside the ICP or below a Fit of "
        f"{icp.fit_floor:g}, and in full from {icp.fit_threshold:g} on. Outside the ICP no signal lifts a "
        f"score above {100 * plan.fire.fit:g}."
    )


def _tier_table(plan: Plan) -> Table:
    tiers = plan.tiers
    rows = [
        ["Tier 1", f"{tiers.tier_1:g} and up"],
        ["Tier 2", f"{tiers.tier_2:g} to under {tiers.tier_1:g}"],
        ["Tier 3", f"{tiers.tier_3:g} to under {tiers.tier_2:g}"],
        ["No tier", f"under {tiers.tier_3:g}"],
    ]
    return Table("Tiers by score", ["Tier", "Score"], rows, [])
