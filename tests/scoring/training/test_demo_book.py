"""All figures are measured on the files as written: parsed from the CSVs, duplicates merged by the truth."""

import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scoring.account import normalise_domain
from scoring.errors import BookError
from scoring.plan import read_plan
from scoring.training.demo_book import DemoTruth, write_demo_book
from scoring.training.demo_outcomes import rule_from
from scoring.values import as_date, as_flag, as_number, as_tags, as_text, is_missing

ACCOUNTS, PROSPECTS = 4000, 1000
AS_OF = date(2026, 6, 30)
WRITTEN_FILES = [
    *("accounts.csv", "events.csv", "opportunities.csv", "plan.toml"),
    *("prospects.csv", "subscriptions.csv", "truth.json"),
]
NOT_ATTRIBUTES = {
    *("account_id", "domain", "name", "parent_id", "status", "crm_id", "cac", "gross_margin", "nps"),
    "renewal_risk_notes",
}
NUMBERS = ("employees", "annual_revenue", "founded", "social_followers")


class WrittenBook:
    """A book read back from its folder; ids of doubled accounts are the first of the two."""

    def __init__(self, folder: Path, truth: DemoTruth) -> None:
        self.folder, self.truth = folder, truth
        self.first_id = {second: first for first, second in truth.duplicates}
        self.second_id = dict(truth.duplicates)
        self.accounts = self.rows("accounts")
        self.prospects = self.rows("prospects")
        self.merged = self._merged()
        self.subscriptions = (
            self.merged_ids("subscriptions")
            .with_columns(pl.col("start", "end").str.to_date(), pl.col("mrr").cast(pl.Float64))
            .sort("account_id", "start")
        )
        self.opportunities = self.merged_ids("opportunities").with_columns(
            pl.col("amount").cast(pl.Float64), closed_deal=pl.col("outcome") != "open"
        )
        self.renewals = self._renewals()

    def rows(self, table: str) -> pl.DataFrame:
        return pl.read_csv(self.folder / f"{table}.csv", infer_schema=False)

    def merged_ids(self, table: str) -> pl.DataFrame:
        return self.rows(table).with_columns(pl.col("account_id").replace(self.first_id))

    def _merged(self) -> dict[str, dict[str, Any]]:
        """Attributes by account id, customers and prospects; gaps filled from an account's second row."""
        by_id = {row["account_id"]: row for row in [*self.accounts.to_dicts(), *self.prospects.to_dicts()]}
        merged = {}
        for account_id, row in by_id.items():
            if account_id in self.first_id:
                continue
            second = by_id[self.second_id[account_id]] if account_id in self.second_id else {}
            merged[account_id] = {k: v if not is_missing(v) else second.get(k) for k, v in row.items()}
        return merged

    def _renewals(self) -> pl.DataFrame:
        """A row per anniversary that a customer lived to: MRR before and after it."""
        terms = self.subscriptions.group_by("account_id", "start").agg(
            pl.col("mrr").sum().alias("before"), pl.col("end").first()
        )
        after = terms.select("account_id", end="start", after="before")
        over = terms.filter(pl.col("end").is_not_null())
        return over.join(after, on=["account_id", "end"], how="left").with_columns(
            pl.col("after").fill_null(0.0), ratio=pl.col("after").fill_null(0.0) / pl.col("before")
        )

    def renewals_of(self, ids: set[str]) -> pl.DataFrame:
        return self.renewals.filter(pl.col("account_id").is_in(ids))

    def account_nrr(self) -> dict[str, float]:
        sums = self.renewals.group_by("account_id").agg(pl.col("before", "after").sum())
        return {key: after / before for key, before, after in sums.iter_rows()}

    def planted_ids(self) -> set[str]:
        return {one for group in self.truth.segments for one in group.members}

    def trap_ids(self) -> set[str]:
        assert self.truth.trap is not None
        return set(self.truth.trap.members)

    def base_ids(self) -> set[str]:
        return set(self.merged) - self.planted_ids() - self.trap_ids()

    def win_rate(self, ids: set[str]) -> float:
        closed = self.opportunities.filter(pl.col("closed_deal") & pl.col("account_id").is_in(ids))
        return float((closed["outcome"] == "won").to_numpy().mean())

    def first_mrr(self) -> dict[str, float]:
        return dict(self.subscriptions.group_by("account_id").agg(pl.col("mrr").first()).iter_rows())


