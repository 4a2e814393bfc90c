"""What a person was asked, and answered, from the journal of a project.

So asking goes on where it was after the project was closed, and what was taken back does not count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.project.annotations import Asked, Entry, Given, Place, is_by_person
from napari_marrow.data.project.history import answers
from napari_marrow.data.text import counted
from napari_marrow.learning.annotating.asking import Question
from napari_marrow.learning.annotating.cells import MeasuredCells
from napari_marrow.learning.annotating.codes import UNKNOWN
from napari_marrow.learning.annotating.unseen import rows_at
from napari_marrow.learning.scores.evaluation import MIN_SOURCES, Score
from napari_marrow.learning.scores.intervals import count_sources
from napari_marrow.learning.scores.metrics import proportion
from napari_marrow.learning.scores.words import TOO_FEW


@dataclass(frozen=True)
class Answered:
    """A question that was answered: the cell, why it was asked, its class before and after."""

    place: Place
    why: Asked
    before: Given | None
    after: Given


def answered_questions(entries: Sequence[Entry]) -> list[Answered]:
    """Return what was asked and answered, in order, without what was taken back."""
    return [
        Answered(x.place, x.after.asked, x.before, x.after)
        for x in answers(entries)
        if x.after is not None and x.after.asked
    ]


def questions_of(
    answered: Sequence[Answered], cells: MeasuredCells, numbers: Mapping[Place, int]
) -> list[Question]:
    """Return what was asked, in order, for :func:`.next_question`."""
    asked = [x for x in answered if x.why != "doubtful"]
    rows = rows_at(cells, (x.place for x in asked), numbers)
    pairs = zip(rows, asked, strict=True)
    return [Question(UNKNOWN if row is None else row, x.why) for row, x in pairs]


def drawn_rows(
    answered: Sequence[Answered], cells: MeasuredCells, numbers: Mapping[Place, int]
) -> NDArray[np.bool_]:
    """Return which cells were once drawn at random, (n,)."""
    places = [x.place for x in answered if x.why == "random"]
    found = np.zeros(len(cells), bool)
    found[[row for row in rows_at(cells, places, numbers) if row is not None]] = True
    return found


def corrected(entries: Sequence[Entry]) -> frozenset[Place]:
    """Return the cells whose class a person has in place of a model's that was accepted."""
    found: set[Place] = set()
    for change in answers(entries):
        before, after = change.before, change.after
        if after is None or not is_by_person(after.who):
            found.discard(change.place)
        elif before and not is_by_person(before.who) and before.class_name != after.class_name:
            found.add(change.place)
    return frozenset(found)


@dataclass(frozen=True)
class SelfAgreement:
    """How often a person gave a cell the same class a second time, without seeing the first.

    Attributes
    ----------
    cells, same
        How many were asked twice, and how many got the same class.
    score
        The share, with its 95 % interval, and what is expected by chance of how often each class
        was given (J. Cohen, "A coefficient of agreement for nominal scales", Educational and
        Psychological Measurement 20, 1960).
    fields
        How many fields the cells are of, which the interval takes as independent.
    """

    cells: int
    same: int
    score: Score
    fields: int

    @classmethod
    def of(cls, answered: Sequence[Answered]) -> SelfAgreement | None:
        """Compare both answers for each cell that was asked again; None without any."""
        again = [x for x in answered if x.why == "again" and x.before is not None]
        if not again:
            return None
        first = np.array([x.before.class_name for x in again if x.before is not None])
        second = np.array([x.after.class_name for x in again])
        fields = np.array([x.place.image for x in again])
        names = np.unique([*first, *second])
        chance = sum(float((first == x).mean() * (second == x).mean()) for x in names)
        score = proportion(first == second, fields, chance)
        return cls(len(again), int((first == second).sum()), score, count_sources(fields))

    @property
    def text(self) -> str:
        """The same in a sentence."""
        low, high = (f"{100 * x:.0f}" for x in (self.score.low, self.score.high))
        interval = f"{low} to {high} %" if self.fields >= MIN_SOURCES else TOO_FEW
        return (
            f"You agree with yourself on {self.same} of {counted(self.cells, 'cell')} asked twice: "
            f"{100 * self.score.estimate:.0f} % ({interval}). No score can be shown to be better."
        )
