"""What a trained model goes by in one cell: Grad-CAM of a network, or features of another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_marrow.data.errors import MarrowError
from napari_marrow.jobs.events import Emit, ShouldStop
from napari_marrow.learning.registry import KINDS
from napari_marrow.viewer.annotating.pointed_cell import PointedCell
from napari_marrow.viewer.task import Task
from napari_marrow.widgets.components.dock_widget import DockWidget
from napari_marrow.widgets.components.job_process import JobProcess
from napari_marrow.widgets.components.layout import (
    button,
    fill_column,
    path_button,
    row,
    text_label,
)
from napari_marrow.widgets.components.run_panel import RunPanel
from napari_marrow.widgets.components.training.runs import runs_of

if TYPE_CHECKING:
    from napari_marrow.learning.explaining.cell_maps import CellMaps
    from napari_marrow.learning.explaining.evidence import Evidence

NONE_CHOSEN = "No trained model is chosen: choose a bundle, or train one with Train DCNN."


@dataclass(frozen=True, eq=False)
class ModelEvidence:
    """The features that a trained model goes by, with the names of its classes."""

    evidence: Evidence
    classes: tuple[str, ...]
    model: str


class NetworkMaps(QWidget):
    """Asks a trained model what it goes by in the cell that was pointed at.

    Parameters
    ----------
    owner
        The dock widget that this is in.
    run
        Shows progress.
    process
        Runs Grad-CAM.
    """

    found = Signal(object)
    """The :class:`ModelEvidence` of a model on measured features."""
    mapped = Signal()
    """Maps were shown, and what they show was written."""

    def __init__(self, owner: DockWidget, run: RunPanel, process: JobProcess):
        super().__init__()
        self._viewer, self._runs = owner.viewer, runs_of(owner.viewer)
        self._run, self._process = run, process
        self._chosen: Path | None = None
        self._answering: Path | None = None
        self._cell: PointedCell | None = None
        self.about, self.sentences = text_label(NONE_CHOSEN), text_label()
        choose = path_button(
            "Model...",
            lambda: QFileDialog.getExistingDirectory(self, "Bundle (a .marrow folder)"),
            self.set_bundle,
            "Choose a model that was saved, in place of the one that answers or is in Train DCNN.",
        )
        self.start_button = button(
            "Grad-CAM",
            self.explain,
            "Show where in the cell the network looks, and check it by covering parts of the cell.",
        )
        self.task = Task(owner, run)
        self._runs.edited.connect(self._show_state)
        run.changed.connect(self._show_state)
        fill_column(self, self.about, row(self.start_button, choose), self.sentences)
        self._show_state()

    @property
    def bundle(self) -> Path | None:
        """The model that is asked: the chosen one, that which answers, or Train DCNN's current."""
        return self._chosen or self._answering or self._runs.current

    def set_bundle(self, path: Path) -> None:
        """Choose a model that was saved."""
        self._chosen = path
        self._show_state()

    def set_answering(self, path: Path | None) -> None:
        """Note which trained model answers for the cells; None where none does."""
        if path != self._answering:
            self._answering = path
            self._show_state()

    def set_cell(self, cell: PointedCell | None) -> None:
        """Point at another cell; what was found of an earlier one goes."""
        if cell is not self._cell:
            self._cell = cell
            self.task.cancel()
            self.sentences.setText("")
        self._show_state()

    def _show_state(self) -> None:
        bundle = self.bundle
        self.about.setText(NONE_CHOSEN if bundle is None else f"Trained model: {bundle.name}.")
        can_start = bundle is not None and self._cell is not None
        self.start_button.setEnabled(can_start and not self.task.busy)

    def explain(self) -> None:
        """Find what the model goes by, in the child process where it is a network."""
        cell, bundle = self._cell, self.bundle
        if cell is None or bundle is None:
            return

        def work(emit: Emit, should_stop: ShouldStop) -> CellMaps | ModelEvidence:
            return _explain(bundle, cell, self._process, emit, should_stop)

        self.sentences.setText("")
        self.task.start(work, lambda found: self._show(cell, found), begun="Reading the model...")

    def _show(self, cell: PointedCell, found: CellMaps | ModelEvidence) -> None:
        if isinstance(found, ModelEvidence):
            self._run.say(f"{found.model} looks at no pixels: above are the features it goes by.")
            self.found.emit(found)
            return
        if reason := cell.photograph.out_of_date(list(self._viewer.layers)):
            raise MarrowError(reason)
        from napari_marrow.viewer.make.cell_maps import show_cell_maps

        show_cell_maps(self._viewer, cell.photograph.layer, cell.row, found)
        self._run.say("The maps lie over the cell; what they show stands on the page Explain.")
        self.sentences.setText("\n\n".join(found.sentences))
        self.mapped.emit()


def _explain(
    bundle: Path, cell: PointedCell, process: JobProcess, emit: Emit, should_stop: ShouldStop
) -> CellMaps | ModelEvidence:
    from napari_marrow.jobs.explain import ExplainJob
    from napari_marrow.learning.bundles.bundle import load_bundle
    from napari_marrow.learning.explaining.bundle_evidence import bundle_evidence
    from napari_marrow.learning.explaining.cell_maps import CellMaps, network_of

    model = load_bundle(bundle)
    image, nuclei = cell.picture()
    if not KINDS[model.info.kind].needs_keras:
        evidence = bundle_evidence(model, image, nuclei, cell.number)
        return ModelEvidence(evidence, model.info.classes, model.info.settings.model)
    network_of(model)  # refused before Keras is started
    picture, out = process.folder / "picture.npz", process.folder / "maps.npz"
    np.savez(picture, image=image, nuclei=nuclei)
    job = ExplainJob(bundle.resolve(), picture, cell.number, out)
    process.client.run("explain", job.to_dict(), emit, should_stop)
    return CellMaps.read(out)
