"""Layers for annotating cells: the one to paint classes into, and nuclei of strokes on none."""

from __future__ import annotations

from collections.abc import Sequence

import napari
from napari.layers import Labels

from napari_marrow.viewer.photograph.annotations import (
    is_painted,
    label_classes,
    new_cells_layer,
    seen,
    set_painted_classes,
)
from napari_marrow.viewer.photograph.links import labels_of
from napari_marrow.viewer.photograph.photograph import Photograph


def annotation_layer_to_paint(
    viewer: napari.Viewer, photograph: Photograph, classes: Sequence[str]
) -> Labels:
    """Select the layer to paint the classes of a photograph's cells into; a new one if need be.

    Parameters
    ----------
    viewer
        Where the photograph is.
    photograph
        The photograph or stack.
    classes
        An older layer that lacks some of these gets them.
    """
    own = [x for x in labels_of(viewer.layers)[photograph.layer] if is_painted(x)]
    if own:
        layer = seen(own)[-1]
        layer.visible = True
        known = label_classes(layer)
        new = [name for name in classes if name not in known.values()]
        if new:
            first = max([0, *known]) + 1
            set_painted_classes(layer, known | dict(enumerate(new, first)))
    else:
        layer = viewer.add_layer(new_cells_layer(photograph.layer, tuple(classes)))
    viewer.layers.selection.active = layer
    layer.mode = "paint"
    return layer
