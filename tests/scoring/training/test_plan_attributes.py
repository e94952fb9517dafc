from __future__ import annotations

from pathlib import Path

import pytest

from scoring.errors import PlanError
from scoring.plan import Plan, parse_plan
from scoring.training.book import Book, read_book
from scoring.training.plan_attributes import check_attributes

ACCOUNTS = """account_id,employees,industry,funded_on,hiring,constant
a,10,fintech,2026-01-31,yes,x
b,20,media,2025-03-01,no,x
"""
RULES = """
[[segment]]
id = "one"
where = [{industry = ["fintech"]}]

[[segment]]
id = "two"
where = [
  {industry = ["media"]},
  {employes = {min = 5}},
]
"""
ALL = "their attributes: constant, employees, funded_on, hiring, industry"
CLOSE = f"T{ALL[1:]}"


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    folder: Path = tmp_path_factory.mktemp("books")
    (folder / "accounts.csv").write_text(ACCOUNTS)
    (folder / "subscriptions.csv").write_text("account_id,start,mrr\na,2025-01-01,10\nb,2025-01-01,10\n")
    return read_book(folder, Plan())


def refused(text: str, book: Book) -> str:
    with pytest.raises(PlanError) as caught:
        check_attributes(parse_plan(text, "plan.toml"), book)
    return str(caught.value)


def test_the_condition_that_can_never_hold_is_named_with_its_line_and_what_was_meant(book: Book) -> None:
    assert refused(RULES, book) == (
        "plan.toml, line 10: segment two names employes, which the accounts do not have; "
        f"did you mean employees? {CLOSE}"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            '[[exclusion]]\nid = "a"\nreason = "r"\nwhere = [{colour = true}]',
            f"line 4: exclusion a names colour, which the accounts do not have; {ALL}",
        ),
        (
            '[[readiness]]\nid = "a"\nreason = "r"\nwhere = [{Hiring = true}]',
            "line 4: readiness a names Hiring, which the accounts do not have; did you mean hiring? " + CLOSE,
        ),
        (
            '[[trigger]]\nid = "a"\nsignals = ["webinar"]\nwhere = [{hirng = true}]',
            "line 4: trigger a names hirng, which the accounts do not have; did you mean hiring? " + CLOSE,
        ),
        (
            '[[trigger]]\nid = "a"\ndate_of = "funded"',
            "line 3: trigger a names funded, which the accounts do not have; did you mean funded_on? "
            + CLOSE,
        ),
        (
            '[[trigger]]\nid = "a"\ndate_of = "industry"',
            "line 3: trigger a takes industry for a date; it is of the kind industry; dates: funded_on",
        ),
        (
            '[roles]\nchampion = ["hiring", "sponsor"]',
            f"line 2: role champion names sponsor, which the accounts do not have; {ALL}",
        ),
        (
            '[attributes]\nmonotone = {employees = "rising", staff = "rising"}',
            f"line 2: monotone names staff, which the accounts do not have; {ALL}",
        ),
        (
            '[attributes.monotone]\nindustry = "rising"',
            (
                "line 2: monotone names industry, which is of the kind industry; "
                "only a number or a date can rise"
            ),
        ),
    ],
)
def test_whatever_names_an_attribute_is_held_against_the_book(book: Book, text: str, says: str) -> None:
    assert refused(text, book) == f"plan.toml, {says}"


def test_every_fault_is_named_at_once(book: Book) -> None:
    lines = refused(f"[roles]\nuse_case = 'x'\n{RULES}", book).splitlines()
    assert [line.split(":")[0] for line in lines] == ["plan.toml, line 2", "plan.toml, line 12"]


def test_what_the_book_has_may_be_named_even_where_it_describes_nothing(book: Book) -> None:
    fitting = RULES.replace("employes", "constant")
    text = '[attributes]\nmonotone = {employees = "rising", funded_on = "falling", constant = "rising"}\n'
    trigger = '[[trigger]]\nid = "funded"\ndate_of = "funded_on"\nwhere = [{hiring = true}]\n'
    check_attributes(parse_plan(f"{text}{trigger}{fitting}", "plan.toml"), book)
