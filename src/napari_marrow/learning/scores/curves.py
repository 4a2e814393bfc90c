"""Curves of a table of answers: ROC, precision-recall, calibration, and coverage of abstaining.

Each point of a curve is a proportion at one threshold, and its band is the interval of that: of
recall on the ROC curve, of precision, of what happened in a bin, of right answers among those that
are kept. Units of one source are taken together as in :mod:`.intervals`. The threshold is taken as
it is: a band does not hold the whole curve at once. Recall can't fall where the threshold does, so
neither end of the ROC band does: each is the greatest of those at this and all higher thresholds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_marrow.learning.scores.metrics import positive_class, proportion
from napari_marrow.learning.scores.recalibration import asked_of
from napari_marrow.learning.scores.results import Curve, Curves

MAX_POINTS = 100
"""Points of a curve: as many as a figure shows."""
N_BINS = 10
MIN_BIN_UNITS = 10
"""Units of a bin of the calibration curve; of few units there are fewer bins."""


def curves_of(answers: pd.DataFrame, classes: Sequence[str]) -> Curves:
    """Return the curves of one model.

    Parameters
    ----------
    answers
        A row a unit: ``class``, ``source``, ``predicted``, a column ``probability_<class>`` a
        class; and ``uncertain`` where answers are marked.
    classes
        All that were answered, in order.
    """
    sources = np.unique(answers["source"].to_numpy(str), return_inverse=True)[1]
    roc, precision_recall = _threshold_curves(answers, classes, sources)
    happened, probability, _ = asked_of(answers, classes)
    calibration = _calibration(happened, probability, sources)
    return Curves(roc, precision_recall, calibration, _coverage(answers, classes, sources))


def _threshold_curves(
    answers: pd.DataFrame, classes: Sequence[str], sources: NDArray[np.integer]
) -> tuple[Curve | None, Curve | None]:
    """Return the ROC and the precision-recall curve, from the highest threshold on."""
    name = positive_class(classes)
    truth = (answers["class"] == name).to_numpy()
    if len(classes) != 2 or truth.all() or not truth.any():
        return None, None
    probability = answers[f"probability_{name}"].to_numpy(np.float64)
    roc: list[tuple[float, ...]] = [(0.0, 0.0, 0.0, 0.0)]
    precision_recall: list[tuple[float, ...]] = []
    for threshold in _thinned(np.unique(probability)[::-1]):
        called = probability >= threshold
        recall = proportion(called[truth], sources[truth], 0.0)
        precision = proportion(truth[called], sources[called], 0.0)
        at = float(called[~truth].mean())
        roc.append((at, recall.estimate, recall.low, recall.high))
        row = precision.estimate, precision.low, precision.high
        precision_recall.append((recall.estimate, *row))
    return _rising(_curve(roc)), _curve(precision_recall)


def _rising(curve: Curve) -> Curve:
    """Return a curve with a band whose ends do not fall along it."""
    low, high = (np.maximum.accumulate(end).tolist() for end in (curve.low, curve.high))
    return replace(curve, low=tuple(low), high=tuple(high))


def _calibration(
    happened: NDArray[np.bool_], probability: NDArray[np.float64], sources: NDArray[np.integer]
) -> Curve | None:
    """Return what happened against the mean probability, in bins of about as many units."""
    count = min(N_BINS, len(probability) // MIN_BIN_UNITS)
    if count < 2:
        return None
    inner = np.unique(np.quantile(probability, np.arange(1, count) / count))
    bins = np.searchsorted(inner, probability, side="right")
    points = []
    for number in np.unique(bins):
        own = bins == number
        share = proportion(happened[own], sources[own], 0.0)
        points.append((float(probability[own].mean()), share.estimate, share.low, share.high))
    return _curve(points) if len(points) > 1 else None


def _coverage(
    answers: pd.DataFrame, classes: Sequence[str], sources: NDArray[np.integer]
) -> Curve | None:
    """Return the accuracy of the kept answers against their fraction, from all on down.

    Answers that are marked go first, then those with the lowest probability; answers that are as
    certain go together.
    """
    confidence = answers[[f"probability_{name}" for name in classes]].max(axis=1).to_numpy()
    if "uncertain" in answers:
        confidence = confidence - answers["uncertain"].to_numpy(bool) * 2.0  # below any other
    right = (answers["class"] == answers["predicted"]).to_numpy()
    points = []
    for threshold in _thinned(np.unique(confidence)):
        kept = confidence >= threshold
        share = proportion(right[kept], sources[kept], 0.0)
        points.append((float(kept.mean()), share.estimate, share.low, share.high))
    return _curve(points) if len(points) > 1 else None


def _thinned(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return at most :data:`MAX_POINTS` of sorted values, the first and the last among them."""
    places = np.linspace(0, len(values) - 1, min(len(values), MAX_POINTS))
    return values[np.round(places).astype(int)]


def _curve(points: Iterable[tuple[float, ...]]) -> Curve:
    x, y, low, high = zip(*points, strict=True)
    return Curve(x, y, low, high)
