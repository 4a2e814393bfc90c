"""All cells of the photographs that are annotated: measured, and answered by a model as one goes.

The cells are measured in a thread, those of the shown field first. After each class that is given a
model is fitted anew, in a thread, too, and its answers are shown as rings around the cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.project.annotations import PERSON, Annotations, Asked, Given
from napari_marrow.jobs.events import Emit, Event, ShouldStop
from napari_marrow.learning.annotating.acquisitions import (
    guess_acquisitions,
    together_where_confounded,
)
from napari_marrow.learning.annotating.cells import CellAnswers, MeasuredCells
from napari_marrow.learning.annotating.other_answers import OtherAnswers
from napari_marrow.learning.annotating.unseen import accepted_together
from napari_marrow.viewer.annotating.joined_cells import JoinedCells
from napari_marrow.viewer.annotating.measuring import (
    MeasuredSlice,
    Unmeasured,
    cut_out,
    measure_slice,
)
from napari_marrow.viewer.annotating.measuring_queue import Key, MeasuringQueue
from napari_marrow.viewer.annotating.open_field import OpenField, field_name
from napari_marrow.viewer.annotating.ring_layers import RingLayers
from napari_marrow.viewer.annotating.session import AnnotationSession
from napari_marrow.viewer.layer_info import shown_slice
from napari_marrow.viewer.per_viewer import single_shot
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.task import Panel, Task

if TYPE_CHECKING:
    from napari_marrow.learning.annotating.answering import Checked

FIT_MS = 30
"""The model is fitted this long after the last change, in milliseconds: the class is seen first."""
CHECK_MS = 600
"""The model is cross-validated this long after the last change, in milliseconds."""
MEASURE_MS = 500
"""Nuclei that were edited are measured this long after the last stroke, in milliseconds."""


class LiveCells(QObject):
    """Measures the cells of a session's photographs, and keeps a model's answers up to date.

    Parameters
    ----------
    owner
        Ends the work in threads when it is deleted.
    session
        Whose annotations the model learns from.
    panel
        Shows progress.

    Attributes
    ----------
    session
        As it was given.
    answers
        What is known of each cell; None until a field is measured.
    rings
        Shows the answers; it has a filter.
    asked
        Field and number of the cell that a person is asked about, whose ring is its own.
    warning
        What a person should know of the answers of the live model; "" where there is nothing.
    """

    changed = Signal()
    """``answers`` are new: more was measured, given or answered."""

    def __init__(self, owner: QObject, session: AnnotationSession, panel: Panel | None = None):
        super().__init__(owner)
        self.session = session
        self.answers: CellAnswers | None = None
        self.asked: tuple[str, int] | None = None
        self._slices: dict[Key, MeasuredSlice] = {}
        self._joined: JoinedCells | None = None  # of all slices; None where these have changed
        self._answered: JoinedCells | None = None  # those of ``answers``
        self._given: tuple[Annotations, CellAnswers] | None = None
        self._acquisitions: dict[Key, str] = {}
        self.warning = ""
        self._other: OtherAnswers | None = None
        self.rings = RingLayers(session)
        self._open = True
        self._queue, self._failed = MeasuringQueue(), set[Key]()
        self._checked: Checked | None = None
        self._measuring = Task(owner, panel)
        self._fitting, self._checking = Task(owner), Task(owner)
        self._fit_soon = single_shot(FIT_MS, self._fit, self)
        self._check_soon = single_shot(CHECK_MS, self._check, self)
        self._measure_soon = single_shot(MEASURE_MS, self._measure, self)
        session.changed.connect(self._take_given)
        session.edited.connect(self._forget)
        session.viewer.layers.events.removed.connect(self._drop_closed)

    def close(self) -> None:
        """End all work, and remove the rings; nothing happens where that was done before."""
        if not self._open:
            return
        self._open = False
        self._queue.clear()
        for task in (self._measuring, self._fitting, self._checking):
            task.cancel()
        for timer in (self._fit_soon, self._check_soon, self._measure_soon):
            timer.stop()
        self.session.changed.disconnect(self._take_given)
        self.session.edited.disconnect(self._forget)
        self.session.viewer.layers.events.removed.disconnect(self._drop_closed)
        self.rings.close()
        self._slices.clear()

    @property
    def busy(self) -> bool:
        """Whether cells are measured, or answers are waited for."""
        timers = (self._fit_soon, self._check_soon, self._measure_soon)
        tasks = (self._measuring, self._fitting, self._checking)
        return any(x.isActive() for x in timers) or any(x.busy for x in tasks)

    def follow(self, photograph: Photograph) -> None:
        """Measure all fields of a photograph that are not yet, the shown one first."""
        image = photograph.layer
        self._queue.show((image, shown_slice(image, self.session.viewer.dims.point)))
        self.rings.add(image)
        done = self._slices.keys() | self._failed
        rows = [row for row in range(len(photograph)) if (image, row) not in done]
        self._queue.add(photograph, rows)
        if len(self._queue) and not self._measuring.busy:
            self._measure()

    def show_again(self, image: Image) -> None:
        """Add the rings of a photograph once more where their layer was removed."""
        if self.rings.add_again(image):
            self.recolour()

    def _measure(self) -> None:
        """Measure what is wanted, in a thread."""
        self._measuring.start(self._measure_each, lambda _: None, heard=self._hear)

    def _measure_each(self, emit: Emit, should_stop: ShouldStop) -> None:
        done = 0
        while not should_stop() and (found := self._queue.take()) is not None:
            photograph, row = found
            try:
                result: MeasuredSlice | Unmeasured = measure_slice(photograph, row)
            except MarrowError as error:
                result = Unmeasured((photograph.layer, row), str(error))
            done += 1
            total = done + len(self._queue)
            emit(Event("message", result=result))
            emit(Event("progress", f"Measured the cells of {done} of {total} fields", done / total))

    def _hear(self, event: Event) -> None:
        if isinstance(event.result, Unmeasured):
            self._failed.add(event.result.key)
            self.session.say(event.result.reason)
        elif isinstance(event.result, MeasuredSlice):
            self._add(event.result)

    def _add(self, one: MeasuredSlice) -> None:
        """Take in the cells of a field."""
        image = one.photograph.layer
        if not self.session.add_field(one.photograph, one.row, one.encoded):
            return
        self._slices[image, one.row] = one
        self._joined = None
        self._change()

    def _change(self) -> None:
        """Let the model follow what was given or measured."""
        self._fit_soon.start()
        self._check_soon.start()

    def _take_given(self) -> None:
        """Show at once what was given; the model follows."""
        self._change()
        if self.answers is not None:
            self.answers = self._with_given(self.answers)
            self.changed.emit()

    def _with_given(self, answers: CellAnswers) -> CellAnswers:
        """Return answers with what was given by now, unless the classes are others."""
        now = self._unanswered(answers.cells)
        same = now.classes == answers.classes
        return now.answered_as(answers) if same else answers

    def _forget(self, image: Image, row: int) -> None:
        """Measure a field anew, or all (-1), whose nuclei were edited."""
        rows = [k for x, k in self._slices if x is image and row in (-1, k)]
        self._failed -= {key for key in self._failed if key[0] is image}
        for k in rows:
            del self._slices[image, k]
        self._joined = None
        self.rings.hide(image, rows)
        photograph = Photograph.of(image, list(self.session.viewer.layers))
        self._queue.again(photograph, rows, row)
        self._measure_soon.start()

    def _drop_closed(self, _: object = None) -> None:
        """Forget the cells of photographs that were closed."""
        layers = self.session.viewer.layers
        for image in [x for x in self.rings.images if x not in layers]:
            self.rings.forget(image)
            self._queue.drop(image)
            for key in [key for key in self._slices if key[0] is image]:
                del self._slices[key]
            self._joined = None
            self._change()

    def _join(self) -> JoinedCells | None:
        """Return all cells that are measured."""
        if self._joined is None:
            names = {key: self._name(key) for key in self._slices}
            layers = self.session.viewer.layers
            self._joined = JoinedCells.of(self._slices, names, self._acquisitions, layers)
        return self._joined

    def _name(self, key: Key) -> str:
        field = self.session.field(*key)
        return field_name(self._slices[key].photograph, key[1]) if field is None else field.name

    def _fit(self) -> None:
        """Fit the model to what is given now, in a thread."""
        if (joined := self._join()) is None:
            return
        unanswered, self.warning = together_where_confounded(self._unanswered(joined.cells))
        other, checked = self._other, self._checked

        def work(emit: Emit, should_stop: ShouldStop) -> CellAnswers:
            from napari_marrow.learning.annotating.answering import with_answers  # scikit-learn

            return with_answers(unanswered, checked, other)

        self._fitting.start(work, lambda answers: self._show(answers, joined))

    def _unanswered(self, cells: MeasuredCells) -> CellAnswers:
        """Return what is given now; worked out once for each change."""
        annotations, known = self.session.annotations, self._given
        if known is None or known[0] is not annotations or known[1].cells.index is not cells.index:
            together = accepted_together(self.session.project.entries)
            numbers = self.session.numbers()
            found = CellAnswers.unanswered(cells, annotations, numbers, together)
            known = self._given = annotations, found
        return replace(known[1], cells=cells)

    def _check(self) -> None:
        """Cross-validate the model and guess acquisitions, in a thread; show answers by these."""
        joined = None if self._other is not None else self._join()
        if joined is None:
            return
        unanswered, _ = together_where_confounded(self._unanswered(joined.cells))
        keys, fields = joined.keys, [self._slices[key].measured for key in joined.keys]

        def work(emit: Emit, should_stop: ShouldStop) -> tuple[Checked | None, list[str]]:
            from napari_marrow.learning.annotating.answering import check_live  # scikit-learn

            return check_live(unanswered), guess_acquisitions(fields)

        def done(found: tuple[Checked | None, list[str]]) -> None:
            self._checked, guessed = found
            acquisitions = dict(zip(keys, guessed, strict=True))
            if acquisitions != self._acquisitions:
                self._acquisitions, self._joined = acquisitions, None
            self._fit()

        self._checking.start(work, done)

    def _show(self, answers: CellAnswers, joined: JoinedCells) -> None:
        self.answers, self._answered = self._with_given(answers), joined
        self.recolour()
        self.changed.emit()

    def recolour(self) -> None:
        """Show the answers as rings."""
        if self.answers is None or self._answered is None:
            return
        rings = {key: one.rings for key, one in self._slices.items()}
        self.rings.show(self.answers, self._answered.keys, rings, self.asked)

    def use(self, other: OtherAnswers | None) -> None:
        """Show the answers of another model from now on; with None the live model's again."""
        self._other = other
        self._change()

    @property
    def photographs(self) -> list[Photograph]:
        """The photographs that are followed, as they are now."""
        layers = list(self.session.viewer.layers)
        return [Photograph.of(image, layers) for image in self.rings.images if image in layers]

    def field_of(self, row: int) -> OpenField:
        """Return the field of a cell, by its row in ``answers``.

        Raises
        ------
        MarrowError
            When its photograph was closed, or its nuclei are being measured anew.
        """
        assert self._answered is not None
        key = self._answered.keys[int(self._answered.cells.field[row])]
        field = self.session.field(*key) if key in self._slices else None
        if field is None or field.image not in self.session.viewer.layers:
            raise MarrowError("The field of this cell was closed or changed; choose another cell.")
        return field

    @property
    def pixel_sizes(self) -> list[float]:
        """The size of the pixels of each field of ``answers``, on the canvas."""
        return [] if self._answered is None else [x.scale[-1] for x, _ in self._answered.keys]

    def row_at(self, field: OpenField, number: int) -> int | None:
        """Return the row in ``answers`` of a cell of a field; None where it was not measured."""
        return None if self.answers is None else self.answers.cells.row_of(field.name, number)

    def give(
        self, rows: Iterable[int], class_name: str | None, who: str = PERSON, asked: Asked = ""
    ) -> None:
        """Give cells a class, by their rows in ``answers``; one step of undo.

        Raises
        ------
        MarrowError
            As :meth:`field_of` does, or when it can't be kept; then nothing has changed.
        """
        after = None if class_name is None else Given(class_name, who, asked)
        self.record(dict.fromkeys(rows, after))

    def record(self, wanted: Mapping[int, Given | None]) -> None:
        """Keep what cells are to have, by their rows in ``answers``; one step of undo."""
        by_field: dict[OpenField, dict[int, Given | None]] = {}
        for row, after in wanted.items():
            assert self.answers is not None
            own = by_field.setdefault(self.field_of(row), {})
            own[int(self.answers.cells.index[row])] = after
        self.session.record(by_field)

    def go_to(self, row: int) -> None:
        """Move the slider and the middle of the canvas to a cell, and let keys act on its field."""
        assert self.answers is not None
        field, viewer = self.field_of(row), self.session.viewer
        place = self.answers.cells.places[row]
        point = place if field.layer.ndim == 2 else (field.row, *place)
        world = field.layer.data_to_world(point)
        if len(world) > 2:
            axes = range(viewer.dims.ndim - len(world), viewer.dims.ndim - 2)
            viewer.dims.set_point(axes, world[:-2])
        viewer.scene.camera.center = world[-2:]
        viewer.layers.selection.active = field.layer

    def pixels(self, row: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Return the picture of a cell, (side, side, 3), and which pixels are its nucleus.

        Outside the photograph it is white. A cell of another field than those shown last takes
        the time of reading its photograph: call it in a worker.
        """
        assert self.answers is not None
        field = self.field_of(row)
        return cut_out(self._slices[field.image, field.row], int(self.answers.cells.index[row]))
