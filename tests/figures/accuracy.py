"""The glass box against two rivals, on the same folds: `python -m tests.figures.accuracy`.

AUC by stratified five-fold cross-validation, of `additive`, of an unconstrained histogram gradient boosting,
and of a regularised logistic regression; and the mean against the better rival on each table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table as Printed
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from scoring.training.learn import additive
from scoring.training.typed_columns import infer, to_frame
from tests.figures.tables import Table, tables

Floats = NDArray[np.float64]
Contender = Callable[[Table, NDArray[np.intp], NDArray[np.intp]], Floats]


def glass_box(table: Table, train: NDArray[np.intp], test: NDArray[np.intp]) -> Floats:
    """Learn with `additive`."""
    return additive(table.rows(train), table.y[train]).predict(table.rows(test))


def _matrix(table: Table) -> tuple[NDArray[Any], list[bool]]:
    """Return numbers, a column per tag, and categories by their place among all; which are categories."""
    kinds = {one.name: one.kind for one in infer(table.columns)}
    frame = to_frame(table.columns, kinds)
    columns: list[NDArray[Any]] = []
    categorical: list[bool] = []
    for name, kind in kinds.items():
        if kind == "tags":
            lists = frame[name].to_list()
            for tag in sorted({tag for tags in lists for tag in tags or ()}):
                columns.append(np.array([tags is not None and tag in tags for tags in lists], float))
                categorical.append(False)
        elif kind == "category":
            levels = {level: place for place, level in enumerate(sorted(set(frame[name].drop_nulls())))}
            columns.append(np.array([levels.get(one, np.nan) for one in frame[name].to_list()], float))
            categorical.append(True)
        else:
            columns.append(frame[name].cast(float).fill_null(float("nan")).to_numpy())
            categorical.append(False)
    return np.stack(columns, axis=1), categorical


def boosting(table: Table, train: NDArray[np.intp], test: NDArray[np.intp]) -> Floats:
    """Learn with scikit-learn's gradient boosting, as it comes."""
    matrix, categorical = _matrix(table)
    model = HistGradientBoostingClassifier(categorical_features=categorical, random_state=0)
    return np.asarray(model.fit(matrix[train], table.y[train]).decision_function(matrix[test]))


def logistic(table: Table, train: NDArray[np.intp], test: NDArray[np.intp]) -> Floats:
    """Learn with a logistic regression on standardised numbers and one column per category."""
    matrix, categorical = _matrix(table)
    places = np.arange(len(categorical))
    numbers: Pipeline = make_pipeline(SimpleImputer(), StandardScaler())
    levels: Pipeline = make_pipeline(
        SimpleImputer(strategy="constant", fill_value=-1.0), OneHotEncoder(handle_unknown="ignore")
    )
    prepare = ColumnTransformer(
        [
            ("numbers", numbers, places[~np.array(categorical)]),
            ("levels", levels, places[np.array(categorical)]),
        ]
    )
    model = make_pipeline(prepare, LogisticRegression(max_iter=2000))
    return np.asarray(model.fit(matrix[train], table.y[train]).decision_function(matrix[test]))


CONTENDERS: dict[str, Contender] = {"glass box": glass_box, "boosting": boosting, "logistic": logistic}


def auc(contender: Contender, table: Table) -> float:
    """Return the mean AUC over five folds."""
    folds = StratifiedKFold(5, shuffle=True, random_state=0).split(table.y, table.y)
    return float(
        np.mean([roc_auc_score(table.y[test], contender(table, train, test)) for train, test in folds])
    )


def main() -> None:
    """Print the table."""
    printed = Printed("table", "rows", *CONTENDERS, "against the better rival")
    found = []
    for table in track(list(tables()), "comparing"):
        ours, *rivals = (auc(contender, table) for contender in CONTENDERS.values())
        found.append((ours, max(rivals)))
        figures = (f"{figure:.4f}" for figure in (ours, *rivals))
        printed.add_row(table.name, f"{len(table.y):,}", *figures, f"{ours - max(rivals):+.4f}")
    mine, best = np.mean(found, axis=0)
    printed.add_section()
    printed.add_row("mean", "", f"{mine:.4f}", "", f"best {best:.4f}", f"{mine - best:+.4f}")
    Console().print(printed)


if __name__ == "__main__":
    main()
