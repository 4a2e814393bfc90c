"""Where in the picture the classes differ: mean pictures and their chi-square, as layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image

from napari_marrow.measure.thumbnail_grid import GRID, map_of, mean_picture
from napari_marrow.viewer.layer_info import KEY, MEAN, full_data, layer_id, layer_kind
from napari_marrow.viewer.photograph.labelling import is_photograph, photograph_of

if TYPE_CHECKING:
    import pandas as pd

MAP = "chi-square map"
"""Name and kind of the map's layer."""
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
            metadata={KEY: {"kind": MEAN, "photograph": identity}},
            **place,
        )
        for name in classes
    ]
    found = map_of(scores)
    over = Image(
        found,
        name=MAP,
        colormap="inferno",
        blending="translucent",
        opacity=0.6,
        contrast_limits=(0, max(float(found.max()), 1e-12)),
        metadata={KEY: {"kind": MAP, "photograph": identity}},
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
    older = [x for x in viewer.layers if layer_kind(x) in (MEAN, MAP)]
    photograph = _photograph(viewer, older)
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


def _photograph(viewer: Any, older: list[Any]) -> Image | None:
    """The photograph that is selected, or that the selected map lies over, or the first."""
    photographs = [x for x in viewer.layers if is_photograph(x)]
    active = viewer.layers.selection.active
    if any(active is x for x in older):
        before = active.metadata[KEY].get("photograph")
        found = next((x for x in photographs if layer_id(x) == before), None)
    else:
        found = photograph_of(active, viewer.layers)
    return found or next(iter(photographs), None)


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
