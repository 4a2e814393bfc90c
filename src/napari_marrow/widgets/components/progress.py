"""Progress in two places: a bar of the widget, and one in napari's activity dock."""

from __future__ import annotations

from napari.utils import progress
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QProgressBar, QWidget

N_STEPS = 1000


class ProgressBars(QObject):
    """Two progress bars that show the same fraction; hidden while nothing runs."""

    def __init__(self, parent: QWidget):
        super().__init__(parent)
        self.own = QProgressBar()
        self.own.setRange(0, N_STEPS)
        self.own.hide()
        self._activity: progress | None = None
        self._shown = False

    def show(self, fraction: float) -> None:
        """Show the fraction that is done, 0 to 1."""
        self._shown = True
        if self._activity is None:
            made = progress(total=N_STEPS, desc="Marrow")  # handles events, perhaps a close
            if not self._shown or self._activity is not None:
                made.close()
                return
            self._activity = made
        step = round(N_STEPS * fraction)
        self.own.show()
        self.own.setValue(step)
        self._activity.update(step - self._activity.n)

    def close(self) -> None:
        """Hide both bars."""
        self._shown = False
        self.own.hide()
        if self._activity is not None:
            self._activity.close()
            self._activity = None
