"""Fields as layers: the photograph, its nuclei, its cytoplasm; of one field the background too."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from napari.utils.notifications import show_warning
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.masks import MaskKind
from napari_marrow.imaging.nuclei import field_labels, join_cytoplasm, nucleus_table, separate
from napari_marrow.viewer.label_cache import cached_labels
from napari_marrow.viewer.layer_info import Kind, LayerInfo, field_info
from napari_marrow.viewer.stack import LazyStack, Warn

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")
LayerData = tuple[Any, dict[str, Any], str]
FIELD_AXES, STACK_AXES = ("y", "x"), ("field", "y", "x")


def collection_layers(collection: Collection) -> list[LayerData]:
    """Layers of a collection: of one field, or one lazy stack of many with matching Labels.

    Returns
    -------
    list of (data, keyword arguments, layer type)
        As napari's readers return them. The axes of a stack are (field, height, width).
    """
    single = len(collection.fields) == 1
    axes = FIELD_AXES if single else STACK_AXES
    (pixels, photograph, _), *masks = _one(collection) if single else _stack(collection)
    identity = LayerInfo.from_metadata(photograph["metadata"]).id
    layers: list[LayerData] = [(pixels, {**photograph, "axis_labels": axes}, "image")]
    for data, options, _ in masks:
        info = LayerInfo(kind=Kind(options["name"].rsplit(" ", 1)[-1]), photograph=identity)
        more = {"axis_labels": axes, "metadata": info.metadata()}
        layers.append((data, {**options, **more}, "labels"))
    return layers


def _one(collection: Collection) -> list[LayerData]:
    field = collection.fields[0]
    image = field.open()
    extra = {"name": field.name, "rgb": True, "metadata": field_info(collection, image).metadata()}
    layers: list[LayerData] = [(image, extra, "image")]
    background = field.mask("background")
    if background is not None:
        whole = background.astype(np.uint16)
        layers.append(_whole(field, "background", whole, visible=False))
    nuclei = field_labels(field)
    if "cell" in field.masks:
        layers.append(_whole(field, "cells", cells_or_nothing(field)))
    cytoplasm = None
    if "cytoplasm" in field.mask_kinds:
        cytoplasm = _cytoplasm(field, lambda: nuclei)
        layers.append(_whole(field, "cytoplasm", cytoplasm))
    if nuclei is not None:
        features = nucleus_features(nuclei, cytoplasm)
        extra = {"name": f"{field.name} nuclei", "opacity": 0.5, "features": features}
        layers.append((nuclei, extra, "labels"))
    return layers


def _whole(
    field: Field, word: str, labels: NDArray[np.integer], *, visible: bool = True
) -> LayerData:
    name = f"{field.name} {word}"
    return labels, {"name": name, "opacity": 0.3, "visible": visible}, "labels"


def nucleus_features(
    labels: NDArray[np.integer], cytoplasm: NDArray[np.integer] | None = None
) -> pd.DataFrame:
    """The features table of a nuclei layer: see :func:`nucleus_table`."""
    import pandas as pd  # napari itself imports it only with the first table

    return pd.DataFrame(nucleus_table(labels, cytoplasm))


def _stack(collection: Collection) -> list[LayerData]:
    fields, name = collection.fields, collection.root.name
    shape = tuple(np.max([f.size() for f in fields], axis=0).tolist())
    warn = warn_once()

    def lazy(word: str, kind: MaskKind, read: Callable[[int], NDArray]) -> LazyStack:
        readers = [partial(cached_labels, f, word, partial(read, k)) for k, f in enumerate(fields)]
        drafts = [partial(mask_labels, f, kind) for f in fields]
        return LazyStack(readers, shape, np.uint16, drafts=drafts, warn=warn)

    def read_cytoplasm(row: int) -> NDArray[np.uint16]:
        height, width = fields[row].size()
        return _cytoplasm(fields[row], lambda: nuclei.read(row)[:height, :width])

    # Copies: a view of the file, upside down and BGR, takes longer to draw than to copy and draw.
    photographs = LazyStack([f.image for f in fields], (*shape, 3), np.uint8, warn=warn)
    nuclei = lazy("nuclei", "nucleus", lambda row: nuclei_or_nothing(fields[row]))
    # No stack of backgrounds: hidden layers are hardly looked at in a folder, and each costs 0.2 s.
    stacks = {
        "cells": lazy("cells", "cell", lambda row: cells_or_nothing(fields[row])),
        "cytoplasm": lazy("cytoplasm", "cytoplasm", read_cytoplasm),
        "nuclei": nuclei,
    }
    nuclei.names = [f.name for f in fields]
    plurals = {"nucleus": "nuclei", "cell": "cells"}
    words = {plurals.get(kind, kind) for f in fields for kind in f.mask_kinds}
    if any(f.labels for f in fields):
        words.add("nuclei")
    if "cytoplasm" in words:
        nuclei.cytoplasm = stacks["cytoplasm"]
    extra = {"name": name, "rgb": True, "metadata": field_info(collection).metadata()}
    layers: list[LayerData] = [(photographs, extra, "image")]
    for word in stacks:
        if word in words:
            opacity = 0.5 if word == "nuclei" else 0.3
            layers.append((stacks[word], {"name": f"{name} {word}", "opacity": opacity}, "labels"))
    return layers


def warn_once() -> Warn:
    """Warn of slices that can't be made, and are shown empty.

    Of the same thing once: a photograph and its masks often fail for one reason.
    """
    told: set[str] = set()

    def warn(error: MarrowError) -> None:
        if str(error) not in told:
            told.add(str(error))
            show_warning(f"{error} It is shown empty.")

    return warn


def mask_labels(field: Field, kind: MaskKind) -> NDArray[np.uint16]:
    """Instances that files mark, else the mask with label 1, else zeros: nothing is separated."""
    marked = field.instances(kind)
    mask = field.mask(kind) if marked is None else marked
    return np.zeros(field.size(), np.uint16) if mask is None else mask.astype(np.uint16)


def nuclei_or_nothing(field: Field) -> NDArray[np.integer]:
    """The nuclei of a field, or zeros where it has no mask of them."""
    labels = field_labels(field)
    return np.zeros(field.size(), np.uint16) if labels is None else labels


def cells_or_nothing(field: Field) -> NDArray[np.uint16]:
    """Whole cells, touching ones taken apart, or zeros where a field has no mask of them."""
    mask = field.mask("cell")
    return np.zeros(field.size(), np.uint16) if mask is None else separate(mask)


def _cytoplasm(
    field: Field, nuclei: Callable[[], NDArray[np.integer] | None]
) -> NDArray[np.uint16]:
    marked = field.instances("cytoplasm")
    if marked is not None:
        return marked.astype(np.uint16)
    mask = field.mask("cytoplasm")
    if mask is None:  # most fields: then the nuclei need not be separated for it
        return np.zeros(field.size(), np.uint16)
    found = nuclei()
    if found is None or not found.any():
        return mask.astype(np.uint16)
    return join_cytoplasm(found, mask)
