"""Which photograph a layer belongs to: by its link, by its name, or by where it lies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_marrow.viewer.layer_info import Kind, LayerInfo, full_data, layer_id


def is_photograph(layer: Layer | None) -> bool:
    """Return whether a layer is an RGB image of 8 bits: one photograph or a stack of them."""
    if not isinstance(layer, Image) or not layer.rgb or layer.data.dtype != np.uint8:
        return False
    no_photograph = LayerInfo.of(layer).kind in (Kind.PREVIEW, Kind.MEAN)
    return not no_photograph and layer.data.ndim in (3, 4)


def photograph_layer(layer: Layer | None, layers: Sequence[Layer]) -> Image | None:
    """Return the photograph that a layer is, is linked to or is named after; else None."""
    found = [x for x in layers if is_photograph(x)]
    if layer is None or layer in found:
        return layer
    if (identity := LayerInfo.of(layer).photograph) is not None:
        return next((x for x in found if layer_id(x) == identity), None)
    named = [x for x in found if layer.name.startswith(f"{x.name} ")]
    return max(named, key=lambda x: len(x.name), default=None)


def labels_of(layers: Sequence[Layer]) -> dict[Image, list[Labels]]:
    """Return the Labels layers of each photograph, the lowest first.

    They have its shape. A linked layer belongs to the photograph, and to all images that were made
    from it in its place; another one to the photograph that it is named after, else to the nearest
    below, visible ones first.
    """
    found: dict[Image, list[Labels]] = {x: [] for x in layers if is_photograph(x)}
    shapes: dict[tuple[int, ...], list[Image]] = {}
    for image in found:
        shapes.setdefault(full_data(image).shape[:-1], []).append(image)
    made_from = {layer_id(x): LayerInfo.of(x).photograph or layer_id(x) for x in found}
    for place, layer in enumerate(layers):
        fitting = shapes.get(full_data(layer).shape, []) if isinstance(layer, Labels) else []
        if not fitting or not isinstance(layer, Labels):
            continue
        linked = LayerInfo.of(layer).photograph
        if linked is None:
            linked = layer_id(_named_or_below(layer, fitting, layers[:place]))
        for image in fitting:
            if made_from[layer_id(image)] == made_from.get(linked, linked):
                found[image].append(layer)
    return found


def _named_or_below(layer: Labels, fitting: Sequence[Image], below: Sequence[Layer]) -> Image:
    named = [x for x in fitting if layer.name.startswith(f"{x.name} ")]
    if named:
        return max(named, key=lambda x: len(x.name))
    under = [x for x in reversed(below) if x in fitting]
    choice = [x for x in under if isinstance(x, Image)] or list(fitting)
    return next((x for x in choice if x.visible), choice[0])
