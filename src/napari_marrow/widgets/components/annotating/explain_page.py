"""The page that says why a cell is answered as it is: similar cells, features, Grad-CAM."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray
from qtpy.compat import isalive
from qtpy.QtCore import Signal
from qtpy.QtGui import QShowEvent

from napari_marrow.jobs.events import Emit, ShouldStop
from napari_marrow.report.colours import class_colours
from napari_marrow.viewer.annotating.live_cells import LiveCells
from napari_marrow.viewer.annotating.pointed_cell import PointedCell, cell_under_pointer
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.task import Task
from napari_marrow.widgets.components.annotating.evidence_bars import EvidenceBars
from napari_marrow.widgets.components.annotating.model_page import LIVE_MODEL
from napari_marrow.widgets.components.annotating.network_maps import ModelEvidence, NetworkMaps
from napari_marrow.widgets.components.annotating.page import ProjectPage
from napari_marrow.widgets.components.annotating.thumbnail_strip import ThumbnailStrip
from napari_marrow.widgets.components.dock_widget import DockWidget, while_alive
from napari_marrow.widgets.components.job_process import JobProcess
from napari_marrow.widgets.components.layout import fill_column, text_label
from napari_marrow.widgets.components.run_panel import RunPanel
from napari_marrow.widgets.components.training.saving import SUFFIX

if TYPE_CHECKING:
    from napari_marrow.learning.explaining.evidence import Evidence
    from napari_marrow.learning.explaining.explained import ExplainedCell

Key = tuple[str, int, int]
"""A cell: its field, its number, and the checksum of its pixels."""
KEY = "W"
HOW = (
    f"Point at a cell and press {KEY} to see why it is answered as it is: the most similar "
    "annotated cells, the features that speak for and against, and where a network looks."
)
ASKED_AGAIN = "Its class is asked a second time: nothing is told of it until it is given."
OTHER = "The rings show what {} says: press Grad-CAM to see what it goes by."
ADDED = "They add up to log-odds of {:.1f}, before these are lowered as few cells have a class."
ALONE = "Each is what the log-odds of {:.1f} lose where this one is not known."
UNITS = (
    "The numbers are standard deviations from the median of the acquisition, the lengths of the "
    "bars log-odds."
)


@dataclass(frozen=True, eq=False)
class _Found:
    """What was found of a cell, and the pictures of the cells that are similar to it."""

    explained: ExplainedCell
    pictures: list[NDArray[np.uint8]]


class ExplainPage(ProjectPage):
    """Explains the answers for the cell that was pointed at, or picked elsewhere.

    Parameters
    ----------
    owner
        The dock widget that this is in.
    run
        Shows progress.
    process
        Runs Grad-CAM.
    """

    asked = Signal()
    """A cell is to be explained: this page is wanted."""
    filled = Signal(object)
    """A part of this page, a widget, has something new to read."""

    def __init__(self, owner: DockWidget, run: RunPanel, process: JobProcess):
        super().__init__()
        self._viewer = owner.viewer
        self.cell: PointedCell | None = None
        self._similar: list[int] = []
        self._pictures: dict[Key, NDArray[np.uint8]] = {}
        self.about, self.neighbours, self.reasons = text_label(HOW), text_label(), text_label()
        self.strip, self.bars = ThumbnailStrip(), EvidenceBars(owner.viewer)
        self.strip.picked.connect(self._go_to)
        self.network = NetworkMaps(owner, run, process)
        self.network.found.connect(self._show_model)
        self.network.mapped.connect(lambda: self.filled.emit(self.network))
        self._is_new = False
        self._pointing = Task(owner, failed=self._say)
        self._task = Task(owner, failed=self.neighbours.setText)
        fill_column(
            self, self.about, self.neighbours, self.strip, self.reasons, self.bars, self.network
        )
        self._binding = while_alive(self._bind)
        owner.viewer.layers.selection.events.active.connect(self._binding)
        self._bind()
        self._clear()

    def _bind(self) -> None:
        """Let the key explain the cell under the pointer in the active layer of labels."""
        layer = self._viewer.layers.selection.active
        if isinstance(layer, Labels):
            weak = weakref.ref(self)

            def press(pressed: Labels) -> None:
                page = weak()
                if page is not None and isalive(page):
                    page.explain_at_pointer(pressed)

            layer.bind_key(KEY, press, overwrite=True)

    def explain_at_pointer(self, layer: Labels) -> None:
        """Explain the cell under the pointer."""
        with self._pointing.reporting():
            find = cell_under_pointer(self._viewer, layer)
            self._pointing.start(lambda emit, should_stop: find(), self.explain)

    def explain_row(self, row: int) -> None:
        """Explain a cell by its row in the answers, as another part of the window shows it."""
        live = self.live
        if live is None or live.answers is None:
            return
        with self._pointing.reporting():
            field = live.field_of(row)
            photograph = Photograph.of(field.image, list(self._viewer.layers))
            number = int(live.answers.cells.index[row])
            self.explain(PointedCell(photograph, field.row, number))

    def explain(self, cell: PointedCell) -> None:
        """Explain a cell, and ask for this page to be shown."""
        self.cell, self._is_new = cell, True
        self.network.set_cell(cell)
        self._clear()
        self.asked.emit()
        self._begin()

    def show_session(self, live: LiveCells | None) -> None:
        """Show another project, or none."""
        if live is None:
            self._pictures.clear()
        super().show_session(live)

    def _answering(self) -> Path | None:
        """Return the trained model of the project whose answers are shown, if one's are."""
        if self.live is None or self.live.answers is None:
            return None
        path = self.live.session.project.models / f"{self.live.answers.model}{SUFFIX}"
        return path if path.is_dir() else None

    def refresh(self) -> None:
        """Explain the cell again, as answers have changed, where the page is seen."""
        self.network.set_answering(self._answering())
        if self.isVisible():
            self._begin()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Explain by the answers as they are now."""
        super().showEvent(event)
        self.refresh()

    def _begin(self) -> None:
        """Find what explains the live model's answer, in a thread."""
        cell, live = self.cell, self.live
        if cell is None:
            return
        answers = None if live is None else live.answers
        row = None if answers is None else answers.cells.row_of(cell.field, cell.number)
        name = f"Cell {cell.number} of {cell.field}"
        if live is None or answers is None or row is None:
            self.about.setText(f"{name}. It is not among those that are annotated.")
            return
        if live.session.hidden == (cell.field, cell.number):
            self._task.cancel()
            self._clear()
            self.about.setText(f"{name}. {ASKED_AGAIN}")
            return
        self.about.setText(f"{name}: {answers.describe(row)}.")
        known = dict(self._pictures)

        def work(emit: Emit, should_stop: ShouldStop) -> _Found:
            from napari_marrow.learning.explaining.explained import explain_cell

            explained = explain_cell(answers, row)
            rows = explained.similar.rows.tolist()
            found = [known.get(_key(live, k)) for k in rows]
            pictures = [
                live.pixels(k)[0] if x is None else x for k, x in zip(rows, found, strict=True)
            ]
            return _Found(explained, pictures)

        self._task.start(work, self._show)

    def _show(self, found: _Found) -> None:
        explained, live = found.explained, self.live
        if live is None or live.answers is None:
            return
        cells = live.answers.cells
        rows = self._similar = explained.similar.rows.tolist()
        pairs = zip(rows, found.pictures, strict=True)
        self._pictures = {_key(live, row): picture for row, picture in pairs}
        self.neighbours.setText(explained.similar_sentence)
        tips = [
            f"{name}: cell {cells.index[row]} of {cells.field_names[row]}; it differs by "
            f"{distance:.2f} standard deviations on average."
            for row, name, distance in zip(
                rows, explained.similar_classes, explained.similar.distances, strict=True
            )
        ]
        self.strip.show_pictures(found.pictures, explained.similar_classes, tips)
        model = live.answers.model
        if explained.evidence is not None:
            self._show_bars(explained.evidence, live.answers.classes, f"the {LIVE_MODEL}")
        else:
            self._hide_bars()
            self.reasons.setText(OTHER.format(model) if model not in ("", LIVE_MODEL) else "")

        if self._is_new:
            self._is_new = False
            self.filled.emit(self)

    def _show_model(self, found: ModelEvidence) -> None:
        self._show_bars(found.evidence, found.classes, found.model)

    def _show_bars(self, evidence: Evidence, classes: tuple[str, ...], model: str) -> None:
        answer, other = classes[evidence.answer], classes[evidence.other]
        how = ADDED if evidence.adds_up else ALONE
        self.reasons.setText(
            f"What {model} goes by: to the right for {answer}, to the left for {other}. "
            f"{how.format(evidence.log_odds)} {UNITS}"
        )
        colours = class_colours(classes)
        if self.live is not None:
            colours |= {x.name: x.colour for x in self.live.session.annotations.classes}
        self.bars.show_evidence(evidence, (colours[answer], colours[other]))
        self.bars.show()

    def _hide_bars(self) -> None:
        self.bars.hide()
        self.reasons.setText("")

    def _clear(self) -> None:
        self.neighbours.setText("")
        self.strip.show_pictures((), (), ())
        self._hide_bars()

    def _go_to(self, position: int) -> None:
        if self.live is None or position >= len(self._similar):
            return
        with self._pointing.reporting():
            self.live.go_to(self._similar[position])

    def _say(self, text: str) -> None:
        self._viewer.status = text


def _key(live: LiveCells, row: int) -> Key:
    """Return what a cell keeps where others are measured: field, number and pixels."""
    assert live.answers is not None
    cells = live.answers.cells
    assert cells.checksums is not None  # all cells of a session have them
    return cells.fields[cells.field[row]], int(cells.index[row]), int(cells.checksums[row])
