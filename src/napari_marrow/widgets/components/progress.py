"""Progress in the widget; where that is not seen, in napari's activity dock."""

from __future__ import annotations

from napari.utils import progress
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QProgressBar, QWidget

from napari_marrow.widgets.components.dock_widget import DockWidget

N_STEPS = 1000


class ProgressBars(QObject):
    """A progress bar of a dock widget, and one of napari's; hidden while nothing runs.

    napari's is there only while the widget is covered or hidden: its moving sign makes napari paint
    the whole window many times a second, which without a graphics card takes a third of a core.
    """

    def __init__(self, parent: QWidget):
        super().__init__(parent)
        self._panel = parent
        self.own = QProgressBar()
        self.own.setRange(0, N_STEPS)
        self.own.hide()
        self._activity: progress | None = None
        self._shown = False

    def show(self, fraction: float) -> None:
        """Show the fraction that is done, 0 to 1."""
        self._shown = True
        step = round(N_STEPS * fraction)
        self.own.show()
        self.own.setUpdatesEnabled(False)  # or Qt paints the window now, and again for the rest
        self.own.setValue(step)
        self.own.setUpdatesEnabled(True)
        if self._is_seen():
            self._close_activity()
            return
        if self._activity is None:
            made = progress(total=N_STEPS, desc="Marrow")  # handles events, perhaps a close
            if not self._shown or self._activity is not None:
                made.close()
                return
            self._activity = made
        self._activity.update(step - self._activity.n)

    def close(self) -> None:
        """Hide both bars."""
        self._shown = False
        self.own.hide()
        self._close_activity()

    def _is_seen(self) -> bool:
        widget: QWidget | None = self._panel
        while widget is not None and not isinstance(widget, DockWidget):
            widget = widget.parentWidget()
        return widget is not None and widget.is_seen

    def _close_activity(self) -> None:
        if self._activity is not None:
            self._activity.close()
            self._activity = None
