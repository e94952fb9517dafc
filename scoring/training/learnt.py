"""What was learnt of an outcome: its tables, how sure each entry is, and the evidence that it predicts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import mannwhitneyu, pearsonr, spearmanr

from scoring.features import Codes
from scoring.training.additive import Additive, Floats, Term
from scoring.training.folds import FOLDS
from scoring.training.loss import LOSSES, Loss


@dataclass(frozen=True, slots=True)
class Evidence:
    """How well one form predicted accounts it had not seen."""

    form: str  # linear, boosted, blend or constant
    predictions: Floats  # (accounts,), each made without that account
    r_squared: float  # 1 - loss over that of the best constant: of a value the share of variance explained
    correlation: float
    p_value: float  # one-sided, of predictions this good without any signal


@dataclass(frozen=True, slots=True)
class PairWorth:
    """A pair of features that was kept, and what it is worth."""

    term: Term
    share: float  # spread of what the two do together alone, over that of the whole prediction


@dataclass(frozen=True)
class Learnt:
    """One outcome's function of codes, and the evidence for it and for each form alone.

    In `additive`, effects stand in the smallest table that holds them, centred on the accounts learnt from.
    `predict` asks weights and trees without any table of theirs: what the tables must agree with.
    """

    additive: Additive
    errors: Mapping[Term, Floats]  # the standard error of each entry
    evidence: Evidence
    rivals: tuple[Evidence, ...]  # each form alone
    pairs: tuple[PairWorth, ...]  # strongest first
    predict: Callable[[Codes], Floats]


def evidence_of(
    form: str, raw: Floats, y: Floats, loss: Loss = LOSSES["value"], moved: Floats | None = None
) -> Evidence:
    """Hold predictions against what happened.

    Values are asked by size and by rank: where some customers left, their zeros drown what the sizes of the
    others say, and not what their ranks say.

    The test's statistic gets the variance that it has when predictions come from the other accounts: each two
    accounts speak for one another, so its terms come in equal pairs, and it varies twice as much as with
    predictions from elsewhere (without a signal, y'Ky of a symmetric K of zero diagonal has variance 2 |K|^2,
    not |K|^2).

    Args:
        form: what made them.
        raw: (accounts,), predictions: values, or log-odds.
        y: (accounts,), what happened.
        loss: what the predictions were to make small.
        moved: the predictions in the outcome's own unit, where that is another.

    >>> evidence_of("mean", np.array([1.0, 1.0]), np.array([0.0, 2.0])).p_value
    1.0
    """
    constant = loss.mean(y, np.full(len(y), float(loss.start(y))))
    r_squared = 1.0 - loss.mean(y, raw) / constant
    predictions = raw if moved is None else moved
    if np.ptp(raw) <= 1e-12 * max(1.0, float(np.abs(raw).max())):
        return Evidence(form, predictions, r_squared, 0.0, 1.0)
    if loss.kind == "binary":
        p_value = float(mannwhitneyu(raw[y > 0], raw[y <= 0], alternative="greater").pvalue)
        correlation = float(np.corrcoef(raw, y)[0, 1])
    else:
        by_size, by_rank = (test(raw, y, alternative="greater") for test in (pearsonr, spearmanr))
        correlation = float(by_size.statistic)
        p_value = min(1.0, 2 * float(min(by_size.pvalue, by_rank.pvalue)))  # the better of two tries
    return Evidence(form, predictions, r_squared, correlation, float(ndtr(ndtri(p_value) / math.sqrt(2))))


def standard_errors(members: Sequence[Additive], function: Additive) -> dict[Term, Floats]:
    """Return the standard error of every entry by the delete-a-group jackknife over members.

    Each member left one of FOLDS groups of accounts out: se^2 = (FOLDS - 1) * mean squared distance from the
    mean (Kott 2001, "The Delete-a-Group Jackknife"). With fewer groups than folds, and with so many accounts
    that members learn from samples of them, it says too much.
    """
    errors = {}
    for term, mean in function.tables.items():
        away = [member.tables.get(term, np.zeros_like(mean)) - mean for member in members]
        errors[term] = np.sqrt((FOLDS - 1) * np.mean(np.square(away), axis=0))
    return errors


def worth_of_pairs(function: Additive, codes: Codes) -> Iterator[PairWorth]:
    """Yield what each pair of features is worth, strongest first."""
    spread = float(function.predict(codes).std()) or 1.0
    shares = {term: float(entries.std()) / spread for term, entries in function.contributions(codes)}
    for term in sorted((term for term in shares if len(term) == 2), key=lambda term: (-shares[term], term)):
        yield PairWorth(term, shares[term])