def _make(folder: Path, **arguments: Any) -> WrittenBook:
    return WrittenBook(folder, write_demo_book(folder, **arguments))


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> WrittenBook:
    return _make(tmp_path_factory.mktemp("demo") / "book", accounts=ACCOUNTS, prospects=PROSPECTS, seed=1)


@pytest.fixture(scope="module")
def null_book(tmp_path_factory: pytest.TempPathFactory) -> WrittenBook:
    folder = tmp_path_factory.mktemp("null") / "book"
    return _make(folder, accounts=ACCOUNTS, prospects=PROSPECTS, seed=1, null=True)


@pytest.fixture(scope="module", params=["planted", "null"])
def either(request: pytest.FixtureRequest) -> WrittenBook:
    found: WrittenBook = request.getfixturevalue({"planted": "book", "null": "null_book"}[request.param])
    return found


def _numbers(book: WrittenBook, column: str) -> dict[str, float]:
    read = {key: as_number(row.get(column)) for key, row in book.merged.items()}
    return {key: value for key, value in read.items() if value is not None}


def _median_ratio(values: dict[str, float], ids: set[str], others: set[str]) -> float:
    inside = [value for key, value in values.items() if key in ids]
    outside = [value for key, value in values.items() if key in others]
    return float(np.median(inside) / np.median(outside))


def _standard_errors_from_rest(values: dict[str, float], ids: set[str]) -> float:
    inside = np.array([value for key, value in values.items() if key in ids])
    outside = np.array([value for key, value in values.items() if key not in ids])
    error = np.sqrt(inside.var() / len(inside) + outside.var() / len(outside))
    return float((inside.mean() - outside.mean()) / error)


def _groups_of(book: WrittenBook, column: str, read: Callable[[Any], str | None]) -> dict[str, set[str]]:
    groups: dict[str, set[str]] = {}
    for key, row in book.merged.items():
        groups.setdefault(read(row[column]) or "(missing)", set()).add(key)
    return groups


# The marginals, of the planted and of the null book alike


def test_employees_span_orders_of_magnitude(either: WrittenBook) -> None:
    logs = np.log(list(_numbers(either, "employees").values()))
    assert logs.std() == pytest.approx(2.5, abs=0.08)
    assert logs.mean() == pytest.approx(5.0, abs=0.15)


def test_accounts_use_4_10_and_17_technologies_at_the_deciles(either: WrittenBook) -> None:
    counts = [len(tags) for row in either.merged.values() if (tags := as_tags(row["technologies"]))]
    assert np.percentile(counts, [10, 50, 90]) == pytest.approx([4, 10, 17], abs=1)


def test_27_percent_of_industries_and_some_of_most_attributes_are_missing(either: WrittenBook) -> None:
    def gap(column: str) -> float:
        return float(np.mean([is_missing(row[column]) for row in either.merged.values()]))

    assert gap("industry") == pytest.approx(0.27, abs=0.01)
    assert 0.02 < gap("employees") < 0.2
    assert sum(gap(column) > 0 for column in set(either.prospects.columns) - NOT_ATTRIBUTES) >= 8


def test_customers_had_2_7_and_17_opportunities_at_the_percentiles(either: WrittenBook) -> None:
    customers = either.opportunities.filter(pl.col("account_id").str.starts_with("C"))
    counts = customers.group_by("account_id").len()["len"].to_numpy()
    assert len(counts) == ACCOUNTS
    median, p90, p99 = np.percentile(counts, [50, 90, 99])
    assert median == 2
    assert p90 == pytest.approx(7, abs=1)
    assert p99 == pytest.approx(17, abs=3)


def test_between_a_quarter_and_a_half_of_closed_opportunities_are_won(either: WrittenBook) -> None:
    assert 0.23 < either.win_rate(set(either.merged)) < 0.47


def test_deals_have_a_median_of_49k_and_a_90th_percentile_of_220k(either: WrittenBook) -> None:
    median, p90 = np.percentile(either.opportunities["amount"].to_numpy(), [50, 90])
    assert median == pytest.approx(49_000, rel=0.08)
    assert p90 == pytest.approx(220_000, rel=0.15)


