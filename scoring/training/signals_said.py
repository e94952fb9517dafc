"""What was learnt of signals, for programs and for people: facts for the manifest, TOML and sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from scoring.plan import FireSection
from scoring.plan_signals import SignalsSection
from scoring.signals.policy import Policy
from scoring.training.activation_lift import RankGain
from scoring.training.fire_weights import PARTS
from scoring.training.plan_toml import explained, header, setting
from scoring.training.signals_learnt import SignalLessons

_LEARNT = ("intent", "half_life_days")  # of what a type is worth


def proposed_policy(lessons: SignalLessons | str) -> Policy | None:
    """Return the policy that is proposed, or None where the defaults stay."""
    return lessons.policy if not isinstance(lessons, str) and isinstance(lessons.policy, Policy) else None


def proposed_fire(lessons: SignalLessons | str) -> FireSection | None:
    """Return the FIRE weights that are proposed, or None where the plan's stay."""
    return lessons.fire if not isinstance(lessons, str) and isinstance(lessons.fire, FireSection) else None


def signal_facts(lessons: SignalLessons | str, section: SignalsSection) -> dict[str, Any]:
    """Return what the manifest says: what the plan asks for, what was learnt, and TOML to use it."""
    if isinstance(lessons, str):
        return {"use": section.use, "learnt": lessons}
    facts = {
        **asdict(lessons),
        "types": [{**asdict(one), "default": one.default.model_dump()} for one in lessons.types],
        "policy": lessons.policy if isinstance(lessons.policy, str) else lessons.policy.model_dump(),
        "fire": lessons.fire if isinstance(lessons.fire, str) else lessons.fire.model_dump(),
    }
    return {"use": section.use, "learnt": facts, "toml": "\n".join(pinned_toml(lessons))}


def pinned_toml(lessons: SignalLessons) -> list[str]:
    """Write what is proposed as a plan would set it by hand; empty where nothing is.

    `use = "learnt"` says the same of the half-lives and weights of types, and goes with the book.
    """
    lines: list[str] = []
    policy, fire = proposed_policy(lessons), proposed_fire(lessons)
    if fire is not None:
        lines += [header("fire"), *(setting(name, value) for name, value in fire.model_dump().items()), ""]
    if policy is not None:
        lines += [header("signals"), setting("intent_scale", policy.intent_scale), ""]
        lines.append(header("signals", "types"))
        lines += [setting(one.type, one.policy.model_dump(include={*_LEARNT})) for one in lessons.types]
        lines.append("")
    return lines[:-1]


def in_plan(section: SignalsSection, lessons: SignalLessons | str) -> list[str]:
    """Write a plan's `[signals]`: what is decided, and above it what the book teaches."""
    decided = _section(section)
    if isinstance(lessons, str):
        return [*explained(f"Nothing was learnt of signals: {lessons}."), *decided]
    lines = [line for text in _taught(lessons) for line in explained(text, indent=2)]
    if section.use == "defaults" and proposed_policy(lessons) is not None:
        decided.insert(1, '#use = "learnt"')
        decided.remove('use = "defaults"')
    return [*lines, *decided]


def _section(section: SignalsSection) -> list[str]:
    own = {
        key: raw for key, raw in section.model_dump(exclude_none=True).items() if not isinstance(raw, dict)
    }
    lines = [header("signals"), *(setting(key, raw) for key, raw in own.items())]
    for name, said in section.types.items():
        settings = said.model_dump(exclude_none=True)
        lines += ["", header("signals", "types", name), *(setting(key, raw) for key, raw in settings.items())]
    if section.topics:
        lines += ["", header("signals", "topics")]
        lines += [setting(topic, relevance) for topic, relevance in section.topics.items()]
    return lines


def _taught(lessons: SignalLessons) -> Iterator[str]:
    yield (
        f"Learnt from what went before {lessons.opportunities:,} opportunities, and tested on moments from "
        f"{lessons.learnt_until} on."
    )
    if isinstance(lessons.policy, str):
        yield f"{lessons.policy[:1].upper()}{lessons.policy[1:]}."
    else:
        yield f'{gain_said(lessons.intent_gain, "the defaults")} So use = "learnt" is offered; it means:'
        for one in lessons.types:
            yield (
                f"- {one.type}: half-life {one.half_life_days:g} days (default "
                f"{one.default.half_life_days:g}), weight {one.intent:g} (default {one.default.intent:g})"
            )
    if isinstance(lessons.fire, FireSection):
        shares = ", ".join(f"{name} = {getattr(lessons.fire, name):g}" for name in ("fit", *PARTS))
        gain = lessons.fire_gain
        proof = "" if gain is None else f" {gain_said(gain, 'the present shares')}"
        yield f"For [fire] these were learnt: {shares}.{proof}"


def gain_said(gain: RankGain, theirs: str) -> str:
    """Say what a way of ranking was worth."""
    return (
        f"Of an account about to open an opportunity and one that was not, what was learnt knew which in "
        f"{gain.ours.auc:.1%} of pairs, {theirs} in {gain.theirs.auc:.1%} (90% interval of the difference "
        f"{100 * gain.low:+.1f} to {100 * gain.high:+.1f} points); the tenth that it ranked highest opened "
        f"{gain.ours.top_lift:.1f} times as many as the average, against {gain.theirs.top_lift:.1f}."
    )
