"""Which photograph a layer belongs to: by its link, its origin, its name, or where it lies."""

from __future__ import annotations

import filecmp
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_marrow.data.text import listed
from napari_marrow.viewer.layer_info import Kind, LayerInfo, layer_id, slice_files
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
        return linked or of_origin(info.origin, found)
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
            image = of_origin(info.origin, [*found])
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


def of_origin(origin: Sequence[Path], images: Sequence[Image]) -> Image | None:
    """Return the photograph whose slices are those of an origin, in its order."""
    files = ((x, slice_files(x)) for x in images)
    rows = [*range(len(origin))]
    return next((x for x, f in files if len(f) == len(rows) and rows_of(origin, f) == rows), None)


def rows_of(origin: Sequence[Path], files: Sequence[Path]) -> list[int] | None:
    """Return which of ``files`` each file of an origin is, or None where one is none of them.

    By its path; a file that was moved, or copied with its folder, by its name, and by its folders'
    names where several have it.
    """
    row, known = {path: k for k, path in enumerate(files)}, {*origin}
    new = [path for path in files if path not in known]
    now = [path if path in row else _moved(path, new) for path in origin]
    found = [row[path] for path in now if path is not None]
    return found if len({*found}) == len(origin) else None


def _moved(path: Path, files: Sequence[Path]) -> Path | None:
    """The one of ``files`` that a file is now, None where that can't be told."""
    alike = {x: _n_same_folders(path, x) for x in files if _is_moved(path, x)}
    best = [x for x, n in alike.items() if n == max(alike.values())]
    return best[0] if len(best) == 1 else None


def _is_moved(path: Path, other: Path) -> bool:
    """Whether a file can be another one now; of pixels in no known file only a name is known."""
    name, file = sorted((path, other), key=lambda x: len(x.parts))
    if len(name.parts) == 1:
        return len(file.parts) > 1 and file.stem == name.name
    return path.name == other.name and (not path.is_file() or _is_copy(path, other))


@cache
def _is_copy(path: Path, other: Path) -> bool:
    return other.is_file() and filecmp.cmp(path, other, shallow=False)


def _n_same_folders(path: Path, other: Path) -> int:
    pairs = zip(reversed(path.parts), reversed(other.parts), strict=False)
    return next((k for k, (one, two) in enumerate(pairs) if one != two), len(path.parts))


def where_it_belongs(origin: Sequence[Path], images: Sequence[Image]) -> str:
    """Say of labels that belong to none of the photographs which one they belong to."""
    shown = [path for x in images for path in slice_files(x)]
    closed = [path for path in origin if rows_of([path], shown) is None]
    names = [path.stem if len(path.parts) > 1 else path.name for path in closed or origin]
    if not names:
        return "it belongs to a photograph that is not open"
    how = "" if closed else " together" if len(names) > 1 else " by itself"
    return (
        f"it belongs to {listed(names)}, which {'is' if len(names) == 1 else 'are'} not open{how}"
    )


def below(layer: Layer, under: Sequence[Layer], images: Sequence[Image]) -> Image | None:
    """Return the nearest photograph in the place of a layer, below it, visible ones first."""
    found = [x for x in reversed(under) if x in images] + [x for x in images if x not in under]
    over = [x for x in found if isinstance(x, Image) and overlaps(x, layer)]
    return next((x for x in over if x.visible), next(iter(over), None))
