"""What the live model answers for all measured cells, and where its answer is to be doubted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from napari_marrow.learning.annotating.cells import CellAnswers
from napari_marrow.learning.annotating.codes import UNKNOWN, Values
from napari_marrow.learning.annotating.live import fit_live
from napari_marrow.learning.annotating.other_answers import OtherAnswers, with_other_answers
from napari_marrow.learning.bundles.predictor import LOW_PROBABILITY, NEITHER, OTHER_ACQUISITION
from napari_marrow.learning.confidence.calibration import apply_temperature, fit_temperature
from napari_marrow.learning.confidence.conformal import Conformal
from napari_marrow.learning.confidence.error_rate import MIN_PROBABILITY

LIVE = "live model"
"""Name of the model that follows each class given."""
MIN_OF_CLASS = 10
"""Cells of each class from which on a cell can be called unlike every class."""
MAX_FOLDS = 3


@dataclass(frozen=True, eq=False)
class Checked:
    """What cross-validation among the cells with a class shows; it takes longer than a fit.

    Attributes
    ----------
    temperature
        By which probabilities are softened.
    unlike
        (n,) whether each measured cell is like those of no class.
    """

    temperature: float
    unlike: NDArray[np.bool_]


def with_answers(
    unanswered: CellAnswers, checked: Checked | None, other: OtherAnswers | None
) -> CellAnswers:
    """Return the answers of another model; without one the live model's."""
    if other is None:
        return with_live_answers(unanswered, checked)
    return with_other_answers(unanswered, other)


def with_live_answers(unanswered: CellAnswers, checked: Checked | None = None) -> CellAnswers:
    """Return the answers of a model of the classes that were given, see :attr:`.reviewed`.

    No answer is more probable than (n + 1) / (n + 2), where n is the number of these cells of the
    class with the fewest: the rule of succession for a model that was right n times of n. An answer
    is uncertain where its probability is low, the cell is like the annotated cells of no class, or
    no cell of its acquisition has a class while cells of others have.

    Parameters
    ----------
    unanswered
        What was given.
    checked
        Of the same cells, perhaps with a few classes fewer; None where there is none yet.

    Returns
    -------
    CellAnswers
        The same where too little was given for a model.
    """
    cells, given = unanswered.cells, unanswered.reviewed
    with threadpool_limits(1):  # matrices are small: threads only wait, most on a busy machine
        live = fit_live(cells.values, given)
    if live is None:
        return unanswered
    known = live.probabilities
    if checked is not None:
        known = apply_temperature(known, checked.temperature)
    fewest = int(np.bincount(given[given != UNKNOWN])[live.codes].min())
    probabilities = np.zeros((len(cells), len(unanswered.classes)))
    probabilities[:, live.codes] = softened(known, (fewest + 1) / (fewest + 2))
    doubts = {
        LOW_PROBABILITY: probabilities.max(axis=1) < MIN_PROBABILITY,
        OTHER_ACQUISITION: ~np.isin(cells.acquisitions, cells.acquisitions[given != UNKNOWN]),
    }
    if checked is not None and len(checked.unlike) == len(cells):
        doubts[NEITHER] = checked.unlike & (unanswered.given == UNKNOWN)
    return replace(
        unanswered, model=LIVE, probabilities=probabilities, reasons=joined_reasons(doubts)
    )


def softened(probabilities: Values, highest: float) -> Values:
    """Mix probabilities, (n, classes), with equal ones, so that 1 becomes ``highest``.

    >>> softened(np.array([[1.0, 0.0], [0.5, 0.5]]), 0.8)
    array([[0.8, 0.2],
           [0.5, 0.5]])
    """
    equal = 1 / probabilities.shape[1]
    weight = max(0.0, (highest - equal) / (1 - equal))
    return weight * probabilities + (1 - weight) * equal


def check_live(unanswered: CellAnswers) -> Checked | None:
    """Cross-validate the live model; None where a class has fewer than two cells, or is alone."""
    with threadpool_limits(1):
        return _check_live(unanswered)


def _check_live(unanswered: CellAnswers) -> Checked | None:
    values, given = unanswered.cells.values, unanswered.reviewed
    known = np.flatnonzero(given != UNKNOWN)
    codes = np.unique(given[known], return_inverse=True)[1]
    counts = np.bincount(codes)
    if len(counts) < 2 or counts.min() < 2:
        return None
    n_folds = min(MAX_FOLDS, int(counts.min()))
    folds = [*StratifiedKFold(n_folds, shuffle=True, random_state=0).split(known, codes)]
    held_out = np.full((len(known), len(counts)), 1 / len(counts))
    for train, test in folds:
        asked = np.full(len(known), UNKNOWN, np.intp)
        asked[train] = codes[train]
        live = fit_live(values[known], asked)
        if live is not None and len(live.codes) == len(counts):
            held_out[test] = live.probabilities[test]
    unlike = np.zeros(len(given), bool)
    if counts.min() >= MIN_OF_CLASS:
        conformal = Conformal.cross_fit(values[known], codes, folds)
        if conformal.can_tell:
            unlike = conformal.is_neither(values)
    return Checked(fit_temperature(held_out, codes), unlike)


def joined_reasons(doubts: dict[str, NDArray[np.bool_]]) -> NDArray[np.str_]:
    """Return the reasons that hold for each cell, (n,), in one text.

    >>> import numpy as np
    >>> joined_reasons({"a": np.array([True, True]), "b": np.array([False, True])}).tolist()
    ['a', 'a; b']
    """
    found = np.full(len(next(iter(doubts.values()))), "", object)
    for reason, holds in doubts.items():
        found[holds] = [f"{x}; {reason}" if x else reason for x in found[holds]]
    return found.astype(str)
