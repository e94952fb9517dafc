"""The model card on limits: what its figures cannot carry."""

from __future__ import annotations

from collections.abc import Iterator

from scoring.training.assemble import INTERVAL, WINSOR
from scoring.training.card_blocks import Bullets, Item, Section, count
from scoring.training.honesty import Honesty
from scoring.training.study import Study
from scoring.training.survey import Survey

FEW_CUSTOMERS = 500  # below that the card warns that figures are coarse


def survey_limits_section(survey: Survey) -> Section:
    """Say what the figures of a book cannot carry."""
    return Section("limits", "Limits", [Bullets([_CAUSE, *_figure_limits(survey)])])


def limits_section(study: Study, honesty: Honesty) -> Section:
    """Say what the figures of a book cannot carry, and what a model learnt from them cannot."""
    items = [*_learning_limits(study, honesty), *_band_limits(), *_figure_limits(study), _SIGNALS]
    return Section("limits", "Limits", [Bullets(items)])


_CAUSE = Item(
    "Correlation is not cause.",
    "An attribute that goes with growth need not bring it; to change one need not change the other.",
)
_SIGNALS = Item(
    "Signals are about when, Fit is about whether.",
    "What signals said before opportunities was held against accounts of this book alone. Who opens one soon "
    "need not be worth having: Fit decides that, and keeps its share of the score.",
)


def _learning_limits(study: Study, honesty: Honesty) -> Iterator[Item]:
    most = max(head.learnt.evidence.r_squared for head in study.heads)
    fewest = min(len(head.known) for head in study.heads)
    yield Item(
        "Only customers taught it.",
        f"Fit was learnt from {count(study.metrics.height, 'account')} that became customers. Companies that "
        "never bought are not in it, so it says what a customer would be worth, not who will buy.",
    )
    yield _CAUSE
    yield Item(
        "Much stays unexplained.",
        f"At best {most:.0%} of the differences between customers are explained. Single accounts will "
        "surprise; lists of many accounts much less.",
    )
    if fewest < FEW_CUSTOMERS:
        yield Item(
            "Small data.",
            f"At least one objective was learnt from only {count(fewest, 'customer')}: intervals are wide, "
            "and other customers would have put other attributes first.",
        )
    yield Item(
        "Attributes are today's.",
        "They are as the book shows them now, not as they were when each customer signed. One that changes "
        "with success, such as headcount, carries some hindsight.",
    )
    if isinstance(honesty.backtest, str):
        yield Item(
            "Tested across customers, not across time.",
            "The customers it was tested on lived through the same years as those it learnt from, and the "
            "same test chose the form. Expect somewhat less of next year.",
        )
    else:
        yield Item(
            "One past is not the future.",
            "The backtest trained once in the past and looked at the window since. Other years may differ, "
            "and it judges customers that were still there, never companies that were not won.",
        )


def _band_limits() -> Iterator[Item]:
    yield Item(
        "Intervals are of averages.",
        f"They are {INTERVAL[1] - INTERVAL[0]:.0f}% intervals of a band's mean, by bootstrap; single "
        f"customers spread far wider. Within bands the highest {100 - WINSOR:.0f}% of outcomes count as the "
        "next highest, so that one giant does not make a band.",
    )
    yield Item(
        "Every customer counts the same.",
        "Bands are plain averages over customers, while the company's NRR weighs them by revenue; the two "
        "differ where large customers fare unlike small ones.",
    )


def _figure_limits(survey: Survey) -> Iterator[Item]:
    money, censored = survey.plan.money, int(survey.metrics["censored"].sum())
    if censored:
        yield Item(
            "The young are not counted.",
            f"{count(censored, 'customer')} too young for their NRR to be known are left out of it, not "
            "counted as zero.",
        )
    yield Item(
        "CLV is partly a forecast.",
        f"To what was earned it adds {money.horizon_months} expected months, at {money.discount_rate:.0%} "
        f"discount a year and a gross margin of {money.gross_margin:.0%} where the book knows no other.",
    )