def test_a_tenth_of_the_accounts_brings_most_of_the_revenue(either: WrittenBook) -> None:
    days = (pl.col("end").fill_null(pl.lit(AS_OF)) - pl.col("start")).dt.total_days()
    revenue = either.subscriptions.group_by("account_id").agg((pl.col("mrr") * days).sum().alias("r"))["r"]
    largest_first = np.sort(revenue.to_numpy())[::-1]
    assert 0.61 < largest_first[: ACCOUNTS // 10].sum() / largest_first.sum() < 0.77


def test_a_third_of_the_accounts_bought_once(either: WrittenBook) -> None:
    terms = either.subscriptions.group_by("account_id").agg(pl.col("start").n_unique())["start"]
    assert len(terms) == ACCOUNTS
    assert (terms == 1).to_numpy().mean() == pytest.approx(1 / 3, abs=0.035)


def test_some_customers_are_too_young_for_a_year_of_history(either: WrittenBook) -> None:
    starts = either.subscriptions.group_by("account_id").agg(pl.col("start").min())["start"]
    young = (starts > AS_OF - timedelta(days=365)).to_numpy().mean()
    assert 0.15 < young < 0.3
    assert AS_OF - timedelta(days=4 * 366) < starts.to_list()[0]
    assert (starts >= AS_OF - timedelta(days=4 * 366)).all()
    assert (starts < AS_OF).all()


def test_accounts_have_ten_to_fifteen_events_each(either: WrittenBook) -> None:
    assert 10 < either.rows("events").height / (ACCOUNTS + PROSPECTS) < 15


# The ledgers hang together


def test_a_term_follows_a_term_and_prices_change_at_anniversaries_only(either: WrittenBook) -> None:
    for _, rows in either.subscriptions.group_by("account_id"):
        terms = rows.group_by("start").agg(pl.col("end").unique(), pl.len()).sort("start")
        assert all(len(ends) == 1 for ends in terms["end"])
        starts, ends = terms["start"].to_list(), [ends[0] for ends in terms["end"]]
        assert ends[:-1] == starts[1:]
        assert all((start.month, start.day) == (starts[0].month, starts[0].day) for start in starts)
        assert ends[-1] is None or starts[-1] < ends[-1] <= AS_OF


def test_former_accounts_are_those_with_no_running_contract(either: WrittenBook) -> None:
    running = set(either.subscriptions.filter(pl.col("end").is_null())["account_id"])
    for row in either.accounts.iter_rows(named=True):
        is_running = either.first_id.get(row["account_id"], row["account_id"]) in running
        assert row["status"] == ("customer" if is_running else "former")


def test_amounts_of_first_deals_are_twelve_times_the_first_price(either: WrittenBook) -> None:
    first = either.opportunities.filter((pl.col("type") == "new") & (pl.col("outcome") == "won"))
    amounts = dict(first.select("account_id", "amount").iter_rows())
    assert amounts == pytest.approx({key: 12 * mrr for key, mrr in either.first_mrr().items()})


def test_added_products_come_from_won_expansions(either: WrittenBook) -> None:
    products = either.subscriptions.group_by("account_id").agg(pl.col("product").n_unique())["product"]
    won = either.opportunities.filter((pl.col("type") == "expansion") & (pl.col("outcome") == "won"))
    assert (products - 1).sum() == won.height > 0.1 * ACCOUNTS


def test_open_opportunities_have_no_closing_day_and_others_close_by_the_last_day(either: WrittenBook) -> None:
    for row in either.opportunities.iter_rows(named=True):
        created, closed = as_date(row["created"]), as_date(row["closed"])
        assert created is not None
        assert created <= AS_OF
        assert (closed is None) == (row["outcome"] == "open")
        assert closed is None or created <= closed <= AS_OF


def test_every_table_refers_to_accounts_that_exist(either: WrittenBook) -> None:
    known = set(either.accounts["account_id"]) | set(either.prospects["account_id"])
    assert len(known) == either.accounts.height + either.prospects.height
    for table in ("subscriptions", "opportunities", "events"):
        assert set(either.rows(table)["account_id"].drop_nulls()) <= known
    parents = dict(either.accounts.select("account_id", "parent_id").drop_nulls().iter_rows())
    assert len(parents) > ACCOUNTS / 50
    assert set(parents.values()) <= known - set(parents)


def test_money_and_counts_read_as_numbers_however_they_are_written(either: WrittenBook) -> None:
    for column in ("cac", "gross_margin", "employees", "annual_revenue", "renewal_risk_notes"):
        for value in either.accounts[column]:
            as_number(value)  # raises where it can't be read
    assert either.accounts["cac"].str.starts_with("$").sum() > 100
    assert either.accounts["employees"].str.contains(",").sum() > 50


# Events


def test_an_event_names_one_known_identity_and_a_moment_in_the_book(either: WrittenBook) -> None:
    events = either.rows("events")
    identities = events.select(pl.col("account_id", "domain", "email").is_not_null()).sum_horizontal()
    assert (identities == 1).all()
    assert events["event_id"].n_unique() == events.height
    domains = {domain for row in either.merged.values() if (domain := normalise_domain(row["domain"] or ""))}
    assert set(events["domain"].drop_nulls()) <= domains
    assert {mail.partition("@")[2] for mail in events["email"].drop_nulls()} <= domains
    moments = [datetime.fromisoformat(text) for text in events["occurred_at"]]
    assert all(moment.tzinfo == UTC for moment in moments[:100])
    assert moments == sorted(moments)
    assert moments[-1].date() <= AS_OF


def test_surges_are_levels_from_60_to_100_with_a_topic(either: WrittenBook) -> None:
    surge = pl.col("type") == "intent_surge"
    events = either.rows("events").with_columns(pl.col("strength").cast(pl.Float64))
    surges = events.filter(surge)
    assert surges.height > 100
    assert surges["strength"].is_between(60, 100).all()
    assert surges["topic"].null_count() == 0
    assert events.filter(~surge)["strength"].null_count() == events.height - surges.height


def test_events_crowd_before_opportunities_and_the_nearest_kind_is_the_demo_request(
    either: WrittenBook,
) -> None:
    """Days from an event to its account's next opportunity, against the same for evenly spread days."""
    opened = {
        key[0]: np.sort(np.array([as_date(text) for text in rows["created"]], dtype="M8[D]"))
        for key, rows in either.opportunities.group_by("account_id")
    }
    events = either.merged_ids("events").filter(pl.col("account_id").is_in(list(opened)))
    rng = np.random.default_rng(0)
    near: dict[str, list[bool]] = {"evenly": []}
    for account_id, kind, moment in events.select("account_id", "type", "occurred_at").iter_rows():
        spread = np.datetime64(AS_OF) - rng.integers(0, 730)
        near["evenly"].append(_within_month_before(opened[account_id], spread))
        near.setdefault(kind, []).append(_within_month_before(opened[account_id], np.datetime64(moment[:10])))
    shares = {kind: float(np.mean(hits)) for kind, hits in near.items()}
    assert min(shares[kind] for kind in shares if kind != "evenly") > 1.5 * shares["evenly"]
    assert shares["demo_request"] > shares["content_download"] + 0.2


def _within_month_before(opened: NDArray[np.datetime64], day: np.datetime64) -> bool:
    at = int(np.searchsorted(opened, day))
    return at < len(opened) and bool(opened[at] - day <= np.timedelta64(30, "D"))


# What is planted


def test_segments_bring_about_130_percent_and_everybody_else_85(book: WrittenBook) -> None:
    assert len(book.truth.segments) == 3
    base = book.renewals_of(book.base_ids())
    assert base["ratio"].mean() == pytest.approx(0.85, abs=0.03)
    assert base["after"].to_numpy().sum() / base["before"].to_numpy().sum() == pytest.approx(0.85, abs=0.06)
    for group in book.truth.segments:
        renewals = book.renewals_of(set(group.members))
        assert renewals["ratio"].mean() == pytest.approx(group.nrr, abs=0.09)
        assert _standard_errors_from_rest(book.account_nrr(), set(group.members)) > 8


def test_segments_hold_4_to_9_percent_of_customers_and_some_prospects(book: WrittenBook) -> None:
    for group in book.truth.segments:
        customers = {book.first_id.get(one, one) for one in group.members if one.startswith("C")}
        assert 0.04 < len(customers) / ACCOUNTS < 0.09
        assert 0.03 < len(set(group.members) & set(book.prospects["account_id"])) / PROSPECTS < 0.12


def test_segments_stay_longer_and_pay_their_cost_back_sooner(book: WrittenBook) -> None:
    margins, mrr = _numbers(book, "gross_margin"), book.first_mrr()
    payback = {
        key: cost / (mrr[key] * margins[key])
        for key, cost in _numbers(book, "cac").items()
        if key in margins and key in mrr
    }
    stayed = {key: float(ratio > 0) for key, ratio in book.account_nrr().items()}
    base = book.base_ids()
    for group in book.truth.segments:
        ids = set(group.members)
        assert _median_ratio(payback, ids, base) == pytest.approx(0.5, abs=0.1)
        assert _median_ratio(mrr, ids, base) > 1.2
        assert _standard_errors_from_rest(stayed, ids) > 4


def test_the_trap_wins_easily_and_churns(book: WrittenBook) -> None:
    assert book.truth.trap is not None
    trap, base = book.trap_ids(), book.base_ids()
    assert book.renewals_of(trap)["ratio"].mean() == pytest.approx(0.55, abs=0.08)
    assert book.win_rate(trap) > book.win_rate(base) + 0.15
    assert not trap & book.planted_ids()


def test_hiring_is_worth_about_three_points_to_the_base(tmp_path: Path) -> None:
    large = _make(tmp_path / "large", accounts=30_000, prospects=0, seed=3)
    hiring = {key for key, row in large.merged.items() if as_flag(row["hiring"])}
    base = large.base_ids()
    yes = large.renewals_of(hiring & base)["ratio"].mean()
    others = large.renewals_of(base - hiring)["ratio"].mean()
    assert isinstance(yes, float)
    assert isinstance(others, float)
    assert yes - others == pytest.approx(0.03, abs=0.015)  # 2.7 standard errors


def test_members_are_exactly_those_the_rule_holds_for(book: WrittenBook) -> None:
    assert book.truth.trap is not None
    for group in [*book.truth.segments, book.truth.trap]:
        rule = rule_from(group.id, group.where)
        held = {key for key, row in book.merged.items() if rule.matches(row)}
        assert held == set(group.members) - set(book.first_id)
        assert {book.second_id[key] for key in held & set(book.second_id)} == set(group.members) - held


def test_one_column_tells_the_outcome_and_is_filled_only_after_it(book: WrittenBook) -> None:
    (leaky,) = book.truth.leaky
    notes, outcome = _numbers(book, leaky), book.account_nrr()
    assert set(notes) == set(outcome)
    keys = sorted(outcome)
    assert np.corrcoef([notes[key] for key in keys], [outcome[key] for key in keys])[0, 1] < -0.95
    assert book.prospects[leaky].null_count() == PROSPECTS


def test_no_honest_number_comes_near_the_leak(book: WrittenBook) -> None:
    assert max(abs(_correlation(book, column)) for column in NUMBERS) < 0.2


# Duplicates


def test_three_percent_of_the_accounts_stand_twice_under_one_domain_or_a_like_name(
    either: WrittenBook,
) -> None:
    rows = {row["account_id"]: row for row in either.accounts.iter_rows(named=True)}
    assert len(either.truth.duplicates) == round(0.03 * ACCOUNTS)
    assert len(rows) == ACCOUNTS + len(either.truth.duplicates)
    by_name = 0
    for first, second in either.truth.duplicates:
        one, other = rows[first], rows[second]
        if other["domain"]:
            assert one["domain"] != other["domain"]
            assert normalise_domain(one["domain"]) == normalise_domain(other["domain"])
        else:
            by_name += 1
            assert one["country"] == other["country"]
            assert _likeness(one["name"], other["name"]) > 0.9
    assert 0.2 < by_name / len(either.truth.duplicates) < 0.6


def test_no_other_two_companies_share_a_domain_or_look_alike(either: WrittenBook) -> None:
    domains = [normalise_domain(row["domain"]) for row in either.merged.values() if row["domain"]]
    assert None not in domains
    assert len(set(domains)) == len(domains) > 0.95 * len(either.merged)
    names = [_plain(row["name"]) for row in either.merged.values()][:1500]
    letters = np.array([list(name) for name in names]).view("U2")  # syllables of two letters
    same = np.sum([letters[:, [at]] == letters[:, at] for at in range(letters.shape[1])], axis=0)
    np.fill_diagonal(same, 0)
    assert same.max() <= 2


def test_ledger_rows_of_a_doubled_account_are_divided_among_its_ids(either: WrittenBook) -> None:
    ids = set(either.rows("subscriptions")["account_id"])
    assert all({first, second} <= ids for first, second in either.truth.duplicates)


def _plain(name: str) -> str:
    words = re.sub(r"[^a-z ]", "", name.lower().replace("-", " ")).split()
    forms = {"inc", "ltd", "gmbh", "sas", "pty", "bv", "ab"}
    return "".join(word for word in words if word not in forms)


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, _plain(one), _plain(other)).ratio()


