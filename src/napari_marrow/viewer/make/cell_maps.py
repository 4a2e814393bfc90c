"""Where a network looks in one cell, as layers exactly over the cell in its photograph."""

from __future__ import annotations

import napari
import numpy as np
from napari.layers import Image

from napari_marrow.learning.explaining.cell_maps import CellMaps
from napari_marrow.learning.explaining.heat_maps import Map
from napari_marrow.viewer.layer_info import Kind, LayerInfo, layer_id
from napari_marrow.viewer.transforms import crop_place_of

COLORMAP, OPACITY = "inferno", 0.5


def show_cell_maps(viewer: napari.Viewer, image: Image, row: int, maps: CellMaps) -> None:
    """Put the maps of a cell into the viewer, in place of those of another; keys act as before.

    Grad-CAM is shown where it can be believed, and occlusion where it can't.

    Parameters
    ----------
    viewer
        In which the photograph is.
    image
        The photograph or stack.
    row
        The slice.
    maps
        Of a cell in it.
    """
    active = viewer.layers.selection.active
    remove_cell_maps(viewer)
    for layer in map_layers(image, row, maps):
        viewer.add_layer(layer)
    viewer.layers.selection.active = active if active in viewer.layers else image


def remove_cell_maps(viewer: napari.Viewer) -> None:
    """Take the maps out of the viewer, if there are any."""
    kinds = (Kind.GRAD_CAM, Kind.OCCLUSION)
    for layer in [x for x in viewer.layers if LayerInfo.of(x).kind in kinds]:
        viewer.layers.remove(layer)


def map_layers(image: Image, row: int, maps: CellMaps) -> list[Image]:
    """Return the layers of a cell's maps, the one to look at on top."""
    found = {Kind.OCCLUSION: maps.occlusion.clip(min=0)}
    if maps.grad_cam is not None:
        found[Kind.GRAD_CAM] = maps.grad_cam
    shown = Kind.GRAD_CAM if maps.believed else Kind.OCCLUSION
    layers = {kind: _layer(image, row, maps, kind, heat) for kind, heat in found.items()}
    for kind, layer in layers.items():
        layer.visible = kind is shown
    return [*(x for kind, x in layers.items() if kind is not shown), layers[shown]]


def _layer(image: Image, row: int, maps: CellMaps, kind: Kind, heat: Map) -> Image:
    top, left, side = maps.square
    step = side / heat.shape[0]
    first = (step - 1) / 2  # places are those of the centres of pixels
    place = crop_place_of(image, row, step, (top + first, left + first))
    return Image(
        heat.astype(np.float32).reshape((1,) * (image.ndim - 2) + heat.shape),
        name=f"{image.name} {kind}",
        colormap=COLORMAP,
        blending="translucent",  # added to a bright background nothing would be seen
        opacity=OPACITY,
        contrast_limits=(0, max(float(heat.max()), 1e-12)),
        metadata=LayerInfo(kind=kind, photograph=layer_id(image)).metadata(),
        **place,
    )
