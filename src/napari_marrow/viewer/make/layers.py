"""Fields as layers: the photograph, its nuclei, its cytoplasm; of one field the background too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
from napari.layers import Layer
from napari.types import FullLayerData
from napari.utils.notifications import show_warning
from numpy.typing import NDArray

from napari_marrow.data.cache import N_FILE_STATE, file_states
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.fingerprint import fingerprint
from napari_marrow.data.masks import MaskKind
from napari_marrow.data.pixel_size import common_pixel_size
from napari_marrow.imaging.label_cache import cached_field_labels
from napari_marrow.imaging.nuclei import field_labels, join_cytoplasm, separate
from napari_marrow.viewer.layer_info import (
    Kind,
    LayerInfo,
    new_id,
    pixel_checksum,
)
from napari_marrow.viewer.photograph.overlays import labels_checksum
from napari_marrow.viewer.photograph.slice_tables import nucleus_features
from napari_marrow.viewer.stack import LazyStack, Warn

LayerData: TypeAlias = FullLayerData
STACK_AXES = ("field", "y", "x")


def collection_layers(collection: Collection) -> list[LayerData]:
    """Return layers of one field, or one lazy stack of many, with matching Labels.

    Returns
    -------
    list of (data, keyword arguments, layer type)
        As napari's readers return them. The axes of a stack are (field, height, width).
    """
    fields = collection.fields
    single = len(fields) == 1
    states = tuple(tuple(file_states(f.all_files)) for f in fields)  # first: a later change is seen
    pixels, labels = _one(fields[0]) if single else _stacks(fields)
    name = fields[0].name if single else collection.root.name
    info = LayerInfo(
        kind=Kind.PHOTOGRAPH,
        id=new_id(),
        root=collection.root,
        fields=fields,
        class_tables=collection.tables,
        states=states,
        checksum=pixel_checksum(pixels) if isinstance(pixels, np.ndarray) else None,
    )
    axes = {
        "axis_labels": STACK_AXES[-2:] if single else STACK_AXES,
        **place_of_files([f.path for f in fields]),
    }
    image = {"name": name, "rgb": True, "metadata": info.metadata(), **axes}
    layers: list[LayerData] = [(pixels, image, "image")]
    for kind, data in labels.items():
        linked = LayerInfo(kind=kind, photograph=info.id, origin=tuple(f.path for f in fields))
        if isinstance(data, np.ndarray):  # that of a folder can't be changed
            contents = (fingerprint(fields[0].path, states[0][:N_FILE_STATE]),)
            linked = replace(linked, checksum=labels_checksum(data), contents=contents)
        own = labels_options(f"{name} {kind}", linked)
        options = {**own, "visible": kind is not Kind.BACKGROUND, **axes}
        if single and kind is Kind.NUCLEI:
            options["features"] = nucleus_features(data, labels.get(Kind.CYTOPLASM))
        layers.append((data, options, "labels"))
    return layers


def place_of_files(paths: Sequence[Path]) -> dict[str, object]:
    """Return scale and units in micrometres where all photographs have pixels of one size."""
    size = common_pixel_size(paths)
    if size is None:
        return {}
    if len(paths) == 1:
        return {"scale": size, "units": ("um", "um")}
    return {"scale": (1.0, *size), "units": ("pixel", "um", "um")}


def labels_options(name: str, info: LayerInfo) -> dict[str, object]:
    """Return options of a new Labels layer: nuclei hide less of the photograph than the rest."""
    return {"name": name, "opacity": 0.5 if info.holds_nuclei else 0.3, "metadata": info.metadata()}


def set_aside(layer: Layer) -> None:
    """Hide a layer that a later one replaces, as an earlier one of its kind."""
    info = LayerInfo.of(layer)
    if info.kind is not None:
        replace(info, kind=info.kind.earlier).set_on(layer)
    layer.name, layer.visible = f"{layer.name} (earlier)", False


def _one(field: Field) -> tuple[NDArray[np.uint8], dict[Kind, NDArray[np.integer]]]:
    """The pixels of a field and the labels over it, the nuclei on top."""
    labels: dict[Kind, NDArray[np.integer] | None] = {
        Kind.BACKGROUND: _or_warn(lambda: _background(field)),
        Kind.WHOLE_CELLS: _or_warn(lambda: _cells(field)) if "cell" in field.masks else None,
        Kind.CYTOPLASM: _or_warn(lambda: _cytoplasm(field))
        if "cytoplasm" in field.mask_kinds
        else None,
        Kind.NUCLEI: _or_warn(lambda: field_labels(field)),
    }
    # A copy: under a view of a file that another program cuts off, the viewer would crash.
    return field.image(), {kind: data for kind, data in labels.items() if data is not None}


def _or_warn(read: Callable[[], NDArray | None]) -> NDArray | None:
    """Return what can be read; warn of a mask that can't, as the rest can be looked at."""
    try:
        return read()
    except MarrowError as error:
        show_warning(f"{error} It is left out.")
        return None


