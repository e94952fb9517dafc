"""The analysis of a book without training: a page for people, and files that hold every figure on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from scoring.errors import BookError
from scoring.plan import OBJECTIVES
from scoring.training.card import analysis_html
from scoring.training.found import Candidate
from scoring.training.survey import Survey

SEPARATOR = "; "  # of sentences in one cell
PAGE = "analysis.html"


def write_analysis(survey: Survey, out: Path) -> list[Path]:
    """Write analysis.html, metrics.csv, segments.csv, candidates.csv and attributes.csv into a folder.

    The folder is made if need be. The same survey gives the same bytes.

    Raises:
        BookError: a file cannot be written.
    """
    files = {
        PAGE: analysis_html(survey),
        "metrics.csv": metrics_frame(survey).write_csv(),
        "segments.csv": segments_frame(survey).write_csv(),
        "candidates.csv": candidates_frame(survey).write_csv(),
        "attributes.csv": attributes_frame(survey).write_csv(),
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (out / name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise BookError(f"cannot write the analysis into {out}: {error}") from error
    return [out / name for name in files]


def metrics_frame(survey: Survey) -> pl.DataFrame:
    """Return a row per customer: account_id, name, and then all that `account_metrics` returns."""
    ids = survey.metrics.select("account_id")
    named = ids.with_columns(survey.customers["name"])
    return pl.concat([named, survey.metrics.drop("account_id")], how="horizontal")


def segments_frame(survey: Survey) -> pl.DataFrame:
    """Return a row per group and metric: value, 90% interval, shrunk value and n, as `Figure` has them."""
    text, number = pl.String, pl.Float64
    schema = {"id": text, "name": text, "kind": text, "customers": pl.Int64, "metric": text}
    schema |= dict.fromkeys(("value", "low", "high", "shrunk"), number) | {"n": pl.Int64, "flags": text}
    rows = [
        (
            *(group.id, group.name, group.kind, group.customers, metric),
            *(figure.value, figure.low, figure.high, figure.shrunk, figure.n),
            SEPARATOR.join(group.flags),
        )
        for group in survey.figures
        for metric, figure in group.figures.items()
    ]
    return pl.DataFrame(rows, schema, orient="row")


def candidates_frame(survey: Survey) -> pl.DataFrame:
    """Return a row per candidate segment and objective, with the effect as `Effect` has it."""
    text, number = pl.String, pl.Float64
    schema = {"id": text, "rule": text, "better": pl.Boolean, "customers": pl.Int64, "prospects": pl.Int64}
    schema |= {"objective": text, "metric": text}
    schema |= dict.fromkeys(("inside", "outside", "low", "high", "p_value", "q_value"), number)
    schema |= {"n": pl.Int64, "flags": text, "merged": text}
    rows = [row for one in survey.discovery.candidates for row in _effects(one)]
    return pl.DataFrame(rows, schema, orient="row")


def _effects(one: Candidate) -> Iterator[tuple[Any, ...]]:
    for objective, effect in one.effects.items():
        yield (
            *(one.id, one.rule.sentence, one.better, one.customers, one.prospects),
            *(objective, effect.metric, effect.inside, effect.outside, effect.low, effect.high),
            *(effect.p_value, effect.q_value, effect.n),
            *(SEPARATOR.join(one.flags), SEPARATOR.join(one.merged)),
        )


def attributes_frame(survey: Survey) -> pl.DataFrame:
    """Return a row per attribute, the most telling first: R squared alone by objective, share filled, stop.

    An objective of which the book says nothing is null.
    """
    schema = {"attribute": pl.String, **dict.fromkeys((*OBJECTIVES, "filled"), pl.Float64), "stop": pl.String}
    rows = [
        (one.attribute, *(one.alone.get(name) for name in OBJECTIVES), one.filled, one.stop)
        for one in survey.discovery.attributes
    ]
    return pl.DataFrame(rows, schema, orient="row")
