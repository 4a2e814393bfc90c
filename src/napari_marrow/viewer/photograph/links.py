"""Which photograph a layer belongs to: by its link, by its name, or by where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_marrow.viewer.layer_info import Kind, LayerInfo, layer_id
from napari_marrow.viewer.transforms import lies_over, overlaps


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
    return _named(layer, found)


def labels_of(layers: Sequence[Layer]) -> dict[Image, list[Labels]]:
    """Return the Labels layers of each photograph, the lowest first.

    A linked layer belongs to the photograph, and to all images of its file or that were made from
    it in its place. Another one belongs to one that it is named after, else to the nearest below:
    of those that it lies over pixel for pixel, if there are any. One whose photograph was closed
    belongs to one that it is named after, if to any.
    """
    found: dict[Image, list[Labels]] = {x: [] for x in layers if is_photograph(x)}
    made_from = {layer_id(x): LayerInfo.of(x).photograph or layer_id(x) for x in found}
    by_file: dict[Path, str] = {}  # a photograph that is opened again brings no labels along
    for image in found:
        info, identity = LayerInfo.of(image), layer_id(image)
        if info.photograph is None and len(info.fields) == 1:
            made_from[identity] = by_file.setdefault(info.fields[0].path, identity)
    for place, layer in enumerate(layers):
        if not isinstance(layer, Labels):
            continue
        linked = origin = LayerInfo.of(layer).photograph
        if origin not in {*made_from, *made_from.values()}:
            fitting = [x for x in found if lies_over(x, layer)] or list(found)
            image = _named(layer, fitting)
            if image is None and linked is None:
                image = below(layer, layers[:place], fitting)
            origin = None if image is None else layer_id(image)
        for image in found:
            if origin is not None and made_from[layer_id(image)] == made_from.get(origin, origin):
                found[image].append(layer)
    return found


def _named(layer: Layer, images: Sequence[Image]) -> Image | None:
    """The photograph that a layer is named after."""
    named = [x for x in images if layer.name.startswith(f"{x.name} ")]
    return max(named, key=lambda x: len(x.name), default=None)


def below(layer: Layer, under: Sequence[Layer], images: Sequence[Image]) -> Image | None:
    """Return the nearest photograph in the place of a layer, below it, visible ones first."""
    found = [x for x in reversed(under) if x in images] + [x for x in images if x not in under]
    over = [x for x in found if isinstance(x, Image) and overlaps(x, layer)]
    return next((x for x in over if x.visible), next(iter(over), None))
