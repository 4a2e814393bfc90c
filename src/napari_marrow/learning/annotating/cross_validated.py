"""What the live model answers for cells with a class when it did not learn from their field.

With one field only it did not learn from the cell itself, which says nothing about other fields.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold
from threadpoolctl import threadpool_limits

from napari_marrow.learning.annotating.cells import CellAnswers, class_names
from napari_marrow.learning.annotating.codes import UNKNOWN, Values
from napari_marrow.learning.annotating.live import fit_live
from napari_marrow.learning.scores.metrics import with_answers

MAX_FOLDS = 10
"""Models that are fitted at most; with more fields several are left out at once."""


@dataclass(frozen=True, eq=False)
class CrossValidated:
    """Answers of models that did not learn from the cell's field, or the cell.

    Attributes
    ----------
    rows
        (n,) rows of the cells with an answer. Those are missing whose model would not have seen
        each class that was given: of it nothing can be told.
    probabilities
        (n, classes).
    by_field
        Whether the cell's field was left out; else the cell alone.
    n_left_out
        Number of cells with a class, but without an answer.
    """

    rows: NDArray[np.intp]
    probabilities: Values
    by_field: bool
    n_left_out: int

    def table(self, known: CellAnswers) -> pd.DataFrame:
        """Return a row a cell: where it is, its class, its field as source, and the answer."""
        cells, rows = known.cells, self.rows
        images = np.array(cells.fields, object)[cells.field[rows]]
        units = pd.DataFrame({"image": images, "index": cells.index[rows]})
        units[["y", "x"]] = cells.places[rows].astype(float)
        units["class"] = class_names(known.given[rows], known.classes)
        units["source"] = images
        return with_answers(units, self.probabilities, known.classes)


def cross_validate(known: CellAnswers) -> CrossValidated:
    """Fit the live model without each field in turn, and ask it about the field's cells.

    Parameters
    ----------
    known
        The cells, and the classes that were given; what a model answers does not matter. Those
        whose answer was accepted together with others are asked about, but not learnt from: it
        comes of a model of all fields.
    """
    rows = np.flatnonzero(known.given != UNKNOWN)
    values, given = known.cells.values[rows], known.given[rows]
    by_field = len(np.unique(known.cells.field[rows])) > 1
    groups = known.cells.field[rows] if by_field else np.arange(len(rows))
    probabilities = np.zeros((len(rows), len(known.classes)))
    answered = np.zeros(len(rows), bool)
    n_folds = min(MAX_FOLDS, len(np.unique(groups)))
    folds = GroupKFold(n_folds).split(values, groups=groups) if n_folds > 1 else ()
    learnable = known.reviewed[rows] != UNKNOWN
    n_classes = len(np.unique(given))
    with threadpool_limits(1):  # matrices are small: threads only wait
        for learnt, asked in folds:
            without = np.full(len(rows), UNKNOWN)
            own = learnt[learnable[learnt]]
            without[own] = given[own]
            live = fit_live(values, without)
            if live is not None and len(live.codes) == n_classes:
                probabilities[np.ix_(asked, live.codes)] = live.probabilities[asked]
                answered[asked] = True
    return CrossValidated(rows[answered], probabilities[answered], by_field, int((~answered).sum()))
