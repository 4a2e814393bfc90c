"""Answers that can be accepted at once, and classes that are worth a second look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.options import Settings, option
from napari_marrow.data.text import counted
from napari_marrow.learning.annotating.cells import CellAnswers, class_names
from napari_marrow.learning.annotating.cross_validated import CrossValidated
from napari_marrow.learning.annotating.live import UNKNOWN
from napari_marrow.learning.comparison.label_errors import can_doubt, doubtful_labels
from napari_marrow.learning.scores.findings import DoubtfulLabel
from napari_marrow.learning.scores.metrics import score_units

CANNOT_DOUBT = (
    "The model errs too often where it did not learn from a field, or has too few cells, for its "
    "doubts to count: give more cells a class."
)


@dataclass(frozen=True)
class AcceptSettings(Settings):
    """Which answers are accepted."""

    probability: float = option(
        0.95,
        "Probability",
        "Answers with at least this probability that are not uncertain are accepted.",
        low=0.5,
        high=1.0,
    )


def acceptable(known: CellAnswers, settings: AcceptSettings) -> NDArray[np.intp]:
    """Return the rows of cells without a class whose answer is certain and probable enough."""
    is_open = (known.given == UNKNOWN) & known.answered & (known.reasons == "")
    with np.errstate(invalid="ignore"):  # nan where a cell has no answer
        return np.flatnonzero(is_open & (known.top >= settings.probability))


def by_class(known: CellAnswers, codes: NDArray[np.intp]) -> str:
    """Return how many of these classes there are: "ALL 12, MM 3"; "none" without any."""
    counts = Counter(class_names(codes[codes != UNKNOWN], known.classes).tolist())
    return ", ".join(f"{x} {counts[x]}" for x in known.classes if counts[x]) or "none"


def accepting_in_words(known: CellAnswers, rows: NDArray[np.intp]) -> str:
    """Return how many cells have each class now, and once these answers are accepted."""
    after = known.given.copy()
    after[rows] = known.answers[rows]
    return (
        f"{counted(len(rows), 'answer')} to accept. Cells with a class now: "
        f"{by_class(known, known.given)}; then: {by_class(known, after)}."
    )


@dataclass(frozen=True)
class Doubt:
    """A cell, by its row, whose class models doubt that did not learn from it."""

    row: int
    label: DoubtfulLabel

    @property
    def reason(self) -> str:
        """Why, in a sentence."""
        one = self.label
        return (
            f"Given {one.given}, which has the probability {one.probability:.2f} by a model that "
            f"did not learn from it; that answers {one.suggested}."
        )


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
