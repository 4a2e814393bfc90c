"""What the annotations are worth as they are now: estimate, agreement, doubts, corrections.

All of it takes some tenths of a second, in a worker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from napari_marrow.data.project.annotations import Annotations, Entry, Place
from napari_marrow.learning.annotating.answering import LIVE
from napari_marrow.learning.annotating.cells import CellAnswers
from napari_marrow.learning.annotating.codes import UNKNOWN
from napari_marrow.learning.annotating.cross_validated import cross_validate
from napari_marrow.learning.annotating.doubting import Doubts, find_doubts
from napari_marrow.learning.annotating.estimate import FairEstimate, fair_estimate
from napari_marrow.learning.annotating.questions import (
    SelfAgreement,
    answered_questions,
    corrected,
    drawn_rows,
)
from napari_marrow.learning.annotating.shares import ClassCounts, count_classes
from napari_marrow.learning.annotating.unseen import rows_at
from napari_marrow.learning.counting.heldout import HeldOutErrors
from napari_marrow.learning.counting.result import CountSettings


@dataclass(frozen=True, eq=False)
class Review:
    """What is known of annotations and model together.

    Attributes
    ----------
    known
        The cells that it is of.
    estimate
        How good the live model is on cells drawn at random.
    agreement
        How far the person agrees with themselves; None where no cell was asked twice.
    doubts
        Which classes are doubted.
    n_corrected
        Number of cells whose class a person has put in place of a model's.
    """

    known: CellAnswers
    estimate: FairEstimate
    agreement: SelfAgreement | None
    doubts: Doubts
    n_corrected: int

    @property
    def errors(self) -> HeldOutErrors | None:
        """Of the model that answers; None where they are not known, as of any but the live one."""
        return self.estimate.errors if self.known.model == LIVE else None

    def count(self, settings: CountSettings, field: str | None) -> ClassCounts:
        """Count the classes in a field, or with None in all."""
        cells = self.known.cells
        rows = np.arange(len(cells)) if field is None else cells.rows_of(field)
        return count_classes(self.known, rows, self.errors, settings)


def review(
    known: CellAnswers,
    annotations: Annotations,
    entries: Sequence[Entry],
    numbers: Mapping[Place, int],
) -> Review:
    """Review annotations.

    Parameters
    ----------
    known
        The cells, their classes and the answers of the model.
    annotations, entries
        What the project has, and its journal.
    numbers
        The number of the cell that each annotated pixel is of.
    """
    cells, answered = known.cells, answered_questions(entries)
    answers = cross_validate(known)
    drawn = drawn_rows(answered, cells, numbers) & (known.reviewed != UNKNOWN)
    looked_at = [place for place, x in annotations.cells.items() if x.asked == "doubtful"]
    done = {row for row in rows_at(cells, looked_at, numbers) if row is not None}
    return Review(
        known,
        fair_estimate(known, answers, drawn),
        SelfAgreement.of(answered),
        find_doubts(known, answers, done),
        len(corrected(entries)),
    )