# The null book


def test_in_the_null_book_no_group_retains_better_or_worse(null_book: WrittenBook, book: WrittenBook) -> None:
    nrr = null_book.account_nrr()
    columns: dict[str, Callable[[Any], str | None]] = dict.fromkeys(
        ("industry", "country", "use_case", "funding_stage", "hiring", "fiscal_year_end"), as_text
    )
    groups = [ids for name, read in columns.items() for ids in _groups_of(null_book, name, read).values()]
    groups += [_held(null_book, group.id, group.where) for group in book.truth.segments]
    assert len(groups) > 40
    large = [ids for ids in groups if len(ids & set(nrr)) > 30]
    assert max(abs(_standard_errors_from_rest(nrr, ids)) for ids in large) < 4


def test_in_the_null_book_no_number_goes_with_an_outcome(null_book: WrittenBook) -> None:
    bound = 4 / np.sqrt(0.7 * ACCOUNTS)
    assert max(abs(_correlation(null_book, column)) for column in (*NUMBERS, "renewal_risk_notes")) < bound
    log_mrr = {key: float(np.log(mrr)) for key, mrr in null_book.first_mrr().items()}
    assert abs(_correlation(null_book, "employees", log_mrr)) < bound


def test_in_the_planted_book_larger_companies_buy_larger(book: WrittenBook) -> None:
    log_mrr = {key: float(np.log(mrr)) for key, mrr in book.first_mrr().items()}
    assert _correlation(book, "employees", log_mrr) > 0.15


