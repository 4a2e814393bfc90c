"""What augmentation makes of a photograph's layer: a preview, layers, or the fields of a job."""

from __future__ import annotations

import dataclasses
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Image, Labels
from numpy.typing import NDArray

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
from napari_marrow.jobs.augment import file_name, names
from napari_marrow.viewer.annotations import field_class
from napari_marrow.viewer.labelling import Target, target_of
from napari_marrow.viewer.layers import STACK_AXES, LayerData, warn_once
from napari_marrow.viewer.metadata import (
    KEY,
    PREVIEW,
    full_data,
    is_cytoplasm,
    is_nuclei,
    layer_fields,
    layer_id,
    layer_kind,
    layer_products,
    link_to,
    linked,
    origin_fields,
)
from napari_marrow.viewer.stack import LazyStack

IN_MEMORY = 2**30
"""Layers up to so many bytes are made at once; of larger ones each slice when it is looked at."""
TELL_S = 0.1
"""Between two reports of progress: drawing a bar takes as long as making a small picture."""
PREVIEW_SIDE = 1280
"""A preview is thinned to at most so many pixels a side."""
_GREY = 48
_WORDS: dict[str, MaskKind] = {"nuclei": "nucleus", "cytoplasm": "cytoplasm"}


@dataclass(frozen=True)
class Source:
    """A photograph's layer with its masks, gathered on the viewer's thread.

    Attributes
    ----------
    target
        The photograph, one or a stack of them.
    name
        Of its layer.
    fields
        What its slices are; those that come from no file have a path that is not there.
    root
        The folder they come from, or None.
    files
        Of each slice the field of files that it shows or was made from; empty where there are none.
    masks
        Data of the Labels layers over it, of the photograph's shape: ``nuclei``, ``cytoplasm``, and
        under their names those that a person made.
    """

    target: Target
    name: str
    fields: tuple[Field, ...]
    root: Path | None
    files: tuple[Field, ...]
    masks: dict[str, Any]

    def image(self, row: int) -> NDArray[np.uint8]:
        """The photograph of one slice as it is shown, without the frame of a smaller one."""
        return self._slice(self.target.data, row)[..., :3]

    def mask(self, word: str, row: int) -> NDArray:
        """The nuclei or cytoplasm of one slice."""
        return self._slice(self.masks[word], row)

    def size(self, row: int) -> tuple[int, int]:
        """Height and width of one slice, without the frame."""
        if self.target.size_of:
            return self.target.size_of(row)
        if self.target.fields:
            return self.fields[row].size()
        height, width = self.target.data.shape[-3:-1]
        return height, width

    def names(self, settings: AugmentSettings) -> list[str]:
        """What the fields are called in a folder that is written: what is random hangs on it."""
        return names(Collection(self.root or Path(), self.fields), settings)

    def _slice(self, data: Any, row: int) -> NDArray:
        height, width = self.size(row)
        if self.target.data.ndim == 3:
            whole = data
        else:
            whole = data.read(row) if isinstance(data, LazyStack) else data[row]
        return np.asarray(whole)[:height, :width]


def gathered(layer: Image, layers: Any) -> Source:
    """What augmentation needs of a photograph's layer; quick, and on the viewer's thread."""
    known = layer_fields(layer)
    target = target_of(layer)
    fields = [_field(layer, row, known, len(target)) for row in range(len(target))]
    root = Path(layer.metadata[KEY]["root"]) if known else None
    files = tuple(known or origin_fields(layer))
    masks = {word: found for word in _WORDS if (found := _mask(layer, layers, word)) is not None}
    masks |= _own_labels(layer, layers)
    return Source(target, layer.name, tuple(fields), root, files, masks)


def _field(layer: Image, row: int, known: list[Field], many: int) -> Field:
    class_name = field_class(layer, row)
    if known:
        return dataclasses.replace(known[row], class_name=class_name)
    if products := layer_products(layer):
        name, source = products[row]["name"], products[row]["source"]
        return Field(Path(f"{file_name(name)}.bmp"), name, source, class_name)
    if origin := origin_fields(
        layer
    ):  # recoloured: of the same source, or it would be in two parts
        name = file_name(f"{origin[row].name} {layer_kind(layer)}")
        class_name = class_name or origin[row].class_name
        return Field(Path(f"{name}.bmp"), name, origin[row].source, class_name)
    name = file_name(f"{layer.name} {row}" if many > 1 else layer.name)
    return Field(Path(f"{name}.bmp"), name, name, class_name)


def _mask(image: Image, layers: Any, word: str) -> Any:
    """Data of the layer that was opened as the nuclei or cytoplasm, or is named so; or None.

    Opened with the photograph, or with the one that the image was made from.
    """
    is_kind = is_nuclei if word == "nuclei" else is_cytoplasm
    photographs = {layer_id(image), linked(image)} - {None}
    fitting = _fitting(image, layers)
    own = [x for x in fitting if linked(x) in photographs and is_kind(x)]
    named = [x for x in fitting if linked(x) is None and x.name == f"{image.name} {word}"]
    return next((x.data for x in (*own, *named)), None)


