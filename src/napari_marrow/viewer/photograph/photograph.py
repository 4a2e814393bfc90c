"""A photograph in the viewer, one or a folder's stack, with what lies over it.

A :class:`Photograph` is gathered on the viewer's thread, which is quick, and may then be read in a
worker. It decides which layers hold the nuclei, the cytoplasm and the annotations of a photograph.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from napari.layers import Image, Labels, Layer
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Field
from napari_marrow.jobs.augment import file_name
from napari_marrow.viewer.layer_info import (
    Kind,
    LayerInfo,
    Product,
    full_data,
    layer_fields,
    layer_id,
    layer_products,
    origin_fields,
)
from napari_marrow.viewer.photograph.annotations import (
    annotation_layer,
    field_class,
    is_chosen,
    label_classes,
    painted_classes,
)
from napari_marrow.viewer.stack import LazyStack, read_slice

NO_FIELD = "The slider shows no field of this stack; move it to one."
NO_PHOTOGRAPH = "No photograph is open; open an RGB image of 8 bits a channel, or a folder, first."
NONE_CHOSEN = "No field is ticked; tick those that are wanted in the table of the open layers."

Pixels: TypeAlias = NDArray | LazyStack


@dataclass(frozen=True, eq=False)
class Overlay:
    """A Labels layer over a photograph; ``layer`` is only touched on the viewer's thread."""

    layer: Labels
    data: Pixels

    @classmethod
    def of(cls, layer: Labels | None) -> Overlay | None:
        """Return the layer with its data as it is now."""
        return None if layer is None else cls(layer, layer.data)