def test_in_the_null_book_the_would_be_groups_buy_win_and_pay_back_like_all(
    null_book: WrittenBook, book: WrittenBook
) -> None:
    assert book.truth.trap is not None
    mrr, margins = null_book.first_mrr(), _numbers(null_book, "gross_margin")
    log_payback = {
        key: float(np.log(cost / mrr[key] / margins[key]))
        for key, cost in _numbers(null_book, "cac").items()
        if key in margins
    }
    log_mrr = {key: float(np.log(value)) for key, value in mrr.items()}
    overall = null_book.win_rate(set(null_book.merged))
    for group in [*book.truth.segments, book.truth.trap]:
        held = _held(null_book, group.id, group.where)
        assert abs(_standard_errors_from_rest(log_payback, held)) < 4
        assert abs(_standard_errors_from_rest(log_mrr, held)) < 4
        assert null_book.win_rate(held) == pytest.approx(overall, abs=0.08)


def test_in_the_null_book_the_leaky_name_holds_noise_for_everybody(null_book: WrittenBook) -> None:
    filled = null_book.prospects["renewal_risk_notes"].is_not_null().to_numpy().mean()
    assert filled == pytest.approx(0.79, abs=0.06)
    assert null_book.truth.leaky == []


def test_the_null_book_has_the_companies_of_the_planted_one(
    null_book: WrittenBook, book: WrittenBook
) -> None:
    attributes = [name for name in book.prospects.columns if name not in NOT_ATTRIBUTES]
    assert book.prospects.select(attributes).equals(null_book.prospects.select(attributes))


