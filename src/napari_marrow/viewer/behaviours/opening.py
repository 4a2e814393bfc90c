"""Attach what follows a viewer when fields are opened in it."""

from __future__ import annotations

import weakref
from collections.abc import Iterable

import napari
from napari.utils.events import Event
from qtpy.QtCore import QTimer

from napari_marrow.viewer.behaviours.caption import attach_caption
from napari_marrow.viewer.behaviours.corrections import attach_corrections
from napari_marrow.viewer.behaviours.current_table import attach_current_table
from napari_marrow.viewer.behaviours.lock_2d import attach_lock_2d, show_in_2d
from napari_marrow.viewer.behaviours.new_label import attach_new_label
from napari_marrow.viewer.behaviours.nucleus_keys import attach_nucleus_keys
from napari_marrow.viewer.behaviours.one_colour import attach_one_colour
from napari_marrow.viewer.behaviours.prepare_labels import attach_label_preparation
from napari_marrow.viewer.make.layers import LayerData
from napari_marrow.viewer.per_viewer import open_viewers, while_open
from napari_marrow.viewer.stack import LazyStack

CAPTION_MS = 300
"""The first caption takes 0.3 s: it is made this long after opening, when the photograph shows."""


def attach_behaviours(viewer: napari.Viewer) -> None:
    """Let caption, features table, labels and axes follow a viewer from now on."""
    attach_lock_2d(viewer)
    attach_new_label(viewer)
    attach_nucleus_keys(viewer)
    attach_label_preparation(viewer)
    attach_current_table(viewer)
    attach_corrections(viewer)
    attach_one_colour(viewer)
    QTimer.singleShot(CAPTION_MS, while_open(viewer, attach_caption))


def prepare_viewer(layers: Iterable[LayerData], viewer: napari.Viewer | None = None) -> None:
    """Attach the behaviours to a viewer, by default to all, before it gets layers.

    Before a stack the viewer, by default the current one, returns to 2D, as napari would read the
    whole stack in 3D. An empty viewer will show the first field of a stack, where napari itself
    shows the middle one.
    """
    viewers = open_viewers() if viewer is None else [viewer]
    stacks = [data for data, _, _ in layers if isinstance(data, LazyStack)]
    for each in viewers:
        attach_behaviours(each)
        attach_label_preparation(each).expect(stacks)
        if stacks and not each.layers:
            _show_first_field(each, weakref.ref(stacks[0]))
    if stacks and viewers:
        show_in_2d(viewers[0])


def _show_first_field(viewer: napari.Viewer, stack: weakref.ref[LazyStack]) -> None:
    """Show the first field of a stack if that is the layer which the viewer gets next."""
    inserted, dims = viewer.layers.events.inserted, viewer.dims

    def show(event: Event) -> None:
        inserted.disconnect(show)
        if event.value.data is stack():
            dims.set_current_step(0, 0)

    inserted.connect(show)
