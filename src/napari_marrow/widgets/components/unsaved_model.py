"""A trained model that is not saved yet: a person is asked before it is lost; a script is not.

napari tells plugins of a closed dock or window when it is too late to say no. So the events of the
window and of the dock's close button are watched. Where nobody was asked, because a script, the
menu or a shortcut closed them, the model is kept in a folder of the user's data.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import platformdirs
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QDockWidget, QMainWindow, QMessageBox, QPushButton, QWidget

log = logging.getLogger("napari_marrow")
MAX_KEPT = 10
"""Number of models that are kept; older ones are removed."""
CLOSE_BUTTON = "QTitleBarCloseButton"
"""The name, also for style sheets, of the button in the title bar of napari's docks."""


def recovery_folder() -> Path:
    """Return the folder of models that nobody saved; it may not be there yet."""
    return platformdirs.user_data_path("napari-marrow") / "unsaved models"


def kept_models() -> list[Path]:
    """Return the bundles in the recovery folder, the oldest first."""
    return sorted(recovery_folder().glob("*.marrow"))


class UnsavedModel:
    """The folder of a bundle that is not saved, if there is one; it outlives the widget."""

    def __init__(self) -> None:
        self.path: Path | None = None

    def keep(self) -> Path | None:
        """Copy the model to the recovery folder; return where it is, or None without a model."""
        path, self.path = self.path, None
        if path is None or not path.is_dir():
            return None
        kept = recovery_folder() / f"{datetime.now():%Y-%m-%d %H-%M-%S-%f}.marrow"
        try:
            shutil.copytree(path, kept)
        except OSError as error:  # a full disk, or no permission
            log.error("The model was not saved, and can't be kept as %s: %s.", kept, error)
            return None
        for older in kept_models()[:-MAX_KEPT]:
            shutil.rmtree(older, ignore_errors=True)
        log.warning("The model was not saved; it is kept as %s.", kept)
        return kept


class CloseGuard(QObject):
    """Asks before a person closes the dock or the window of a widget with an unsaved model.

    Parameters
    ----------
    owner
        The widget in the dock.
    unsaved
        Its model.
    save
        Asks for a place and saves the model there; it stays unsaved when that is cancelled.
    """

    def __init__(self, owner: QWidget, unsaved: UnsavedModel, save: Callable[[], None]):
        super().__init__(owner)
        self._owner, self._unsaved, self._save = owner, unsaved, save
        owner.installEventFilter(self)

    def may_close(self) -> bool:
        """Ask whether the model is to be saved; return False for Cancel."""
        if self._unsaved.path is None:
            return True
        buttons = QMessageBox.StandardButton
        answer = QMessageBox.question(
            self._owner,
            "Train DCNN",
            "The model is not saved. Save it before closing?",
            buttons.Save | buttons.Discard | buttons.Cancel,
            buttons.Save,
        )
        if answer == buttons.Save:
            self._save()
        elif answer == buttons.Discard:
            self._unsaved.path = None
        return self._unsaved.path is None

    def _watch(self) -> None:
        """Watch the window, and the dock's close button, which napari makes anew now and then."""
        parent = self._owner.parent()
        while parent is not None:
            if isinstance(parent, QDockWidget):
                for close in parent.findChildren(QPushButton, CLOSE_BUTTON):
                    close.installEventFilter(self)
                parent.installEventFilter(self)
            if isinstance(parent, QMainWindow):
                parent.installEventFilter(self)
            parent = parent.parent()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Hold a close back until the person has answered."""
        if event is None or watched is None:
            return False
        if event.type() in (QEvent.Type.Show, QEvent.Type.LayoutRequest):
            self._watch()
        if isinstance(watched, QPushButton):
            return _is_click(event) and self._clicked(watched)
        closes = event.type() == QEvent.Type.Close and event.spontaneous()
        if closes and isinstance(watched, QMainWindow) and not self.may_close():
            event.ignore()
            return True
        return False

    def _clicked(self, close: QPushButton) -> bool:
        if self._unsaved.path is None:
            return False
        close.setDown(False)
        if self.may_close():
            close.click()
        return True


def _is_click(event: QEvent) -> bool:
    if event.type() == QEvent.Type.MouseButtonRelease:
        return True
    if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyRelease:
        return False
    return event.key() == Qt.Key.Key_Space
