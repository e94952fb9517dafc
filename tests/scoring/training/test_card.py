import re
from dataclasses import replace
from datetime import date
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest

from scoring.features import CategoryEncoder, FeatureSchema
from scoring.fit import Calibration, FitModel
from scoring.plan import ObjectiveSection, SignOff, read_plan
from scoring.training.assemble import assemble
from scoring.training.card import SECTIONS, Trained, card_html
from scoring.training.card_blocks import Amounts, say_number
from scoring.training.changes import FIRST
from scoring.training.demo_book import write_demo_book
from scoring.training.honesty import Honesty, examine_honesty
from scoring.training.signals_learnt import learn_signals
from scoring.training.study import Study, examine
from scoring.training.svg import signed

VOID = {"meta", "br", "hr", "img", "link", "input"}
NASTY = 'R&D <script>alert("x")</script>'


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder: Path = tmp_path_factory.mktemp("card") / "book"
    write_demo_book(folder, accounts=300, prospects=100, seed=2)
    return examine(folder, read_plan(folder / "plan.toml"))


@pytest.fixture(scope="module")
def model(study: Study) -> FitModel:
    return assemble(study.schema, study.codes, study.heads, seed=0)


@pytest.fixture(scope="module")
def honesty(study: Study) -> Honesty:
    return examine_honesty(study, seed=0)


@pytest.fixture(scope="module")
def trained(study: Study, model: FitModel, honesty: Honesty) -> Trained:
    lessons = learn_signals(study.book, study.plan, study.as_of, seed=0)
    return Trained(study, model, honesty, lessons, FIRST)


@pytest.fixture(scope="module")
def card(trained: Trained) -> str:
    return card_html(trained)


