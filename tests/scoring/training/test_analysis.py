from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from scoring.errors import BookError
from scoring.plan import OBJECTIVES, Plan, read_plan
from scoring.training.analysis import (
    attributes_frame,
    candidates_frame,
    metrics_frame,
    segments_frame,
    write_analysis,
)
from scoring.training.card import SURVEY_SECTIONS, analysis_html
from scoring.training.card_attributes import attributes_section
from scoring.training.card_blocks import Block, Bullets, Entry, Prose, Section, Table
from scoring.training.card_figures import figures_section
from scoring.training.card_segments import segments_section
from scoring.training.demo_book import write_demo_book
from scoring.training.found import AttributePower, Figure
from scoring.training.groups import members_of
from scoring.training.survey import Survey, survey
from tests.scoring.training.books import write_tables

NASTY = 'R&D <script>alert("x")</script>'


@pytest.fixture(scope="module")
def found(demo_book: Path) -> Survey:
    return survey(demo_book, read_plan(demo_book / "plan.toml"))


@pytest.fixture
def tiny(tmp_path: Path) -> Survey:
    return survey(write_tables(tmp_path), Plan())


def some(section: Section, kind: type[Block]) -> list[Block]:
    return [block for block in section.blocks if isinstance(block, kind)]


def prose(section: Section) -> str:
    return " ".join(one for block in section.blocks if isinstance(block, Prose) for one in block.paragraphs)


def points(section: Section) -> list[str]:
    blocks = [block for block in section.blocks if isinstance(block, Bullets)]
    return [f"{item.term} {item.text}" for block in blocks for item in block.items]


def row_of(section: Section, name: str) -> list[str | Entry]:
    """Return the first row that begins with this."""
    rows = [row for block in section.blocks if isinstance(block, Table) for row in block.rows]
    return list(next(row for row in rows if (row[0].text if isinstance(row[0], Entry) else row[0]) == name))


# The growth metrics


def test_everybody_comes_first_and_every_figure_has_its_interval_and_n(found: Survey) -> None:
    section = figures_section(found)
    first = some(section, Table)[0]
    assert isinstance(first, Table)
    assert isinstance(first.rows[0][0], Entry)
    assert first.rows[0][0].text == "Everybody"
    nrr = found.figures[0].figures["nrr"]
    assert nrr.low is not None
    assert nrr.high is not None
    entry = row_of(section, "Everybody")[1]
    assert isinstance(entry, Entry)
    assert (entry.text, entry.notes) == (
        f"{nrr.value:.0%}",
        [f"{nrr.low:.0%} to {nrr.high:.0%}", f"n = {nrr.n:,}"],
    )


def test_an_nrr_under_100_is_an_alarm_and_its_flags_are_told(found: Survey) -> None:
    everybody = found.figures[0]
    shrinking = Figure(0.8, 0.7, 0.9, 0.85, 40)
    group = replace(
        everybody,
        id="x",
        name="Shrinking",
        kind="segment",
        figures={**everybody.figures, "nrr": shrinking, "clv": Figure(None, None, None, None, 0)},
        flags=("NRR is under 100%: 80%",),
    )
    section = figures_section(replace(found, figures=(everybody, group)))
    row = row_of(section, "Shrinking")
    assert row[1] == Entry("80%", ["70% to 90%", "shrunk 85%", "n = 40"], alarm=True)
    assert row[4] == Entry("\u2013", ["n = 0"])
    assert "Shrinking: NRR is under 100%: 80%." in points(section)
    page = analysis_html(replace(found, figures=(everybody, group)))
    assert page.index("Shrinking: NRR is under 100%: 80%") < page.index('<section id="figures"')


def test_cohorts_stand_apart_and_in_the_order_of_years(found: Survey) -> None:
    tables = some(figures_section(found), Table)
    assert isinstance(tables[-1], Table)
    names = [row[0].text for row in tables[-1].rows if isinstance(row[0], Entry)]
    assert names == sorted(names)
    assert names[0].startswith("First paid in 20")


# Segments


def test_candidates_are_sentences_with_effects_and_whether_the_plan_has_them(found: Survey) -> None:
    section = segments_section(found)
    assert found.discovery.candidates
    for one in found.discovery.candidates:
        row = row_of(section, one.rule.sentence)
        assert row[1] == f"{one.customers:,}"
        growth = one.effects["growth"]
        entry = row[3]
        assert isinstance(entry, Entry)
        assert entry.text == f"{growth.inside:.0%}"
        assert f"others {growth.outside:.0%}" in entry.notes
        assert ("may be chance" in entry.notes) == (growth.q_value > 0.005)
        for flag in one.flags:
            assert any(flag[1:] in point for point in points(section))
    hiring = row_of(section, "industry is logistics and hiring is yes")[0]
    assert isinstance(hiring, Entry)
    assert hiring.notes == ["the plan has it as hiring-logistics"]


def test_how_much_was_searched_and_tested_is_said(found: Survey) -> None:
    said = prose(segments_section(found))
    assert f"{found.discovery.searched:,} combinations" in said
    assert f"{found.discovery.tested:,} of them tested on the other half" in said


def test_nothing_found_is_clearly_said_with_the_reason(found: Survey) -> None:
    nothing = replace(found.discovery, candidates=(), note="no group stood out")
    section = segments_section(replace(found, discovery=nothing))
    assert "Nothing was found. No group stood out." in prose(section)
    assert some(section, Table) == []