@dataclass(frozen=True, eq=False)
class Photograph:
    """One photograph or a stack of them, with its class, nuclei, cytoplasm and annotations.

    Attributes
    ----------
    layer
        Only touched on the viewer's thread.
    name
        Of the layer.
    data
        (height, width, 3) or (fields, height, width, 3), perhaps lazy.
    info
        What the plugin knows of the layer.
    files
        The fields whose files the slices show; empty where pixels are in no file.
    origin
        The fields that the slices were made from; empty where the plugin did not make them.
    products
        What the slices are where they were augmented, else empty.
    classes
        Class of each slice, None where it has none.
    chosen
        The slices to learn from, measure and label.
    nuclei, cytoplasm
        Labels of these, with any edits made.
    annotation
        Labels that give classes to cells.
    cell_classes
        By slice: class by label of ``annotation``.
    painted
        Whether the labels of ``annotation`` are classes, else they are cells.
    own_labels
        Data of other Labels that a person made over it, by the names of their layers.
    """

    layer: Image
    name: str
    data: Pixels
    info: LayerInfo
    files: tuple[Field, ...]
    origin: tuple[Field, ...]
    products: tuple[Product, ...]
    classes: tuple[str | None, ...]
    chosen: tuple[int, ...]
    nuclei: Overlay | None
    cytoplasm: Overlay | None
    annotation: Overlay | None
    cell_classes: tuple[Mapping[int, str], ...]
    painted: bool
    own_labels: Mapping[str, Pixels]

    @classmethod
    def of(cls, layer: Image, layers: Sequence[Layer]) -> Photograph:
        """Gather a photograph's layer and what ``layers`` has over it."""
        data, info, files = full_data(layer), LayerInfo.of(layer), layer_fields(layer)
        rows = range(len(data) if data.ndim == 4 else 1)
        over = [x for x in layers if isinstance(x, Labels) and x.data.shape == data.shape[:-1]]
        annotation = annotation_layer(layer, layers)
        classes = [label_classes(annotation, row) if annotation else {} for row in rows]
        return cls(
            layer=layer,
            name=layer.name,
            data=data,
            info=info,
            files=tuple(files),
            origin=tuple(origin_fields(layer)),
            products=layer_products(layer),
            classes=tuple(field_class(layer, row) for row in rows),
            chosen=tuple(row for row in rows if is_chosen(layer, row)),
            nuclei=Overlay.of(_of_kind(layer, over, Kind.NUCLEI)),
            cytoplasm=Overlay.of(_of_kind(layer, over, Kind.CYTOPLASM)),
            annotation=Overlay.of(annotation),
            cell_classes=tuple(classes),
            painted=annotation is not None and LayerInfo.of(annotation).kind is Kind.CELLS,
            own_labels=_own_labels(layer, over, layers),
        )

    @classmethod
    def all_of(cls, layers: Sequence[Layer]) -> list[Photograph]:
        """Gather all open photographs.

        Raises
        ------
        MarrowError
            When there is none.
        """
        found = [cls.of(x, layers) for x in layers if is_photograph(x)]
        if not found:
            raise MarrowError(NO_PHOTOGRAPH)
        return found

    @classmethod
    def chosen_of(cls, layers: Sequence[Layer]) -> list[Photograph]:
        """Gather the open photographs of which fields are chosen.

        Raises
        ------
        MarrowError
            When there is none.
        """
        found = [x for x in cls.all_of(layers) if x.chosen]
        if not found:
            raise MarrowError(NONE_CHOSEN)
        return found

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def root(self) -> Path | None:
        """The folder of ``files``, or None."""
        return self.info.root if self.files else None

    @property
    def is_stack(self) -> bool:
        """Whether it has an axis of fields."""
        return self.data.ndim == 4

    @property
    def overlays(self) -> dict[Kind, Overlay]:
        """The masks that lie over it, by kind."""
        found = {Kind.NUCLEI: self.nuclei, Kind.CYTOPLASM: self.cytoplasm}
        return {kind: x for kind, x in found.items() if x is not None}

    @property
    def cell_overlays(self) -> list[Overlay]:
        """The layers of which each label is a cell: the nuclei, and annotated cells."""
        own = (self.nuclei, None if self.painted else self.annotation)
        return list({id(x.layer): x for x in own if x is not None}.values())

    def size(self, row: int) -> tuple[int, int]:
        """Return height and width of a slice; those of a file may be read from its header."""
        if self.products:
            return self.products[row].size
        fields = self.files or (self.origin if isinstance(self.data, LazyStack) else ())
        if self.is_stack and len(fields) == len(self):
            return fields[row].size()
        height, width = self.data.shape[-3:-1]
        return height, width

    def part(self, data: Pixels, row: int) -> NDArray:
        """Return a slice of ``data`` over the photograph.

        A slice that is smaller than others is in the upper left corner of a frame, which is cut
        off.
        """
        height, width = self.size(row)
        return (read_slice(data, row) if self.is_stack else np.asarray(data))[:height, :width]

    def image(self, row: int) -> NDArray[np.uint8]:
        """Return the pixels of a slice, (height, width, 3).

        Raises
        ------
        MarrowError
            When they can't be read.
        """
        return self.files[row].image() if self.files else self.part(self.data, row)[..., :3]

    def edited_nuclei(self) -> NDArray[np.integer] | None:
        """Return the nuclei over a single photograph; the layers of a stack can't be edited."""
        return None if self.is_stack or self.nuclei is None else np.asarray(self.nuclei.data)

    def labels(self, row: int) -> NDArray[np.integer] | None:
        """Return the nuclei of a slice as far as they are known: edited, or from its files."""
        from napari_marrow.imaging.nuclei import field_labels

        labels = self.edited_nuclei()
        return field_labels(self.files[row]) if labels is None and self.files else labels

    def annotated_cells(self, row: int) -> tuple[NDArray[np.integer] | None, dict[int, str]]:
        """Return instances and their classes where cells of a slice were annotated.

        Else (None, {}). Strokes that were painted give their class to the nucleus below them.
        """
        names = self.cell_classes[row]
        if self.annotation is None or not names:
            return None, {}
        cells = self.part(self.annotation.data, row)
        present = set(np.unique(cells).tolist()) & set(names) - {0}
        if not present:
            return None, {}
        if not self.painted:
            return cells, {k: v for k, v in names.items() if k in present}
        from napari_marrow.imaging.segmentation import segment_nuclei

        nuclei = self.labels(row)
        nuclei = segment_nuclei(self.image(row)) if nuclei is None else nuclei
        return nuclei, painted_classes(nuclei, cells, names)

    def field(self, row: int) -> Field:
        """Return a slice as a field; one that is in no file has a path that does not exist."""
        class_name = self.classes[row]
        if self.files:
            return dataclasses.replace(self.files[row], class_name=class_name)
        if self.products:
            name, source = self.products[row].name, self.products[row].source
            return Field(Path(f"{file_name(name)}.bmp"), name, source, class_name)
        if self.origin:  # of the same source, or it would be on both sides of a split
            name = f"{file_name(self.origin[row].name)} {self.info.kind}"
            return Field(Path(f"{name}.bmp"), name, self.origin[row].source, class_name)
        name = file_name(self.name) + (f" {row}" if len(self) > 1 else "")
        return Field(Path(f"{name}.bmp"), name, name, class_name)

    def origin_path(self, row: int) -> str | None:
        """Return the file that the pixels of a slice come from as far as is known, else None.

        Pixels that were replaced still count as made from the file that the layer names.
        """
        if self.products:
            path = Path(self.products[row].photograph)
            return str(path.resolve()) if path.is_absolute() else str(path)
        fields = self.files or self.info.fields
        return str(fields[row].path.resolve()) if row < len(fields) else None

    def out_of_date(self, layers: Sequence[Layer]) -> str:
        """Return why what was made of the photograph in a worker is of no use, else ''."""
        if self.layer not in layers:
            return "The photograph was removed meanwhile; nothing was added."
        if full_data(self.layer) is not self.data:
            return (
                "The photograph was changed meanwhile; nothing was added. Press the button again."
            )
        return ""


