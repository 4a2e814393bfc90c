"""A photograph's layer with all that lies over it, gathered for augmentation."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Image, Labels
from numpy.typing import NDArray

from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.masks import MaskKind
from napari_marrow.imaging.augment import AugmentSettings
from napari_marrow.jobs.augment import file_name, names
from napari_marrow.viewer.layer_info import (
    Kind,
    LayerInfo,
    full_data,
    layer_fields,
    layer_id,
    layer_products,
    origin_fields,
)
from napari_marrow.viewer.photograph.annotations import field_class
from napari_marrow.viewer.photograph.labelling import Target, of_kind, target_of
from napari_marrow.viewer.stack import read_slice

MASKS: dict[str, MaskKind] = {"nuclei": "nucleus", "cytoplasm": "cytoplasm"}
"""Words for layers of masks, and which kind of mask each is."""
NAMED = (*MASKS, "cells")
"""Unlinked Labels named ``<photograph> <word>`` with one of these belong to that photograph."""


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
        Data of the layers of its masks, of the photograph's shape: ``nuclei`` and ``cytoplasm``.
    own
        Likewise of Labels that a person made over it, under the names of their layers, which may
        be any. They are no masks.
    """

    target: Target
    name: str
    fields: tuple[Field, ...]
    root: Path | None
    files: tuple[Field, ...]
    masks: dict[str, Any]
    own: dict[str, Any] = field(default_factory=dict)

    def image(self, row: int) -> NDArray[np.uint8]:
        """The photograph of one slice as it is shown, without the frame of a smaller one."""
        return self.part(self.target.data, row)[..., :3]

    def mask(self, word: str, row: int) -> NDArray:
        """The nuclei or cytoplasm of one slice."""
        return self.part(self.masks[word], row)

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

    def part(self, data: Any, row: int) -> NDArray:
        """One slice of the photograph's data, or of Labels over it, without the frame."""
        height, width = self.size(row)
        whole = data if self.target.data.ndim == 3 else read_slice(data, row)
        return np.asarray(whole)[:height, :width]


def left_out(source: Source) -> list[str]:
    """A sentence about Labels over a photograph that no file of masks is made of."""
    if not source.own:
        return []
    names = ", ".join(source.own)
    return [
        f"Left out, as it is not said what they are: {names}; name a layer "
        f"{source.name} nuclei or {source.name} cytoplasm to have it written as these masks."
    ]


def gathered(layer: Image, layers: Any) -> Source:
    """What augmentation needs of a photograph's layer; quick, and on the viewer's thread."""
    known = layer_fields(layer)
    target = target_of(layer)
    fields = [_field(layer, row, known, len(target)) for row in range(len(target))]
    root = LayerInfo.of(layer).root if known else None
    files = tuple(known or origin_fields(layer))
    masks = {word: found for word in MASKS if (found := _mask(layer, layers, word)) is not None}
    own = _own_labels(layer, layers)
    return Source(target, layer.name, tuple(fields), root, files, masks, own)


def _field(layer: Image, row: int, known: list[Field], many: int) -> Field:
    class_name = field_class(layer, row)
    if known:
        return dataclasses.replace(known[row], class_name=class_name)
    if products := layer_products(layer):
        name, source = products[row].name, products[row].source
        return Field(Path(f"{file_name(name)}.bmp"), name, source, class_name)
    if origin := origin_fields(layer):
        # Recoloured: of the same source, or it would be in two parts.
        name = f"{file_name(origin[row].name)} {LayerInfo.of(layer).kind}"
        class_name = class_name or origin[row].class_name
        return Field(Path(f"{name}.bmp"), name, origin[row].source, class_name)
    name = file_name(layer.name) + (f" {row}" if many > 1 else "")
    return Field(Path(f"{name}.bmp"), name, name, class_name)


def _mask(image: Image, layers: Any, word: str) -> Any:
    """Data of the layer that was opened as the nuclei or cytoplasm, or is named so; or None.

    Opened with the photograph, or with the one that the image was made from.
    """
    return next((x.data for x in of_kind(image, _fitting(image, layers), Kind(word))), None)


def _own_labels(image: Image, layers: Any) -> dict[str, Any]:
    """Labels that a person drew over the photograph, by the names of their layers.

    Those that are linked to a photograph, or named after another one, belong to that.
    """
    named = {f"{image.name} {word}" for word in MASKS}
    others = [x for x in layers if isinstance(x, Image) and not _of_one(x, image)]
    named |= {f"{x.name} {word}" for x in others for word in NAMED}
    drawn = [x for x in _fitting(image, layers) if x.name not in named]
    infos = [(x, LayerInfo.of(x)) for x in drawn]
    return {x.name: x.data for x, i in infos if i.kind is None and i.photograph is None}


def _of_one(first: Image, second: Image) -> bool:
    """Whether two images are one photograph, as it is and recoloured."""
    origins = [LayerInfo.of(x).photograph or layer_id(x) for x in (first, second)]
    return origins[0] == origins[1]


def _fitting(image: Image, layers: Any) -> list[Labels]:
    shape = full_data(image).shape[:-1]
    return [x for x in layers if isinstance(x, Labels) and x.data.shape == shape]
