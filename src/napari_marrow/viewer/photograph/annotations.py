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

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from napari.layers import Image, Labels, Layer
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

from napari_marrow.report.colours import class_colours
from napari_marrow.viewer.layer_info import Kind, LayerInfo, full_data, layer_fields, link_to
from napari_marrow.viewer.photograph.slice_tables import kept_tables
from napari_marrow.viewer.transforms import place_of

DEFAULT_CLASSES = ("ALL", "MM")


def field_class(layer: Image, row: int) -> str | None:
    """Return the class of a field: given by a person, else by its file, else None."""
    given = LayerInfo.of(layer).classes
    if row in given:
        return given[row]
    fields = layer_fields(layer)
    return fields[row].class_name if row < len(fields) else None


def set_field_class(layer: Image, row: int, name: str | None) -> None:
    """Give a field a class, or take it away with None."""
    info = LayerInfo.of(layer)
    replace(info, classes={**info.classes, row: name or None}).set_on(layer)


def is_chosen(layer: Image, row: int) -> bool:
    """Return whether a field is to be learnt from, measured and labelled.

    As a person said; else photographs that can be seen are, and none that was made of others is.
    """
    info = LayerInfo.of(layer)
    return info.chosen.get(row, layer.visible and not info.is_product)


def set_chosen(layer: Image, rows: Iterable[int], chosen: bool) -> None:
    """Say of fields whether they are to be learnt from, measured and labelled."""
    info = LayerInfo.of(layer)
    replace(info, chosen={**info.chosen, **dict.fromkeys(rows, chosen)}).set_on(layer)


def new_cells_layer(image: Image, classes: tuple[str, ...]) -> Labels:
    """Return an empty Labels layer over a photograph, to paint classes into."""
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
        metadata=link_to(image, Kind.CELLS),
    )
    layer.brush_size = max(4, full_data(image).shape[-3] // 60)
    return layer


def annotation_layer(image: Image, layers: Sequence[Layer]) -> Labels | None:
    """Return the Labels layer that gives classes to the cells of a photograph.

    It has the photograph's shape and a ``class`` in its features. Of several, the one made for the
    photograph; then one named after it; else the one for which the photograph is the nearest below.
    """
    shape = full_data(image).shape[:-1]
    below = named = nearest = None
    for layer in layers:
        if isinstance(layer, Image) and full_data(layer).shape[:-1] == shape:
            below = layer
        if not _annotates(layer) or layer.data.shape != shape:
            continue
        photograph = LayerInfo.of(layer).photograph
        if photograph is not None and photograph == LayerInfo.of(image).id:
            return layer
        if photograph is None and layer.name.startswith(f"{image.name} "):
            named = named or layer
        elif photograph is None and below is image:
            nearest = nearest or layer
    return named or nearest


def _annotates(layer: Layer) -> bool:
    info = LayerInfo.of(layer)
    if not isinstance(layer, Labels) or info.kind is Kind.PREDICTED:
        return False
    tables = [layer.features, *info.tables.values()]
    return any({"class", "index"} <= set(table.columns) for table in tables)


def label_classes(layer: Labels, row: int = 0) -> dict[int, str]:
    """Return class by label in one slice, from the features; rows without a class are left out."""
    table, info = layer.features, LayerInfo.of(layer)
    if info.shown_row is not None:
        table = kept_tables(info, table).get(row)
    if table is None or "class" not in table:
        return {}
    table = table.dropna(subset=["class"])
    pairs = zip(table["index"], table["class"].astype(str), strict=True)
    return {int(index): name for index, name in pairs if name}


def painted_classes(
    nuclei: NDArray[np.integer], painted: NDArray[np.integer], classes: Mapping[int, str]
) -> dict[int, str]:
    """Return the class of each nucleus that was painted on: the label that covers most of it.

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
