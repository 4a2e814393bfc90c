"""While the slider is dragged, slices that take long to make are shown once it rests.

A photograph is drawn in about 65 ms; to take its nuclei apart takes another 75 ms and to give them
their cytoplasm 60 ms (2560x1920, 2 cores). Nobody who drags the slider across a folder should
wait for the nuclei of every field on the way. A step by itself does wait for them, so that scripts
and screenshots show what there is; and only napari's own drawing ever gets an empty slice.
"""

from __future__ import annotations

import threading
import time
import weakref
from functools import partial

import napari
from napari.layers import Layer
from qtpy.QtCore import QTimer

from napari_marrow.viewer.metadata import shown_slice
from napari_marrow.viewer.once import once_a_viewer
from napari_marrow.viewer.stack import LazyStack

DRAG_S = 0.5
"""A step that follows another one within so long is part of a drag."""
REST_MS = 200
"""What a drag left out is read so long after its last step, in milliseconds."""
POLL_MS = 20
"""Whether they have been read is looked up so often, in milliseconds."""
SLOW_S = 0.02
"""Stacks whose slices never took longer than this to make are drawn in drags too."""


class LateSlices:
    """Lets the slow stacks of a viewer put slices off in a drag, and shows them after it."""

    def __init__(self, viewer: napari.Viewer):
        self._viewer = weakref.ref(viewer)
        self._stepped = 0.0
        self._turned = True  # the event loop, since the last step
        self._left_out: dict[Layer, int] = {}
        self._turn, self._rest = QTimer(), QTimer()
        for timer, done in ((self._turn, self._turns), (self._rest, self._catch_up)):
            timer.setSingleShot(True)
            timer.timeout.connect(done)
        # napari's own callback comes before ours: layers were sliced when the step is noted here.
        viewer.dims.events.point.connect(self._note_step)

    def _turns(self) -> None:
        self._turned = True

    def _note_step(self, event=None) -> None:
        viewer = self._viewer()
        if viewer is None:
            return
        for layer in viewer.layers:
            if isinstance(layer.data, LazyStack) and layer.data.slow:
                layer.data.put_off = partial(self._put_off, layer)
        point = viewer.dims.point
        rows = self._left_out.items()
        self._left_out = {x: row for x, row in rows if shown_slice(x, point) == row}
        self._stepped, self._turned = time.monotonic(), False
        self._turn.start(0)
        if self._left_out:
            self._rest.start(REST_MS)

    def _put_off(self, layer: Layer, row: int) -> bool:
        """Whether napari shall draw an empty slice now, and get the true one after the drag."""
        # A loop that steps and takes screenshots does not turn the event loop: it is no drag.
        drag = self._turned and time.monotonic() - self._stepped < DRAG_S
        if not drag or layer.data.slowest < SLOW_S:
            return False
        if threading.current_thread() is not threading.main_thread():
            return False  # napari's asynchronous slicing, an experiment, keeps nobody waiting
        self._left_out[layer] = row
        self._rest.start(REST_MS)
        return True

    def _catch_up(self) -> None:
        """Draw what has been read by now, and have the rest read."""
        for layer, row in list(self._left_out.items()):
            if layer.data.is_ready(row):
                del self._left_out[layer]
                layer.refresh()
                layer.data.read_neighbours()
            else:
                layer.data.fetch(row)
        if self._left_out:
            self._rest.start(POLL_MS)


attach_late_slices = once_a_viewer(LateSlices)
"""From now on, drags of a viewer's slider leave slow slices out."""
