"""The cell that a person is asked about next, from a project and its cells; for a worker."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from napari_marrow.data.project.annotations import Asked, Entry, Place
from napari_marrow.learning.annotating.answering import LIVE
from napari_marrow.learning.annotating.asking import Question, next_question
from napari_marrow.learning.annotating.cells import CellAnswers
from napari_marrow.learning.annotating.chosen import Chosen
from napari_marrow.learning.annotating.codes import UNKNOWN
from napari_marrow.learning.annotating.live import Live, fit_live
from napari_marrow.learning.annotating.questions import answered_questions, questions_of

_WORDS: Mapping[Asked, str] = {
    "typical": "typical of a group of similar cells",
    "random": "drawn at random, to judge the model",
    "again": "shown a second time, to see how far you agree with yourself",
}


def choose(
    known: CellAnswers,
    entries: Sequence[Entry],
    numbers: Mapping[Place, int],
    passed: Collection[tuple[str, int]] = (),
    *,
    at_random: bool = False,
) -> Chosen | None:
    """Return the next cell to ask about; None where all have a class.

    Parameters
    ----------
    known
        The cells, the classes that were given, and the answers of the model.
    entries
        The journal of the project.
    numbers
        The number of the cell that each annotated pixel is of.
    passed
        Field and number of cells that were asked but not answered: others come first.
    at_random
        Whether to draw each cell at random.
    """
    cells = known.cells
    asked = questions_of(answered_questions(entries), cells, numbers)
    is_passed = np.zeros(len(cells), bool)
    is_passed[[row for x in passed if (row := cells.row_of(*x)) is not None]] = True
    for rows in (np.flatnonzero(~is_passed), np.arange(len(cells))):
        question = _among(known, rows, asked, at_random)
        if question is not None:
            place = cells.fields[cells.field[question.row]], int(cells.index[question.row])
            return Chosen(*place, question.why, _reason(known, question))
    return None


def _among(
    known: CellAnswers, rows: np.ndarray, asked: Sequence[Question], at_random: bool
) -> Question | None:
    """Return the next question about some cells, by its row among all."""
    given = known.given[rows]
    if at_random:
        open_rows = rows[given == UNKNOWN]
        rng = np.random.default_rng([0, len(asked) + 1])
        return Question(int(rng.choice(open_rows)), "random") if len(open_rows) else None
    at = {row: k for k, row in enumerate(rows.tolist())}
    own = [Question(at.get(x.row, UNKNOWN), x.why) for x in asked]
    with threadpool_limits(1):  # matrices are small: threads only wait
        live = _live(known, rows)
        found = next_question(
            known.cells.values[rows],
            known.cells.acquisitions[rows],
            given,
            len(known.classes),
            live,
            own,
        )
    return None if found is None else Question(int(rows[found.row]), found.why)


def _live(known: CellAnswers, rows: np.ndarray) -> Live | None:
    """Return the answers of a network, or else of the live model of what is given by now."""
    if known.model in ("", LIVE):
        return fit_live(known.cells.values[rows], known.reviewed[rows])
    probabilities = known.probabilities[rows]
    if np.isnan(probabilities).any():
        return None
    return Live(np.arange(len(known.classes)), probabilities)


def _reason(known: CellAnswers, question: Question) -> str:
    if question.why != "margin":
        return _WORDS[question.why]
    probabilities = known.probabilities[question.row]
    if np.isnan(probabilities).any():
        return "close to two classes"
    first, second = sorted(np.argsort(probabilities, kind="stable")[-2:].tolist())
    return f"between {known.classes[first]} and {known.classes[second]}"
