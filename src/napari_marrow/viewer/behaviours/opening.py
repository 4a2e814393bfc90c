"""Attach what follows a viewer when fields are opened in it."""

from __future__ import annotations

import weakref
from collections.abc import Iterable

import napari
from napari.layers import Image
from qtpy.QtCore import QTimer

from napari_marrow.viewer.behaviours.caption import attach_caption
from napari_marrow.viewer.behaviours.current_table import attach_current_table
from napari_marrow.viewer.behaviours.lock_2d import attach_lock_2d, show_in_2d
from napari_marrow.viewer.behaviours.prepare_labels import attach_label_preparation
from napari_marrow.viewer.make.layers import LayerData
from napari_marrow.viewer.per_viewer import per_viewer
from napari_marrow.viewer.stack import LazyStack

CAPTION_MS = 300
"""The first caption takes 0.3 s: it is made this long after opening, when the photograph shows."""


class FirstField:
    """Shows the first field of a folder that is opened; napari itself shows the middle one."""

    def __init__(self, viewer: napari.Viewer):
        self._viewer = weakref.ref(viewer)
        viewer.layers.events.inserted.connect(self._show)

    def _show(self) -> None:
        viewer = self._viewer()
        if viewer is not None and len(viewer.layers) == 1:
            layer = viewer.layers[0]
            if isinstance(layer, Image) and isinstance(layer.data, LazyStack):
                viewer.dims.set_current_step(0, 0)


_attach_first_field = per_viewer(FirstField)


def attach_behaviours(viewer: napari.Viewer) -> None:
    """Let caption, features table, labels and axes follow a viewer from now on."""
    _attach_first_field(viewer)
    attach_lock_2d(viewer)
    attach_label_preparation(viewer)
    attach_current_table(viewer)
    weak = weakref.ref(viewer)
    QTimer.singleShot(CAPTION_MS, lambda: _attach_caption(weak))


def _attach_caption(weak: weakref.ref[napari.Viewer]) -> None:
    viewer = weak()
    if viewer is not None:
        attach_caption(viewer)


def prepare_viewer(layers: Iterable[LayerData], viewer: napari.Viewer | None = None) -> None:
    """Attach the behaviours to a viewer, by default the current one, before it gets layers.

    A viewer in 3D returns to 2D before it gets a stack: in 3D napari would read the whole stack.
    """
    viewer = viewer or napari.current_viewer()
    if viewer is None:
        return
    attach_behaviours(viewer)
    if any(isinstance(data, LazyStack) for data, _, _ in layers):
        show_in_2d(viewer)
