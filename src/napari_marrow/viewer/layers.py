"""Fields as layers: the photograph, its nuclei, its cytoplasm, and its background hidden."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import dask
import dask.array as da
import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.masks import MaskKind
from napari_marrow.imaging.nuclei import field_labels, join_cytoplasm, nucleus_table
from napari_marrow.viewer.metadata import field_metadata

if TYPE_CHECKING:
    import pandas as pd

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
    axes = {"axis_labels": FIELD_AXES if single else STACK_AXES}
    layers = _one(collection) if single else _stack(collection)
    return [(data, {**options, **axes}, kind) for data, options, kind in layers]


def _one(collection: Collection) -> list[LayerData]:
    field = collection.fields[0]
    layers: list[LayerData] = [
        (
            field.open(),
            {"name": field.name, "rgb": True, "metadata": field_metadata(collection)},
            "image",
        )
    ]
    if "background" in field.masks:
        layers.append(_whole(field, "background", _background(field), visible=False))
    nuclei = field_labels(field)
    if "cytoplasm" in field.masks:
        layers.append(_whole(field, "cytoplasm", _cytoplasm(field)))
    if nuclei is not None:
        features = nucleus_features(nuclei)
        extra = {"name": f"{field.name} nuclei", "opacity": 0.5, "features": features}
        layers.append((nuclei, extra, "labels"))
    return layers


def _whole(
    field: Field, kind: MaskKind, labels: NDArray[np.uint16], *, visible: bool = True
) -> LayerData:
    name = f"{field.name} {kind}"
    return labels, {"name": name, "opacity": 0.3, "visible": visible}, "labels"


def nucleus_features(labels: NDArray[np.integer]) -> pd.DataFrame:
    """The features table of a nuclei layer: ``index``, centre and area in pixels."""
    import pandas as pd  # napari itself imports it only with the first table

    return pd.DataFrame(nucleus_table(labels))


def _stack(collection: Collection) -> list[LayerData]:
    fields, name = collection.fields, collection.root.name
    shape = np.max([f.size() for f in fields], axis=0)

    def lazy(read: Callable[[Field], NDArray], dtype: Any, tail: tuple[int, ...] = ()) -> da.Array:
        return lazy_stack(fields, read, (int(shape[0]), int(shape[1]), *tail), dtype)

    metadata = field_metadata(collection)
    layers: list[LayerData] = [
        (
            lazy(Field.open, np.uint8, (3,)),
            {"name": name, "rgb": True, "metadata": metadata},
            "image",
        )
    ]
    kinds = {kind for f in fields for kind in f.masks}
    readers: list[tuple[MaskKind, str, Callable[[Field], NDArray], float]] = [
        ("background", "background", _background, 0.3),
        ("cytoplasm", "cytoplasm", _cytoplasm, 0.3),
        ("nucleus", "nuclei", nuclei_or_nothing, 0.5),
    ]
    for kind, word, read, opacity in readers:
        if kind in kinds or (kind == "nucleus" and any(f.labels for f in fields)):
            shown = {"opacity": opacity, "visible": kind != "background"}
            layers.append((lazy(read, np.uint16), {"name": f"{name} {word}", **shown}, "labels"))
    return layers


def lazy_stack(
    fields: tuple[Field, ...], read: Callable[[Field], NDArray], shape: tuple[int, ...], dtype: Any
) -> da.Array:
    """One array of many fields, each read when it is looked at.

    Smaller fields lie in the upper left corner of the largest's frame, on black.
    """

    def padded(field: Field) -> NDArray:
        array = read(field)
        if array.shape == shape:
            return array
        frame = np.zeros(shape, dtype)
        frame[: array.shape[0], : array.shape[1]] = array
        return frame

    pieces = [da.from_delayed(dask.delayed(padded)(f), shape, dtype) for f in fields]
    return da.stack(pieces)


def nuclei_or_nothing(field: Field) -> NDArray[np.integer]:
    """The nuclei of a field, or zeros where it has no mask of them."""
    labels = field_labels(field)
    return np.zeros(field.size(), np.uint16) if labels is None else labels


def _background(field: Field) -> NDArray[np.uint16]:
    mask = field.mask("background")
    return np.zeros(field.size(), np.uint16) if mask is None else mask.astype(np.uint16)


def _cytoplasm(field: Field) -> NDArray[np.uint16]:
    mask = field.mask("cytoplasm")
    if mask is None:  # most fields: then the nuclei need not be separated for it
        return np.zeros(field.size(), np.uint16)
    nuclei = nuclei_or_nothing(field)
    return join_cytoplasm(nuclei, mask) if nuclei.any() else mask.astype(np.uint16)
