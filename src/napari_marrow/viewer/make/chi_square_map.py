"""Where in the picture the classes differ: mean pictures and their chi-square, as layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image

from napari_marrow.measure.thumbnail_grid import GRID, map_of, mean_picture
from napari_marrow.viewer.layer_info import Kind, LayerInfo, full_data, layer_id
from napari_marrow.viewer.photograph.labelling import is_photograph, photograph_of

if TYPE_CHECKING:
    import pandas as pd

SIDE = 32
"""Pixels of the screen a square, at first, where there is no photograph to go by."""


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
    found = map_of(scores)
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


def show_map(viewer: Any, table: pd.DataFrame, scores: pd.DataFrame, unit: str) -> str:
    """Put the map into the viewer, in the place of an earlier one; on the viewer's thread.

    It goes over the photograph that is selected, or whose nuclei are, or else over the first.

    Returns
    -------
    str
        What there is to see.
    """
    older = [x for x in viewer.layers if LayerInfo.of(x).kind in (Kind.MEAN, Kind.MAP)]
    found = [x for x in viewer.layers if is_photograph(x)]
    photograph = photograph_of(viewer.layers.selection.active, viewer.layers)
    photograph = photograph or next(iter(found), None)
    for layer in older:
        viewer.layers.remove(layer)
    for layer in map_layers(table, scores, unit, photograph):
        viewer.add_layer(layer)
    if photograph is None or unit == "cell":
        viewer.reset_view()
    where = "over the mean picture of a class"
    if photograph is not None:
        where = f"{'beside' if unit == 'cell' else 'over'} {photograph.name}"
    return f"The map lies {where}; show and hide the mean pictures in the layer list."


def _place(photograph: Image | None, beside: bool) -> dict[str, Any]:
    """Scale and so on of pictures of the grid, whose edges lie on those of the photograph."""
    if photograph is None:
        return {"scale": (SIDE, SIDE)}
    size = np.array(full_data(photograph).shape[-3:-1])
    pixel, start = np.array(photograph.scale[-2:]), np.array(photograph.translate[-2:])
    scale = pixel * size / GRID
    first = start - pixel / 2  # napari's places are those of the middles of pixels
    if beside:
        first = first + np.array([0, 1.05 * pixel[1] * size[1]])
        scale = np.full(2, scale[0])  # square: a crop is
    return {
        "scale": scale,
        "translate": first + scale / 2,
        "units": photograph.units[-2:],  # napari can crash where those of layers differ
        "axis_labels": photograph.axis_labels[-2:],
    }
