"""What to write of cells, and a thread that writes it; for the cells of a project and predicted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import show_info
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_marrow.data.failures import left_out_sentences
from napari_marrow.data.text import counted
from napari_marrow.jobs.events import Emit, ShouldStop
from napari_marrow.jobs.export_cells_job import ExportCellsJob, ExportSettings
from napari_marrow.report.colours import RESEARCH_ONLY
from napari_marrow.viewer.annotating.predicted_cells import predicted_cells, predicted_job
from napari_marrow.viewer.task import Task
from napari_marrow.widgets.components.forms import SettingsForm
from napari_marrow.widgets.components.layout import Fold, fill_column, path_button
from napari_marrow.widgets.components.run_panel import RunPanel

if TYPE_CHECKING:
    import napari

    from napari_marrow.jobs.export_cells import ExportResult

Job = Callable[[], ExportCellsJob]


class CellExport(QWidget):
    """Check boxes of what to write, and a thread that writes it.

    Parameters
    ----------
    run
        Shows progress and what was written.
    failed
        Called with the sentence of an error; by default ``run`` shows it.
    """

    def __init__(self, run: RunPanel, failed: Callable[[str], None] | None = None):
        super().__init__()
        self._run, self.task = run, Task(self, run, failed)
        self.form = SettingsForm(ExportSettings())
        fill_column(self, self.form)

    def write(self, prepare: Callable[[ExportSettings], Job]) -> None:
        """Write what is ticked, in a thread; say what was written.

        Parameters
        ----------
        prepare
            Called here with what is ticked; what it returns is called in the thread, and returns
            what to write.
        """
        with self.task.reporting():
            job = prepare(self.form.checked_settings())
            self.task.start(partial(_export, job), self._say, begun="Writing the cells...")

    def _say(self, result: ExportResult) -> None:
        cells, fields = counted(result.cells, "cell"), counted(result.fields, "field")
        text = f"{cells} of {fields} written to {result.out}."
        text = " ".join([text, *left_out_sentences(result.failed), RESEARCH_ONLY])
        self._run.say(text)
        show_info(text)


def _export(job: Job, emit: Emit, should_stop: ShouldStop) -> ExportResult:
    from napari_marrow.jobs.export_cells import run_cell_export  # in the worker: slow

    return run_cell_export(job(), emit, should_stop)


def ask_export_folder(parent: QWidget, name: str) -> str:
    """Ask for the folder to write cells to; "" for cancelled."""
    suggested = Path.cwd() / f"{name} cells"
    return QFileDialog.getSaveFileName(parent, "Folder for the cells", str(suggested))[0]


class PredictedExport(QWidget):
    """A button that writes the predicted cells of all open photographs.

    Parameters
    ----------
    viewer
        Where they are.
    run
        Shows progress and what was written.
    failed
        Called with the sentence of an error.
    """

    def __init__(self, viewer: napari.Viewer, run: RunPanel, failed: Callable[[str], None]):
        super().__init__()
        self._viewer, self.exported = viewer, CellExport(run, failed)
        self.button = path_button(
            "Export cells...",
            lambda: ask_export_folder(self, "predicted"),
            self.export,
            "Write the predicted cells of all photographs into a folder, as they are shown now.",
        )
        fill_column(self, self.button, Fold("What to export", self.exported))
        run.changed.connect(lambda: self.button.setEnabled(not run.busy))

    def export(self, out: Path) -> None:
        """Write the cells into a folder, in a thread."""

        def prepare(settings: ExportSettings) -> Job:
            return partial(predicted_job, predicted_cells(self._viewer.layers), out, settings)

        self.exported.write(prepare)
