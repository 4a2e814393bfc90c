"""Widgets that end their work when their dock is closed."""

from __future__ import annotations

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QWidget


class DockedWidget(QWidget):
    """Hears that its dock was closed: napari then takes the widget out, and keeps it alive."""

    _docked = False

    def event(self, event: QEvent | None) -> bool:
        """Notice the change of parent, which is all that Qt says of it."""
        if event is not None and event.type() == QEvent.Type.ParentChange:
            if self.parent() is not None:
                self._docked = True
                self.docked()
            elif self._docked:
                self.shutdown()
        return super().event(event)

    def docked(self) -> None:
        """Put into a dock, perhaps again."""

    def shutdown(self) -> None:
        """End what runs; may be called more than once."""
        raise NotImplementedError
