"""The base class of the dock widgets."""

from __future__ import annotations

import weakref
from collections.abc import Callable

import napari
from qtpy.compat import isalive
from qtpy.QtCore import QEvent, Signal
from qtpy.QtWidgets import QScrollArea, QWidget

from napari_marrow.viewer.per_viewer import unwrapped
from napari_marrow.widgets.components.layout import fill_column


class DockWidget(QWidget):
    """A widget that scrolls on a small screen and reports that its dock was closed.

    Parameters
    ----------
    viewer
        The viewer, or the proxy of it that plugins get.
    min_width_px
        Smallest width at which no text is cut off, in pixels.
    """

    closed = Signal()
    """The dock was closed: napari takes the widget out of it and keeps the widget alive."""

    def __init__(self, viewer: napari.Viewer, min_width_px: int):
        super().__init__()
        # A proxy returns a new object each time that it is asked for a layer.
        self.viewer: napari.Viewer = unwrapped(viewer)
        self.setMinimumWidth(min_width_px)
        self._docked = False

    def fill(self, *children: QWidget) -> None:
        """Put widgets below each other into an area that scrolls."""
        inside = QWidget()
        fill_column(inside, *children, margins=True)
        inside.layout().addStretch()  # type: ignore[union-attr]
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidget(inside)
        fill_column(self, area)

    def event(self, event: QEvent | None) -> bool:
        """Notice the change of parent, which is all that Qt reports of a closed dock."""
        if event is not None and event.type() == QEvent.Type.ParentChange:
            was_docked, self._docked = self._docked, self.parent() is not None
            if was_docked and not self._docked:
                self.closed.emit()
        return super().event(event)


def while_alive(method: Callable[[], object]) -> Callable[..., None]:
    """Return a listener that calls a method of a widget as long as Qt has not deleted it.

    The viewer and its layers outlive the widgets that listen to them.
    """
    reference = weakref.WeakMethod(method)

    def listen(*_: object) -> None:
        listener = reference()
        if listener is not None and isalive(getattr(listener, "__self__", None)):
            listener()

    return listen
