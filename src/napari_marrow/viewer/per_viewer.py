"""Objects that follow a viewer, of each kind one a viewer, and the timers that they wait with."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TypeVar

import napari
from napari.layers import Layer
from napari.qt import QtViewer
from qtpy.QtCore import QObject, QTimer
from qtpy.QtWidgets import QApplication

T = TypeVar("T")


def unwrapped(viewer: napari.Viewer) -> napari.Viewer:
    """Return the viewer itself where napari gave a proxy of it, of which each one is new."""
    return getattr(viewer, "__wrapped__", viewer)


def open_viewers() -> list[napari.Viewer]:
    """Return the viewers of all windows of napari, the current one first.

    A reader does not know which viewer will get its layers.
    """
    current = napari.current_viewer()
    if current is None:
        return []
    shown = [w.viewer for w in QApplication.allWidgets() if isinstance(w, QtViewer)]
    return list(dict.fromkeys([current, *shown]))


def per_viewer(make: Callable[[napari.Viewer], T]) -> Callable[[napari.Viewer], T]:
    """Return a function that calls ``make`` once for each viewer and returns what it made.

    The object lives as long as the viewer, to which it may only hold a weak reference.
    """
    made: weakref.WeakKeyDictionary[napari.Viewer, T] = weakref.WeakKeyDictionary()

    def attach(viewer: napari.Viewer) -> T:
        viewer = unwrapped(viewer)
        if viewer not in made:
            made[viewer] = make(viewer)
        return made[viewer]

    return attach


def while_open(
    viewer: napari.Viewer, action: Callable[[napari.Viewer], object]
) -> Callable[[], None]:
    """Return a function that calls ``action`` with a viewer that it does not keep alive."""
    weak = weakref.ref(unwrapped(viewer))

    def act() -> None:
        if (found := weak()) is not None:
            action(found)

    return act


class ViewerFollower:
    """An object that follows a viewer and does not keep it alive."""

    def __init__(self, viewer: napari.Viewer):
        self._viewer = weakref.ref(viewer)

    @property
    def layers(self) -> list[Layer]:
        """The layers of the viewer; none where it is gone."""
        viewer = self._viewer()
        return [] if viewer is None else list(viewer.layers)


def single_shot(
    interval_ms: int, action: Callable[[], object], parent: QObject | None = None
) -> QTimer:
    """Return a timer that calls ``action`` once, this long after its last start."""
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(interval_ms)
    timer.timeout.connect(action)
    return timer
