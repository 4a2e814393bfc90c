"""Attach what follows a viewer when fields are opened in it."""

from __future__ import annotations

import weakref
from collections.abc import Iterable

import napari
from qtpy.QtCore import QTimer

from napari_marrow.viewer.behaviours.caption import attach_caption
from napari_marrow.viewer.behaviours.current_table import attach_current_table
from napari_marrow.viewer.behaviours.lock_2d import attach_lock_2d, show_in_2d
from napari_marrow.viewer.behaviours.prepare_labels import attach_label_preparation
from napari_marrow.viewer.make.layers import LayerData
from napari_marrow.viewer.stack import LazyStack

CAPTION_MS = 300
"""The first caption takes 0.3 s: it is made this long after opening, when the photograph shows."""


def attach_behaviours(viewer: napari.Viewer) -> None:
    """Let caption, features table, labels and axes follow a viewer from now on."""
    attach_lock_2d(viewer)
    attach_label_preparation(viewer)
    attach_current_table(viewer)
    weak = weakref.ref(getattr(viewer, "__wrapped__", viewer))  # not the proxy of a widget
    QTimer.singleShot(CAPTION_MS, lambda: _attach_caption(weak))


def _attach_caption(weak: weakref.ref[napari.Viewer]) -> None:
    viewer = weak()
    if viewer is not None:
        attach_caption(viewer)


def prepare_viewer(layers: Iterable[LayerData], viewer: napari.Viewer | None = None) -> None:
    """Attach the behaviours to a viewer, by default the current one, before it gets layers.

    Before a stack a viewer returns to 2D, as napari would read the whole stack in 3D. An empty
    viewer will show the first field of a stack, where napari itself shows the middle one.
    """
    viewer = viewer or napari.current_viewer()
    if viewer is None:
        return
    attach_behaviours(viewer)
    stacks = [data for data, _, _ in layers if isinstance(data, LazyStack)]
    attach_label_preparation(viewer).expect(stacks)
    if not stacks:
        return
    show_in_2d(viewer)
    inserted, dims = viewer.layers.events.inserted, viewer.dims

    def show_first_field() -> None:
        inserted.disconnect(show_first_field)
        dims.set_current_step(0, 0)

    if not viewer.layers:
        inserted.connect(show_first_field)
