"""The rules of a first plan: those decided already, and those found, for people to accept or to strike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from scoring.plan import Plan
from scoring.plan_rules import SAY_WHY, Section
from scoring.rules import Condition, Flag, Rule
from scoring.training.book import Book
from scoring.training.found import Candidate, Discovery, GroupFigures, Kind
from scoring.training.groups import BASE
from scoring.training.plan_exclusions import KINDS, Proposed, propose_exclusions
from scoring.training.plan_figures import candidate_said, effect_said, group_said, retention_said
from scoring.training.plan_meanings import meant, words
from scoring.training.plan_toml import explained, header, rule_setting, setting, waiting

EVERYBODY: tuple[Kind, str] = ("base", BASE)
Where = Sequence[tuple[str, Condition]]

_BY_HAND = {
    "too_early": "No attribute tells who comes too early; a column such as employees or funding_stage would.",
    "too_late": "No attribute tells who comes too late; a column such as founded or funding_stage would.",
    "too_large": "No attribute tells who is too large; a column such as employees would.",
    "locked_in": "No attribute tells who is bound to a competitor; a column such as competitor would.",
}
_EXAMPLES: dict[str, tuple[str, Any]] = {
    "too_early": ("employees", {"max": 9}),
    "too_late": ("funding_stage", ["public"]),
    "too_large": ("employees", {"min": 10_000}),
    "locked_in": ("competitor", ["their vendor"]),
}


@dataclass(eq=False)
class Proposals:
    """Writes each kind of rule; ids that are given out are never given out again within their kind."""

    book: Book
    discovery: Discovery
    measured: Mapping[tuple[Kind, str], GroupFigures]
    plan: Plan
    _ids: dict[str, set[str]] = field(default_factory=dict)

    @property
    def currency(self) -> str:
        """What amounts are in."""
        return self.plan.book.currency

    def company(self) -> list[str]:
        """Say the figures of everybody."""
        everybody = self.measured.get(EVERYBODY)
        return explained(f"Everybody, {group_said(everybody, self.currency)}.") if everybody else []

    def segments(self) -> list[str]:
        """Write the segments that are decided, and those that were found to be better."""
        better = [candidate for candidate in self.discovery.candidates if candidate.better]
        lines = self._decided("segment", self.plan.segment)
        lines += explained(
            f"Of {self.discovery.searched:,} combinations of conditions, tried on one half of the customers, "
            f"{self.discovery.tested:,} were tested on the other half; {len(better):,} held up as better."
        )
        lines += explained(self.discovery.note)
        for candidate in better:
            lines += self._candidate("segment", candidate, {"name": candidate.rule.sentence})
        return lines

    def exclusions(self) -> list[str]:
        """Write the exclusions that are decided, the candidates found to be worse, and one of each kind."""
        lines = self._decided("exclusion", self.plan.exclusion)
        for candidate in self.discovery.candidates:
            if not candidate.better:
                lines += self._candidate("exclusion", candidate, {"reason": self._worse(candidate)})
        proposed = propose_exclusions(self.book)
        for kind in KINDS:
            ours = [one for one in proposed if one.kind == kind]
            for one in ours:
                lines += ["", *self._proposed(one)]
            if not ours:
                lines += ["", *explained(f"{kind}: {_BY_HAND[kind]}")]
                name, condition = _EXAMPLES[kind]
                where = [f"where = [{{{setting(name, condition)}}}]"]
                keys = {"kind": kind, "reason": SAY_WHY}
                lines += waiting([*self._table("exclusion", kind.replace("_", "-"), keys, None), *where])
        return lines[1:] if lines[:1] == [""] else lines

    def triggers(self) -> list[str]:
        """Write the triggers that are decided, and the situations that signals and attributes can show."""
        lines = self._decided("trigger", self.plan.trigger)
        for id_, keys, where, said in (*self._situations(), *self._changes()):
            lines += ["", *explained(said), *waiting(self._table("trigger", id_, keys, where))]
        return lines[1:] if lines[:1] == [""] else lines

    def readiness(self) -> list[str]:
        """Write the readiness that is decided, and a rule for each flag that seems to speak of it."""
        lines = self._decided("readiness", self.plan.readiness)
        flags = [one for one in meant(self.book.attributes, "readiness") if one.kind == "flag"]
        for attribute in flags:
            where = ((attribute.name, Flag(flag=True)),)
            keys = {"reason": SAY_WHY}
            lines += waiting(self._table("readiness", "ready", keys, where))
        if not lines:
            lines += explained("No flag of the book seems to speak of it; with one it reads as this:")
            table = self._table(
                "readiness", "data-team", {"reason": "Somebody there must run the product."}, None
            )
            lines += waiting([*table, "where = [{data_team = true}]"])
        return lines

    # One rule

    def _table(self, kind: str, id_: str, keys: Mapping[str, Any], where: Where | None) -> list[str]:
        taken = self._ids.setdefault(kind, {spec.id for spec in getattr(self.plan, kind)})
        free = next(
            name for name in (id_, *(f"{id_[:74]}-{n}" for n in range(2, 10_000))) if name not in taken
        )
        taken.add(free)
        settings = [setting("id", free), *(setting(key, raw) for key, raw in keys.items())]
        return [header(kind, array=True), *settings, *([rule_setting(where)] if where else ())]

    def _decided(self, kind: str, specs: Sequence[Section]) -> list[str]:
        lines: list[str] = []
        for spec in specs:
            raw = {
                key: part for key, part in spec.model_dump(exclude_defaults=True).items() if key != "where"
            }
            where: Where | None = getattr(spec, "where", None)
            settings = [setting(key, part) for key, part in raw.items()]
            lines += [header(kind, array=True), *settings, *([rule_setting(where)] if where else ()), ""]
        return lines

    # Candidates

    def _candidate(self, kind: str, candidate: Candidate, keys: Mapping[str, Any]) -> list[str]:
        lines = ["", *self._figures(candidate)]
        known = [spec.id for spec in getattr(self.plan, kind) if spec.where == tuple(candidate.where)]
        if known:
            return [*lines, *explained(f"- It is decided already, as {known[0]}.")]
        return [*lines, *waiting(self._table(kind, candidate.id, keys, candidate.where))]

    def _figures(self, candidate: Candidate) -> list[str]:
        prospects = None if self.book.prospects is None else self.book.prospects.height
        said = candidate_said(
            candidate, self.measured.get(("candidate", candidate.id)), prospects, self.currency
        )
        first, *others = said
        return [*explained(first), *(line for text in others for line in explained(f"- {text}", indent=2))]

    def _worse(self, candidate: Candidate) -> str:
        surest = min(candidate.effects.values(), key=lambda effect: effect.q_value)
        return f"Customers like these did worse: {effect_said(surest, self.currency).partition(' (')[0]}."

    def _proposed(self, one: Proposed) -> list[str]:
        group = self.measured.get(("exclusion", one.id))
        said = f"{one.kind}: {one.rule.sentence}.{self._prospects_said(one.rule)}"
        if group and group.customers:
            said += (
                f" {group_said(group, self.currency)}. {retention_said(group, self.measured.get(EVERYBODY))}"
            )
        keys = {"kind": one.kind, "reason": one.reason}
        return [*explained(said, indent=2), *waiting(self._table("exclusion", one.id, keys, one.where))]

    def _prospects_said(self, rule: Rule) -> str:
        prospects = self.book.prospects
        if prospects is None:
            return ""
        names = [name for name, _ in rule.where]
        met = sum(map(rule.matches, prospects.select(names).iter_rows(named=True)))
        return f" {met:,} of {prospects.height:,} prospects."

    # Triggers

    def _situations(self) -> Iterator[tuple[str, dict[str, Any], None, str]]:
        seen = _signal_counts(self.book)
        for situation in words()["situation"]:
            signals = [name for name in situation["signals"] if not seen or name in seen]
            if signals:
                counts = ", ".join(f"{seen[name]:,} {name}" for name in signals) if seen else ""
                said = (
                    f"The book's events have {counts}." if seen else "The book has no events to judge it by."
                )
                keys = {key: part for key, part in situation.items() if key != "id"} | {"signals": signals}
                yield situation["id"], keys, None, said

    def _changes(self) -> Iterator[tuple[str, dict[str, Any], Where | None, str]]:
        for attribute in meant(self.book.attributes, "change"):
            where = ((attribute.name, Flag(flag=True)),)
            yield (
                "change",
                {"why": SAY_WHY},
                where,
                f"The attribute {attribute.name} seems to tell of a change.",
            )
        for attribute in meant(self.book.attributes, "changed_on"):
            keys = {"why": SAY_WHY, "date_of": attribute.name, "within_days": 180}
            yield (
                "recent-change",
                keys,
                None,
                f"The attribute {attribute.name} seems to say when one happened.",
            )


def _signal_counts(book: Book) -> dict[str, int]:
    """Count the events of each type in the book."""
    if book.events is None or book.events.is_empty():
        return {}
    counts = book.events.drop_nulls("type").group_by("type").agg(pl.len().alias("n")).sort("type")
    return dict(zip(counts["type"].to_list(), counts["n"].to_list(), strict=True))
