"""Where in the picture the classes differ: mean pictures and their chi-square, as layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import napari
import numpy as np
from napari.layers import Image

from napari_marrow.measure.thumbnail_grid import GRID_SIDE, chi_square_map, mean_picture
from napari_marrow.viewer.layer_info import Kind, LayerInfo, full_data, layer_id
from napari_marrow.viewer.photograph.links import is_photograph, photograph_layer
from napari_marrow.viewer.transforms import Place, slice_place_of

if TYPE_CHECKING:
    import pandas as pd

SQUARE_PX = 32
"""Side of a square of the grid in the world, where there is no photograph to go by."""


def map_layers(
    table: pd.DataFrame, scores: pd.DataFrame, unit: str, photograph: Image | None
) -> list[Image]:
    """The mean picture of each class, and the map over them, all in one place.

    Parameters
    ----------
    table, scores
        With the family ``pixels``.
    unit
        Of fields the map covers the photograph, and the mean pictures are hidden at first. Of cells
        all lie beside it, as high as it is: they are of a cell and its surroundings.
    photograph
        To lie over, or None.
    """
    identity = None if photograph is None else layer_id(photograph)
    place = _place(photograph, beside=unit == "cell")
    covers = photograph is not None and unit == "field"
    classes = sorted(table["class"].dropna().unique())
    layers = [
        Image(
            mean_picture(table[table["class"] == name]),
            name=f"mean picture {name}",
            rgb=True,
            visible=not covers and name == classes[0],  # they lie over each other
            metadata=LayerInfo(kind=Kind.MEAN, photograph=identity).metadata(),
            **place,
        )
        for name in classes
    ]
    found = chi_square_map(scores)
    over = Image(
        found,
        name=str(Kind.MAP),
        colormap="inferno",
        blending="translucent",
        opacity=0.6,
        contrast_limits=(0, max(float(found.max()), 1e-12)),
        metadata=LayerInfo(kind=Kind.MAP, photograph=identity).metadata(),
        **place,
    )
    return [*layers, over]


def show_map(viewer: napari.Viewer, table: pd.DataFrame, scores: pd.DataFrame, unit: str) -> str:
    """Put the map into the viewer, in the place of an earlier one; on the viewer's thread.

    It goes over the photograph that is selected, or whose nuclei are, or else over the first.

    Returns
    -------
    str
        What there is to see.
    """
    older = [x for x in viewer.layers if LayerInfo.of(x).kind in (Kind.MEAN, Kind.MAP)]
    photograph = photograph_layer(viewer.layers.selection.active, viewer.layers)
    photograph = photograph or next(filter(is_photograph, viewer.layers), None)
    for layer in older:
        viewer.layers.remove(layer)
    for layer in map_layers(table, scores, unit, photograph):
        viewer.add_layer(layer)
    if photograph is None or unit == "cell":
        viewer.reset_view()
    where = "over the mean picture of a class"
    if photograph is not None:
        where = f"{'beside' if unit == 'cell' else 'over'} {photograph.name}"
    return f"The map is {where}; show and hide the mean pictures in the layer list."


def _place(photograph: Image | None, beside: bool) -> Place:
    """The place of pictures of the grid, whose edges are those of the photograph."""
    if photograph is None:
        return {"scale": np.full(2, float(SQUARE_PX))}
    size = np.array(full_data(photograph).shape[-3:-1])
    step, offset = size / GRID_SIDE, np.zeros(2)
    if beside:
        step, offset = np.full(2, step[0]), np.array([0, 1.05 * size[1]])  # square, as crops are
    offset = offset + (step - 1) / 2  # places are those of the centres of pixels
    return slice_place_of(photograph, step, offset)
