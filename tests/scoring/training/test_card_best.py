from scoring.training.best import BestCustomer, BestCustomers
from scoring.training.card_best import best_section
from scoring.training.card_blocks import Entry, Notice, Prose, Table

LOW = BestCustomer("C-7", "Acme", 2_000_000.0, 31.0, (("industry", -4.25), ("employees & hiring", -1.0)))
HIGH = BestCustomer("C-8", "", 1_000_000.0, 97.4, ())


def test_a_best_customer_that_fit_puts_low_is_an_alarm_with_what_pulls_it_down() -> None:
    section = best_section({"clv": BestCustomers("clv", (LOW, HIGH), 1, "It misses C-7")}, "USD")
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    assert table.rows == [
        [
            Entry("Acme", ["C-7"]),
            "USD 2M",
            Entry("31%", alarm=True),
            "industry (\u22124.2) and employees & hiring (\u22121.0)",
        ],
        ["C-8", "USD 1M", Entry("97%"), "nothing"],
    ]
    (notice,) = [block for block in section.blocks if isinstance(block, Notice)]
    assert notice.sentences == ["It misses C-7."]


def test_without_a_warning_there_is_no_alarm() -> None:
    section = best_section({"clv": BestCustomers("clv", (HIGH,), 1, "")}, "USD")
    assert not [block for block in section.blocks if isinstance(block, Notice)]


def test_what_cannot_be_judged_is_said_for_that_worth_alone() -> None:
    margin = BestCustomers("realised_margin", (HIGH,), 1, "")
    best: dict[str, BestCustomers | str] = {"clv": "too few customers", "realised_margin": margin}
    section = best_section(best, "USD")
    assert Prose(["Too few customers."]) in section.blocks
    assert len([block for block in section.blocks if isinstance(block, Table)]) == 1
