"""What augmentation makes of a photograph's layer: a preview, layers, or the fields of a job."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from napari.layers import Image, Labels, Layer
from numpy.typing import DTypeLike, NDArray

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.failures import Failure, Failures
from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.masks import MaskKind
from napari_marrow.data.progress import never
from napari_marrow.imaging.augment import PlannedImage, product
from napari_marrow.imaging.settings import AugmentSettings
from napari_marrow.jobs.augment import plan_readable, unique_names
from napari_marrow.jobs.events import Emit, Event, ShouldStop, silent
from napari_marrow.viewer.layer_info import Kind, LayerInfo, linked_info, new_id
from napari_marrow.viewer.make.layers import STACK_AXES, labels_options, warn_once
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.records import Product
from napari_marrow.viewer.stack import LazyStack, Pixels
from napari_marrow.viewer.transforms import slice_place_of, stack_place_of

MAX_BYTES_IN_MEMORY = 2**30
"""Layers up to this size are made at once; of larger ones each slice when it is looked at."""
MAX_PREVIEW_SIDE_PX = 1280
PREVIEW_BACKGROUND_GREY = 48
MASKS: dict[Kind, MaskKind] = {Kind.NUCLEI: "nucleus", Kind.CYTOPLASM: "cytoplasm"}
"""Kinds of layers, and of the mask files that they are written as."""


@dataclass(frozen=True)
class _Slice:
    row: int  # of the photograph
    planned: PlannedImage
    product: Product


@dataclass(frozen=True, eq=False)
class AugmentedStacks:
    """Stacks of all products, a slice each, of a photograph and of the labels over it.

    Attributes
    ----------
    products
        What the slices are.
    photographs
        (products, height, width, 3); smaller slices are in the upper left corner.
    labels
        Kind, name and (products, height, width) of each stack of labels, the nuclei last.
    failed
        The fields that can't be read: nothing is made of them.
    """

    products: tuple[Product, ...]
    photographs: Pixels
    labels: tuple[tuple[Kind, str, Pixels], ...]
    failed: tuple[Failure, ...] = ()


def augment_photograph(
    photograph: Photograph,
    settings: AugmentSettings,
    emit: Emit = silent,
    should_stop: ShouldStop = never,
) -> AugmentedStacks:
    """Make all products of a photograph, or of the fields of a stack; for a worker.

    A stack holds products of one field after those of the other.

    Raises
    ------
    MarrowError
        For settings that can't work, when not one field can be read, or where masks lie elsewhere
        than the photograph.
    Stopped
        When ``should_stop`` returned True.
    """
    settings.check()
    failures = Failures()
    slices = _slices(photograph, settings, failures, should_stop)
    frame = tuple(np.max([s.product.size for s in slices], axis=0).tolist())
    warn = warn_once()

    def stack(read: Callable[[int], NDArray], frame: tuple[int, ...], dtype: DTypeLike) -> Pixels:
        readers = [partial(_read, read, settings, s) for s in slices]
        return LazyStack(readers, frame, dtype, warn=warn)

    labels = [(Kind.LABELS, *x) for x in sorted(photograph.own_labels.items())]
    labels += [(kind, str(kind), x.data) for kind, x in sorted(photograph.overlays.items())]
    # The layers may be painted on meanwhile, and a slice be made only much later.
    kept = [copy.deepcopy(x) for _, _, x in labels]
    over = [stack(partial(photograph.part, x), frame, x.dtype) for x in kept]
    stacks = [stack(photograph.image, (*frame, 3), np.uint8), *over]
    if sum(x.size * x.dtype.itemsize for x in stacks) <= MAX_BYTES_IN_MEMORY:
        stacks = _in_memory(stacks, emit, should_stop)
    named = [(kind, name, x) for (kind, name, _), x in zip(labels, stacks[1:], strict=True)]
    made = tuple(s.product for s in slices)
    return AugmentedStacks(made, stacks[0], tuple(named), tuple(failures.found))


def _slices(
    photograph: Photograph, settings: AugmentSettings, failures: Failures, should_stop: ShouldStop
) -> list[_Slice]:
    """The slices to make of all fields that can be read."""

    def read(row: int) -> None:
        photograph.check(row)
        photograph.image(row)

    def made_by(row: int) -> str:  # of a slice that is no photograph itself
        if photograph.products:
            return photograph.products[row].operation
        return str(photograph.info.kind) if photograph.origin else ""

    collection, made = _collection(photograph), []
    origin = photograph.files or photograph.origin
    known = origin or photograph.products
    readable = plan_readable(collection, settings, read, failures, should_stop)
    for row, images in readable.items():
        field, size = collection.fields[row], photograph.size(row)
        for one in images:
            made_of_row = Product(
                name=Path(one.name).name,
                operation=one.operation or made_by(row),
                copy=one.copy,
                source=field.source,
                photograph=str(origin[row].path) if origin else photograph.origin_key(row),
                class_name=known[row].class_name if known else field.class_name,
                size=one.size(size, settings),
                layer=photograph.info.id or "",
                row=row,
            )
            made.append(_Slice(row, one, made_of_row))
    return made


def _collection(photograph: Photograph) -> Collection:
    """The fields as a job reads them, so that names and random numbers are the same."""
    fields = tuple(photograph.field(row) for row in range(len(photograph)))
    return Collection(photograph.root or Path(), fields)


def _read(read: Callable[[int], NDArray], settings: AugmentSettings, one: _Slice) -> NDArray:
    return one.planned.make(read(one.row), settings)


def _in_memory(stacks: list[Pixels], emit: Emit, should_stop: ShouldStop) -> list[Pixels]:
    """All slices of stacks of one length; those that can't be read are empty."""
    filled = [np.empty(stack.shape, stack.dtype) for stack in stacks]
    for row in range(len(filled[0])):
        if should_stop():
            raise Stopped
        for array, stack in zip(filled, stacks, strict=True):
            array[row] = stack[row]
        emit(Event("progress", "Making layers", (row + 1) / len(filled[0])))
    return [*filled]


