"""What the live model answers for all measured cells, and where its answer is to be doubted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from napari_marrow.learning.annotating.cells import CellAnswers
from napari_marrow.learning.annotating.codes import UNKNOWN, Codes, Values
from napari_marrow.learning.annotating.live import fit_live
from napari_marrow.learning.bundles.predictor import LOW_PROBABILITY, NEITHER, OTHER_ACQUISITION
from napari_marrow.learning.confidence.conformal import Conformal
from napari_marrow.learning.confidence.error_rate import MIN_PROBABILITY

LIVE = "live model"
"""Name of the model that follows each class given."""
MIN_OF_CLASS = 10
"""Cells of each class from which on a cell can be called unlike every class."""
N_FOLDS = 3


def with_live_answers(unanswered: CellAnswers) -> CellAnswers:
    """Return the answers of a model of the classes that were given.

    An answer is uncertain where its probability is low, the cell is like the annotated cells of no
    class (conformal p-values, see :class:`.Conformal`), or no cell of its acquisition has a class
    while cells of others have.

    Parameters
    ----------
    unanswered
        What was given.

    Returns
    -------
    CellAnswers
        The same where too little was given for a model.
    """
    cells, given = unanswered.cells, unanswered.given
    live = fit_live(cells.values, given)
    if live is None:
        return unanswered
    probabilities = np.zeros((len(cells), len(unanswered.classes)))
    probabilities[:, live.codes] = live.probabilities
    doubts = {
        LOW_PROBABILITY: probabilities.max(axis=1) < MIN_PROBABILITY,
        NEITHER: unlike_every_class(cells.values, given),
        OTHER_ACQUISITION: ~np.isin(cells.acquisitions, cells.acquisitions[given != UNKNOWN]),
    }
    return replace(
        unanswered, model=LIVE, probabilities=probabilities, reasons=joined_reasons(doubts)
    )


def joined_reasons(doubts: dict[str, NDArray[np.bool_]]) -> NDArray[np.str_]:
    """Return the reasons that hold for each cell, (n,), in one text.

    >>> import numpy as np
    >>> joined_reasons({"a": np.array([True, True]), "b": np.array([False, True])}).tolist()
    ['a', 'a, b']
    """
    found = np.full(len(next(iter(doubts.values()))), "", object)
    for reason, holds in doubts.items():
        found[holds] = [f"{x}, {reason}" if x else reason for x in found[holds]]
    return found.astype(str)


def unlike_every_class(values: Values, given: Codes) -> NDArray[np.bool_]:
    """Return which cells, (n,), are like those of no class; none where few of a class are known."""
    nowhere = np.zeros(len(values), bool)
    known = given != UNKNOWN
    counts = np.bincount(given[known])
    if counts[counts > 0].min(initial=MIN_OF_CLASS) < MIN_OF_CLASS or not known.any():
        return nowhere
    own, codes = values[known], np.unique(given[known], return_inverse=True)[1]
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=0).split(own, codes)
    conformal = Conformal.cross_fit(own, codes, [*folds])
    if not conformal.can_tell:
        return nowhere
    return conformal.is_neither(values) & ~known


def with_other_answers(unanswered: CellAnswers, model: str, table: pd.DataFrame) -> CellAnswers:
    """Return the answers of another model, by field and number; cells it did not see have none."""
    cells = unanswered.cells
    keys = pd.MultiIndex.from_arrays([cells.field_names, cells.index])
    own = table.reindex(keys)
    known = [name for name in unanswered.classes if name in table]
    probabilities = np.zeros((len(cells), len(unanswered.classes)))
    columns = [unanswered.classes.index(name) for name in known]
    probabilities[:, columns] = own[known].to_numpy(np.float64)
    probabilities[own[known].isna().any(axis=1)] = np.nan
    reasons = own["reason"].fillna("").to_numpy(str)
    return replace(unanswered, model=model, probabilities=probabilities, reasons=reasons)
