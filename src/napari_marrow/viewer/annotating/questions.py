"""Cells are asked about one after the other: shown in the middle of the canvas, answered by key."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.project.annotations import PERSON, Given
from napari_marrow.learning.annotating.chosen import OWN_ANSWER, Chosen
from napari_marrow.learning.annotating.codes import UNKNOWN
from napari_marrow.viewer.annotating.live_cells import LiveCells
from napari_marrow.viewer.task import Task

if TYPE_CHECKING:
    from napari_marrow.jobs.events import Emit, ShouldStop

NOT_MEASURED = "No cell is measured yet; press Annotate and wait a moment."
ALL_HAVE_A_CLASS = "All cells have a class."
NO_DOUBTS = "No class that was given is doubted any more."
ONLY_BY_KEY = "Give this cell its class by key: what the model says is not shown here."


class Questions(QObject):
    """Asks about cells, and keeps the answers with why each cell was asked.

    Parameters
    ----------
    live
        The cells.

    Attributes
    ----------
    question
        What is asked now; None while nothing is.
    go_on
        Whether an answer brings the next question by itself.
    at_random
        Whether each cell is drawn at random.
    """

    changed = Signal()
    """Another cell, or none, is asked about."""

    def __init__(self, live: LiveCells):
        super().__init__(live)
        self.live = live
        self.question: Chosen | None = None
        self.go_on, self.at_random = True, False
        self._passed = set[tuple[str, int]]()
        self._then: Callable[[], object] = self.ask  # what brings the next question
        self._doubts = list[Chosen]()
        self._choosing = Task(self, failed=live.session.say)

    def ask(self) -> None:
        """Ask about the next cell; one that is asked now and not answered is passed over."""
        live = self.live
        if live.answers is None:
            live.session.say(NOT_MEASURED)
            return
        if self.question is not None:
            self._passed.add((self.question.field, self.question.index))
        session, numbers, known = live.session, live.session.numbers(), live.answers
        entries, passed, at_random = [*session.project.entries], [*self._passed], self.at_random

        def work(emit: Emit, should_stop: ShouldStop) -> Chosen | None:
            from napari_marrow.learning.annotating.choosing import choose  # scikit-learn

            return choose(known, entries, numbers, passed, at_random=at_random)

        self._choosing.start(work, lambda found: self.show(found, self.ask, ALL_HAVE_A_CLASS))

    def ask_doubtful(self, doubts: Iterable[Chosen]) -> None:
        """Ask about cells whose class is doubted, one after the other."""
        self._doubts = [x for x in doubts if x != self.question]
        self._next_doubtful()

    def _next_doubtful(self) -> None:
        question = self._doubts.pop(0) if self._doubts else None
        self.show(question, self._next_doubtful, NO_DOUBTS)

    def keep(self) -> None:
        """Keep the class of the cell that is asked about, as one that was looked at."""
        row, answers = self._row(), self.live.answers
        if row is not None and answers is not None and answers.given[row] != UNKNOWN:
            self._keep(answers.classes[int(answers.given[row])], PERSON)

    def show(self, question: Chosen | None, then: Callable[[], object], end: str) -> None:
        """Ask about a cell, after which ``then`` brings the next; say ``end`` where it is None."""
        self.question, self._then = question, then
        with self.live.session.reporting():
            self._mark()
            if question is None:
                self.live.session.viewer.status = end
            elif (row := self._row()) is not None:
                self.live.go_to(row)
                self.live.session.viewer.status = f"Which class has this cell? {self.text}"
        self.changed.emit()

    def _mark(self) -> None:
        """Mark the cell that is asked about; hide its class where the answer is to be one's own."""
        question, live = self.question, self.live
        live.asked = None if question is None else (question.field, question.index)
        is_own = question is not None and question.why in OWN_ANSWER
        before = live.session.hidden
        live.session.hide(live.asked if is_own else None)
        live.recolour()
        if live.session.hidden != before:  # pages and docks say nothing of the cell, either
            live.changed.emit()

    def stop(self) -> None:
        """Ask nothing more."""
        self._choosing.cancel()
        self.question = None
        self._mark()
        self.changed.emit()

    @property
    def text(self) -> str:
        """Why the cell is asked, and what the model says where that is no hint; "" without one."""
        if self.question is None:
            return ""
        reason = f"{self.question.reason[0].upper()}{self.question.reason[1:]}"
        name, row, known = self._suggestion(), self._row(), self.live.answers
        if name is None or row is None or known is None or self.question.suggested:
            return f"{reason}."
        return f"{reason}; the {known.model} says {name} ({known.top[row]:.0%})."

    @property
    def is_seen(self) -> bool:
        """Whether a cell is asked about that is on the canvas: keys are the answer then."""
        row, viewer = self._row(), self.live.session.viewer
        if row is None or self.live.answers is None:
            return False
        try:
            field = self.live.field_of(row)
        except MarrowError:
            return False
        if self.live.session.shown(field.image) is not field:
            return False
        place = self.live.answers.cells.places[row]
        point = place if field.layer.ndim == 2 else (field.row, *place)
        away = np.array(field.layer.data_to_world(point)[-2:]) - viewer.scene.camera.center[-2:]
        return bool(
            (np.abs(away) * viewer.scene.camera.zoom <= np.array(viewer.canvas.size) / 2).all()
        )

    def answer(self, class_name: str | None) -> bool:
        """Give the cell that is asked about a class, and go on; False where no such cell is seen.

        None passes over it; of a doubted class it takes the class away.
        """
        if not self.is_seen or self.question is None:
            return False
        if class_name is None and self.question.why != "doubtful":
            self.ask()
            return True
        self._keep(class_name, PERSON)
        return True

    def accept(self) -> bool:
        """Give the cell that is asked about the class that the model says, and go on.

        False where no such cell is seen. Where the answer must be the person's own, it says so.
        """
        if not self.is_seen:
            return False
        name, answers = self._suggestion(), self.live.answers
        if name is None or answers is None:
            self.live.session.viewer.status = ONLY_BY_KEY
        else:
            self._keep(name, answers.model)
        return True

    def _keep(self, class_name: str | None, who: str) -> None:
        row, question, session = self._row(), self.question, self.live.session
        assert row is not None
        assert question is not None
        self.question = None
        with session.reporting():
            self._mark()
            after = None if class_name is None else Given(class_name, who, question.why)
            self.live.record({row: after})
            has = f"the class {class_name}" if class_name else "no class"
            session.viewer.status = f"The cell has {has}."
            if self.go_on:
                self._then()
        self.changed.emit()

    def _row(self) -> int | None:
        answers, question = self.live.answers, self.question
        if answers is None or question is None:
            return None
        return answers.cells.row_of(question.field, question.index)

    def _suggestion(self) -> str | None:
        """Return what the model says of the cell; None where it says nothing, or must not."""
        row, answers, question = self._row(), self.live.answers, self.question
        if row is None or answers is None or question is None or question.why in OWN_ANSWER:
            return None
        if question.suggested:
            return question.suggested
        code = int(answers.answers[row])
        return None if code == UNKNOWN else answers.classes[code]