def _own_labels(image: Image, layers: Any) -> dict[str, Any]:
    """Labels that a person drew over the photograph, by the names of their layers."""
    named = {f"{image.name} {word}" for word in _WORDS}
    drawn = [x for x in _fitting(image, layers) if layer_kind(x) is None and x.name not in named]
    return {x.name: x.data for x in drawn}


def _fitting(image: Image, layers: Any) -> list[Labels]:
    shape = full_data(image).shape[:-1]
    return [x for x in layers if isinstance(x, Labels) and x.data.shape == shape]


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
    masks = {k: np.array(x) if x.ndim == 2 else x for k, x in source.masks.items()}
    source = dataclasses.replace(source, masks=masks)
    slices = _slices(source, settings)
    whole = [source.size(row) for row in range(len(source.fields))]
    sizes = [product_size(whole[s.row], settings, s.operation) for s in slices]
    height, width = np.max(sizes, axis=0).tolist()
    warn = warn_once()
    stacks: dict[str, Any] = {}
    for word in (*source.masks, "photographs"):
        tail = (3,) if word == "photographs" else ()
        dtype = source.masks[word].dtype if word in source.masks else np.dtype(np.uint8)
        frame = (height, width, *tail)
        read = partial(_made, source, settings, word)
        readers = [partial(read, s) for s in slices]
        stacks[word] = LazyStack(readers, frame, dtype, slow=True, warn=warn)
    if sum(x.size * x.dtype.itemsize for x in stacks.values()) <= IN_MEMORY:
        filled = {word: np.empty(stack.shape, stack.dtype) for word, stack in stacks.items()}
        told_at = time.monotonic()
        for k in range(len(slices)):
            for word, stack in stacks.items():
                filled[word][k] = stack.read(k)
            if time.monotonic() > told_at + TELL_S:
                yield (k + 1) / len(slices)
                told_at = time.monotonic()
        stacks = filled
    return _layers(source, slices, sizes, stacks)  # type: ignore[return-value]  # for the worker's signal


def _made(source: Source, settings: AugmentSettings, word: str, what: _Slice) -> NDArray:
    array = source.image(what.row) if word == "photographs" else source.mask(word, what.row)
    if not what.operation:
        return array
    return product(array, settings, what.operation, what.copy, what.seeded)


def _layers(
    source: Source, slices: list[_Slice], sizes: list[tuple[int, int]], stacks: dict[str, Any]
) -> list[LayerData]:
    identity, name, fields = uuid.uuid4().hex, f"{source.name} augmented", source.fields
    products = [
        {
            "name": Path(s.name).name,
            "operation": s.operation,
            "copy": s.copy,
            "source": fields[s.row].source,
            "photograph": str(source.files[s.row].path) if source.files else fields[s.row].name,
            "class": fields[s.row].class_name,
            "size": size,
        }
        for s, size in zip(slices, sizes, strict=True)
    ]
    layer = source.target.layer
    common = {
        "scale": (1, *layer.scale[-2:]),
        "translate": (0, *layer.translate[-2:]),
        "axis_labels": STACK_AXES,
        "units": ("pixel", *layer.units[-2:]),
    }
    classes = {str(k): x["class"] for k, x in enumerate(products) if x["class"]}
    known = {KEY: {"id": identity, "products": products, "classes": classes}}
    image = {"name": name, "rgb": True, "metadata": known, **common}
    layers: list[LayerData] = [(stacks.pop("photographs"), image, "image")]
    for word in sorted(stacks):  # nuclei on top of cytoplasm
        options = {"name": f"{name} {word}", "opacity": 0.5 if word == "nuclei" else 0.3}
        kind = word if word in _WORDS else "labels"
        labels = {**options, "metadata": link_to(identity, kind), **common}
        layers.append((stacks[word], labels, "labels"))
    return layers


@dataclass(frozen=True)
class Preview:
    """A picture to lie over a photograph; ``offset`` and ``step`` are in pixels of that."""

    picture: NDArray[np.uint8]
    step: int
    offset: tuple[float, float]

    def options(self, layer: Image) -> dict[str, Any]:
        """Where the preview lies over the photograph's layer."""
        scale, translate = np.asarray(layer.scale[-2:]), np.asarray(layer.translate[-2:])
        return {
            "scale": scale * self.step,
            "translate": translate + scale * self.offset,
            "units": layer.units[-2:],  # napari can crash where those of layers differ
        }

    def layer(self, photograph: Image) -> Image:
        """A new layer for the preview."""
        metadata = link_to(layer_id(photograph), PREVIEW)
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
    """
    if source.root and len(source.fields) > 1:  # the layers of a folder can't be painted on
        kinds = {kind for field in source.fields for kind in field.mask_kinds}
        if {_WORDS[word] for word in source.masks if word in _WORDS} <= kinds:
            return Collection(source.root, source.fields)
    fields = [_written(source, row, folder) for row in range(len(source.fields))]
    return Collection(source.root or folder, tuple(fields))


def _written(source: Source, row: int, folder: Path) -> Field:
    from PIL import Image as Picture

    field = source.fields[row]
    whence = source.files[row] if source.files else field
    filed = {kind: whence.mask(kind) for kind in whence.mask_kinds}
    shown = {_WORDS[w]: source.mask(w, row) > 0 for w in source.masks if w in _WORDS}
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
