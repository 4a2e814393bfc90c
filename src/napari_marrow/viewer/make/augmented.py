"""What augmentation makes of a photograph's layer: a preview, layers, or the fields of a job."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Image
from numpy.typing import DTypeLike, NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.masks import MaskKind
from napari_marrow.imaging.augment import (
    AugmentSettings,
    names_of_products,
    planned,
    product,
    product_size,
)
from napari_marrow.viewer.layer_info import Kind, LayerInfo, Product, layer_id, new_id
from napari_marrow.viewer.make.layers import STACK_AXES, LayerData, warn_once
from napari_marrow.viewer.photograph.gathering import MASKS, Source
from napari_marrow.viewer.stack import LazyStack
from napari_marrow.viewer.transforms import slice_place_of, stack_place_of

IN_MEMORY = 2**30
"""Layers up to so many bytes are made at once; of larger ones each slice when it is looked at."""
TELL_S = 0.1
"""Between two reports of progress: drawing a bar takes as long as making a small picture."""
PREVIEW_SIDE = 1280
"""A preview is thinned to at most so many pixels a side."""
_GREY = 48


@dataclass(frozen=True)
class _Slice:
    """One slice of a stack of products."""

    row: int
    operation: str  # empty for the photograph itself
    copy: int
    seeded: str  # name of the photograph, on which random numbers hang
    name: str


def _slices(source: Source, settings: AugmentSettings) -> list[_Slice]:
    made = []
    for row, name in enumerate(source.names(settings)):
        if settings.originals:
            made.append(_Slice(row, "", 1, name, name))
        titles = names_of_products(name, settings)
        for (operation, copy), title in zip(planned(settings), titles, strict=True):
            made.append(_Slice(row, operation, copy, name, title))
    return made


def product_layers(source: Source, settings: AugmentSettings) -> Iterator[float]:
    """Make layers of all products: a stack of photographs, and of each kind of mask.

    For a worker: yields how much is done, returns a list of :data:`LayerData`, the photographs
    first. A stack holds products of one photograph after those of the other; slices that are
    smaller than others lie in the upper left corner.

    Raises
    ------
    MarrowError
        For settings that can't work.
    """
    if problems := settings.problems():
        raise MarrowError(" ".join(problems))
    # The layers may be painted on meanwhile, and a slice be made only much later.
    source = dataclasses.replace(source, masks=_kept(source.masks), own=_kept(source.own))
    slices = _slices(source, settings)
    whole = [source.size(row) for row in range(len(source.fields))]
    sizes = [product_size(whole[s.row], settings, s.operation) for s in slices]
    frame = tuple(np.max(sizes, axis=0).tolist())
    warn = warn_once()

    def stack(read: Callable[[int], NDArray], frame: tuple[int, ...], dtype: DTypeLike) -> Any:
        readers = [partial(_made, read, settings, s) for s in slices]
        return LazyStack(readers, frame, dtype, warn=warn)

    photographs = stack(source.image, (*frame, 3), np.uint8)
    labels = [*sorted(source.own.items()), *sorted(source.masks.items())]  # nuclei on top
    over = [stack(partial(source.part, data), frame, data.dtype) for _, data in labels]
    stacks = [photographs, *over]
    if sum(x.size * x.dtype.itemsize for x in stacks) <= IN_MEMORY:
        stacks = yield from _filled(stacks)
    return _layers(source, slices, sizes, stacks)  # type: ignore[return-value]  # for the worker's signal


def _kept(labels: dict[str, Any]) -> dict[str, Any]:
    """Labels as they are now; what is read when it is looked at can't be painted on."""
    return {name: np.array(x) if isinstance(x, np.ndarray) else x for name, x in labels.items()}


def _filled(stacks: list[LazyStack]) -> Generator[float, None, list[NDArray]]:
    """Read all slices of stacks of one length; yields how much is done."""
    filled = [np.empty(stack.shape, stack.dtype) for stack in stacks]
    told_at = time.monotonic()
    for k in range(len(filled[0])):
        for into, stack in zip(filled, stacks, strict=True):
            into[k] = stack[k]
        if time.monotonic() > told_at + TELL_S:
            yield (k + 1) / len(filled[0])
            told_at = time.monotonic()
    return filled


def _made(read: Callable[[int], NDArray], settings: AugmentSettings, what: _Slice) -> NDArray:
    array = read(what.row)
    if not what.operation:
        return array
    return product(array, settings, what.operation, what.copy, what.seeded)


