"""A whole demo book: the tables of an invented subscription seller, its plan, and the truth planted in it.

With `null=True` nothing depends on any attribute: the book on which an honest trainer finds nothing.
"""

from __future__ import annotations

import json
import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.errors import BookError
from scoring.plan import parse_plan
from scoring.training.demo_accounts import (
    Identities,
    account_table,
    identify,
    known_domains,
    leaky_notes,
    prospect_table,
    written_domains,
)
from scoring.training.demo_events import make_events
from scoring.training.demo_ledger import make_contracts, opportunities, subscriptions
from scoring.training.demo_market import AS_OF, MOST_COMPANIES, Market, make_market
from scoring.training.demo_outcomes import (
    BASE_NRR,
    LEAKY_COLUMN,
    PLANTED_NRR,
    TRAP_ID,
    TRAP_NRR,
    TRAP_WHERE,
    members,
    plant,
    rule_from,
)

OnStep = Callable[[str, float], None]
_FEWEST_ACCOUNTS = 10
_FIRST_SEGMENT = "[[segment]]"


@dataclass(frozen=True)
class PlantedGroup:
    """A planted group: its rule in the plan's `where` form, its annual NRR, and the ids it holds for.

    `members` are customers, former customers and prospects, with both ids of an account that stands
    twice; the rule holds for them once duplicates are merged.
    """

    id: str
    where: list[dict[str, Any]]
    nrr: float
    members: list[str]


@dataclass(frozen=True)
class DemoTruth:
    """What was planted: the same as the book's `truth.json`.

    `base_nrr` is the annual NRR of everybody else; in a null book the planted kinds fall on accounts at
    random, so that all attributes share one NRR. NRR is pooled: MRR after an anniversary over MRR before it.
    """

    as_of: str
    null: bool
    base_nrr: float
    segments: list[PlantedGroup]
    trap: PlantedGroup | None
    duplicates: list[tuple[str, str]]
    leaky: list[str]

    def to_json(self) -> str:
        """Return the text of `truth.json`."""
        return json.dumps(asdict(self), indent=1) + "\n"


@dataclass(frozen=True)
class _Group:
    id: str
    where: list[dict[str, Any]]
    nrr: float
    holds: NDArray[np.bool_]


@dataclass(frozen=True)
class _Book:
    tables: dict[str, pl.DataFrame]
    truth: DemoTruth


def write_demo_book(
    directory: Path,
    *,
    accounts: int = 2000,
    prospects: int = 500,
    seed: int = 0,
    null: bool = False,
    on_step: OnStep | None = None,
) -> DemoTruth:
    """Write a demo book into a folder, all at once: nobody sees half of one.

    The same arguments give the same bytes.

    Args:
        directory: the folder to make; it may exist if it is empty.
        accounts: how many customers, former ones included; 3% of them stand twice in `accounts.csv`.
        prospects: how many companies that never bought.
        seed: another seed, another book.
        null: no outcome depends on any attribute, and the plan has no segments.
        on_step: called with what was made last or is written next, and the share of the work done, 0 to 1.

    Raises:
        BookError: the folder holds something, can't be written, or the numbers are out of range.
    """
    _check_size(accounts, prospects)
    _check_free(directory)
    report = on_step or _say_nothing
    book = _make_book(accounts, prospects, seed, null=null, report=report)
    try:
        _write(directory, book, plan_text(null=null), report)
    except OSError as error:
        raise BookError(f"cannot write the demo book into {directory}: {error}") from error
    return book.truth


def plan_text(*, null: bool) -> str:
    """Return the demo's `plan.toml`; that of a null book approves no segment and asks for none.

    >>> parse_plan(plan_text(null=True), "plan.toml").icp.require_segment
    False
    """
    text = resources.files(__package__).joinpath("demo_plan.toml").read_text(encoding="utf-8")
    if null:
        before_segments = text.partition(_FIRST_SEGMENT)[0].rstrip() + "\n"
        text = before_segments.replace("require_segment = true", "require_segment = false")
    parse_plan(text, "demo_plan.toml")
    return text


def _say_nothing(_step: str, _done: float) -> None:
    """Stand in for a caller that does not watch."""


def _check_size(accounts: int, prospects: int) -> None:
    if accounts < _FEWEST_ACCOUNTS or prospects < 0 or accounts + prospects > MOST_COMPANIES:
        raise BookError(
            f"a demo book of {accounts} accounts and {prospects} prospects cannot be made; ask for at least "
            f"{_FEWEST_ACCOUNTS} accounts, 0 prospects or more, and {MOST_COMPANIES:,} together at most"
        )


