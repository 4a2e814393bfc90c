"""What a viewer does when fields are opened in it: the first one is shown, then its caption."""

from __future__ import annotations

from typing import Any

import napari
from qtpy.QtCore import QTimer

from napari_marrow.viewer.behaviours.caption import attach_caption
from napari_marrow.viewer.behaviours.current_table import attach_features
from napari_marrow.viewer.behaviours.deferred_slices import attach_late_slices
from napari_marrow.viewer.behaviours.lock_2d import attach_flat_fields
from napari_marrow.viewer.behaviours.prefetch import attach_idle_reading
from napari_marrow.viewer.layer_info import KEY
from napari_marrow.viewer.make.layers import LayerData
from napari_marrow.viewer.stack import LazyStack

PICTURE_MS = 300
"""After the last layer of an opening: long enough to paint it, in milliseconds."""

_waiting: list[_Opening] = []


def prepare_viewers(layers: list[LayerData]) -> None:
    """Watch for the photograph among ``layers`` in every viewer: a reader isn't told in which.

    A viewer that is in 3D, or whose axes are rolled, is taken back when the photograph is there.
    """
    while _waiting:
        _waiting.pop().stop()
    identity = layers[0][1]["metadata"][KEY]["id"]
    _waiting.extend(_Opening(viewer, identity) for viewer in _viewers())
    for data, _, _ in layers:
        if _waiting and isinstance(data, LazyStack):
            data.flat = len(data) > 1  # already now: napari draws before it tells of a layer


def attach_to_viewers() -> None:
    """Let features follow the slider in every viewer, for saved labels that are opened again."""
    for viewer in _viewers():
        attach_features(viewer)


def _viewers() -> list[napari.Viewer]:
    current = napari.current_viewer()
    return list(getattr(napari.Viewer, "_instances", None) or [v for v in (current,) if v])


class _Opening:
    """Waits until a photograph is inserted into a viewer."""

    def __init__(self, viewer: napari.Viewer, identity: str):
        self._viewer, self._identity = viewer, identity
        self._inserted = viewer.layers.events.inserted
        self._inserted.connect(self._look)

    def stop(self) -> None:
        """Wait no longer."""
        self._inserted.disconnect(self._look)

    def _look(self, event: Any) -> None:
        layer = event.value
        if layer.metadata.get(KEY, {}).get("id") != self._identity:
            return
        while _waiting:
            _waiting.pop().stop()
        if layer.ndim > 2 and len(self._viewer.layers) == 1:
            # napari itself goes to the middle field; people page from the first to the last. The
            # first is also the one that every new layer reads: none is read in vain.
            self._viewer.dims.set_current_step(0, 0)
        attach_flat_fields(self._viewer)
        _finish_soon(self._viewer)


def _finish_soon(viewer: napari.Viewer) -> None:
    """Attach the caption, and read the next field, once what is opened is on the screen.

    The settings and the letters of a first caption take 0.3 s to prepare (2 cores); nobody should
    wait for them to see a photograph.
    """
    inserted = viewer.layers.events.inserted
    timer = QTimer()
    timer.setSingleShot(True)
    timer.setInterval(PICTURE_MS)

    def postpone(event: Any = None) -> None:
        timer.start()

    def attach() -> None:
        inserted.disconnect(postpone)
        attach_caption(viewer)
        attach_features(viewer)
        attach_late_slices(viewer)
        attach_idle_reading(viewer)
        for layer in viewer.layers:
            if isinstance(layer.data, LazyStack):
                layer.data.read_neighbours()

    timer.timeout.connect(attach)
    inserted.connect(postpone)
    timer.start()
