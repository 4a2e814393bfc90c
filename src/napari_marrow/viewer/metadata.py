"""What the plugin knows of a layer, in ``layer.metadata['napari_marrow']``.

The entry is a dictionary: ``fields`` (a list of :meth:`Field.to_dict`, in the order of a stack's
slices), ``root``, and ``predictions`` (one dictionary a field, or None) once there are some.
"""

from __future__ import annotations

from typing import Any

from napari.layers import Layer

from napari_marrow.data.fields import Collection, Field

KEY = "napari_marrow"
PREDICTED = "predicted cells"
"""How the name of a layer of predicted cells ends."""


def field_metadata(collection: Collection) -> dict[str, Any]:
    """The metadata of an image layer that shows these fields."""
    fields = [f.to_dict() for f in collection.fields]
    return {KEY: {"root": str(collection.root), "fields": fields, "predictions": None}}


def layer_fields(layer: Layer) -> list[Field]:
    """The fields that a layer shows, in the order of its slices; empty for layers of others."""
    known = layer.metadata.get(KEY, {})
    return [Field.from_dict(values) for values in known.get("fields", ())]


def layer_predictions(layer: Layer) -> list[dict[str, Any]] | None:
    """What was predicted for each field of a layer, or None."""
    return layer.metadata.get(KEY, {}).get("predictions")


def set_predictions(layer: Layer, predictions: list[dict[str, Any]]) -> None:
    """Remember predictions in a layer; the metadata is replaced, so that its event is emitted."""
    known = {**layer.metadata.get(KEY, {}), "predictions": predictions}
    layer.metadata = {**layer.metadata, KEY: known}


def shown_slice(layer: Layer, step: tuple[int, ...]) -> int:
    """Which field of a stack is shown at the viewer's ``step``; 0 for a single field."""
    extra = layer.ndim - 2
    if extra < 1 or len(step) < layer.ndim:
        return 0
    axis = len(step) - layer.ndim
    return int(step[axis])
