"""Annotations: the class a person gave to a layer, to a field of a stack, or to single cells.

The class of a field is kept in :attr:`.LayerInfo.classes` of its layer. Cells are annotated in a
Labels layer over the photograph, in one of two ways:

- painted: the layer ``<photograph> cells`` that :func:`new_cells_layer` makes; label 1 is the first
  class, 2 the second, and so on; a stroke anywhere on a nucleus annotates that cell;
- by number: any Labels layer whose features have the columns ``index`` and ``class``; each label is
  a cell and has the class of its row. In a stack of nuclei whose features follow the slider, the
  rows are those of the field that is shown.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from napari.layers import Image, Labels
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

from napari_marrow.report.colours import class_colours
from napari_marrow.viewer.layer_info import Kind, LayerInfo, full_data, layer_fields, layer_id
from napari_marrow.viewer.photograph.slice_tables import kept_tables
from napari_marrow.viewer.transforms import place_of

DEFAULT_CLASSES = ("ALL", "MM")


def field_class(layer: Image, row: int) -> str | None:
    """The class of a layer's field: what a person said, else what its file said, else None."""
    given = LayerInfo.of(layer).classes
    if row in given:
        return given[row]
    fields = layer_fields(layer)
    return fields[row].class_name if row < len(fields) else None


def set_field_class(layer: Image, row: int, name: str | None) -> None:
    """Give a layer's field a class, or None; metadata is replaced, so that its event is sent."""
    info = LayerInfo.of(layer)
    replace(info, classes={**info.classes, row: name or None}).set_on(layer)


def new_cells_layer(image: Image, classes: tuple[str, ...]) -> Labels:
    """An empty Labels layer to paint classes into, lying on a photograph."""
    import pandas as pd  # napari itself imports it only with the first table

    colours = class_colours(classes)
    mapping: dict[int | None, str] = {None: "transparent", 0: "transparent"}
    mapping |= {k + 1: colours[name] for k, name in enumerate(classes)}
    layer = Labels(
        np.zeros(full_data(image).shape[:-1], np.uint8),
        name=f"{image.name} {Kind.CELLS}",
        features=pd.DataFrame({"index": range(1, len(classes) + 1), "class": list(classes)}),
        colormap=DirectLabelColormap(color_dict=mapping),
        opacity=0.7,
        **place_of(image),
        metadata=LayerInfo(kind=Kind.CELLS, photograph=layer_id(image)).metadata(),
    )
    layer.brush_size = max(4, full_data(image).shape[-3] // 60)
    return layer


def cells_layer(image: Image, layers: Any) -> Labels | None:
    """The Labels layer that annotates the cells of a photograph.

    It has the photograph's shape and a ``class`` in its features. Of several, the one made for the
    photograph; then one named after it; else the one for which the photograph is the nearest below.
    """
    shape = full_data(image).shape[:-1]
    found = [layer for layer in layers if _annotates(layer) and layer.data.shape == shape]
    for layer in found:
        if LayerInfo.of(layer).photograph == layer_id(image):
            return layer
    found = [layer for layer in found if LayerInfo.of(layer).photograph is None]
    for layer in found:
        if layer.name.startswith(f"{image.name} "):
            return layer
    order = list(layers)
    for layer in found:
        below = order[: order.index(layer)]
        same = [x for x in below if isinstance(x, Image) and full_data(x).shape[:-1] == shape]
        if same and same[-1] is image:
            return layer
    return None


def _annotates(layer: Any) -> bool:
    if not isinstance(layer, Labels) or LayerInfo.of(layer).kind is Kind.PREDICTED:
        return False
    tables = [layer.features, *kept_tables(LayerInfo.of(layer), layer.features).values()]
    return any({"class", "index"} <= set(table.columns) for table in tables)


def is_painted(layer: Labels) -> bool:
    """Whether labels are classes (painted) and not cells."""
    return LayerInfo.of(layer).kind is Kind.CELLS


def label_classes(layer: Labels, row: int = 0) -> dict[int, str]:
    """Class by label in one slice, from the features; rows without a class are left out."""
    table, info = layer.features, LayerInfo.of(layer)
    if info.shown_row is not None:
        table = kept_tables(info, table).get(row)
    if table is None or "class" not in table:
        return {}
    table = table.dropna(subset=["class"])
    pairs = zip(table["index"], table["class"].astype(str), strict=True)
    return {int(index): name for index, name in pairs if name}


def painted_classes(
    nuclei: NDArray[np.integer], painted: NDArray[np.integer], classes: dict[int, str]
) -> dict[int, str]:
    """Class of each nucleus that was painted on: the label that covers most of its pixels.

    >>> painted_classes(np.array([[1, 1, 2]]), np.array([[0, 2, 1]]), {1: "ALL", 2: "MM"})
    {1: 'MM', 2: 'ALL'}
    """
    import pandas as pd

    touched = (painted > 0) & (nuclei > 0)
    if not touched.any():
        return {}
    counts = pd.crosstab(nuclei[touched], painted[touched])
    chosen = counts.idxmax(axis=1)
    return {int(cell): classes[int(label)] for cell, label in chosen.items() if label in classes}