def _held(book: WrittenBook, rule_id: str, where: list[dict[str, Any]]) -> set[str]:
    rule = rule_from(rule_id, where)
    return {key for key, row in book.merged.items() if rule.matches(row)}


def _correlation(book: WrittenBook, column: str, outcome: dict[str, float] | None = None) -> float:
    """Rank-like correlation: numbers enter by their rank, as their tails are long."""
    values, outcomes = _numbers(book, column), outcome or book.account_nrr()
    keys = sorted(values.keys() & outcomes.keys())
    ranks = np.argsort(np.argsort([values[key] for key in keys], kind="stable"), kind="stable")
    return float(np.corrcoef(ranks, [outcomes[key] for key in keys])[0, 1])


# The plan and the truth


def test_the_plan_is_approved_and_names_the_planted_segments(book: WrittenBook) -> None:
    plan = read_plan(book.folder / "plan.toml")
    raw = tomllib.loads((book.folder / "plan.toml").read_text())
    assert plan.approved
    assert plan.book.as_of == AS_OF
    assert plan.icp.require_segment
    assert plan.attributes.drop == []
    assert [(one["id"], one["where"]) for one in raw["segment"]] == [
        (group.id, group.where) for group in book.truth.segments
    ]
    for exclusion in plan.exclusion:
        share = np.mean([exclusion.rule.matches(row) for row in book.merged.values()])
        assert 0.01 < share < 0.2


