"""Labels of a stack, put in the order of one that has their fields in another, or more of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Labels, Layer

from napari_marrow.viewer.layer_info import LayerInfo, full_data, slice_files
from napari_marrow.viewer.photograph.links import best_of, is_photograph, of_origin, rows_of
from napari_marrow.viewer.photograph.slice_tables import kept_tables
from napari_marrow.viewer.stack import EditableStack, Pixels, read_slice

if TYPE_CHECKING:
    import pandas as pd
    from napari import Viewer

Arranged = tuple[Pixels, LayerInfo, "pd.DataFrame"]
"""Labels, what is known of their layer, and its features."""


def arranged(
    data: Pixels,
    info: LayerInfo,
    features: pd.DataFrame,
    files: Sequence[Path],
    frame: Sequence[int],
) -> Arranged | None:
    """Return labels as they are over a stack of ``files``, or None where one of theirs is missing.

    Parameters
    ----------
    data, info, features
        Of the labels; fields that they do not have are empty.
    files, frame
        Of the slices of the stack; height and width.
    """
    rows, (height, width) = rows_of(info, files), data.shape[-2:]
    if rows is None or data.ndim != 3 or len(data) != len(rows):
        return None
    if height > frame[0] or width > frame[1]:
        return None
    if [*rows] == [*range(len(files))] and (height, width) == (*frame,):
        return data, replace(info, origin=tuple(files)), features
    whole = np.zeros((len(files), *frame), data.dtype)
    for k, row in enumerate(rows):
        whole[row, :height, :width] = read_slice(data, k)
    tables = {rows[k]: table for k, table in kept_tables(info, features).items()}
    if info.kind is not None and info.kind.is_predicted and "field" in features:
        features = features.assign(field=features["field"].map(dict(enumerate(rows))))
    if tables:
        features = tables.get(0, features.iloc[:0])
    shown = 0 if tables else None
    found = replace(info, origin=tuple(files), contents=(), tables=tables, shown_row=shown)
    return whole, found, features


def over_open(
    data: Pixels, info: LayerInfo, features: pd.DataFrame, layers: Iterable[Layer]
) -> Arranged | None:
    """Return labels as they are over the open stack that has their fields, None where none has."""
    images = [x for x in layers if is_photograph(x)]
    if not info.origin or of_origin(info, images) is not None:
        return None
    stacks = {slice_files(x): x for x in reversed(images) if x.ndim == 3}
    files = best_of(info, [x for x in stacks if rows_of(info, x) is not None])
    if files is None:
        return None
    return arranged(data, info, features, files, full_data(stacks[files]).shape[1:3])


def arrange_open(viewer: Viewer, files: Sequence[Path], frame: Sequence[int]) -> None:
    """Arrange the open labels of no open photograph as a stack that is being opened is.

    Those in another order are a new layer: an undo of what was painted before would be of another
    field.
    """
    images = [x for x in viewer.layers if is_photograph(x)]
    for layer in [x for x in viewer.layers if isinstance(x, Labels)]:
        info, data = LayerInfo.of(layer), full_data(layer)
        if not isinstance(data, np.ndarray | EditableStack) or of_origin(info, images):
            continue
        made = arranged(data, info, layer.features, files, frame)
        if made is None:
            continue
        if made[0] is data:
            made[1].set_on(layer)
            continue
        _, options, _ = layer.as_layer_data_tuple()
        arranged_layer = Labels(made[0], **options | {"features": made[2]})
        made[1].set_on(arranged_layer)
        place = viewer.layers.index(layer)
        viewer.layers.remove(layer)
        viewer.layers.insert(place, arranged_layer)
