"""What the plugin knows of a layer, in ``layer.metadata['napari_marrow']``.

The entry of a photograph is a dictionary: ``id``, ``fields`` (a list of :meth:`Field.to_dict`, in
the order of a stack's slices), ``sample`` (a checksum of a single field's pixels), ``root``, and
``predictions`` (one dictionary a field, or None) once there are some. Augmented photographs have
``products`` in place of ``fields``: name, operation, copy, source and size of every slice. A layer
that belongs to a photograph has ``of``, its ``id``: names change, and two photographs can have the
same. It has a ``kind`` too; the ``fields`` of an image that was made from a photograph are that
photograph's.
"""

from __future__ import annotations

import uuid
import weakref
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from napari.layers import Layer
from numpy.typing import NDArray

from napari_marrow.data.fields import Collection, Field
from napari_marrow.viewer.stack import LazyStack

KEY = "napari_marrow"
PREDICTED = "predicted cells"
"""How the name of a layer of predicted cells ends."""
PREVIEW = "preview"
"""The kind of a layer that comes and goes with a widget."""
MEAN = "mean picture"
"""The kind of a picture that is the mean of many: no photograph to label or to learn from."""
_KIND = "kind"
_fields: weakref.WeakKeyDictionary[Layer, tuple[Any, list[Field]]] = weakref.WeakKeyDictionary()


def field_metadata(collection: Collection, image: NDArray | None = None) -> dict[str, Any]:
    """The metadata of a layer that shows these fields; ``image`` is what it shows of one field."""
    fields = [f.to_dict() for f in collection.fields]
    sample = None if image is None else pixel_sample(image)
    known = {"id": uuid.uuid4().hex, "root": str(collection.root), "fields": fields}
    return {KEY: {**known, "sample": sample, "predictions": None}}


def pixel_sample(image: Any) -> int:
    """Checksum of every 16th pixel each way: tells whether a layer still shows its file."""
    return zlib.crc32(np.ascontiguousarray(image[::16, ::16]).tobytes())


def layer_fields(layer: Layer) -> list[Field]:
    """The fields that a layer shows, in the order of its slices; empty for layers of others.

    Also empty when the layer's pixels are no longer those of its files: replaced by hand, or made
    from them by another tool that took the metadata along, such as a projection.
    """
    known = layer.metadata.get(KEY, {})
    if "of" in known:
        return []
    fields = _decoded(layer, known.get("fields", ()))
    data = full_data(layer)
    if isinstance(data, LazyStack):
        return fields if len(fields) == len(data) else []
    if len(fields) != 1 or data.ndim != 3 or known.get("sample") != pixel_sample(data):
        return []
    return fields


def origin_fields(layer: Layer) -> list[Field]:
    """The fields of the photograph from which the plugin made this image, slice by slice."""
    known = layer.metadata.get(KEY, {})
    return _decoded(layer, known.get("fields", ())) if "of" in known else []


def _decoded(layer: Layer, values: Any) -> list[Field]:
    """The fields that a layer's metadata describes, made once: asked for at every slider step."""
    if layer not in _fields or _fields[layer][0] is not values:
        _fields[layer] = values, [Field.from_dict(value) for value in values]
    return _fields[layer][1]


def full_data(layer: Layer) -> Any:
    """The data of an image layer; of a multiscale one, its finest level."""
    return layer.data[0] if layer.multiscale else layer.data


def layer_id(layer: Layer) -> str:
    """The name by which other layers know a photograph; it gets one if it has none."""
    known = layer.metadata.get(KEY, {})
    if "id" not in known:
        known = {**known, "id": uuid.uuid4().hex}
        layer.metadata = {**layer.metadata, KEY: known}
    return known["id"]


def link_to(identity: str, kind: str) -> dict[str, Any]:
    """The metadata of a layer of some kind that belongs to the photograph of that ``id``."""
    return {KEY: {"of": identity, _KIND: kind}}


def layer_kind(layer: Layer) -> str | None:
    """What a layer is to the photograph that it belongs to, or None where nothing says so."""
    return layer.metadata.get(KEY, {}).get(_KIND)


def linked(layer: Layer) -> str | None:
    """The ``id`` of the photograph that a layer belongs to, or None where nothing says so."""
    return layer.metadata.get(KEY, {}).get("of")


def layer_predictions(layer: Layer) -> list[dict[str, Any]] | None:
    """What was predicted for each field of a layer, or None."""
    return layer.metadata.get(KEY, {}).get("predictions")


def set_predictions(layer: Layer, predictions: list[dict[str, Any]]) -> None:
    """Remember predictions in a layer; the metadata is replaced, so that its event is emitted."""
    known = {**layer.metadata.get(KEY, {}), "predictions": predictions}
    layer.metadata = {**layer.metadata, KEY: known}


def shown_slice(layer: Layer, point: tuple[float, ...]) -> int:
    """Which field of a stack is shown at the viewer's world ``point``; 0 for a single field.

    A stack that was moved along the field axis may not be shown there at all: then -1.
    """
    if layer.ndim < 3 or len(point) < layer.ndim:
        return 0
    row = round(float(layer.world_to_data(point[-layer.ndim :])[0]))
    return row if 0 <= row < len(full_data(layer)) else -1


def is_nuclei(layer: Layer) -> bool:
    """Whether a layer was opened as the nuclei of its photograph."""
    return layer_kind(layer) == "nuclei"


def holds_nuclei(kind: str | None) -> bool:
    """Whether layers of a kind hold nuclei: the photograph's, segmented beside them, or earlier."""
    return kind is not None and kind.removeprefix("earlier ").removeprefix("segmented ") == "nuclei"


def is_cytoplasm(layer: Layer) -> bool:
    """Whether a layer was opened as the cytoplasm of its photograph's cells."""
    return layer_kind(layer) == "cytoplasm"


def is_preview(layer: Layer) -> bool:
    """Whether a layer is a widget's preview: no photograph to label or to learn from."""
    return layer.metadata.get(KEY, {}).get(_KIND) == PREVIEW


def layer_products(layer: Layer) -> list[dict[str, Any]]:
    """What each slice of a stack of augmented photographs is: name, operation, copy, source."""
    products = layer.metadata.get(KEY, {}).get("products", [])
    return products if full_data(layer).shape[:1] == (len(products),) else []


def size_of_slices(layer: Layer) -> Callable[[int], tuple[int, int]] | None:
    """What tells height and width of a slice of a stack that the plugin made; else None.

    A slice that is smaller than others lies in the upper left corner, in a black frame. To ask may
    mean to read a file, so it is left to the worker.
    """
    if products := layer_products(layer):
        return lambda row: tuple(products[row]["size"])
    fields = origin_fields(layer)
    if isinstance(layer.data, LazyStack) and len(layer.data) == len(fields):
        return lambda row: fields[row].size()
    return None


def is_predicted(layer: Layer) -> bool:
    """Whether a layer holds predicted cells."""
    return layer_kind(layer) == PREDICTED