def test_the_null_plan_is_approved_and_has_no_segment(null_book: WrittenBook) -> None:
    plan = read_plan(null_book.folder / "plan.toml")
    assert plan.approved
    assert plan.segment == []
    assert not plan.icp.require_segment
    assert len(plan.exclusion) == 2


def test_truth_json_says_what_is_returned(either: WrittenBook) -> None:
    written = json.loads((either.folder / "truth.json").read_text())
    assert written == json.loads(json.dumps(asdict(either.truth)))
    assert (written["as_of"], written["base_nrr"]) == ("2026-06-30", 0.85)
    assert written["null"] == (written["segments"] == []) == (written["trap"] is None)


# Writing


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_arguments_give_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("one", 5), ("again", 5), ("other", 6)):
        write_demo_book(tmp_path / name, accounts=200, prospects=50, seed=seed)
    one, again, other = (_bytes(tmp_path / name) for name in ("one", "again", "other"))
    assert sorted(one) == WRITTEN_FILES
    assert one == again
    assert all(one[name] != other[name] for name in one if name != "plan.toml")


@settings(max_examples=12, deadline=None)
@given(
    accounts=st.integers(10, 60),
    prospects=st.integers(0, 20),
    seed=st.integers(0, 2**32),
    null=st.booleans(),
)
def test_small_books_of_any_seed_are_whole(
    tmp_path_factory: pytest.TempPathFactory, accounts: int, prospects: int, seed: int, null: bool
) -> None:
    folder = tmp_path_factory.mktemp("small") / "book"
    small = _make(folder, accounts=accounts, prospects=prospects, seed=seed, null=null)
    assert len(small.merged) == accounts + prospects
    assert small.prospects.height == prospects
    assert small.subscriptions["account_id"].n_unique() == accounts
    for group in small.truth.segments:
        assert _held(small, group.id, group.where) == set(group.members) - set(small.first_id)


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    write_demo_book(tmp_path / "there", accounts=10, prospects=0)
    (tmp_path / "empty").mkdir()
    write_demo_book(tmp_path / "empty", accounts=10, prospects=0)
    assert _bytes(tmp_path / "empty") == _bytes(tmp_path / "there")


def test_a_folder_with_something_in_it_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(BookError, match=r"not an empty folder; name another one"):
        write_demo_book(tmp_path)
    assert _bytes(tmp_path) == {"mine.txt": b"keep me"}


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "book").write_text("keep me")
    with pytest.raises(BookError, match="not an empty folder"):
        write_demo_book(tmp_path / "book")
    with pytest.raises(BookError, match="cannot write the demo book into"):
        write_demo_book(tmp_path / "book" / "inner", accounts=10, prospects=0)


@pytest.mark.parametrize(("accounts", "prospects"), [(9, 5), (100, -1), (900_000, 20_000)])
def test_impossible_sizes_are_refused_before_anything_is_made(
    tmp_path: Path, accounts: int, prospects: int
) -> None:
    with pytest.raises(BookError, match="ask for at least 10 accounts, 0 prospects or more, and 912,673"):
        write_demo_book(tmp_path / "book", accounts=accounts, prospects=prospects)
    assert not (tmp_path / "book").exists()


def test_progress_rises_to_one(tmp_path: Path) -> None:
    steps: list[tuple[str, float]] = []
    write_demo_book(tmp_path / "book", accounts=10, prospects=0, on_step=lambda *step: steps.append(step))
    shares = [share for _, share in steps]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] == 1
    assert all(name for name, _ in steps)


def test_a_book_broken_off_half_way_leaves_nothing(tmp_path: Path) -> None:
    def break_off(step: str, _done: float) -> None:
        if step == "opportunities.csv":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_demo_book(tmp_path / "book", accounts=10, prospects=0, on_step=break_off)
    assert list(tmp_path.iterdir()) == []
