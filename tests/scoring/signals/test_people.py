from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.signals.people import ROLES, SENIORITIES, read_role, read_seniority, read_title

TITLES = """
VP of Finance                       finance      vice_president
Vice President, Sales               sales        vice_president
Executive Vice President            -            vice_president
CFO & COO                           finance      executive
CTO & Co-Founder                    engineering  executive
Founder & CEO                       leadership   executive
President                           leadership   executive
Managing Director                   leadership   executive
Chief Information Security Officer  security     executive
Chief Human Resources Officer       people       executive
Chief of Staff                      leadership   director
Head of IT                          it           director
General Counsel                     legal        director
IT Security Manager                 security     manager
Senior Manager, Customer Success    support      manager
Team Lead Support                   support      manager
Sr. Data Engineer                   data         individual
Account Executive                   sales        individual
Product Owner                       product      individual
Procurement Specialist              procurement  individual
Executive Assistant to the CFO      -            individual
Assistenz der Geschäftsführung      -            individual
Geschäftsführer                     leadership   executive
Geschaeftsfuehrer                   leadership   executive
Geschäftsführer:in                  leadership   executive
Vorstand Finanzen                   finance      executive
Leiterin IT (m/w/d)                 it           director
Vertriebsleiterin                   sales        director
Abteilungsleiter Controlling        finance      director
Sachbearbeiter Buchhaltung          finance      individual
Directeur Général                   leadership   executive
Directeur des Ventes                sales        director
Responsable achats                  procurement  manager
Chef de projet                      -            manager
Consejero Delegado                  leadership   executive
Director General                    leadership   executive
Jefe de Compras                     procurement  manager
Gerente de Ventas                   sales        manager
Wizard                              -            -
"""
ROWS = [(line[:36].strip(), *line[36:].split()) for line in TITLES.strip().splitlines()]


@pytest.mark.parametrize(("title", "role", "seniority"), ROWS, ids=[row[0] for row in ROWS])
def test_a_title_says_a_role_and_a_seniority(title: str, role: str, seniority: str) -> None:
    found = read_title(title)
    assert (ROLES[found[0]] or "-", SENIORITIES[found[1]] or "-") == (role, seniority)
    assert read_title(f"  {title.upper()}. ") == found


@pytest.mark.parametrize(
    ("text", "seniority"),
    [
        ("c-level", "executive"),
        ("C_SUITE", "executive"),
        ("CXO", "executive"),
        ("Executive", "executive"),
        ("owner", "executive"),
        ("vp", "vice_president"),
        ("Vice President", "vice_president"),
        ("vice_president", "vice_president"),
        ("Director", "director"),
        ("head", "director"),
        ("Manager", "manager"),
        ("senior", "individual"),
        ("entry", "individual"),
        ("unknown", ""),
        ("", ""),
    ],
)
def test_a_seniority_is_read_in_the_senders_own_words(text: str, seniority: str) -> None:
    assert SENIORITIES[read_seniority(text)] == seniority


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("Finance", "finance"),
        ("information_technology", "it"),
        ("IT", "it"),
        ("Human Resources", "people"),
        ("customer-success", "support"),
        ("R&D", "engineering"),
        ("Einkauf", "procurement"),
        ("other", ""),
    ],
)
def test_a_role_is_read_in_the_senders_own_words(text: str, role: str) -> None:
    assert ROLES[read_role(text)] == role


@pytest.mark.parametrize("name", [*ROLES[1:]])
def test_every_role_reads_as_itself(name: str) -> None:
    assert ROLES[read_role(name)] == name


@given(st.text())
def test_any_text_has_numbers_that_a_record_can_hold(text: str) -> None:
    role, seniority = read_title(text)
    assert 0 <= role < len(ROLES) <= 16
    assert 0 <= seniority < len(SENIORITIES) <= 8
    assert 0 <= read_role(text) < len(ROLES)
    assert 0 <= read_seniority(text) < len(SENIORITIES)


def test_a_text_too_long_for_a_title_is_none() -> None:
    assert read_title("CEO " * 100) == (0, 0)