class Page(HTMLParser):
    """What stands in a page: its tags with attributes, its text, and whether tags close in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def pictures(html: str) -> list[ElementTree.Element]:
    found = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    return [ElementTree.fromstring(svg) for svg in found]  # noqa: S314 - we wrote it a moment ago


def without_sign_offs(study: Study) -> Study:
    return replace(study, plan=study.plan.model_copy(update={"sign_off": []}))


def test_one_study_gives_the_same_bytes(trained: Trained, card: str) -> None:
    assert card_html(trained) == card


def test_the_headline_names_plan_day_and_who_approved(study: Study, card: str) -> None:
    text = Page(card).text
    assert "Demo plan" in text
    assert "30 June 2026" in text
    for sign_off in study.plan.sign_off:
        assert f"{sign_off.who} ({sign_off.role}) on 1 July 2026" in text
    assert "DRAFT" not in card


def test_three_sign_offs_read_as_a_sentence(study: Study, trained: Trained) -> None:
    signed_off = [SignOff(who=who, role="CFO", when=date(2026, 7, 3)) for who in ("Ann", "Bo", "Cy")]
    plan = study.plan.model_copy(update={"sign_off": signed_off})
    day = "(CFO) on 3 July 2026"
    text = Page(card_html(replace(trained, study=replace(study, plan=plan)))).text
    assert f"Approved by Ann {day}, Bo {day} and Cy {day}." in text


def test_a_plan_nobody_signed_is_a_draft_in_big_letters(study: Study, trained: Trained) -> None:
    html = card_html(replace(trained, study=without_sign_offs(study)))
    assert '<div class="draft" role="note"><strong>DRAFT</strong>' in html
    assert "<title>DRAFT: Model card" in html
    assert "Approved by" not in html


def test_the_headline_shows_the_book_and_the_companys_figures(study: Study, card: str) -> None:
    text = Page(card).text
    company, book = study.company, study.book
    assert book.prospects is not None
    for label, value in (
        ("Net revenue retention (NRR)", f"{company.nrr:.1%}"),
        ("Gross revenue retention (GRR)", f"{company.grr:.1%}"),
        ("Logo retention", f"{company.logo_retention:.1%}"),
        ("Customers", f"{study.metrics.height}"),
        ("Prospects", f"{book.prospects.height}"),
        ("Rejects", f"{book.rejects.height}"),
        ("Merged duplicates", f"{book.merges.height}"),
    ):
        assert f"{label} {value}" in text


def test_figures_that_are_not_known_are_said_to_be(study: Study, trained: Trained) -> None:
    company = replace(study.company, nrr=None, grr=None, logo_retention=None)
    bare = replace(study, company=company, book=replace(study.book, prospects=None))
    text = Page(card_html(replace(trained, study=bare))).text
    assert text.count("not known") == 3
    assert "Prospects none" in text


def test_the_page_needs_nothing_else(card: str) -> None:
    tags = Page(card).tags
    assert {tag for tag, _ in tags}.isdisjoint({"script", "link", "img", "iframe", "object", "use"})
    links = [attributes["href"] or "" for _, attributes in tags if "href" in attributes]
    assert links == [f"#{anchor}" for anchor in re.findall(r'<section id="([^"]+)"', card)]
    assert not any("src" in attributes or "onclick" in attributes for _, attributes in tags)
    assert "url(" not in card
    assert "@import" not in card


def test_the_page_is_well_formed_and_ids_are_distinct(card: str) -> None:
    page = Page(card)
    assert page.open == []
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids)) == 2 * len(SECTIONS)


def test_headings_step_down_one_at_a_time(card: str) -> None:
    levels = [int(tag[1]) for tag, _ in Page(card).tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_tables_have_captions_and_headers_with_a_scope(card: str) -> None:
    tags = Page(card).tags
    names = [tag for tag, _ in tags]
    assert names.count("table") == names.count("caption") > 3
    scopes = {attributes.get("scope") for tag, attributes in tags if tag == "th"}
    assert scopes == {"col", "row"}


def test_every_row_of_a_table_is_as_long_as_its_head(card: str) -> None:
    for table in re.findall(r"<table>.*?</table>", card, re.DOTALL):
        lengths = {
            len(re.findall(r"<t[hd][ >]", row)) for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)
        }
        assert len(lengths) == 1


def test_pictures_have_titles_descriptions_and_finite_places(card: str) -> None:
    drawn = pictures(card)
    assert len(drawn) > 6
    for svg in drawn:
        assert svg.get("role") == "img"
        first, second = list(svg)[:2]
        assert first.tag.endswith("title")
        assert second.tag.endswith("desc")
        assert first.text
        assert second.text
        for mark in svg.iter():
            places = [mark.get(name, "0") for name in ("x", "y", "x1", "y1", "x2", "y2", "width", "height")]
            assert np.isfinite(np.array(places, float)).all()


def test_each_objective_says_from_how_many_and_how_well_it_was_learnt(study: Study, card: str) -> None:
    text = Page(card).text
    assert study.heads
    for head in study.heads:
        evidence = head.learnt.evidence
        assert f"Learnt from {len(head.known):,} customers" in text
        assert f"The {evidence.form} form won" in text
        assert f"correlate {evidence.correlation:.2f}" in text
        for one in (evidence, *head.learnt.rivals):
            assert f"{one.r_squared:.3f}".replace("-", "\u2212") in text


def test_a_form_that_won_although_another_does_as_well_is_explained(trained: Trained) -> None:
    first, *others = trained.study.heads
    evidence = replace(first.learnt.evidence, form="blend")

    def told(r_squared: float) -> int:
        rival = replace(evidence, form="linear", r_squared=r_squared)
        head = replace(
            first, learnt=replace(first.learnt, evidence=evidence, rivals=(rival, first.learnt.rivals[1]))
        )
        html = card_html(replace(trained, study=replace(trained.study, heads=(head, *others))))
        return html.count("The linear form alone does no worse on these customers")

    assert told(evidence.r_squared + 0.001) == told(evidence.r_squared - 0.001) + 1


@pytest.fixture(scope="module")
def partly(trained: Trained) -> Trained:
    """What the book had taught had nobody written down what winning customers cost."""
    study = trained.study
    heads = tuple(head for head in study.heads if head.target.objective != "efficiency")
    study = replace(study, heads=heads, left_out={"efficiency": "the book has no data for it"})
    return replace(trained, study=study, model=assemble(study.schema, study.codes, heads, seed=0))


def test_what_could_not_be_learnt_is_named_with_the_reason_and_warned_of(partly: Trained) -> None:
    text = Page(card_html(partly)).text
    assert "Left out. Of CAC payback: the book has no data for it." in text
    assert "The plan weighs efficiency, of which nothing could be learnt." in text


def test_a_plan_that_weighs_only_what_was_not_learnt_counts_the_rest_alike(partly: Trained) -> None:
    objective = ObjectiveSection.model_validate({"efficiency": 1.0})
    plan = partly.study.plan.model_copy(update={"objective": objective})
    weights = partly.model.planned(plan.objective).weights
    assert set(weights.values()) == {1 / len(partly.model.outcomes)}
    text = Page(card_html(replace(partly, study=replace(partly.study, plan=plan)))).text
    assert "of which nothing could be learnt; Fit is made of the rest" in text


def test_bands_show_mean_interval_and_customers(study: Study, model: FitModel, card: str) -> None:
    text = Page(card).text
    for head, outcome in zip(study.heads, model.outcomes, strict=True):
        say, bands = Amounts(outcome.unit, study.plan.book.currency), outcome.calibration
        assert sum(bands.count) == len(head.known)
        for mean, low, high, customers in zip(bands.mean, bands.low, bands.high, bands.count, strict=True):
            assert f"{say.value(mean)} {say.span(low, high)} {customers:,}" in text


def test_one_band_is_said_to_tell_nothing_apart(model: FitModel, trained: Trained) -> None:
    single = Calibration(edges=(), mean=(12.0,), low=(11.0,), high=(13.0,), count=(354,))
    outcomes = tuple(replace(outcome, calibration=single) for outcome in model.outcomes)
    text = Page(card_html(replace(trained, model=replace(model, outcomes=outcomes)))).text
    assert "Customers are too few, or too much alike, to tell bands of" in text


def test_curves_show_the_points_that_fit_itself_gives(study: Study, model: FitModel, card: str) -> None:
    names = [feature.attribute for feature in model.schema.features]
    feature = names.index("industry")
    table = next(
        j for j, (a, b) in enumerate(zip(model.tables.first, model.tables.second, strict=True))
        if a == feature and b < 0
    )  # fmt: skip
    objective = model.planned(study.plan.objective)
    fit = model.fit(study.codes, [objective] * len(study.codes))
    figure = re.search(r"<h4>industry: points of Fit</h4>.*?</figure>", card, re.DOTALL)
    assert figure
    shown = unescape(figure.group())
    for code in np.unique(study.codes[:, feature]).tolist():
        row = int(np.flatnonzero(study.codes[:, feature] == code)[0])
        customers = int((study.codes[:, feature] == code).sum())
        name = model.schema.features[feature].say(code)
        assert f"{name}: {signed(float(fit.points[row, table]))}, n = {customers:,}" in shown


def test_top_attributes_are_ranked_by_their_share_of_the_weight(
    study: Study, model: FitModel, card: str
) -> None:
    svg = next(one for one in pictures(card) if (one[0].text or "").startswith("Top attributes"))
    factors = np.array(model.planned(study.plan.objective).factors)
    by_feature = factors @ model.importance
    weights: dict[str, float] = {}
    for feature, weight in zip(model.schema.features, (by_feature / by_feature.sum()).tolist(), strict=True):
        weights[feature.attribute] = weights.get(feature.attribute, 0.0) + weight
    top = sorted(weights, key=lambda name: -weights[name])[:3]
    assert (svg[1].text or "").startswith(", ".join(f"{name} {weights[name]:.1%}" for name in top))


def test_a_model_without_pairs_says_so(model: FitModel, trained: Trained) -> None:
    entries = model.tables.entries.copy()
    first_pair = int(np.flatnonzero(model.tables.second >= 0)[0])
    entries[:, model.tables.offset[first_pair] :] = 0.0
    single = replace(model, tables=replace(model.tables, entries=entries))
    html = card_html(replace(trained, model=single))
    assert "no two attributes together say more" in html
    assert len(pictures(html)) < len(pictures(card_html(trained)))


def test_segments_and_exclusions_are_sentences_with_whom_they_hold_for(study: Study, card: str) -> None:
    text = Page(card).text
    for segment in study.plan.segment:
        assert segment.name in text
        assert segment.rule.sentence in text
    for exclusion in study.plan.exclusion:
        assert f"{exclusion.rule.sentence}. {exclusion.reason}" in text
    small = study.customers.filter(pl.col("employees") <= 4).height
    assert f"Holds for {small} of {study.customers.height} customers" in text


def test_a_rule_over_an_attribute_the_book_lacks_is_pointed_out(study: Study, trained: Trained) -> None:
    bare = replace(study, customers=study.customers.drop("hiring"))
    assert (
        "The book has no hiring, so it says nothing about these accounts."
        in Page(card_html(replace(trained, study=bare))).text
    )


@pytest.mark.parametrize(
    ("required", "kept", "sentence"),
    [
        (True, True, "Only accounts inside one of these segments belong"),
        (False, True, "Accounts inside one of these segments or with a Fit of at least 40 belong"),
        (False, False, "The plan has no segment. Accounts with a Fit of at least 40 belong"),
        (True, False, "no account belongs to the ideal customer profile (ICP), and no signal counts"),
    ],
)
def test_the_icp_is_said_as_the_plan_defines_it(
    study: Study, trained: Trained, required: bool, kept: bool, sentence: str
) -> None:
    icp = study.plan.icp.model_copy(update={"require_segment": required})
    segments = study.plan.segment if kept else []
    plan = study.plan.model_copy(update={"icp": icp, "segment": segments, "exclusion": []})
    text = Page(card_html(replace(trained, study=replace(study, plan=plan)))).text
    assert sentence in text
    assert "The plan excludes nobody." in text


def test_fire_weights_and_tiers_are_the_plans(card: str) -> None:
    text = Page(card).text
    assert "50% Fit, 20% Intent, 10% Recency and 20% Engagement" in text
    assert "Tier 1 70 and up Tier 2 50 to under 70 Tier 3 30 to under 50 No tier under 30" in text


def test_leaks_ignored_columns_rejects_and_notes_are_all_named(study: Study, trained: Trained) -> None:
    rejects = pl.DataFrame(
        {"table": ["accounts"] * 2, "row": [3, 9], "column": ["cac"] * 2, "reason": ["is negative"] * 2}
    )
    book = replace(
        study.book, ignored={"phone": "names things"}, rejects=rejects, notes=("dates are day first",)
    )
    text = Page(card_html(replace(trained, study=replace(study, book=book)))).text
    for name, reason in study.leaks.items():
        assert f"{name} {reason}" in text
    assert study.leaks
    assert "phone names things" in text
    assert "accounts cac is negative 3, 9 2" in text
    assert "Dates are day first." in text


def test_limits_speak_of_selection_cause_and_small_data(study: Study, card: str) -> None:
    limits = Page(card).text.partition("Only customers taught it.")[2]
    assert "Companies that never bought are not in it" in limits
    assert "Correlation is not cause." in limits
    assert f"learnt from only {min(len(head.known) for head in study.heads)} customers" in limits


def test_curves_show_the_standard_errors_of_all_objectives_together(
    study: Study, model: FitModel, card: str
) -> None:
    names = [feature.attribute for feature in model.schema.features]
    feature = names.index("industry")
    factors = model.planned(study.plan.objective).factors
    figure = re.search(r"<h4>industry: points of Fit</h4>.*?</figure>", card, re.DOTALL)
    assert figure
    shown = unescape(figure.group())
    for code in np.unique(study.codes[:, feature]).tolist():
        squares = [
            (factor * head.learnt.errors[(feature,)][code] / outcome.scale) ** 2
            for factor, head, outcome in zip(factors, study.heads, model.outcomes, strict=True)
        ]
        customers = int((study.codes[:, feature] == code).sum())
        assert f"n = {customers:,}, standard error {sum(squares) ** 0.5:.1f}" in shown


def test_every_pair_that_was_kept_is_listed_with_its_worth(study: Study, card: str) -> None:
    text = Page(card).text
    kept = {pair.term for head in study.heads for pair in head.learnt.pairs}
    assert kept
    assert f"{len(kept)} pair" in text
    for head in study.heads:
        for pair in head.learnt.pairs:
            assert f"{pair.share:.1%}" in text


def test_warnings_stand_before_any_figure(trained: Trained, honesty: Honesty) -> None:
    alarming = replace(honesty, warnings=("prospects differ much from customers in size (0.40)",))
    html = card_html(replace(trained, honesty=alarming))
    place = html.index("Prospects differ much from customers in size (0.40).")
    assert html.index("Before you rely on this") < place < html.index('<dl class="tiles">')
    calm = replace(trained.study, figures=tuple(replace(one, flags=()) for one in trained.study.figures))
    quiet = card_html(replace(trained, study=calm, honesty=replace(honesty, warnings=())))
    assert "Before you rely on this" not in quiet


def test_predictions_are_drawn_against_outcomes_in_the_metrics_own_unit(
    study: Study, honesty: Honesty, card: str
) -> None:
    drawn = {svg[0].text: svg[1].text or "" for svg in pictures(card)}
    for head in study.heads:
        title = {"nrr": "NRR", "clv": "CLV", "payback": "Payback"}[head.target.metric]
        found = honesty.reliability[head.target.objective]
        said = drawn[f"{title}: predicted and happened"]
        assert said.count("happened") == len(found.bands)
        base = head.target.values(study.metrics)
        worst = head.target.to_metric(np.array(found.bands[0].actual), base=base)
        assert f"happened {Amounts(head.target.unit, 'USD').bare(float(worst))};" in said


def test_without_a_backtest_the_limits_say_what_was_not_tested(trained: Trained, honesty: Honesty) -> None:
    untested = replace(honesty, backtest="no backtest: the book is too young")
    text = Page(card_html(replace(trained, honesty=untested))).text
    assert "No backtest: the book is too young." in text
    assert "Tested across customers, not across time." in text


def test_gaps_of_contacts_are_counted_and_nobody_is_named(study: Study, trained: Trained) -> None:
    contacts = pl.DataFrame({"name": ["Ann Secret", "Bo Secret"], "gaps": ["no title", "no title; no name"]})
    book = replace(study.book, contacts=contacts)
    html = card_html(replace(trained, study=replace(study, book=book)))
    assert "2 contacts: what they lack" in html
    assert "no title 2" in Page(html).text
    assert "Secret" not in html


def test_the_card_is_no_heavier_than_a_picture(card: str) -> None:
    assert len(card.encode()) < 500_000


def test_whatever_people_write_is_escaped(study: Study, model: FitModel, trained: Trained) -> None:
    encoders = tuple(
        replace(encoder, levels=(NASTY, *encoder.levels[1:]))
        if isinstance(encoder, CategoryEncoder)
        else encoder
        for encoder in model.schema.encoders
    )
    nasty = replace(model, schema=FeatureSchema(encoders))
    plan = study.plan.model_copy(update={"name": NASTY})
    html = card_html(replace(trained, study=replace(study, plan=plan), model=nasty))
    page = Page(html)
    assert "script" not in {tag for tag, _ in page.tags}
    assert NASTY in page.text
    assert pictures(html)


def test_numbers_below_zero_have_a_minus_sign() -> None:
    assert say_number(-1_359_776.0) == "\u22121.36M"
    assert Amounts("currency", "USD").value(-950.0) == "USD \u2212950"
    assert Amounts("ratio", "").value(-0.5) == "\u221250%"
