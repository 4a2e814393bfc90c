"""While nobody moves the slider, the labels of the whole folder are made, one field after another.

To take the nuclei of a field apart and give them their cytoplasm takes twice as long as to draw it.
What was made is kept packed, so that every later step of the slider, wherever it leads, finds its
labels ready.
"""

from __future__ import annotations

import weakref

import napari
from napari.layers import Labels
from qtpy.QtCore import QTimer

from napari_marrow.viewer.per_viewer import once_a_viewer
from napari_marrow.viewer.stack import LazyStack

IDLE_MS = 700
"""It begins so long after the user paged, panned or zoomed last, in milliseconds: after the nuclei
of the shown field have been measured."""
POLL_MS = 50
"""Whether the next field may be read is looked up so often, in milliseconds."""


class IdleReading:
    """Has the visible Labels of folders read ahead in a thread, while the viewer is left alone."""

    def __init__(self, viewer: napari.Viewer):
        self._viewer = weakref.ref(viewer)
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._read)
        viewer.dims.events.connect(self._wait)
        viewer.camera.events.connect(self._wait)
        viewer.layers.events.connect(self._wait)
        self._wait()

    def _wait(self, event=None) -> None:
        self._timer.start(IDLE_MS)

    def _read(self) -> None:
        viewer = self._viewer()
        if viewer is None:
            return
        shown = [x.data for x in viewer.layers if isinstance(x, Labels) and x.visible]
        stacks = [data for data in shown if isinstance(data, LazyStack)]
        if any([stack.read_all_ahead() for stack in stacks]):
            self._timer.start(POLL_MS)


attach_idle_reading = once_a_viewer(IdleReading)
"""From now on, labels of a viewer's folders are made while nobody moves its slider."""
