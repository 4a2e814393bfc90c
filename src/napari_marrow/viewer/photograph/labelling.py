"""Labelling layers with a bundle: fields and cells of what is open, through ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Field
from napari_marrow.learning.bundle import Bundle
from napari_marrow.viewer.layer_info import (
    Kind,
    LayerInfo,
    full_data,
    layer_fields,
    layer_id,
    size_of_slices,
)
from napari_marrow.viewer.run_length import Packed
from napari_marrow.viewer.stack import LazyStack, read_slice

if TYPE_CHECKING:  # the rest is imported in the worker, so that opening a widget costs nothing
    from napari_marrow.learning.predictor import Prediction


NO_FIELD = "The slider shows no field of this stack; move it to one."
NO_PHOTOGRAPH = "No photograph is open; open an RGB image of 8 bits a channel, or a folder, first."


@dataclass(frozen=True)
class Target:
    """One photograph's layer with what a worker needs of it, gathered on the viewer's thread.

    Attributes
    ----------
    layer
        Only touched on the viewer's thread.
    data
        (height, width, 3) or (fields, height, width, 3), perhaps lazy.
    fields
        What is known of its slices; empty for a layer of another reader.
    nuclei
        Instance labels of a single field, as they are in the viewer now, or None.
    size_of
        Tells height and width of slices that the plugin made; None for others.
    """

    layer: Image
    data: Any
    fields: list[Field]
    nuclei: NDArray[np.integer] | None
    size_of: Callable[[int], tuple[int, int]] | None = None

    def __len__(self) -> int:
        return len(self.data) if self.data.ndim == 4 else 1

    def image(self, row: int) -> NDArray[np.uint8]:
        """The photograph of one slice, without the frame that a smaller field has in a stack."""
        if self.fields:
            return self.fields[row].image()
        if self.data.ndim == 3:
            return np.asarray(self.data)[..., :3]
        height, width = self.size_of(row) if self.size_of else self.data.shape[1:3]
        return read_slice(self.data, row)[:height, :width, :3]

    def labels(self, row: int) -> NDArray[np.integer] | None:
        """The nuclei of one slice as far as they are known."""
        from napari_marrow.imaging.nuclei import field_labels

        if self.nuclei is not None:
            return self.nuclei
        return field_labels(self.fields[row]) if self.fields else None


def is_photograph(layer: Any) -> bool:
    """Whether a layer is an RGB image of 8 bits: one photograph or a stack of them."""
    shown = isinstance(layer, Image) and layer.rgb and layer.data.dtype == np.uint8
    shown = shown and LayerInfo.of(layer).kind not in (Kind.PREVIEW, Kind.MEAN)
    return shown and layer.data.ndim in (3, 4)


def photograph_of(layer: Any, layers: Any) -> Image | None:
    """The photograph that a layer is or belongs to: linked to it, or named after it; else None."""
    found = [x for x in layers if is_photograph(x)]
    if layer is None or layer in found:
        return layer
    if (identity := LayerInfo.of(layer).photograph) is not None:
        return next((x for x in found if layer_id(x) == identity), None)
    named = [x for x in found if layer.name.startswith(f"{x.name} ")]
    return max(named, key=lambda x: len(x.name), default=None)


def target_of(layer: Image, nuclei: NDArray[np.integer] | None = None) -> Target:
    """A photograph's layer with what is known of it; quick, and on the viewer's thread."""
    return Target(layer, full_data(layer), layer_fields(layer), nuclei, size_of_slices(layer))


def out_of_date(target: Target, layers: Any) -> str:
    """Why what was made of a photograph in a thread is of no use any more; else empty."""
    if target.layer not in layers:
        return "The photograph was removed meanwhile; nothing was added."
    if full_data(target.layer) is not target.data:
        return "The photograph was changed meanwhile; nothing was added. Press the button again."
    return ""


def targets(layers: Any) -> list[Target]:
    """The photographs among the viewer's layers, each with the nuclei that lie over it.

    Raises
    ------
    MarrowError
        When there is none.
    """
    found = [target_of(x, nuclei_of(x, layers)) for x in layers if is_photograph(x)]
    if not found:
        raise MarrowError(NO_PHOTOGRAPH)
    return found


def nuclei_of(image: Image, layers: Any) -> NDArray[np.integer] | None:
    """Data of the Labels layer with the nuclei of a single photograph, with any edits made."""
    found = nuclei_layer(image, layers) if full_data(image).ndim == 3 else None
    return None if found is None else np.asarray(found.data)


def nuclei_layer(image: Image, layers: Any) -> Labels | None:
    """The Labels layer with the nuclei of a photograph, or of a stack of them.

    It is the one that was opened with the photograph, or with the one that the image was made from,
    or one named ``<image> nuclei``.
    """
    shape = full_data(image).shape[:-1]
    fitting = [x for x in layers if isinstance(x, Labels) and x.data.shape == shape]
    return next(iter(of_kind(image, fitting, Kind.NUCLEI)), None)


def of_kind(image: Image, fitting: list[Labels], kind: Kind) -> list[Labels]:
    """Layers of a kind that were opened with a photograph, or are named after it."""
    photographs = {layer_id(image), LayerInfo.of(image).photograph} - {None}
    infos = [(x, LayerInfo.of(x)) for x in fitting]
    own = [x for x, info in infos if info.photograph in photographs and info.kind is kind]
    name = f"{image.name} {kind}"
    return [*own, *(x for x, info in infos if info.photograph is None and x.name == name)]


def predict_target(bundle: Bundle, target: Target) -> Iterator[Prediction]:
    """Classify a target's fields, one a step, so that a worker can show progress and stop."""
    needed = bundle.info.needs_nuclei
    for row in range(len(target)):
        nuclei = target.labels(row) if needed else None
        yield bundle.predictor.predict(target.image(row), nuclei)


def show_predictions(
    viewer: Any, bundle: Bundle, target: Target, predictions: list[Prediction]
) -> None:
    """Put predictions into the viewer: on the viewer's thread, replacing earlier ones."""
    from napari_marrow.viewer.make.predictions import predictions_layer, summary

    found = tuple(summary(p) for p in predictions)
    replace(LayerInfo.of(target.layer), predictions=found).set_on(target.layer)
    if bundle.info.preprocessing.unit == "field":
        return
    labels = _labels_of(target, predictions)
    layer = predictions_layer(target.layer, labels, predictions, bundle.info.classes)
    for older in list(viewer.layers):
        info = LayerInfo.of(older)
        if (info.kind, info.photograph) == (Kind.PREDICTED, layer_id(target.layer)):
            viewer.layers.remove(older)
    viewer.add_layer(layer)


def _labels_of(target: Target, predictions: list[Prediction]) -> Any:
    """Instance labels of the whole layer, numbered through."""
    from napari_marrow.viewer.make.predictions import label_offsets

    if target.data.ndim == 3:
        return np.asarray(predictions[0].labels)
    offsets = label_offsets(predictions)
    readers = [
        partial(_numbered, Packed.of(np.asarray(p.labels)), offset)
        for p, offset in zip(predictions, offsets, strict=True)
    ]
    return LazyStack(readers, target.data.shape[1:3], np.int32)


def _numbered(packed: Packed, offset: int) -> NDArray[np.integer]:
    values = packed.values.astype(np.int32)
    return replace(packed, values=np.where(values > 0, values + np.int32(offset), 0)).labels()
