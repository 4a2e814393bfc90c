"""Chooses a trained model that is to be evaluated, says what it is, and how it is asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QLineEdit, QWidget

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.registry import KINDS
from napari_marrow.learning.settings import EvaluateSettings
from napari_marrow.viewer.task import Task
from napari_marrow.widgets.components.dock_widget import DockWidget
from napari_marrow.widgets.components.evaluation.section import paragraph
from napari_marrow.widgets.components.forms import SettingsForm
from napari_marrow.widgets.components.layout import button, fill_column, path_button, row
from napari_marrow.widgets.components.training.runs import runs_of

if TYPE_CHECKING:
    from napari_marrow.learning.bundles.info import BundleInfo


class BundlePanel(QWidget):
    """The path of a bundle, with a sentence on what it is, and the options of an evaluation.

    Parameters
    ----------
    owner
        The dock widget that this panel is in.
    """

    opened = Signal(str)
    """A bundle was looked into; its unit is ``field`` or ``cell``."""

    def __init__(self, owner: DockWidget):
        super().__init__()
        self._runs = runs_of(owner.viewer)
        self.line = QLineEdit()
        self.line.setPlaceholderText("bundle (a .marrow folder)")
        self.line.setToolTip("Path of a model that was saved as a bundle, a folder.")
        self.line.editingFinished.connect(self._edited)
        choose = path_button(
            "Bundle...",
            lambda: QFileDialog.getExistingDirectory(self, "Bundle (a .marrow folder)"),
            self.set_bundle,
            "Choose a model that was saved.",
        )
        self.current_button = button(
            "Current model",
            self._take_current,
            "The model that Train DCNN has now, also if it is not saved.",
        )
        self.about = paragraph()
        self.form = SettingsForm(EvaluateSettings())
        self._task = Task(owner, failed=self.about.setText)
        fill_column(self, self.line, row(choose, self.current_button), self.about, self.form)
        self._runs.edited.connect(self._show_state)
        self._show_state()

    @property
    def path(self) -> Path:
        """The bundle that is chosen.

        Raises
        ------
        MarrowError
            When there is none.
        """
        text = self.line.text().strip()
        if not text:
            raise MarrowError("No bundle is chosen; choose a model that was saved.")
        return Path(text).expanduser()

    def set_bundle(self, path: Path) -> None:
        """Choose a bundle; what it is is read in a thread."""
        self.line.setText(str(path))
        self.about.setText("")
        self._task.start(lambda emit, stop: read_info(path), self._show_info)

    def _take_current(self) -> None:
        if self._runs.current is not None:
            self.set_bundle(self._runs.current)

    def _edited(self) -> None:
        if self.line.isModified() and self.line.text().strip():
            self.line.setModified(False)
            self.set_bundle(self.path)

    def _show_state(self) -> None:
        self.current_button.setEnabled(self._runs.current is not None)

    def _show_info(self, info: BundleInfo) -> None:
        classes = " / ".join(info.classes)
        unit = info.preprocessing.unit
        self.about.setText(f"{info.settings.model}, {classes}, one prediction per {unit}.")
        self.form.set_shown({"engine"}, KINDS[info.kind].has_engines)
        self.opened.emit(unit)


def read_info(path: Path) -> BundleInfo:
    """Return the description of a bundle; for a thread, where imports hold nobody up."""
    from napari_marrow.learning.bundles.bundle import load_bundle

    return load_bundle(path).info
