"""What is learnt from the open layers: a sentence, and what can be done about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from napari.layers import Layer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QWidget

from napari_marrow.data.text import counted, first_few
from napari_marrow.jobs.events import Emit, ShouldStop
from napari_marrow.viewer.make.annotating import (
    NucleiOfStrokes,
    nuclei_of_strokes,
    show_nuclei_of_strokes,
)
from napari_marrow.viewer.photograph.cell_counts import Counts, cell_counts, is_annotated
from napari_marrow.viewer.photograph.photograph import NONE_CHOSEN, Photograph
from napari_marrow.viewer.task import Task
from napari_marrow.viewer.training.learning import (
    LearningSummary,
    LearntSlice,
    summarize_learning,
)
from napari_marrow.widgets.components.dock_widget import DockWidget
from napari_marrow.widgets.components.layout import button, fill_column, text_label

_Learnt: TypeAlias = tuple[LearningSummary | None, Mapping[Photograph, Sequence[Counts]]]
"""What is learnt from fields that are chosen, and the annotated cells of all."""


class LearningPanel(QWidget):
    """Says what is learnt from open photographs; chooses whether from annotated cells only.

    Parameters
    ----------
    owner
        The dock widget that this panel is in.
    verb
        Begins the sentence.
    """

    cells_counted = Signal(object)
    """The annotated cells in each slice of each photograph, see :func:`.cell_counts`."""

    def __init__(self, owner: DockWidget, verb: str):
        super().__init__()
        self._viewer, self._verb = owner.viewer, verb
        self._photographs: Sequence[Photograph] = ()
        self._unit = "field"
        self._chosen_for: set[Layer] | None = None  # by hand, for these
        self.switch = QCheckBox("Only annotated cells")
        self.switch.setToolTip("Else the cells that are not annotated have the class of the field.")
        self.switch.clicked.connect(self._choose)
        self.sentence = text_label()
        self.make_nuclei = button(
            "Make nuclei of these strokes",
            self._make_nuclei,
            "A nucleus that is found under a stroke is added; where none is, the stroke itself.",
        )
        fill_column(self, self.switch, self.sentence, self.make_nuclei)
        self._summing = Task(owner, failed=self.sentence.setText)
        self._making = Task(owner, failed=self.sentence.setText)
        self._making.changed.connect(lambda: self.make_nuclei.setEnabled(not self._making.busy))
        self.make_nuclei.hide()
        self.set_unit("field")

    @property
    def only_annotated(self) -> bool:
        """Whether cells that are not annotated are left out."""
        return self._unit == "cell" and self.switch.isChecked()

    def set_unit(self, unit: str) -> None:
        """Say what is learnt from: ``field`` or ``cell``."""
        self._unit = unit
        self.switch.setVisible(unit == "cell")
        self._sum_up()

    def set_photographs(self, photographs: Sequence[Photograph]) -> None:
        """Say what is learnt from these; where some are annotated, only from annotated cells."""
        self._photographs = photographs
        if self._chosen_for is not None and self._chosen_for.isdisjoint(self._layers()):
            self._chosen_for = None
        if self._chosen_for is None:
            self.switch.setChecked(any(map(is_annotated, photographs)))
        self._sum_up()

    def _choose(self) -> None:
        self._chosen_for = self._layers()
        self._sum_up()

    def _layers(self) -> set[Layer]:
        """Return the layers of annotations, hidden ones too; without any, the photographs."""
        found = [
            y.layer for x in self._photographs for y in (*x.annotations, *x.hidden_annotations)
        ]
        return {*found} or {x.layer for x in self._photographs}

    def _sum_up(self) -> None:
        found, unit, only = self._photographs, self._unit, self.only_annotated

        def work(emit: Emit, should_stop: ShouldStop) -> _Learnt:
            known: dict[Photograph, dict[int, Counts]] = {x: {} for x in found}

            def note(one: LearntSlice) -> None:
                known[one.photograph][one.row] = one.counts

            summary = summarize_learning(found, unit, only, emit, should_stop, False, note)
            counts = {x: cell_counts(x, known[x]) for x in found}
            return (summary if any(known.values()) else None), counts

        self._summing.start(work, self._show)

    def _show(self, learnt: _Learnt) -> None:
        summary, counts = learnt
        self.cells_counted.emit(counts)
        nothing = NONE_CHOSEN if self._photographs else ""
        self.sentence.setText(summary.sentence(self._verb) if summary else nothing)
        self.make_nuclei.setVisible(summary is not None and summary.n_loose_strokes > 0)

    def _make_nuclei(self) -> None:
        photographs = self._photographs

        def work(emit: Emit, should_stop: ShouldStop) -> list[NucleiOfStrokes]:
            return nuclei_of_strokes(photographs, emit, should_stop)

        def show(made: list[NucleiOfStrokes]) -> None:
            current = [x for x in made if not x.photograph.out_of_date(self._viewer.layers)]
            count = sum(show_nuclei_of_strokes(self._viewer, x) for x in current)
            left_out = [f"{name} is left out: {why}" for x in made for name, why in x.left_out]
            made_of = f"{counted(count, 'nucleus', 'nuclei')} made of strokes"
            self._viewer.status = "; ".join([made_of, *first_few(left_out)]).rstrip(".") + "."

        self._making.start(work, show)
