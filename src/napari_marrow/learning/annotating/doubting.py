"""Classes that were given and are worth a second look."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from napari_marrow.learning.annotating.cells import CellAnswers, class_names
from napari_marrow.learning.annotating.chosen import Chosen
from napari_marrow.learning.annotating.cross_validated import CrossValidated
from napari_marrow.learning.comparison.label_errors import can_doubt, doubtful_labels
from napari_marrow.learning.scores.findings import DoubtfulLabel
from napari_marrow.learning.scores.metrics import score_units

CANNOT_DOUBT = (
    "The model errs too often where it did not learn from a field, or has too few cells, for its "
    "doubts to count: give more cells a class."
)


@dataclass(frozen=True)
class Doubt:
    """A cell, by its row, whose class models doubt that did not learn from it."""

    row: int
    label: DoubtfulLabel

    @property
    def question(self) -> Chosen:
        """The same as a question, with its reason."""
        one = self.label
        reason = (
            f"given {one.given}, but a model that did not learn from it answers {one.suggested}"
        )
        return Chosen(one.image, one.index, "doubtful", reason, one.suggested)


@dataclass(frozen=True)
class Doubts:
    """The cells whose class is doubted, the least probable first; and why there can't be any."""

    found: tuple[Doubt, ...] = ()
    unchecked: str = ""


def find_doubts(known: CellAnswers, answers: CrossValidated, done: Collection[int] = ()) -> Doubts:
    """Return the cells whose class is doubted, by confident learning, see :mod:`.label_errors`.

    Cells, and not fields, are counted for whether a model errs seldom enough: what is judged are
    these cells, and only whether to look at them again.

    Parameters
    ----------
    known
        The cells and their classes.
    answers
        Of models that did not learn from the cells that they are asked about.
    done
        Rows of cells that were looked at again, and not changed since.
    """
    if not len(answers.rows):
        return Doubts(unchecked=CANNOT_DOUBT)
    codes = np.unique(known.given[answers.rows])
    if len(codes) < 2:
        return Doubts(unchecked=CANNOT_DOUBT)
    table = answers.table(known).assign(model=known.model)
    classes = tuple(class_names(codes, known.classes).tolist())
    evaluation = score_units(table, answers.probabilities[:, codes], classes)
    if not can_doubt(evaluation, len(table)):
        return Doubts(unchecked=CANNOT_DOUBT)
    found = []
    for label in doubtful_labels(table):
        row = known.cells.row_of(label.image, label.index)
        if row is not None and row not in done:
            found.append(Doubt(row, label))
    return Doubts(tuple(found))
