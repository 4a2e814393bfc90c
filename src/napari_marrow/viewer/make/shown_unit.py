"""Show one unit of a table in the viewer: its field on top, the camera on it, a cell ringed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import napari
import numpy as np
from napari.layers import Image, Layer, Points

from napari_marrow.viewer.layer_info import layer_fields
from napari_marrow.viewer.photograph.links import labels_of
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.transforms import place_of

RING = "napari_marrow_ring"
"""Key in the metadata of the layer of the ring."""
RING_COLOUR = "#F0E442"
RING_WIDTH = 0.06
"""Of the line, as a fraction of the ring's diameter."""
RING_FACTOR = 1.5
"""Diameter of the ring, in those of the nucleus."""
UNKNOWN_CELL_FRACTION = 0.1
"""Diameter of a cell whose nucleus is not known, as a fraction of the field's height."""
RINGS_ACROSS = 6
"""How many rings the shorter side of the canvas has room for when a cell is shown."""


def open_slice(layers: Sequence[Layer], path: Path) -> tuple[Image, int] | None:
    """Return the topmost layer that shows a file, and the slice of it; None where none does."""
    for layer in reversed(layers):
        if isinstance(layer, Image):
            for row, field in enumerate(layer_fields(layer)):
                if field.path == path:
                    return layer, row
    return None


def show_unit(
    viewer: napari.Viewer, image: Image, row: int, place: tuple[float, float] | None
) -> None:
    """Show a field, or a cell in it, which is ringed.

    Parameters
    ----------
    viewer
        In which the layer is.
    image
        The photograph, or the stack.
    row
        The slice of it.
    place
        y and x of the cell in pixels; None shows the whole field.
    """
    _raise(viewer, image)
    is_stack = image.ndim > 2
    if is_stack:
        world = image.data_to_world((row, *[0] * (image.ndim - 1)))
        viewer.dims.set_point(viewer.dims.ndim - image.ndim, float(world[0]))
    if place is None:
        for ring in _rings(viewer):
            ring.visible = False
        viewer.fit_to_view(layers=[image])
    else:
        diameter = RING_FACTOR * _cell_diameter(viewer, image, row, place)
        point = (row, *place) if is_stack else place
        _show_ring(viewer, image, point, diameter)
        viewer.scene.camera.center = tuple(image.data_to_world(point))[-2:]
        across = RINGS_ACROSS * diameter * float(np.abs(image.scale[-2:]).max())
        viewer.scene.camera.zoom = min(viewer.canvas.size) / across
    viewer.layers.selection.active = image


def remove_ring(viewer: napari.Viewer) -> None:
    """Take the ring away, if there is one."""
    for ring in _rings(viewer):
        viewer.layers.remove(ring)


def _rings(viewer: napari.Viewer) -> list[Points]:
    return [x for x in viewer.layers if isinstance(x, Points) and RING in x.metadata]


def _raise(viewer: napari.Viewer, image: Image) -> None:
    """Show a photograph, with its labels over it, where another one would cover it."""
    image.visible = True
    above = list(viewer.layers)[viewer.layers.index(image) + 1 :]
    if any(isinstance(x, Image) and x.visible for x in above):
        own = [image, *labels_of(list(viewer.layers))[image]]
        viewer.layers.move_multiple([viewer.layers.index(x) for x in own], len(viewer.layers))


def _cell_diameter(
    viewer: napari.Viewer, image: Image, row: int, place: tuple[float, float]
) -> float:
    """Return the diameter in pixels of the nucleus at a place, if it is known, else a guess."""
    photograph = Photograph.of(image, list(viewer.layers))
    labels = photograph.labels_at_hand(row)
    y, x = (round(value) for value in place)
    if labels is not None and 0 <= y < labels.shape[0] and 0 <= x < labels.shape[1]:
        number = labels[y, x]
        if number:
            return float(max(np.ptp(axis) + 1 for axis in np.nonzero(labels == number)))
    return UNKNOWN_CELL_FRACTION * photograph.size(row)[0]


def _show_ring(
    viewer: napari.Viewer, image: Image, point: tuple[float, ...], diameter: float
) -> None:
    """Put the ring on a cell; the layer is kept, as to remove one blocks the viewer for 0.1 s."""
    place, points = place_of(image), np.array([point], float)
    rings = [x for x in _rings(viewer) if x.ndim == len(point)]
    if not rings:
        remove_ring(viewer)  # of photographs with another number of axes
        viewer.add_points(
            points,
            name="shown cell",
            size=diameter,
            face_color="transparent",
            border_color=RING_COLOUR,
            border_width=RING_WIDTH,
            metadata={RING: True},
            **place,
        )
        return
    ring = rings[0]
    for name, value in place.items():
        setattr(ring, name, value)
    ring.data, ring.size, ring.visible = points, diameter, True
    viewer.layers.move(viewer.layers.index(ring), len(viewer.layers))
