"""While the slider is dragged, labels that take long to make are shown once it rests.

A photograph is drawn in about 65 ms; to take its nuclei apart takes another 75 ms and to give them
their cytoplasm 60 ms (2560x1920, 2 cores). Nobody who drags the slider across a folder should
wait for the nuclei of every field on the way. Where no mouse button is held, in scripts, by keys
and while playing, every step waits for its labels, so that screenshots show what there is; and only
napari's own drawing ever gets an empty slice.
"""

from __future__ import annotations

import threading
import weakref

import napari
from napari.layers import Labels
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication

from napari_marrow.viewer.layer_info import shown_slice
from napari_marrow.viewer.per_viewer import once_a_viewer
from napari_marrow.viewer.stack import LazyStack

REST_MS = 150
"""What a drag left out is read so long after its last step, in milliseconds."""
POLL_MS = 20
"""Whether it has been read is looked up so often, in milliseconds."""
SLOW_S = 0.02
"""Stacks whose slices never took longer than this to make are drawn in drags too."""


def dragging() -> bool:
    """Whether the user holds the mouse button that moves sliders."""
    return bool(QApplication.mouseButtons() & Qt.MouseButton.LeftButton)


class LateSlices:
    """Lets the slow Labels of a viewer put slices off in a drag, and shows them after it."""

    def __init__(self, viewer: napari.Viewer):
        self._viewer = weakref.ref(viewer)
        self._left_out: set[tuple[LazyStack, int]] = set()
        self._rest = QTimer()
        self._rest.setSingleShot(True)
        self._rest.timeout.connect(self._catch_up)
        viewer.dims.events.point.connect(self._note_step)
        viewer.layers.events.inserted.connect(self._note_step)
        self._note_step()

    def _note_step(self, event=None) -> None:
        """Let the stacks ask, and forget what is no longer looked at."""
        for layer in self._labels():
            layer.data.put_off = weakref.WeakMethod(self._put_off)
        self._left_out = {
            (stack, row) for stack, row in self._left_out if self._showing(stack, row)
        }

    def _labels(self) -> list[Labels]:
        viewer = self._viewer()
        layers = [] if viewer is None else list(viewer.layers)
        return [x for x in layers if isinstance(x, Labels) and isinstance(x.data, LazyStack)]

    def _showing(self, stack: LazyStack, row: int) -> list[Labels]:
        viewer = self._viewer()
        same = [layer for layer in self._labels() if layer.data is stack]
        return [layer for layer in same if viewer and shown_slice(layer, viewer.dims.point) == row]

    def _put_off(self, stack: LazyStack, row: int) -> bool:
        """Whether napari shall draw an empty slice now, and get the true one after the drag."""
        if threading.current_thread() is not threading.main_thread():
            return False  # napari's asynchronous slicing, an experiment, keeps nobody waiting
        if stack.slowest < SLOW_S or not dragging():
            return False
        self._left_out.add((stack, row))
        self._rest.start(REST_MS)
        return True

    def _catch_up(self) -> None:
        """Draw a slice that has been read by now, and have the others read."""
        # One a turn: one that fails must not keep the others from the screen.
        ready = next((x for x in self._left_out if x[0].is_ready(x[1])), None)
        self._left_out.discard(ready)
        for stack, row in self._left_out:
            stack.fetch(row)
        if self._left_out:
            self._rest.start(POLL_MS)
        if ready is not None:
            stack, row = ready
            for layer in self._showing(stack, row):
                layer.refresh()
            stack.read_neighbours()


attach_late_slices = once_a_viewer(LateSlices)
"""From now on, drags of a viewer's slider leave slow slices out."""
