from dataclasses import replace
from pathlib import Path

import pytest

from scoring.plan import Plan
from scoring.training.card_blocks import Bullets, Entry, Notice, Prose, Table
from scoring.training.card_drift import drift_section
from scoring.training.drift import SELECTION_NOTE, AttributeDrift, Drift
from scoring.training.survey import Survey, survey
from tests.scoring.training.books import write_tables

MUCH = AttributeDrift("industry", 0.4, 0.05, "shifted much", "fintech", 0.1, 0.45)
STEADY = AttributeDrift("size", 0.02, 0.05, "steady", "missing", 0.2, 0.21)
PAIRS = (("industry & size", 0.06),)
DRIFT = Drift(500, 80, (MUCH, STEADY), 0.125, (("industry", 0.125),), 0.06, PAIRS, (SELECTION_NOTE,))


@pytest.fixture
def small(tmp_path: Path) -> Survey:
    return survey(write_tables(tmp_path), Plan())


def test_an_attribute_that_shifted_much_is_an_alarm_at_its_place(small: Survey) -> None:
    section = drift_section(replace(small, drift=DRIFT))
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    assert table.rows[0][:4] == ["industry", "0.400", "0.050", Entry("shifted much", alarm=True)]
    assert table.rows[1][3] == Entry("steady")
    (notice,) = [block for block in section.blocks if isinstance(block, Notice)]
    assert notice.sentences[0].startswith("Prospects differ much from customers in industry (0.40)")


def test_shares_outside_say_by_which_attributes(small: Survey) -> None:
    (bullets,) = [b for b in drift_section(replace(small, drift=DRIFT)).blocks if isinstance(b, Bullets)]
    assert [(item.term, item.text) for item in bullets.items] == [
        ("12.5%", "of prospects have a value that no customer has (industry 12.5%)."),
        ("6.0%", "have two that fewer than 5 customers share (industry & size 6.0%)."),
    ]


def test_without_prospects_the_reason_and_the_selection_are_said(small: Survey) -> None:
    (prose,) = drift_section(small).blocks
    assert isinstance(prose, Prose)
    assert prose.paragraphs[0].startswith("The book has 0 prospects, and at least 20 are needed")
    assert prose.paragraphs[1].startswith("Customers were chosen")
