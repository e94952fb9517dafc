"""The model card: a page on which a CFO and a CMO read what was learnt, from what, and how far to trust it.

A card is a headline and sections; a section is a function of what was found that returns blocks (prose,
tables, figures). `SECTIONS` lists them in order: a new one needs no change of the template, which holds the
layout alone. Sections that need no model make the analysis of a book too. No clock and no chance: what was
found once gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from scoring.fit import FitModel
from scoring.training.card_attributes import attributes_section
from scoring.training.card_backtest import backtest_section
from scoring.training.card_best import best_section
from scoring.training.card_blocks import Section, as_sentence
from scoring.training.card_book import book_section, left_out_section
from scoring.training.card_changes import changes_section
from scoring.training.card_drift import drift_section
from scoring.training.card_drivers import drivers_section
from scoring.training.card_figures import figures_section
from scoring.training.card_headline import Headline, headline_of
from scoring.training.card_learnt import learnt_section
from scoring.training.card_limits import limits_section, survey_limits_section
from scoring.training.card_score import score_section
from scoring.training.card_segments import segments_section
from scoring.training.card_signals import signals_section
from scoring.training.changes import Changes
from scoring.training.honesty import Honesty
from scoring.training.pages import render
from scoring.training.signals_learnt import SignalLessons
from scoring.training.study import Study
from scoring.training.survey import Survey


@dataclass(frozen=True)
class Trained:
    """All that a card speaks of."""

    study: Study
    model: FitModel  # assembled from the study's heads
    honesty: Honesty
    signals: SignalLessons | str  # or why nothing was learnt of them
    changes: Changes | str  # since the version that is served, or why nothing is compared


def card_html(trained: Trained) -> str:
    """Return the model card as one HTML page that needs nothing else."""
    study, honesty = trained.study, trained.honesty
    headline = headline_of(study, [*_unlearnt(study), *map(as_sentence, honesty.warnings)])
    return _page("model card", headline, [section(trained) for section in SECTIONS])


def analysis_html(survey: Survey) -> str:
    """Return what a book says by itself as one HTML page that needs nothing else."""
    return _page("book analysis", headline_of(survey, []), [section(survey) for section in SURVEY_SECTIONS])


def _unlearnt(study: Study) -> Iterator[str]:
    for objective in study.left_out:
        if getattr(study.plan.objective, objective) > 0:
            yield f"The plan weighs {objective.replace('_', ' ')}, of which nothing could be learnt."


def _page(kind: str, headline: Headline, sections: Sequence[Section]) -> str:
    return render("card.html", kind=kind, headline=headline, sections=sections)


def _of_survey(section: Callable[[Survey], Section]) -> Callable[[Trained], Section]:
    return lambda trained: section(trained.study)


SECTIONS: tuple[Callable[[Trained], Section], ...] = (
    _of_survey(figures_section),
    _of_survey(segments_section),
    _of_survey(attributes_section),
    lambda trained: learnt_section(trained.study, trained.model, trained.honesty),
    lambda trained: drivers_section(trained.study, trained.model),
    lambda trained: backtest_section(trained.honesty.backtest, trained.study.plan.book.currency),
    lambda trained: best_section(trained.honesty.best, trained.study.plan.book.currency),
    _of_survey(drift_section),
    lambda trained: signals_section(trained.signals, trained.study.plan),
    lambda trained: changes_section(trained.changes),
    _of_survey(score_section),
    _of_survey(left_out_section),
    _of_survey(book_section),
    lambda trained: limits_section(trained.study, trained.honesty),
)

SURVEY_SECTIONS: tuple[Callable[[Survey], Section], ...] = (
    figures_section,
    segments_section,
    attributes_section,
    drift_section,
    score_section,
    left_out_section,
    book_section,
    survey_limits_section,
)