def test_a_candidate_that_means_the_accounts_of_a_segment_is_measured_once_as_the_segment(
    found: Survey,
) -> None:
    decided = [set(members_of(spec.rule, found.book)) for spec in found.plan.segment]
    others = [
        one.id for one in found.discovery.candidates if set(members_of(one.rule, found.book)) not in decided
    ]
    assert 0 < len(others) < len(found.discovery.candidates)
    assert [one.id for one in found.figures if one.kind == "candidate"] == others
    assert [one.id for one in found.figures if one.kind == "segment"] == [
        spec.id for spec in found.plan.segment
    ]


def test_a_segment_of_the_plan_may_have_the_id_of_everybody_or_of_a_candidate(demo_book: Path) -> None:
    ids = {"hiring-logistics": "logistics-hiring", "fintech-on-snowflake": "base"}
    plan = read_plan(demo_book / "plan.toml")
    renamed = [spec.model_copy(update={"id": ids.get(spec.id, spec.id)}) for spec in plan.segment]
    found = survey(demo_book, plan.model_copy(update={"segment": renamed}))
    segments = [one.id for one in found.figures if one.kind == "segment"]
    assert segments == [spec.id for spec in renamed]
    assert found.taken_up["logistics-hiring"] == "logistics-hiring"
    assert set(found.taken_up.values()) <= set(segments)
    assert not {one.id for one in found.figures if one.kind == "candidate"} & set(found.taken_up)


# Attributes


def test_attributes_are_ranked_and_those_to_stop_are_named_with_the_reason(found: Survey) -> None:
    ranked = [
        AttributePower("industry", {"growth": 0.2, "efficiency": 0.1}, 0.9, ""),
        AttributePower("zodiac", {"growth": 0.0, "efficiency": 0.0}, 0.5, "tells nothing alone"),
    ]
    section = attributes_section(replace(found, discovery=replace(found.discovery, attributes=ranked)))
    assert row_of(section, "industry") == ["industry", "0.200", "0.100", "90%", "worth having"]
    assert row_of(section, "zodiac") == ["zodiac", "0.000", "0.000", "50%", "could be stopped"]
    assert points(section) == ["zodiac: Tells nothing alone."]


def test_where_nothing_could_be_stopped_that_is_said(found: Survey) -> None:
    ranked = [AttributePower("industry", {"growth": 0.2}, 0.9, "")]
    section = attributes_section(replace(found, discovery=replace(found.discovery, attributes=ranked)))
    assert "None. No attribute is called worthless before 300 customers" in prose(section)


# The page and the files


def test_the_analysis_has_its_sections_and_no_word_of_a_model(found: Survey) -> None:
    page = analysis_html(found)
    assert page.count("<section id=") == len(SURVEY_SECTIONS)
    assert "Firebrand book analysis" in page
    assert "out-of-fold" not in page
    assert "<script" not in page


def test_whatever_the_book_and_the_plan_say_is_escaped(found: Survey) -> None:
    figures = tuple(replace(group, name=NASTY, flags=(NASTY,)) for group in found.figures)
    ranked = [AttributePower(NASTY, {"growth": 0.1}, 1.0, NASTY)]
    discovery = replace(found.discovery, attributes=ranked, candidates=(), note=NASTY)
    page = analysis_html(replace(found, figures=figures, discovery=discovery))
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_one_survey_is_written_as_the_same_bytes(found: Survey, tmp_path: Path) -> None:
    first, second = (write_analysis(found, tmp_path / name) for name in ("a", "b"))
    assert [path.name for path in first] == [
        "analysis.html",
        "metrics.csv",
        "segments.csv",
        "candidates.csv",
        "attributes.csv",
    ]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_the_files_hold_every_account_figure_effect_and_attribute(found: Survey, tmp_path: Path) -> None:
    write_analysis(found, tmp_path)
    metrics = pl.read_csv(tmp_path / "metrics.csv")
    assert metrics.columns[:2] == ["account_id", "name"]
    assert metrics["account_id"].to_list() == found.metrics["account_id"].to_list()
    assert metrics["name"].to_list() == found.customers["name"].to_list()
    segments = pl.read_csv(tmp_path / "segments.csv")
    assert segments.height == sum(len(group.figures) for group in found.figures)
    base = segments.filter((pl.col("id") == "base") & (pl.col("metric") == "nrr"))
    assert base["value"].to_list() == [found.figures[0].figures["nrr"].value]
    candidates = pl.read_csv(tmp_path / "candidates.csv")
    assert candidates.height == sum(len(one.effects) for one in found.discovery.candidates)
    attributes = pl.read_csv(tmp_path / "attributes.csv")
    assert attributes["attribute"].to_list() == [one.attribute for one in found.discovery.attributes]


def test_of_a_book_that_teaches_nothing_everything_is_still_written(tiny: Survey, tmp_path: Path) -> None:
    files = {path.name: path.read_text() for path in write_analysis(tiny, tmp_path / "out")}
    assert "Nothing was found." in files["analysis.html"]
    assert "Too few customers: 2" in files["analysis.html"]
    assert metrics_frame(tiny).height == 2
    assert candidates_frame(tiny).is_empty()
    assert segments_frame(tiny)["value"].null_count() == segments_frame(tiny).height
    assert attributes_frame(tiny).columns == ["attribute", *OBJECTIVES, "filled", "stop"]


def test_in_a_book_of_chance_nothing_is_found(tmp_path: Path) -> None:
    write_demo_book(tmp_path / "book", accounts=300, prospects=0, seed=5, null=True)
    found = survey(tmp_path / "book", Plan())
    page = analysis_html(found)
    assert "Nothing was found." in page
    assert "The plan has no segment." in page
    assert "Nobody has approved this plan yet." in page
    assert "DRAFT" not in page
    assert "The book has 0 prospects" in page


def test_a_folder_that_cannot_be_written_is_named(tiny: Survey, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(BookError, match=r"cannot write the analysis into .*taken"):
        write_analysis(tiny, tmp_path / "taken")
