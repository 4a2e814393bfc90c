"""How far probabilities can be taken at their word: Brier score, calibration slope and intercept.

Of two classes they are those of the probability of the positive class. Of more, they are those of
the probability of the class that was answered, which should be the fraction of right answers (C.
Guo et al., "On calibration of modern neural networks", ICML 2017).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_marrow.learning.scores.evaluation import Score
from napari_marrow.learning.scores.findings import Estimate, Recalibration
from napari_marrow.learning.scores.intervals import (
    count_sources,
    design_effect,
    t_quantile,
    wilson,
)
from napari_marrow.learning.scores.metrics import positive_class

MIN_PROBABILITY = 1e-4
"""Probabilities nearer to 0 or 1 are taken for this, as their logarithmic odds have no end."""


def asked_of(
    answers: pd.DataFrame, classes: Sequence[str]
) -> tuple[NDArray[np.bool_], NDArray[np.float64], str]:
    """Return what probabilities are of, (n,): whether it holds, how likely it was, and its name.

    Parameters
    ----------
    answers
        A row a unit: ``class``, ``predicted`` and a column ``probability_<class>`` a class.
    classes
        All that were answered.
    """
    if len(classes) == 2:
        name = positive_class(classes)
        probability = answers[f"probability_{name}"].to_numpy(np.float64)
        return (answers["class"] == name).to_numpy(), probability, name
    columns = [f"probability_{name}" for name in classes]
    right = (answers["class"] == answers["predicted"]).to_numpy()
    return right, answers[columns].to_numpy(np.float64).max(axis=1), "the answered class"


def recalibration(answers: pd.DataFrame, classes: Sequence[str]) -> Recalibration:
    """Return how far probabilities can be taken at their word; see :func:`asked_of`."""
    happened, probability, of = asked_of(answers, classes)
    sources = answers["source"].to_numpy()
    brier = brier_score(happened, probability, sources)
    return Recalibration(of, brier, *cox(happened, probability, sources))


def brier_score(
    happened: NDArray[np.bool_], probability: NDArray[np.float64], sources: NDArray
) -> Score:
    """Return the mean squared error of probabilities (G. W. Brier, 1950); 0 is best.

    Its interval is Wilson's for the number of units with which a proportion would have the variance
    that this mean has over sources (Korn and Graubard 1998, see :mod:`.intervals`). Chance is
    always to answer the fraction that happened.

    Parameters
    ----------
    happened, probability, sources
        (n,) whether it holds of each unit, how likely that was, and its source.
    """
    errors = (happened - probability) ** 2
    found, spread, share = float(errors.mean()), float(errors.var()), float(happened.mean())
    effect = design_effect(errors, sources)
    as_proportion = found * (1 - found) / spread if spread > 0 else 1.0
    count = len(errors) * max(1.0, as_proportion) / effect
    ends = wilson(found * count, count, t_quantile(count_sources(sources)))
    return Score(found, *ends, share * (1 - share))


def cox(
    happened: NDArray[np.bool_], probability: NDArray[np.float64], sources: NDArray
) -> tuple[Estimate | None, Estimate | None]:
    """Return calibration slope and intercept by logistic recalibration, with intervals.

    The slope is that of what happened on the logarithmic odds of the probabilities (D. R. Cox, "Two
    further applications of a model for binary regression", Biometrika 45, 1958): 1 is best, less
    than 1 means probabilities too near to 0 and 1. The intercept is that for a slope of 1, the
    calibration in the large (B. Van Calster et al., "Calibration: the Achilles heel of predictive
    analytics", BMC Medicine 17, 2019): 0 is best, below 0 means probabilities too high.

    The covariance is robust to units of one source going together, corrected for few sources (L. A.
    Mancl and T. A. DeRouen, "A covariance estimator for GEE with improved small-sample
    properties", Biometrics 57, 2001). The quantile is that of Student's t for one source less than
    the class with fewest has. None of either where it has no end, as when the probabilities tell
    the classes without error.
    """
    if happened.all() or not happened.any():
        return None, None
    clipped = np.clip(probability, MIN_PROBABILITY, 1 - MIN_PROBABILITY)
    odds, ones = np.log(clipped / (1 - clipped)), np.ones(len(probability))
    quantile = t_quantile(min(count_sources(sources[side]) for side in (happened, ~happened)))
    if np.isinf(quantile):
        return None, None

    def estimate(inputs: NDArray[np.float64], offset: NDArray[np.float64]) -> Estimate | None:
        found = _logistic(happened, inputs, offset, sources)
        if found is None:
            return None
        value, half = found[0], quantile * found[1]
        return Estimate(value, value - half, value + half) if np.isfinite(half) else None

    free = np.column_stack([ones, odds])
    slope = estimate(free, np.zeros(len(odds))) if np.ptp(odds) > 0 else None
    return slope, estimate(ones[:, None], odds)


def _logistic(
    happened: NDArray[np.bool_],
    inputs: NDArray[np.float64],
    offset: NDArray[np.float64],
    sources: NDArray,
) -> tuple[float, float] | None:
    """Return the last coefficient of a logistic regression and its standard error, if it ends."""
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of separation, and of no convergence
        try:
            fitted = GLM(happened.astype(float), inputs, family=Binomial(), offset=offset).fit()
        except (Warning, ArithmeticError, ValueError):
            return None
    mean, bread = fitted.fittedvalues, fitted.cov_params()
    meat = np.zeros_like(bread)
    for source in np.unique(sources):
        own = sources == source
        information = (inputs[own].T * (mean * (1 - mean))[own]) @ inputs[own]
        score = inputs[own].T @ (happened - mean)[own]
        try:
            score = np.linalg.solve(np.eye(len(bread)) - information @ bread, score)
        except np.linalg.LinAlgError:  # one source tells the coefficient alone
            return None
        meat += np.outer(score, score)
    variance = float((bread @ meat @ bread)[-1, -1])
    return (float(fitted.params[-1]), float(np.sqrt(variance))) if variance > 0 else None
