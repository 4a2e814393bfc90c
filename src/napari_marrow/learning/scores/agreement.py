"""Scores of a whole confusion matrix: balanced accuracy, macro-F1 and Matthews correlation.

Their intervals come from those of the recalls of the classes by the method of variance estimates
recovery (G. Zou and A. Donner, "Construction of confidence limits about effect measures",
Statistics in Medicine 27, 2008): each recall is moved to an end of its interval, while the errors
of its class stay divided as they are, and what that changes is added up. The numbers of units of
the classes are taken as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_marrow.learning.scores.evaluation import Score

Counts = NDArray[np.float64]
"""(classes, classes) number of units; rows are the true class, columns the answer."""


def mean_recall(counts: Counts) -> float:
    """Return the mean recall of the classes that there are."""
    there = counts.sum(axis=1) > 0
    return float((counts.diagonal()[there] / counts.sum(axis=1)[there]).mean())


def macro_f1(counts: Counts) -> float:
    """Return the mean F1 of the classes that there are, in the truth or the answers."""
    either = counts.sum(axis=0) + counts.sum(axis=1)
    there = either > 0
    return float((2 * counts.diagonal()[there] / either[there]).mean())


def matthews(counts: Counts) -> float:
    """Return the Matthews correlation coefficient of two or more classes.

    J. Gorodkin, "Comparing two K-category assignments by a K-category correlation coefficient",
    Computational Biology and Chemistry 28, 2004. It is 0 where all answers, or all true classes,
    are the same.
    """
    true, answered, total = counts.sum(axis=1), counts.sum(axis=0), counts.sum()
    spread = (total**2 - answered @ answered) * (total**2 - true @ true)
    if spread <= 0:
        return 0.0
    return float((counts.trace() * total - true @ answered) / np.sqrt(spread))


def with_recall(counts: Counts, row: int, recall: float) -> Counts:
    """Return counts with another recall of a class, whose errors stay divided as they are.

    Errors of a class without any are divided by how many units the others have, and their answers.
    """
    found, own = counts.copy(), counts[row].copy()
    own[row] = 0
    if not own.any():
        own = counts.sum(axis=0) + counts.sum(axis=1)
        own[row] = 0
    if not own.any():
        own = np.arange(len(counts)) != row
    size = counts[row].sum()
    found[row] = size * (1 - recall) * own / own.sum()
    found[row, row] = size * recall
    return found


def score_by_recalls(
    statistic: Callable[[Counts], float],
    counts: Counts,
    recalls: Sequence[Score | None],
    sources: Sequence[NDArray],
    lowest: float,
    chance: float,
) -> Score:
    """Score what a confusion matrix gives, with an interval from those of its recalls.

    Recalls of two classes are taken to be as correlated as sources hold both: what makes a source
    hard may do so for each of its classes.

    Parameters
    ----------
    statistic
        Value of a confusion matrix; it grows with every recall.
    counts
        The matrix.
    recalls
        Recall of each class; None of one without units.
    sources
        Those of the units of each class.
    lowest
        Lowest value there is; the highest is 1.
    chance
        What guessing gives.
    """
    there = [k for k, recall in enumerate(recalls) if recall is not None]
    everywhere = np.unique(np.concatenate([sources[k] for k in there]))
    held = np.stack([np.isin(everywhere, sources[k]) for k in there]).astype(float)
    held /= np.linalg.norm(held, axis=1, keepdims=True)
    estimate = statistic(counts)

    def half(end: str) -> float:
        moved = [statistic(with_recall(counts, k, getattr(recalls[k], end))) for k in there]
        return float(np.linalg.norm(np.abs(np.array(moved) - estimate) @ held))

    low, high = max(lowest, estimate - half("low")), min(1.0, estimate + half("high"))
    return Score(estimate, low, high, chance)
