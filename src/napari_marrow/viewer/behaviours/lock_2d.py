"""Fields of a folder are pictures to look at: never drawn as a volume, never painted on.

In 3D napari would read every photograph of the folder to draw them all in one place: of 60 full
fields 4 GB, and for a minute. It slices before any plugin hears of the change, so what it gets
along that axis is an empty picture (:meth:`.LazyStack.__getitem__`).
"""

from __future__ import annotations

import weakref

import napari
from napari.layers import Labels, Layer
from napari.utils.notifications import show_warning

from napari_marrow.viewer.per_viewer import once_a_viewer
from napari_marrow.viewer.stack import LazyStack


class FlatFields:
    """Takes a viewer back to pictures when it is asked to draw along the axis of fields."""

    def __init__(self, viewer: napari.Viewer):
        self._viewer = weakref.ref(viewer)
        viewer.dims.events.ndisplay.connect(self._look)
        viewer.dims.events.order.connect(self._look)
        viewer.layers.events.inserted.connect(self._inserted)
        for layer in viewer.layers:
            _lock(layer)
        self._look()

    def _inserted(self, event) -> None:
        _lock(event.value)
        self._look()

    def _look(self, event=None) -> None:
        viewer = self._viewer()
        if viewer is None:
            return
        dims = viewer.dims
        stacks = [x for x in viewer.layers if isinstance(x.data, LazyStack)]
        drawn = [x for x in stacks if dims.ndim - x.ndim in dims.displayed]
        if not drawn:
            return
        with dims.events.ndisplay.blocker(self._look), dims.events.order.blocker(self._look):
            dims.ndisplay = 2
            dims.order = tuple(range(dims.ndim))
        show_warning(
            f"{drawn[0].name} holds pictures of one folder, not a volume: they are shown one at a "
            "time. To see something else in 3D, close it first, or open a second viewer."
        )


def _lock(layer: Layer) -> None:
    """Draw a stack one field at a time, and take the brushes away: it can't be painted on."""
    if isinstance(layer.data, LazyStack):
        layer.data.flat = layer.data.shape[0] > 1
        if isinstance(layer, Labels):
            layer.editable = False


attach_flat_fields = once_a_viewer(FlatFields)
"""Never draw along the axis of fields, and lock their Labels, from now on."""
