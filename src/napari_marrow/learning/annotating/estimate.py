"""How good the live model is, fairly: judged on cells drawn at random that it did not learn from.

Cells that a person chose, or that the model asked for, are no sample of all cells: of a score on
those nothing follows. Those drawn at random are one of the cells that had no class by then.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.text import counted
from napari_marrow.learning.annotating.cells import CellAnswers, class_names
from napari_marrow.learning.annotating.cross_validated import CrossValidated
from napari_marrow.learning.counting.heldout import HeldOutErrors, NothingHeldOutError
from napari_marrow.learning.scores.evaluation import MIN_SOURCES, Evaluation
from napari_marrow.learning.scores.metrics import score_units
from napari_marrow.learning.scores.words import headline, score_text

NOTHING_DRAWN = (
    "How good the model is, is not known yet: every tenth cell that Next asks is drawn at random "
    "for that."
)
_COLUMNS = ("class", "predicted", "source")
ONE_FIELD = "One field only: the score says nothing about other fields."


@dataclass(frozen=True)
class FairEstimate:
    """How good the live model is on cells drawn at random.

    Attributes
    ----------
    drawn
        Number of cells that were drawn and have a class.
    n_left_out
        How many of them could not be judged, as without their field a class has no cell.
    by_field
        Whether models did not learn from the field of the cell; else not from the cell.
    evaluation
        The scores; None of no cell.
    errors
        How often which class is taken for which; None where a class has no cell that was drawn, or
        where models learnt from the cell's field.
    """

    drawn: int
    n_left_out: int
    by_field: bool
    evaluation: Evaluation | None
    errors: HeldOutErrors | None

    @property
    def sentences(self) -> tuple[str, ...]:
        """The same in words."""
        evaluation = self.evaluation
        if evaluation is None:
            return (NOTHING_DRAWN if not self.drawn else _missing(self.drawn),)
        name, score = headline(evaluation)
        few = {} if evaluation.sources >= MIN_SOURCES else {"fields": evaluation.sources}
        found = (
            f"Fair estimate: {name.replace('_', ' ')} "
            f"{score_text(score, evaluation.few_sources or few)}, chance {score.chance:.2f}; "
            f"{counted(evaluation.units, 'cell')} drawn at random in "
            f"{counted(evaluation.sources, 'field')}."
        )
        left = (_missing(self.n_left_out),) if self.n_left_out else ()
        return (found, *left, *(() if self.by_field else (ONE_FIELD,)))


def fair_estimate(
    known: CellAnswers, answers: CrossValidated, drawn: NDArray[np.bool_]
) -> FairEstimate:
    """Judge the live model on the cells that were drawn at random.

    Parameters
    ----------
    known
        The cells and their classes.
    answers
        Of models that did not learn from the cells that they are asked about.
    drawn
        (n,) whether each cell was drawn at random and has a class.
    """
    rows = answers.rows
    table = answers.table(known)[drawn[rows]].reset_index(drop=True)
    count = int(drawn.sum())
    if not len(table):
        return FairEstimate(count, count, answers.by_field, None, None)
    codes = np.unique(known.given[rows])
    classes = tuple(class_names(codes, known.classes).tolist())
    probabilities = answers.probabilities[drawn[rows]][:, codes]
    evaluation = score_units(table, probabilities, classes)
    errors = None
    if answers.by_field:
        truth, answered, sources = (table[x].to_numpy(str) for x in _COLUMNS)
        try:
            errors = HeldOutErrors.of_answers(truth, answered, sources, classes)
        except NothingHeldOutError:
            errors = None
    return FairEstimate(count, count - len(table), answers.by_field, evaluation, errors)


def _missing(count: int) -> str:
    verb = "is" if count == 1 else "are"
    return (
        f"{counted(count, 'cell')} drawn at random {verb} not judged: without their field a class "
        "has no cell; give it to cells of other fields, too."
    )
