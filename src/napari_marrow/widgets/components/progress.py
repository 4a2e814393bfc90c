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
        self._n_closed = 0

    def show(self, fraction: float) -> None:
        """Show the fraction that is done, 0 to 1."""
        if self._activity is None:
            n_closed = self._n_closed
            made = progress(total=N_STEPS, desc="Marrow")  # handles events, perhaps a close
            if self._n_closed != n_closed or self._activity is not None:
                made.close()
                return
            self._activity = made
        step = round(N_STEPS * fraction)
        self.own.show()
        self.own.setValue(step)
        self._activity.update(step - self._activity.n)

    def close(self) -> None:
        """Hide both bars."""
        self._n_closed += 1
        self.own.hide()
        if self._activity is not None:
            self._activity.close()
            self._activity = None