def _layers(
    source: Source, slices: list[_Slice], sizes: list[tuple[int, int]], stacks: list[Any]
) -> list[LayerData]:
    identity, name, fields = new_id(), f"{source.name} augmented", source.fields
    products = tuple(
        Product(
            name=Path(s.name).name,
            operation=s.operation,
            copy=s.copy,
            source=fields[s.row].source,
            photograph=str(source.files[s.row].path) if source.files else fields[s.row].name,
            class_name=fields[s.row].class_name,
            size=size,
        )
        for s, size in zip(slices, sizes, strict=True)
    )
    common = {**stack_place_of(source.target.layer), "axis_labels": STACK_AXES}
    classes = {k: x.class_name for k, x in enumerate(products) if x.class_name}
    info = LayerInfo(kind=Kind.PHOTOGRAPH, id=identity, products=products, classes=classes)
    image = {"name": name, "rgb": True, "metadata": info.metadata(), **common}
    named = [(Kind.LABELS, own) for own in sorted(source.own)]
    named += [(Kind(word), word) for word in sorted(source.masks)]
    layers: list[LayerData] = [(stacks[0], image, "image")]
    for data, (kind, word) in zip(stacks[1:], named, strict=True):
        options = {"name": f"{name} {word}", "opacity": 0.5 if kind is Kind.NUCLEI else 0.3}
        metadata = LayerInfo(kind=kind, photograph=identity).metadata()
        layers.append((data, {**options, "metadata": metadata, **common}, "labels"))
    return layers


@dataclass(frozen=True)
class Preview:
    """A picture to lie over a photograph; ``offset`` and ``step`` are in pixels of that."""

    picture: NDArray[np.uint8]
    step: int
    offset: tuple[float, float]

    def options(self, layer: Image) -> dict[str, Any]:
        """Where the preview lies over the photograph's layer."""
        return slice_place_of(layer, self.step, self.offset)

    def layer(self, photograph: Image) -> Image:
        """A new layer for the preview."""
        metadata = LayerInfo(kind=Kind.PREVIEW, photograph=layer_id(photograph)).metadata()
        options = {"name": "Augment preview", "rgb": True, **self.options(photograph)}
        return Image(self.picture, metadata=metadata, **options)


def preview(source: Source, row: int, settings: AugmentSettings, operation: str) -> Preview:
    """What an operation makes of one slice, thinned, centred over it; for a worker.

    A frame of grey hides the photograph where the product is smaller or turned.

    Raises
    ------
    MarrowError
        When the photograph can't be read.
    """
    image, name = source.image(row), source.names(settings)[row]
    step = -(-max(image.shape[:2]) // PREVIEW_SIDE)
    thin = np.ascontiguousarray(image[::step, ::step])
    # Fewer pixels are blurred over fewer, as far as there is so little blur.
    settings = dataclasses.replace(settings, blur=max(0.7, settings.blur / step))
    made = product(thin, settings, operation, 1, name)
    (height, width), old = made.shape[:2], thin.shape[:2]
    frame = np.full((max(height, old[0]), max(width, old[1]), 3), _GREY, np.uint8)
    top, left = (frame.shape[0] - height) // 2, (frame.shape[1] - width) // 2
    frame[top : top + height, left : left + width] = made
    down, right = ((step - 1) / 2 - step * ((frame.shape[k] - old[k]) // 2) for k in (0, 1))
    return Preview(frame, step, (down, right))


def written_fields(source: Source, folder: Path) -> Collection:
    """The fields of a layer as a job reads them, from files.

    What is in the viewer alone is written into ``folder``: photographs of other readers, masks of
    a single field, which may have been painted on, and masks that no file holds.

    Raises
    ------
    MarrowError
        When a photograph or mask can't be read or written.
    """
    if source.root and len(source.fields) > 1:  # the layers of a folder can't be painted on
        kinds = {kind for field in source.fields for kind in field.mask_kinds}
        if {MASKS[word] for word in source.masks} <= kinds:
            return Collection(source.root, source.fields)
    try:
        fields = [_written(source, row, folder) for row in range(len(source.fields))]
    except OSError as error:
        raise MarrowError(
            f"{source.name} can't be written to the folder of temporary files, {folder.parent}: "
            f"{error.strerror or error}; free some space there."
        ) from error
    return Collection(source.root or folder, tuple(fields))


def _written(source: Source, row: int, folder: Path) -> Field:
    from PIL import Image as Picture

    field = source.fields[row]
    whence = source.files[row] if source.files else field
    filed = {kind: whence.mask(kind) for kind in whence.mask_kinds}
    shown = {MASKS[word]: source.mask(word, row) > 0 for word in source.masks}
    masks: dict[MaskKind, Any] = {**filed, **shown}
    if masks.get("background") is not None:  # what was painted since is background no longer
        for kind, mask in shown.items():
            before = filed.get(kind)
            painted = mask if before is None else mask & ~before
            masks["background"] = masks["background"] & ~painted
    paths: dict[MaskKind, Path] = {}
    for kind, mask in masks.items():
        if mask is not None:
            paths[kind] = folder / f"{row}_{kind}.png"
            white = np.where(mask[..., None], np.uint8(255), np.uint8(0))
            Picture.fromarray(np.repeat(white, 3, axis=2)).save(paths[kind])
    path = field.path
    if source.root is None:
        path = folder / str(row) / field.path.name
        path.parent.mkdir()
        Picture.fromarray(np.ascontiguousarray(source.image(row))).save(path)
    return dataclasses.replace(
        field, path=path, masks=paths, mask_code="white", cells=(), labels=None
    )
