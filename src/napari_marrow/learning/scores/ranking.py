"""Scores of how well probabilities order units: area under the ROC curve, average precision."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from napari_marrow.learning.scores.evaluation import Score
from napari_marrow.learning.scores.intervals import (
    count_sources,
    newcombe,
    t_quantile,
    wilson,
)


def score_ranking(
    truth: NDArray[np.bool_],
    probability: NDArray[np.float64],
    sources: NDArray,
    effect: float,
) -> dict[str, Score]:
    """Score the order of the probabilities; the sources are those of the class with fewest.

    Parameters
    ----------
    truth, probability, sources
        (n,) whether each unit is positive, the probability that it is, and its source.
    effect
        Design effect of the accuracy.
    """
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return {}
    area = float(roc_auc_score(truth, probability))
    quantile = t_quantile(min(count_sources(sources[truth]), count_sources(sources[~truth])))
    effective = (max(1, positives / effect), max(1, negatives / effect))
    return {
        "auc": Score(area, *newcombe(area, *effective, quantile), 0.5),
        "average_precision": _average_precision(truth, probability, effective[0], quantile),
    }


def precision_at_positives(
    truth: NDArray[np.bool_], probability: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the precision of calling each positive unit, and all that are as likely, positive."""
    ascending, positive = np.sort(probability), np.sort(probability[truth])
    thresholds = probability[truth]
    called = len(ascending) - np.searchsorted(ascending, thresholds)
    right = len(positive) - np.searchsorted(positive, thresholds)
    return right / called


def _average_precision(
    truth: NDArray[np.bool_], probability: NDArray[np.float64], count: float, quantile: float
) -> Score:
    """Score the mean precision over the thresholds of the positive units.

    Its interval is that of a proportion of as many units as there are positive ones (K. Boyd, K. H.
    Eng and C. D. Page, "Area under the precision-recall curve: point estimates and confidence
    intervals", ECML PKDD 2013), here Wilson's for an effective number of them, as a perfect score
    has a width then.
    """
    found = float(precision_at_positives(truth, probability).mean())
    return Score(found, *wilson(found * count, count, quantile), float(truth.mean()))