def augmented_layers(photograph: Photograph, stacks: AugmentedStacks) -> list[Layer]:
    """Return layers of all products: the photographs, then a layer of each kind of labels."""
    identity, name = new_id(), f"{photograph.name} augmented"
    info = LayerInfo(
        kind=Kind.PHOTOGRAPH,
        id=identity,
        root=photograph.info.root,
        class_tables=photograph.info.class_tables,
        products=stacks.products,
        made_of_classes={k: photograph.classes[x.row] for k, x in enumerate(stacks.products)},
    )
    place = {**stack_place_of(photograph.layer), "axis_labels": STACK_AXES}
    image = Image(stacks.photographs, name=name, rgb=True, metadata=info.metadata(), **place)
    layers: list[Layer] = [image]
    for kind, word, data in stacks.labels:
        options = labels_options(f"{name} {word}", linked_info(image, kind))
        layers.append(Labels(data, **options, **place))
    return layers


@dataclass(frozen=True)
class Preview:
    """A picture to lie over a photograph; ``offset`` and ``step`` are in pixels of that."""

    picture: NDArray[np.uint8]
    step: int
    offset: tuple[float, float]

    def options(self, layer: Image) -> dict[str, object]:
        """Return place and metadata of the preview's layer over the photograph's."""
        place = slice_place_of(layer, self.step, self.offset)
        return {**place, "metadata": linked_info(layer, Kind.PREVIEW).metadata()}


