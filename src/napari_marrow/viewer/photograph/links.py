"""Which photograph a layer belongs to: by its link, its origin, its name, or where it lies."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_marrow.data.cache import file_states
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
    by_files = {slice_files(x): x for x in reversed(images)}
    rows = [*range(len(info.origin))]
    whole = [files for files in by_files if len(files) == len(rows)]
    best = best_of(info, [files for files in whole if rows_of(info, files) == rows])
    return None if best is None else by_files[best]


def is_of(info: LayerInfo, image: Image, layers: Sequence[Layer]) -> bool:
    """Whether labels were made for a photograph, or for the one that it shows too."""
    found = of_origin(info, [x for x in layers if is_photograph(x)])
    return found is not None and slice_files(found) == slice_files(image)


def best_of(info: LayerInfo, found: Sequence[tuple[Path, ...]]) -> tuple[Path, ...] | None:
    """Return of stacks with the files of an origin that in the likest folders, if it is one."""
    if len(found) < 2:
        return next(iter(found), None)
    alike = {files: _n_alike(info, files) for files in found}
    best = [files for files, n in alike.items() if n == max(alike.values())]
    return best[0] if len(best) == 1 else None


def _n_alike(info: LayerInfo, files: Sequence[Path]) -> int:
    pairs = zip(info.origin, _files_now(info, files), strict=True)
    return sum(_n_same_folders(path, now) for path, now in pairs if now is not None)


def rows_of(info: LayerInfo, files: Sequence[Path]) -> list[int] | None:
    """Return which of ``files`` each file of an origin is, or None where one is none of them."""
    row = {path: k for k, path in enumerate(files)}
    found = [row[path] for path in _files_now(info, files) if path is not None]
    return found if len({*found}) == len(info.origin) else None


def _files_now(info: LayerInfo, files: Sequence[Path]) -> list[Path | None]:
    """The one of ``files`` that each file of an origin is now.

    By its path; a file that was moved, or copied with its folder, by its name and its content, and
    by its folders' names where several have these.
    """
    present, known, new = {*files}, {*info.origin}, defaultdict[str, list[Path]](list)
    for path in files:
        if path not in known:
            new[_stem(path)].append(path)
    content = dict(zip(info.origin, info.contents, strict=False))
    return [
        path if path in present else _moved(path, content.get(path, ""), new[_stem(path)])
        for path in info.origin
    ]


def _stem(path: Path) -> str:
    return path.stem if len(path.parts) > 1 else path.name


def _moved(path: Path, content: str, files: Sequence[Path]) -> Path | None:
    """The one of ``files`` that a file is now, None where that can't be told."""
    alike = {x: _n_same_folders(path, x) for x in files if _is_moved(path, content, x)}
    best = [x for x, n in alike.items() if n == max(alike.values())]
    return best[0] if len(best) == 1 else None


def _is_moved(path: Path, content: str, other: Path) -> bool:
    """Whether a file can be another one now; of pixels in no known file only a name is known."""
    if len(path.parts) == 1 or len(other.parts) == 1:
        return len(path.parts) != len(other.parts)
    if path.name != other.name:
        return False
    if content := content or _content(path):
        return content == _content(other)
    # Saved by an earlier version, or not saved: with the folder, of a product the photograph's.
    return _n_same_folders(path, other) >= (2 if other.is_file() else 3)


def contents(info: LayerInfo, origin: Sequence[Path]) -> tuple[str, ...]:
    """Return a checksum of each file of an origin to be saved, as it was known first."""
    known = dict(zip(info.origin, info.contents, strict=False))
    return tuple(known.get(path) or _content(path) for path in origin)


def _content(path: Path) -> str:
    """The SHA-256 of a photograph's file, or of that which a product was made of; '' without."""
    file = path if path.is_file() else path.parent
    with suppress(OSError):
        return _sha256(file, *file_states([file])) if file.is_file() else ""
    return ""


@cache
def _sha256(path: Path, *state: str) -> str:  # read again where it was changed
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _n_same_folders(path: Path, other: Path) -> int:
    pairs = zip(reversed(path.parts), reversed(other.parts), strict=False)
    return next((k for k, (one, two) in enumerate(pairs) if one != two), len(path.parts))


def where_it_belongs(info: LayerInfo, images: Sequence[Image]) -> str:
    """Say of labels that belong to none of the photographs which one they belong to."""
    shown = [path for x in images for path in slice_files(x)]
    pairs = zip(info.origin, _files_now(info, shown), strict=True)
    closed = [path for path, now in pairs if now is None]
    others = {_stem(path) for path in {*shown} - {*info.origin}}
    names = [
        f"{path.parent.name}/{_stem(path)}" if _stem(path) in others else _stem(path)
        for path in closed or info.origin
    ]
    if not names:
        return "it belongs to a photograph that is not open"
    are = "is" if len(names) == 1 else "are"
    how = "" if closed else " together" if len(names) > 1 else " by itself"
    todo = "; put it back with its old name, and open the folder again"
    partly = todo if 0 < len(closed) < len(info.origin) else ""
    return f"it belongs to {listed(names)}, which {are} not open{how}{partly}"


def below(layer: Layer, under: Sequence[Layer], images: Sequence[Image]) -> Image | None:
    """Return the nearest photograph in the place of a layer, below it, visible ones first."""
    found = [x for x in reversed(under) if x in images] + [x for x in images if x not in under]
    over = [x for x in found if isinstance(x, Image) and overlaps(x, layer)]
    return next((x for x in over if x.visible), next(iter(over), None))
