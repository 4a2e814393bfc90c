"""Which measured features speak for a model's answer, and which for the class that comes second.

All are parts of the log-odds of the two, the natural logarithm of the ratio of their probabilities:
0 is undecided, 1 is 2.7 to 1 and 3 is 20 to 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_marrow.learning.annotating.codes import Codes, Values

if TYPE_CHECKING:  # the viewer shows evidence without it
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

QUARTILES_SD = 1.349
"""Standard deviations between the quartiles of a normal distribution."""
MIN_PROBABILITY = 1e-12
"""Probabilities below it count as this, so that log-odds are finite."""


@dataclass(frozen=True)
class Reason:
    """A feature, with those that go along with it, and what it speaks for.

    Attributes
    ----------
    feature
        Its name.
    value
        Of the cell, in standard deviations from the median of its acquisition.
    log_odds
        Its part of the log-odds: above 0 it speaks for the answer, below 0 for the other class.
    along
        Names of further features that correlate with it above 0.95, whose parts are added.
    """

    feature: str
    value: float
    log_odds: float
    along: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """What speaks for an answer and against it.

    Attributes
    ----------
    answer, other
        Codes of the most probable class and of the one that comes second.
    log_odds
        Of the answer against the other class.
    reasons
        The strongest first.
    adds_up
        Whether the parts of all reasons add up to the log-odds.
    """

    answer: int
    other: int
    log_odds: float
    reasons: tuple[Reason, ...]
    adds_up: bool

    def rest(self, count: int) -> Reason | None:
        """Return the reasons after so many as one; None where there are none or they don't add."""
        others = self.reasons[count:]
        if not others or not self.adds_up:
            return None
        names = tuple(name for x in others for name in (x.feature, *x.along))
        return Reason("", float("nan"), sum(x.log_odds for x in others), names)


def linear_evidence(
    model: LinearDiscriminantAnalysis, values: Values, row: int, names: Sequence[str]
) -> Evidence:
    """Return the parts that features have in an answer of linear discriminant analysis, exactly.

    The log-odds of two classes are linear in the features x (Hastie, Tibshirani and Friedman, The
    Elements of Statistical Learning, 2nd edition, 2009, equation 4.9). With equal priors they are
    (w_a - w_b) (x - (m_a + m_b) / 2), where m are the means of the classes and w = C^-1 m, with
    their common covariance C. So the part of a feature is the difference of its two weights times
    how far the cell is from half way between the two classes; no constant is left.

    What features that measure the same have of a weight is arbitrary: where they correlate above
    0.95 over all cells, their parts are added.

    Parameters
    ----------
    model
        Fitted, with equal priors.
    values
        (n, features) of all cells, see :func:`.standardized`.
    row
        The cell.
    names
        Of the features.
    """
    scores = model.decision_function(values[[row]])[0]
    if len(model.classes_) == 2:  # scikit-learn then has the difference of the two alone
        scores, weights = np.array([0.0, scores]), np.vstack([0 * model.coef_[0], model.coef_[0]])
    else:
        weights = model.coef_
    first, second = (int(k) for k in np.argsort(-scores, kind="stable")[:2])
    middle = (model.means_[first] + model.means_[second]) / 2
    parts = (weights[first] - weights[second]) * (values[row] - middle)
    return Evidence(
        int(model.classes_[first]),
        int(model.classes_[second]),
        float(scores[first] - scores[second]),
        _reasons(parts, values[row], names, _leaders(values)),
        adds_up=True,
    )


def omission_evidence(
    ask: Callable[[Values], Values], values: Values, row: int, names: Sequence[str]
) -> Evidence:
    """Return how the log-odds of an answer change where one feature is not known, of any model.

    The feature is put to its median over all cells, the others stay (Robnik-Sikonja and Kononenko,
    IEEE Transactions on Knowledge and Data Engineering 20, 2008). These parts do not add up: two
    features that tell the same can each be left out without harm.

    Parameters
    ----------
    ask
        Returns (n, classes) probabilities from (n, features).
    values
        (n, features) of all cells as the model takes them; not a number where one was not measured.
    row
        The cell.
    names
        Of the features.
    """
    import pandas as pd  # slow to import, and not needed before there are cells

    table = pd.DataFrame(values)
    usual = table.median().fillna(0).to_numpy()
    asked = np.repeat(values[[row]], len(usual) + 1, axis=0)
    np.fill_diagonal(asked[1:], usual)
    logs = np.log(np.maximum(ask(asked), MIN_PROBABILITY))
    first, second = (int(k) for k in np.argsort(-logs[0], kind="stable")[:2])
    log_odds = logs[:, first] - logs[:, second]
    quartiles = table.quantile([0.25, 0.75]).to_numpy()
    spread = (quartiles[1] - quartiles[0]) / QUARTILES_SD
    deviations = (values[row] - usual) / np.where(spread > 0, spread, 1)
    alone = np.arange(len(usual))
    return Evidence(
        first,
        second,
        float(log_odds[0]),
        _reasons(log_odds[0] - log_odds[1:], deviations, names, alone),
        adds_up=False,
    )


def _leaders(values: Values) -> Codes:
    """Return for each feature the first one that it goes along with, or itself."""
    from napari_marrow.learning.units.column_selection import UsableColumns

    found = UsableColumns().fit(values).collinear_with_
    return np.where(found >= 0, found, np.arange(len(found)))


def _reasons(
    parts: Values, deviations: Values, names: Sequence[str], leaders: Codes
) -> tuple[Reason, ...]:
    reasons = []
    for leader in np.unique(leaders).tolist():
        own = np.flatnonzero(leaders == leader)
        along = tuple(names[k] for k in own.tolist() if k != leader)
        total = float(parts[own].sum())
        reasons.append(Reason(names[leader], float(deviations[leader]), total, along))
    return tuple(sorted(reasons, key=lambda x: -abs(x.log_odds)))
