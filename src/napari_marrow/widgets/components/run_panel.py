"""The buttons of a dock widget that start and cancel work, with its progress and status."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QWidget

from napari_marrow.viewer.task import Task
from napari_marrow.widgets.components.layout import button, fill_column, row, text_label
from napari_marrow.widgets.components.progress import ProgressBars


class RunPanel(QWidget):
    """The buttons that start work, one that cancels it, a progress bar and a status line."""

    changed = Signal()
    """Work was started, or has ended."""

    def __init__(self, *buttons: QPushButton):
        super().__init__()
        self._tasks: list[Task] = []
        self._buttons, self._ready = buttons, True
        self._pressed: QPushButton | None = None  # gets the focus back
        self.cancel_button = button("Cancel", self._cancel, "Takes effect within 1 s.")
        self.cancel_button.setEnabled(False)
        self.bars, self.status = ProgressBars(self), text_label()
        self._others = row()
        fill_column(
            self, row(*buttons, self.cancel_button), self._others, self.bars.own, self.status
        )

    def insert(self, other: QPushButton) -> None:
        """Put a button into a row of its own below; its owner enables and disables it."""
        self._others.addWidget(other)

    def add(self, task: Task) -> None:
        """Show the progress of a task here, and cancel it."""
        self._tasks.append(task)
        task.changed.connect(self._show_state)

    def set_ready(self, ready: bool) -> None:
        """Enable the buttons while nothing runs, or disable them."""
        self._ready = ready
        self._show_state()

    @property
    def busy(self) -> bool:
        """Whether one of the tasks runs."""
        return any(task.busy for task in self._tasks)

    def say(self, text: str) -> None:
        """Show a sentence in the status line."""
        self.status.setText(text)

    def show_progress(self, fraction: float) -> None:
        """Show the fraction that is done, 0 to 1."""
        self.bars.show(fraction)

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _show_state(self) -> None:
        focused = self.window().focusWidget()  # type: ignore[union-attr]
        for start in self._buttons:
            start.setEnabled(self._ready and not self.busy)
        self.cancel_button.setEnabled(self.busy)
        if not self.busy:
            self.bars.close()
        self.changed.emit()
        # Qt would pass the focus of a disabled button on, perhaps to another dock.
        if isinstance(focused, QPushButton) and self.isAncestorOf(focused):
            self._pressed = self._pressed if focused is self.cancel_button else focused
            if not focused.isEnabled():
                self.setFocus()
                focused = self
        if focused is self and self._pressed is not None and not self.busy:
            self._pressed.setFocus()