def _check_free(directory: Path) -> None:
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise BookError(f"{directory} is not an empty folder; name another one, or empty it first")


def _make_book(accounts: int, prospects: int, seed: int, *, null: bool, report: OnStep) -> _Book:
    chance = np.random.default_rng(seed).spawn(6)
    market = make_market(chance[0], accounts + prospects)
    report("companies", 0.25)
    groups = _groups(market)
    planted = np.any([group.holds for group in groups[:-1]], axis=0)
    drivers = plant(chance[1], market.attributes, market.size, planted, groups[-1].holds)
    if null:
        drivers = drivers.taken(chance[1].permutation(accounts + prospects))
    contracts = make_contracts(chance[2], drivers.taken(np.arange(accounts)))
    ledger = subscriptions(chance[2], contracts)
    deals = opportunities(chance[3], drivers, contracts, accounts)
    report("subscriptions and opportunities", 0.45)
    identities = identify(chance[4], contracts, prospects)
    domains = known_domains(chance[4], market, identities.doubled)
    written = written_domains(chance[4], domains)
    notes = leaky_notes(chance[4], contracts, accounts + prospects, null=null)
    market = replace(market, attributes=market.attributes | notes)
    tables = {
        "accounts": account_table(chance[4], market, drivers, contracts, identities, written),
        "prospects": prospect_table(market, identities, written),
        "subscriptions": _with_ids(ledger, identities),
        "opportunities": _as_exported(_with_ids(deals, identities)),
    }
    report("accounts", 0.6)
    tables["events"] = make_events(chance[5], deals, domains, identities.spread)
    report("events", 0.8)
    return _Book(tables, _truth(identities, groups, null=null))


def _groups(market: Market) -> list[_Group]:
    """Return what is planted, and whom it holds for; the trap comes last."""
    segments = tomllib.loads(plan_text(null=False))["segment"]
    wheres = [(raw["id"], raw["where"], PLANTED_NRR) for raw in segments] + [(TRAP_ID, TRAP_WHERE, TRAP_NRR)]
    return [
        _Group(name, where, nrr, members(rule_from(name, where), market.attributes))
        for name, where, nrr in wheres
    ]


def _truth(identities: Identities, groups: list[_Group], *, null: bool) -> DemoTruth:
    named = [
        PlantedGroup(group.id, group.where, group.nrr, identities.ids_of(group.holds)) for group in groups
    ]
    return DemoTruth(
        as_of=AS_OF.isoformat(),
        null=null,
        base_nrr=BASE_NRR,
        segments=[] if null else named[:-1],
        trap=None if null else named[-1],
        duplicates=identities.pairs,
        leaky=[] if null else [LEAKY_COLUMN],
    )


def _with_ids(rows: pl.DataFrame, identities: Identities) -> pl.DataFrame:
    ids = pl.Series("account_id", identities.spread(rows["company"].to_numpy()), dtype=pl.String)
    return rows.drop("company").insert_column(0, ids)


def _as_exported(deals: pl.DataFrame) -> pl.DataFrame:
    """Number the deals, and write a few of the days as a CRM writes moments."""
    number = pl.int_range(1, pl.len() + 1)
    day = pl.col("created").cast(pl.String)
    return deals.with_columns(
        created=pl.when(number % 25 == 0).then(day + "T00:00:00Z").otherwise(day),
        opportunity_id=pl.format("O-{}", number.cast(pl.String).str.zfill(7)),
    )


def _write(directory: Path, book: _Book, plan: str, report: OnStep) -> None:
    """Write beside the target and rename; a failure on the way leaves nothing behind."""
    directory = directory.absolute()
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{directory.name}-", dir=directory.parent) as workplace:
        folder = Path(workplace) / "book"
        folder.mkdir()
        for step, (name, table) in enumerate(book.tables.items()):
            report(f"{name}.csv", 0.8 + 0.04 * step)
            table.with_columns(pl.col(pl.String).replace("", None)).write_csv(folder / f"{name}.csv")
        (folder / "plan.toml").write_text(plan, encoding="utf-8", newline="\n")
        (folder / "truth.json").write_text(book.truth.to_json(), encoding="utf-8", newline="\n")
        if directory.exists():
            directory.rmdir()  # empty: not every system renames onto an empty folder
        folder.rename(directory)
    report("done", 1.0)
