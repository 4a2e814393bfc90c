"""What a viewer does when fields are opened in it: the first one is shown, then its caption."""

from __future__ import annotations

import napari
from qtpy.QtCore import QTimer

from napari_marrow.data.fields import Collection
from napari_marrow.viewer.caption import attach_caption

PICTURE_MS = 300
"""After the last layer of an opening: long enough to paint it, in milliseconds."""


def prepare_viewer(collection: Collection) -> None:
    """Make the viewer in front, if there is one, ready for the layers of a collection."""
    viewer = napari.current_viewer()
    if viewer is None:
        return
    _caption_soon(viewer)
    if len(collection.fields) > 1 and not viewer.layers:
        _start_at_first_field(viewer)


def _start_at_first_field(viewer: napari.Viewer) -> None:
    """Show the first field of the stack about to be added; napari itself goes to the middle one.

    People page from the first to the last; and the first is the one that every new layer reads, so
    no field is read in vain while the others of the stack are added.
    """

    def go(event) -> None:
        viewer.layers.events.inserted.disconnect(go)
        viewer.dims.set_current_step(0, 0)

    viewer.layers.events.inserted.connect(go)


def _caption_soon(viewer: napari.Viewer) -> None:
    """Attach the caption once the layers being opened are on the screen.

    The settings and the letters of a first caption take 0.3 s to prepare (2 cores); nobody should
    wait for them to see a photograph.
    """
    inserted = viewer.layers.events.inserted
    timer = QTimer()
    timer.setSingleShot(True)
    timer.setInterval(PICTURE_MS)

    def postpone(event=None) -> None:
        timer.start()

    def attach() -> None:
        inserted.disconnect(postpone)
        attach_caption(viewer)

    timer.timeout.connect(attach)
    inserted.connect(postpone)
    timer.start()
