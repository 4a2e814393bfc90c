"""Show the fields of a folder one at a time, never as a volume; its masks are not painted on.

napari slices in 3D before a plugin hears of it, so switching to 3D reads the whole folder once
before the viewer is back in 2D (0.3 s of processor time a field of 2560x1920). Rolling the axes
leaves out that of the fields, so it reads nothing.
"""

from __future__ import annotations

import napari
from napari.layers import Labels
from napari.utils.notifications import show_warning

from napari_marrow.viewer.per_viewer import ViewerFollower, per_viewer
from napari_marrow.viewer.stack import EditableStack, LazyStack


class Lock2D(ViewerFollower):
    """Returns a viewer to 2D when it would draw along the axis of a stack's fields."""

    def __init__(self, viewer: napari.Viewer):
        super().__init__(viewer)
        viewer.dims.events.ndisplay.connect(self._check)
        viewer.dims.events.order.connect(self._check)
        viewer.layers.events.inserted.connect(self._check)
        viewer.layers.events.removed.connect(self._check)
        self._check()

    def _check(self) -> None:
        viewer = self._viewer()
        if viewer is None:
            return
        dims = viewer.dims
        stacks = [x for x in viewer.layers if isinstance(x.data, LazyStack)]
        axes = {dims.ndim - x.ndim for x in stacks}
        dims.rollable = tuple(axis not in axes for axis in range(dims.ndim))
        for layer in stacks:
            if isinstance(layer, Labels) and not isinstance(layer.data, EditableStack):
                layer.editable = False
        if axes & set(dims.displayed):
            show_in_2d(viewer)
            show_warning(
                f"{stacks[0].name} holds pictures of one folder, not a volume: they are shown one "
                "at a time. To see something else in 3D, remove it first, or open a second viewer."
            )


def show_in_2d(viewer: napari.Viewer) -> None:
    """Display the last two axes of a viewer."""
    viewer.dims.ndisplay = 2
    viewer.dims.order = tuple(range(viewer.dims.ndim))


attach_lock_2d = per_viewer(Lock2D)
"""Keep a viewer in 2D while it has stacks of fields."""
