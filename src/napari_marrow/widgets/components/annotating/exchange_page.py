"""The page that writes cells for other programs, and takes over classes from their files."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import show_info
from qtpy.QtWidgets import QFileDialog, QInputDialog

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.marks.reading import SUFFIXES
from napari_marrow.jobs.export_cells_job import ExportSettings
from napari_marrow.viewer.annotating.exchange import (
    ReadFiles,
    Taken,
    assign_fields,
    export_job,
    read_files,
    record_taken,
    take_over,
)
from napari_marrow.viewer.annotating.live_cells import LiveCells
from napari_marrow.viewer.annotating.open_field import OpenField
from napari_marrow.viewer.annotating.open_project import open_project_of
from napari_marrow.viewer.task import Task
from napari_marrow.widgets.components.annotating.page import ProjectPage
from napari_marrow.widgets.components.cell_export import CellExport, Job, ask_export_folder
from napari_marrow.widgets.components.layout import (
    button,
    fill_column,
    path_button,
    row,
    text_label,
)
from napari_marrow.widgets.components.run_panel import RunPanel

if TYPE_CHECKING:
    from napari_marrow.learning.counting.heldout import HeldOutErrors

FILES = f"Classes of cells ({' '.join(f'*{x}' for x in SUFFIXES)})"
IMPORTS = (
    "Import takes over classes from GeoJSON of QuPath, CSV of napari-feature-classifier, and a "
    "cells.csv: each outline or point gives its class to the cell under it."
)
NO_PROJECT = "No project is open; press Annotate first."


def shown_errors(live: LiveCells) -> HeldOutErrors | None:
    """Return the errors of the model that are in the shares that the viewer shows, if any."""
    reviewing = open_project_of(live.session.viewer).reviewing
    found = None if reviewing is None else reviewing.review
    if found is None or live.answers is None or found.known.model != live.answers.model:
        return None
    return found.errors


class ExchangePage(ProjectPage):
    """Writes the cells of the open project, and takes over classes from files.

    Parameters
    ----------
    run
        Shows progress and what was done.
    """

    def __init__(self, run: RunPanel):
        super().__init__()
        self._run, self.exported, self.task = run, CellExport(run), Task(self, run)
        self.export_button = path_button(
            "Export cells...",
            self._ask_folder,
            self.export,
            "Write what is ticked into a folder of its own, as it is shown now.",
        )
        self.import_button = button(
            "Import...", self._ask_files, "Take over classes from files; Undo takes them back."
        )
        buttons = row(self.export_button, self.import_button)
        fill_column(self, buttons, self.exported, text_label(IMPORTS))
        for task in (self.task, self.exported.task):
            task.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Enable the buttons where there is something to write."""
        is_measured = self.live is not None and self.live.answers is not None
        is_free = not (self.task.busy or self.exported.task.busy)
        for one in (self.export_button, self.import_button):
            one.setEnabled(is_measured and is_free)

    def _open(self) -> LiveCells:
        if self.live is None:
            raise MarrowError(NO_PROJECT)
        return self.live

    def export(self, out: Path) -> None:
        """Write the cells into a folder, in a thread."""

        def prepare(settings: ExportSettings) -> Job:
            live = self._open()
            job = export_job(live, out, settings, shown_errors(live))
            return lambda: job

        self.exported.write(prepare)

    def take_over(self, paths: list[Path]) -> None:
        """Take over classes from files: read in a thread, and kept as one step of undo."""
        with self.task.reporting():
            live = self._open()
            work = partial(read_files, paths)
            self.task.start(work, partial(self._assign, live), begun="Reading...")

    def _assign(self, live: LiveCells, files: ReadFiles) -> None:
        if live is not self.live:
            return
        fields = live.session.fields
        assigned, left = assign_fields(files, fields, partial(self._ask_field, fields))
        said = [*files.refused, *left]
        if not assigned:
            self._run.say(" ".join(said))
            return
        done = partial(self._record, live, said)
        self.task.start(partial(take_over, assigned), done, begun="Finding the cells...")

    def _record(self, live: LiveCells, said: list[str], taken: Taken) -> None:
        if live is self.live:
            with self.task.reporting():
                text = " ".join([record_taken(live, taken), *said])
                self._run.say(text)
                show_info(text)

    def _ask_field(self, fields: list[OpenField], name: str) -> OpenField | None:
        """Ask which field a file is of."""
        names = [field.name for field in fields]
        text = f"Which field is {name} of?"
        chosen, is_chosen = QInputDialog.getItem(self, "Import", text, names, editable=False)
        return fields[names.index(chosen)] if is_chosen else None

    def _ask_folder(self) -> str:
        return ask_export_folder(self, self._open().session.project.folder.name)

    def _ask_files(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, "Import classes of cells", "", FILES)
        if paths:
            self.take_over([Path(path) for path in paths])
