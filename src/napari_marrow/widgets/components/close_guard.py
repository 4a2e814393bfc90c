"""A person is asked before closing a dock or window with unsaved work; a script is not.

napari tells plugins of a closed dock or window when it is too late to say no. So the events of the
window and of the dock's close button are watched.
"""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QDockWidget, QMainWindow, QMessageBox, QPushButton, QWidget

CLOSE_BUTTON = "QTitleBarCloseButton"
"""The name, also for style sheets, of the button in the title bar of napari's docks."""


class CloseGuard(QObject):
    """Asks before a person closes the dock or the window of a widget with unsaved work.

    Parameters
    ----------
    owner
        The widget in the dock.
    title
        Of the question.
    what
        The work that is not saved, as the sentence begins.
    is_unsaved
        Whether there is some.
    save
        Asks for a place and saves it there; it stays unsaved when that is cancelled.
    discard
        Makes it count as saved.
    """

    def __init__(
        self,
        owner: QWidget,
        title: str,
        what: str,
        is_unsaved: Callable[[], bool],
        save: Callable[[], None],
        discard: Callable[[], None],
    ):
        super().__init__(owner)
        self._owner, self._title, self._what = owner, title, what
        self._is_unsaved, self._save, self._discard = is_unsaved, save, discard
        owner.installEventFilter(self)

    def may_close(self) -> bool:
        """Ask whether the work is to be saved; return False for Cancel."""
        if not self._is_unsaved():
            return True
        buttons = QMessageBox.StandardButton
        answer = QMessageBox.question(
            self._owner,
            self._title,
            f"{self._what} not saved. Save before closing?",
            buttons.Save | buttons.Discard | buttons.Cancel,
            buttons.Save,
        )
        if answer == buttons.Save:
            self._save()
        elif answer == buttons.Discard:
            self._discard()
        return not self._is_unsaved()

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
        if not self._is_unsaved():
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
