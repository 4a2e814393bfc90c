"""Which photograph a layer belongs to: by its link, its origin, its name, or where it lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_marrow.data.text import listed
from napari_marrow.viewer.layer_info import Kind, LayerInfo, layer_id, slice_files
from napari_marrow.viewer.photograph.origins import Match, Slices, match, stem
from napari_marrow.viewer.transforms import lies_over, overlaps


def is_photograph(layer: Layer | None) -> bool:
    """Return whether a layer is an RGB image of 8 bits: one photograph or a stack of them."""
    if not isinstance(layer, Image) or not layer.rgb or layer.data.dtype != np.uint8:
        return False
    no_photograph = LayerInfo.of(layer).kind in (Kind.PREVIEW, Kind.MEAN)
    return not no_photograph and layer.data.ndim in (3, 4)


def photograph_layer(layer: Layer | None, layers: Sequence[Layer]) -> Image | None:
    """Return the photograph that a layer is, is linked to, was of or is named after; else None."""
    found = [x for x in layers if is_photograph(x)]
    if layer is None or layer in found:
        return layer
    info = LayerInfo.of(layer)
    linked = next((x for x in found if layer_id(x) == info.photograph), None)
    if linked is not None or info.origin:
        return linked or of_origin(info, found)
    return None if info.photograph else _named(layer, found)


def labels_of(layers: Sequence[Layer]) -> dict[Image, list[Labels]]:
    """Return the Labels layers of each photograph, the lowest first.

    A linked layer belongs to the photograph, and to all images of its file or that were made from
    it in its place. One whose photograph was closed, or that was saved and opened again, belongs to
    the photograph of its origin and to no other. One without an origin belongs to one that it is
    named after, else to the nearest below: of those that it lies over pixel for pixel, if there are
    any; to the nearest only where it was never linked.
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
        info = LayerInfo.of(layer)
        owner = info.photograph
        if owner not in {*made_from, *made_from.values()}:
            image = of_origin(info, [*found])
            if not info.origin:
                fitting = [x for x in found if lies_over(x, layer)] or list(found)
                image = _named(layer, fitting)
                if image is None and owner is None:
                    image = below(layer, layers[:place], fitting)
            owner = None if image is None else layer_id(image)
        for image in found:
            if owner is not None and made_from[layer_id(image)] == made_from.get(owner, owner):
                found[image].append(layer)
    return found


def _named(layer: Layer, images: Sequence[Image]) -> Image | None:
    """The photograph that a layer is named after."""
    named = [x for x in images if layer.name.startswith(f"{x.name} ")]
    return max(named, key=lambda x: len(x.name), default=None)


def of_origin(info: LayerInfo, images: Sequence[Image]) -> Image | None:
    """Return the photograph whose slices are those of the labels' origin, in its order."""
    n = len(info.origin)
    found = {x: match(info, of) for x in images if len((of := Slices.of(x)).files) == n}
    return likest({x: how for x, how in found.items() if how.in_order})


def likest(found: Mapping[Image, Match]) -> Image | None:
    """Return the best match; of equal ones the first, unless they may show other pictures."""
    score = {x: (how.n_contents, how.n_folders) for x, how in found.items()}
    best = [x for x in score if score[x] == max(score.values())]
    known = all(found[x].n_contents == len(found[x].rows) for x in best)
    return best[0] if best and (known or len({*map(slice_files, best)}) == 1) else None


def is_of(info: LayerInfo, image: Image, layers: Sequence[Layer]) -> bool:
    """Whether labels were made for a photograph, or for the one that it shows too."""
    found = of_origin(info, [x for x in layers if is_photograph(x)])
    return found is not None and slice_files(found) == slice_files(image)


def where_it_belongs(info: LayerInfo, images: Sequence[Image]) -> str:
    """Say of labels that belong to none of the photographs which one they belong to."""
    shown = Slices.of(*images)
    pairs = zip(info.origin, match(info, shown).rows, strict=True)
    closed = [path for path, row in pairs if row is None]
    others = {stem(path) for path in {*shown.files} - {*info.origin}}
    names = [
        f"{path.parent.name}/{stem(path)}" if stem(path) in others else stem(path)
        for path in closed or info.origin
    ]
    if not names:
        return "it belongs to a photograph that is not open"
    are = "is" if len(names) == 1 else "are"
    how = "" if closed else " together" if len(names) > 1 else " by itself"
    todo = f"; put {'it' if len(names) == 1 else 'them'} back, and open the folder again"
    partly = todo if 0 < len(closed) < len(info.origin) else ""
    return f"it belongs to {listed(names)}, which {are} not open{how}{partly}"


def changed_since(info: LayerInfo, image: Image) -> list[str]:
    """Return the names of photographs that were changed in their place since labels were made."""
    return [stem(path) for path in match(info, Slices.of(image)).changed]


def below(layer: Layer, under: Sequence[Layer], images: Sequence[Image]) -> Image | None:
    """Return the nearest photograph in the place of a layer, below it, visible ones first."""
    found = [x for x in reversed(under) if x in images] + [x for x in images if x not in under]
    over = [x for x in found if isinstance(x, Image) and overlaps(x, layer)]
    return next((x for x in over if x.visible), next(iter(over), None))
