"""Labels of a stack, put in the order of one that has their fields in another, or more of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Labels, Layer

from napari_marrow.viewer.layer_info import LayerInfo, full_data
from napari_marrow.viewer.photograph.links import is_photograph, labels_of, likest, of_origin
from napari_marrow.viewer.photograph.origins import Slices, match
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
    slices: Slices,
    frame: Sequence[int],
) -> Arranged | None:
    """Return labels as they are over a stack of slices, or None where one of theirs is missing.

    Parameters
    ----------
    data, info, features
        Of the labels; fields that they do not have are empty.
    slices, frame
        Of the stack; height and width.
    """
    how, (height, width) = match(info, slices), data.shape[-2:]
    rows = [row for row in how.rows if row is not None]
    if data.ndim != 3 or not len(data) == len(rows) == len(info.origin):
        return None
    if height > frame[0] or width > frame[1]:
        return None
    saved = dict(zip(rows, info.contents, strict=False))  # of a changed file its former content
    contents = tuple(saved.get(row, content) for row, content in enumerate(slices.contents))
    info = replace(info, origin=slices.files, contents=contents)
    if how.in_order and data.shape == (len(contents), *frame):
        return data, info, features
    whole = np.zeros((len(contents), *frame), data.dtype)
    for k, row in enumerate(rows):
        whole[row, :height, :width] = read_slice(data, k)
    stack: Pixels = whole
    if isinstance(data, EditableStack):
        painted = [rows[k] for k in data.painted_rows]
        stack = EditableStack.of(whole, painted, [path.stem for path in slices.files])
    tables = {rows[k]: table for k, table in kept_tables(info, features).items()}
    if info.kind is not None and info.kind.is_predicted and "field" in features:
        features = features.assign(field=features["field"].map(dict(enumerate(rows))))
    if tables:
        features = tables.get(0, features.iloc[:0])
    shown = 0 if tables else None
    return stack, replace(info, tables=tables, shown_row=shown), features


def over_open(
    data: Pixels, info: LayerInfo, features: pd.DataFrame, layers: Iterable[Layer]
) -> Arranged | None:
    """Return labels as they are over the open stack that has their fields, None where none has."""
    images = [x for x in layers if is_photograph(x)]
    if not info.origin or of_origin(info, images) is not None:
        return None
    stacks = {x: match(info, Slices.of(x)) for x in images if x.ndim == 3}
    stack = likest({x: how for x, how in stacks.items() if how.complete})
    if stack is None:
        return None
    return arranged(data, info, features, Slices.of(stack), full_data(stack).shape[1:3])


def arrange_open(viewer: Viewer, slices: Slices, frame: Sequence[int]) -> None:
    """Arrange the open labels of no open photograph as a stack that is being opened is."""
    images = [x for x in viewer.layers if is_photograph(x)]
    for layer in [x for x in viewer.layers if isinstance(x, Labels)]:
        info, data = LayerInfo.of(layer), full_data(layer)
        if not isinstance(data, np.ndarray | EditableStack) or of_origin(info, images):
            continue
        made = arranged(data, info, layer.features, slices, frame)
        if made is None:
            continue
        if made[0] is not data:
            mode = layer.mode
            layer.editable = False  # napari forgets what to undo: it would be of another field
            layer.data, layer.features = made[0], made[2]  # and sets it to editable
            layer.mode = mode
        made[1].set_on(layer)


def raise_labels(viewer: Viewer) -> None:
    """Move labels above their photograph that were opened before it."""
    layers, linked = viewer.layers, {LayerInfo.of(x).id for x in viewer.layers} - {None}
    for image, own in labels_of(list(layers)).items():
        for layer in own:
            info, place = LayerInfo.of(layer), layers.index(layer)
            opened_before = info.origin and info.photograph not in linked
            if opened_before and place < layers.index(image):
                layers.move(place, len(layers))