def preview(photograph: Photograph, row: int, settings: AugmentSettings, operation: str) -> Preview:
    """Return what an operation makes of one slice, thinned, centred over it; for a worker.

    A frame of grey hides the photograph where the product is smaller or turned.

    Raises
    ------
    MarrowError
        When the photograph can't be read.
    """
    image, name = photograph.image(row), unique_names(_collection(photograph), settings)[row]
    step = -(-max(image.shape[:2]) // MAX_PREVIEW_SIDE_PX)
    thin = np.ascontiguousarray(image[::step, ::step])
    # Fewer pixels are blurred over fewer, as far as there is so little blur.
    settings = dataclasses.replace(settings, blur=max(0.7, settings.blur / step))
    made = product(thin, settings, operation, 1, name)
    (height, width), old = made.shape[:2], thin.shape[:2]
    shape = (max(height, old[0]), max(width, old[1]), 3)
    frame = np.full(shape, PREVIEW_BACKGROUND_GREY, np.uint8)
    top, left = (frame.shape[0] - height) // 2, (frame.shape[1] - width) // 2
    frame[top : top + height, left : left + width] = made
    down, right = ((step - 1) / 2 - step * ((frame.shape[k] - old[k]) // 2) for k in (0, 1))
    return Preview(frame, step, (down, right))


def left_out(photograph: Photograph) -> list[str]:
    """Return a sentence about Labels over a photograph that no file of masks is made of."""
    if not photograph.own_labels:
        return []
    own, name = ", ".join(photograph.own_labels), photograph.name
    return [
        f"Left out, as their meaning is not known: {own}; name a layer {name} nuclei or {name} "
        "cytoplasm to have it written as these masks."
    ]


def written_fields(photograph: Photograph, folder: Path, failures: Failures) -> Collection:
    """Return the fields of a layer as a job reads them, from files.

    What is in the viewer alone is written into ``folder``: photographs of other readers, masks of
    a single field, which may have been painted on, and masks that no file holds. Fields that can't
    be read are added to ``failures``.

    Raises
    ------
    MarrowError
        When no photograph can be read, a file can't be written, or masks lie elsewhere.
    """
    fields = tuple(photograph.field(row) for row in range(len(photograph)))
    shown = photograph.overlays.values()
    in_files = photograph.root and len(fields) > 1 and not any(x.edited for x in shown)
    kinds = {kind for field in fields for kind in field.mask_kinds}
    in_files = in_files and {MASKS[kind] for kind in photograph.overlays} <= kinds
    written = []
    try:
        for row, field in enumerate(fields):
            with failures.leaving_out(field.name):
                photograph.check(row)
                written.append(field if in_files else _written(photograph, row, field, folder))
    except OSError as error:
        raise MarrowError(
            f"{photograph.name} can't be written to the folder of temporary files, "
            f"{folder.parent}: {error.strerror or error}; free some space there."
        ) from error
    failures.check_some_left(len(fields))
    return Collection(photograph.root or folder, tuple(written))


def _written(photograph: Photograph, row: int, field: Field, folder: Path) -> Field:
    from PIL import Image as Picture

    origin = (photograph.files or photograph.origin or [field] * (row + 1))[row]
    found = {kind: origin.mask(kind) for kind in origin.mask_kinds}
    filed = {kind: mask for kind, mask in found.items() if mask is not None}
    overlays = photograph.overlays.items()
    shown = {MASKS[kind]: photograph.part(x.data, row) > 0 for kind, x in overlays}
    masks: dict[MaskKind, NDArray[np.bool_]] = {**filed, **shown}
    if "background" in masks:  # what was painted since is background no longer
        for kind, mask in shown.items():
            painted = mask & ~filed[kind] if kind in filed else mask
            masks["background"] = masks["background"] & ~painted
    paths: dict[MaskKind, Path] = {}
    for kind, mask in masks.items():
        paths[kind] = folder / f"{row}_{kind}.png"
        Picture.fromarray(mask).convert("RGB").save(paths[kind])
    path = field.path
    if photograph.root is None:
        path = folder / str(row) / field.path.name
        path.parent.mkdir()
        Picture.fromarray(np.ascontiguousarray(photograph.image(row))).save(path)
    return dataclasses.replace(
        field, path=path, masks=paths, mask_code="white", cells=(), labels=None
    )