def is_photograph(layer: Layer | None) -> bool:
    """Return whether a layer is an RGB image of 8 bits: one photograph or a stack of them."""
    if not isinstance(layer, Image) or not layer.rgb or layer.data.dtype != np.uint8:
        return False
    no_photograph = LayerInfo.of(layer).kind in (Kind.PREVIEW, Kind.MEAN)
    return not no_photograph and layer.data.ndim in (3, 4)


def photograph_layer(layer: Layer | None, layers: Sequence[Layer]) -> Image | None:
    """Return the photograph that a layer is, is linked to or is named after; else None."""
    found = [x for x in layers if is_photograph(x)]
    if layer is None or layer in found:
        return layer
    if (identity := LayerInfo.of(layer).photograph) is not None:
        return next((x for x in found if layer_id(x) == identity), None)
    named = [x for x in found if layer.name.startswith(f"{x.name} ")]
    return max(named, key=lambda x: len(x.name), default=None)


def _of_kind(image: Image, over: list[Labels], kind: Kind) -> Labels | None:
    """The layer of a kind that was opened with the photograph, or is named after it.

    Opened with this photograph, or with the one that it was made from.
    """
    photographs = {layer_id(image), LayerInfo.of(image).photograph} - {None}
    infos = [(x, LayerInfo.of(x)) for x in over]
    own = [x for x, info in infos if info.photograph in photographs and info.kind is kind]
    name = f"{image.name} {kind}"
    named = [x for x, info in infos if info.photograph is None and x.name == name]
    return next(iter([*own, *named]), None)


def _own_labels(image: Image, over: list[Labels], layers: Sequence[Layer]) -> dict[str, Pixels]:
    """Labels of a person's own over the photograph: neither linked nor named as any masks."""
    words = (Kind.NUCLEI, Kind.CYTOPLASM, Kind.CELLS)
    named = {f"{x.name} {word}" for x in layers if isinstance(x, Image) for word in words}
    named.discard(f"{image.name} {Kind.CELLS}")
    infos = [(x, LayerInfo.of(x)) for x in over if x.name not in named]
    return {x.name: x.data for x, i in infos if i.kind is None and i.photograph is None}