def _background(field: Field) -> NDArray[np.uint16] | None:
    mask = field.mask("background")
    return None if mask is None else mask.astype(np.uint16)


def _stacks(fields: Sequence[Field]) -> tuple[LazyStack, dict[Kind, LazyStack]]:
    """The photographs of a folder and the labels over them, the nuclei on top."""
    shape = tuple(np.max([f.size() for f in fields], axis=0).tolist())
    warn = warn_once()

    def lazy(mask: MaskKind, read: Callable[[Field], NDArray]) -> LazyStack:
        readers = [partial(read, f) for f in fields]
        drafts = [partial(_draft, f, mask) for f in fields]
        return LazyStack(readers, shape, np.uint16, drafts=drafts, warn=warn)

    # Copies: a view of the file, upside down and BGR, takes longer to draw than to copy and draw.
    photographs = LazyStack([f.image for f in fields], (*shape, 3), np.uint8, warn=warn)
    nuclei = lazy("nucleus", lambda field: _or_zeros(field, field_labels(field)))
    nuclei.names = [f.name for f in fields]
    found = {kind for f in fields for kind in f.mask_kinds}
    # No stack of backgrounds: hidden layers are hardly looked at in a folder, and each costs 0.2 s.
    labels: dict[Kind, LazyStack] = {}
    if "cell" in found:
        labels[Kind.WHOLE_CELLS] = lazy("cell", _cells)
    if "cytoplasm" in found:
        nuclei.cytoplasm = lazy("cytoplasm", _cytoplasm)
        labels[Kind.CYTOPLASM] = nuclei.cytoplasm
    if "nucleus" in found or any(f.labels for f in fields):
        labels[Kind.NUCLEI] = nuclei
    return photographs, labels


def warn_once() -> Warn:
    """Return a function that warns of slices that can't be read, and are shown empty.

    Of the same thing once: a photograph and its masks often fail for one reason.
    """

    @cache
    def warn(text: str) -> None:
        show_warning(f"{text} It is shown empty.")

    return lambda error: warn(str(error))


def _or_zeros(field: Field, labels: NDArray | None) -> NDArray[np.uint16]:
    return (
        np.zeros(field.size(), np.uint16)
        if labels is None
        else labels.astype(np.uint16, copy=False)
    )


def _draft(field: Field, kind: MaskKind) -> NDArray[np.uint16]:
    """Instances that files mark, else the mask with label 1: nothing is separated."""
    marked = field.instances(kind)
    return _or_zeros(field, field.mask(kind) if marked is None else marked)


def _cells(field: Field) -> NDArray[np.integer]:
    """Whole cells; touching ones are separated."""

    def make() -> NDArray[np.uint16]:
        mask = field.mask("cell")
        return _or_zeros(field, None if mask is None else separate(mask))

    return cached_field_labels(field, Kind.WHOLE_CELLS, make)


def _cytoplasm(field: Field) -> NDArray[np.integer]:
    """Cytoplasm with the numbers of its nuclei, which are asked for only where there is some."""

    def make() -> NDArray[np.integer]:
        marked, mask = field.instances("cytoplasm"), field.mask("cytoplasm")
        found = field_labels(field) if marked is None and mask is not None else None
        if mask is None or found is None or not found.any():
            return _or_zeros(field, mask if marked is None else marked)
        return join_cytoplasm(found, mask)

    return cached_field_labels(field, Kind.CYTOPLASM, make)
