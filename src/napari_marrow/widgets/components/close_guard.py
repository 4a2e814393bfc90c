"""A person is asked before closing a dock or window with unsaved work; a script is not.

The close button of a napari dock calls the dock's ``destroyOnClose``, a script calls
``remove_dock_widget``. A window gets the same event from its title bar, the menu and the shortcut;
``viewer.close()`` has closed what is in the window before, so that it can't stay open.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QMainWindow, QMessageBox, QWidget


@runtime_checkable
class _Dock(Protocol):
    """What napari's docks have beside what Qt's have."""

    destroyOnClose: Callable[[], None]


class CloseGuard(QObject):
    """Asks before a person closes the dock or the window of a widget with unsaved work.

    A widget may have several, each for work of its own; nothing is discarded before all agreed.

    Parameters
    ----------
    owner
        The widget in the dock.
    title
        Of the question.
    question
        Returns what is asked while there is unsaved work.
    is_unsaved
        Whether there is some.
    save
        Asks for a place and saves it there; it stays unsaved when that is cancelled. None for work
        that can't be saved.
    discard
        Makes it count as saved.
    """

    def __init__(
        self,
        owner: QWidget,
        title: str,
        question: Callable[[], str],
        is_unsaved: Callable[[], bool],
        save: Callable[[], None] | None,
        discard: Callable[[], None],
    ):
        super().__init__(owner)
        self._owner, self._title, self._question = owner, title, question
        self._is_unsaved, self._save, self._discard = is_unsaved, save, discard
        self._discarded = False
        self._dock: QObject | None = None
        owner.installEventFilter(self)

    def may_close(self) -> bool:
        """Ask whether the work is to be saved or given up; return False for Cancel."""
        self._discarded = False
        if not self._is_unsaved():
            return True
        buttons = QMessageBox.StandardButton
        offered, default = buttons.Discard | buttons.Cancel, buttons.Cancel
        if self._save is not None:
            offered, default = offered | buttons.Save, buttons.Save
        question = self._question()
        answer = QMessageBox.question(self._owner, self._title, question, offered, default)
        if answer == buttons.Save and self._save is not None:
            self._save()
        self._discarded = answer == buttons.Discard
        return self._discarded or not self._is_unsaved()

    def leave(self) -> None:
        """Discard the work, if that was the answer: now nothing keeps the widget open."""
        if self._discarded:
            self._discard()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Hold a close back until the person has answered."""
        if event is None:
            return False
        if watched is self._owner and event.type() == QEvent.Type.Show:
            self._watch()
        if event.type() == QEvent.Type.Close and isinstance(watched, QMainWindow):
            return _close_if_agreed(watched, event)
        return False

    def _watch(self) -> None:
        """Watch the dock and the window; both can be new."""
        dock = self._owner.parent()
        window = dock and dock.parent()
        if window is not None:
            window.installEventFilter(self)
        guards = self._owner.findChildren(CloseGuard)
        if dock is self._dock or not isinstance(dock, _Dock) or guards[0] is not self:
            return
        self._dock, close = dock, dock.destroyOnClose

        def close_if_agreed() -> None:
            if all(guard.may_close() for guard in guards):
                for guard in guards:
                    guard.leave()
                close()

        dock.destroyOnClose = close_if_agreed


def _close_if_agreed(window: QMainWindow, event: QEvent) -> bool:
    """Ask for all widgets in a window that is to be closed; return whether it got the event."""
    content = window.centralWidget()
    if content is None or content.childAt(content.rect().center()) is None:
        return False
    guards = window.findChildren(CloseGuard)
    if not all(guard.may_close() for guard in guards):
        event.ignore()
        return True
    window.event(event)
    if event.isAccepted():  # napari asks, too
        for guard in guards:
            guard.leave()
    return True
