"""What the plugin knows of a layer: a :class:`LayerInfo` in ``layer.metadata['napari_marrow']``.

The metadata holds it as a plain dictionary with a version number, so that it survives being copied
or saved by other tools. :meth:`LayerInfo.of`, :meth:`LayerInfo.set_on` and the two methods for
metadata that belongs to no layer yet are the only places that know the key. Layers refer to each
other by ``id``: names change, and two photographs can have the same.
"""

from __future__ import annotations

import dataclasses
import uuid
import weakref
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Layer
from numpy.typing import NDArray

from napari_marrow.data.cache import N_FILE_STATE
from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.fingerprint import fingerprint
from napari_marrow.viewer.records import AnsweringModel, FieldPrediction, Product
from napari_marrow.viewer.stack import LazyStack

if TYPE_CHECKING:
    import pandas as pd

KEY = "napari_marrow"
VERSION = 2
"""Version of the dictionary. Version 1 was kept in memory only; later additions have defaults."""
_parsed: weakref.WeakKeyDictionary[Layer, tuple[object, LayerInfo]] = weakref.WeakKeyDictionary()


class Kind(StrEnum):
    """What a layer is to the photograph that it belongs to; the value ends the layer's name."""

    PHOTOGRAPH = "photograph"
    NUCLEI = "nuclei"
    CYTOPLASM = "cytoplasm"
    BACKGROUND = "background"
    WHOLE_CELLS = "whole cells"
    """Each label is a cell with its cytoplasm, from a mask."""
    ANNOTATION = "cells"
    """Classes painted on cells; the value is that of earlier versions, for their files."""
    LABELS = "labels"
    """Augmented labels whose meaning is not known."""
    SEGMENTED_NUCLEI = "segmented nuclei"
    """Segmented where the photograph already had nuclei."""
    SEGMENTED_CYTOPLASM = "segmented cytoplasm"
    EARLIER_NUCLEI = "earlier nuclei"
    """Segmented, then replaced by a later segmentation."""
    EARLIER_CYTOPLASM = "earlier cytoplasm"
    PREDICTED = "predicted cells"
    EARLIER_PREDICTED = "earlier cells"
    """Predicted, then changed by a person before they were predicted again."""
    ANSWERS = "classes"
    """Rings around cells in the colours of a model's answers, while a person annotates."""
    PREVIEW = "preview"
    """Comes and goes with a widget."""
    MEAN = "mean picture"
    """The mean of many pictures: no photograph to label or to learn from."""
    MAP = "chi-square map"
    GRAD_CAM = "Grad-CAM"
    OCCLUSION = "occlusion"
    """Of one cell: what a network's answer loses where a part is covered."""
    WHITE_BALANCE = "white-balance"
    REINHARD = "reinhard"
    MACENKO = "macenko"
    NUCLEAR_STAIN = "nuclear stain"
    COUNTERSTAIN = "counterstain"
    UNKNOWN = "unknown"
    """Of a record by another version, or one that was changed by hand."""

    @classmethod
    def _missing_(cls, value: object) -> Kind:
        return cls.UNKNOWN

    @property
    def earlier(self) -> Kind:
        """The kind of a segmented or predicted layer after a later one has replaced it."""
        return Kind(f"earlier {self.split()[-1]}")

    @property
    def is_predicted(self) -> bool:
        """Whether a model gave the classes of its labels."""
        return self in (Kind.PREDICTED, Kind.EARLIER_PREDICTED)

    @property
    def holds_nuclei(self) -> bool:
        """Whether each label is a nucleus."""
        return self.endswith("nuclei")


RECOLOURED = (Kind.WHITE_BALANCE, Kind.REINHARD, Kind.MACENKO)
STAINS = (Kind.NUCLEAR_STAIN, Kind.COUNTERSTAIN)


@dataclass(frozen=True, eq=False)
class LayerInfo:
    """What the plugin knows of one layer.

    Attributes
    ----------
    kind
        None for layers of others.
    id
        By which other layers refer to this photograph; None until one does.
    photograph
        ``id`` of the photograph that this layer belongs to.
    origin
        Of labels: what :func:`slice_files` returns of that photograph, to know it again.
    contents
        Of labels: what :func:`slice_contents` returns of that photograph.
    root
        The folder of ``fields``.
    fields
        What the slices show; of an image that was made from a photograph, that photograph's.
    class_tables
        Files that gave the classes and sources of ``fields``.
    states
        Of the files of each field, as they were opened: see :func:`.file_states`.
    checksum
        Of the pixels of a single field (:func:`pixel_checksum`) or of its masks; of predicted cells
        that of the layer as it was made.
    products
        What the slices of a stack of augmented photographs are.
    classes
        Class by slice, where a person gave one or took one away (None).
    made_of_classes
        Class by slice of the photograph that the plugin made this image from, as it was then.
    chosen
        By slice: whether a person wants it learnt from, measured and labelled, where one chose.
    left_out
        What ``chosen`` had of the slices that a saved table leaves out, before it did.
    predictions
        One a slice, or none.
    model
        Which gave the predictions; None where that is not known.
    tables
        Features by slice of a stack of labels, where they are kept.
    shown_row
        The slice of which ``layer.features`` is; None where it is of the whole layer.
    measured
        Columns of the features that the widget "Chi-square features" added.
    segmented
        Whether the labels were segmented in the viewer.
    covered
        Whether they are hidden only while predicted cells are shown over them.
    """

    kind: Kind | None = None
    id: str | None = None
    photograph: str | None = None
    origin: tuple[Path, ...] = ()
    contents: tuple[str, ...] = ()
    root: Path | None = None
    fields: tuple[Field, ...] = ()
    class_tables: tuple[Path, ...] = ()
    states: tuple[tuple[str, ...], ...] = ()
    checksum: int | None = None
    products: tuple[Product, ...] = ()
    classes: Mapping[int, str | None] = field(default_factory=dict)
    made_of_classes: Mapping[int, str | None] = field(default_factory=dict)
    chosen: Mapping[int, bool] = field(default_factory=dict)
    left_out: Mapping[int, bool | None] = field(default_factory=dict)
    predictions: tuple[FieldPrediction, ...] = ()
    model: AnsweringModel | None = None
    tables: Mapping[int, pd.DataFrame] = field(default_factory=dict)
    shown_row: int | None = None
    measured: tuple[str, ...] = ()
    segmented: bool = False
    covered: bool = False

    @classmethod
    def of(cls, layer: Layer) -> LayerInfo:
        """Return what is known of a layer; parsed once, as it is asked for at every slider step."""
        values = layer.metadata.get(KEY)
        if layer not in _parsed or _parsed[layer][0] is not values:
            _parsed[layer] = values, cls.from_metadata(layer.metadata)
        return _parsed[layer][1]

    def set_on(self, layer: Layer) -> None:
        """Store this in a layer; the metadata is assigned anew, so that its event is emitted."""
        layer.metadata = {**layer.metadata, **self.metadata()}

    def metadata(self) -> dict[str, object]:
        """Return the metadata of a layer that is to be made."""
        return {KEY: self.to_dict()}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> LayerInfo:
        """Return what a layer's metadata says; a record that can't be read is of unknown kind."""
        if not (values := metadata.get(KEY)):
            return cls()
        try:
            if values["version"] == VERSION:
                return cls.from_dict(values)
        except (AttributeError, KeyError, TypeError, ValueError):  # changed by hand
            pass
        return cls(kind=Kind.UNKNOWN)

    def to_dict(self) -> dict[str, object]:
        """Return this as a dictionary without its empty entries; all but tables is JSON."""
        lists = ("fields", "products", "predictions")
        values = {name: value for name, value in vars(self).items() if value or value == 0}
        values |= {name: [x.to_dict() for x in values[name]] for name in lists if name in values}
        values |= {name: str(values[name]) for name in ("kind", "root") if name in values}
        values |= {} if self.model is None else {"model": self.model.to_dict()}
        paths = ("class_tables", "origin")
        values |= {name: [str(p) for p in values[name]] for name in paths if name in values}
        return {"version": VERSION, **values}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> LayerInfo:
        """Return what :meth:`to_dict` wrote."""
        names = {f.name for f in dataclasses.fields(cls)}
        known = {k: value for k, value in values.items() if k in names and value is not None}
        known |= {k: read(known[k]) for k, read in _READERS.items() if k in known}
        return cls(**known)

    @property
    def collection(self) -> Collection:
        """The fields, with the files that gave their classes."""
        return Collection(self.root or Path(), self.fields, tables=self.class_tables)

    @property
    def paged(self) -> bool:
        """Whether the slices of a stack of labels have tables of their own."""
        return bool(self.tables) or self.shown_row is not None

    @property
    def is_product(self) -> bool:
        """Whether the plugin made it from a photograph: recoloured, or augmented."""
        return self.photograph is not None or bool(self.products)

    @property
    def holds_nuclei(self) -> bool:
        """Whether each label is a nucleus: of the photograph, segmented beside them, or earlier."""
        return self.kind is not None and self.kind.holds_nuclei


def _by_row(values: Mapping[Any, Any]) -> dict[int, Any]:
    return {int(row): value for row, value in values.items()}


_READERS: dict[str, Callable[[Any], Any]] = {
    "kind": Kind,
    "root": Path,
    "origin": lambda values: tuple(map(Path, values)),
    "fields": lambda values: tuple(map(Field.from_dict, values)),
    "contents": tuple,
    "class_tables": lambda values: tuple(map(Path, values)),
    "states": lambda values: tuple(map(tuple, values)),
    "products": lambda values: tuple(map(Product.from_dict, values)),
    **dict.fromkeys(("classes", "made_of_classes", "left_out", "tables"), _by_row),
    "chosen": lambda values: {int(row): bool(on) for row, on in values.items()},
    "predictions": lambda values: tuple(map(FieldPrediction.from_dict, values)),
    "model": AnsweringModel.from_dict,
    "measured": tuple,
}


def new_id() -> str:
    """Return a name for a photograph that no other one has."""
    return uuid.uuid4().hex


def pixel_checksum(image: NDArray) -> int:
    """Return a checksum of every 16th pixel each way: a layer may no longer show its file."""
    return zlib.crc32(np.ascontiguousarray(image[::16, ::16]).tobytes())


def layer_fields(layer: Layer) -> list[Field]:
    """Return the fields that a layer shows, in the order of its slices; empty for other layers.

    Also empty when the layer's pixels are no longer those of its files: replaced by hand, or made
    from them by another tool that took the metadata along, such as a projection.
    """
    info = LayerInfo.of(layer)
    if info.photograph is not None:
        return []
    data, fields = full_data(layer), list(info.fields)
    if isinstance(data, LazyStack):
        return fields if len(fields) == len(data) else []
    if len(fields) != 1 or data.ndim != 3 or info.checksum != pixel_checksum(data):
        return []
    return fields


def full_data(layer: Layer) -> Any:
    """Return the data of a layer; of a multiscale one, its finest level."""
    return layer.data[0] if layer.multiscale else layer.data


def layer_id(layer: Layer) -> str:
    """Return the ``id`` of a photograph; it gets one if it has none."""
    info = LayerInfo.of(layer)
    if info.id is None:
        info = dataclasses.replace(info, id=new_id())
        info.set_on(layer)
    assert info.id is not None
    return info.id


def slice_files(photograph: Layer) -> tuple[Path, ...]:
    """Return the file of each slice, or :attr:`Product.place`; of one in no file, its name."""
    info = LayerInfo.of(photograph)
    known = [x.place for x in info.products] or [f.path for f in info.fields]
    return tuple(known) or (Path(photograph.source.path or photograph.name),)


def slice_contents(photograph: Layer) -> tuple[str, ...]:
    """Return the fingerprint of the file of each slice as it was opened, see :func:`slice_files`.

    '' where there is none.
    """
    files, states = slice_files(photograph), LayerInfo.of(photograph).states
    known = [state[:N_FILE_STATE] for state in states] or [()] * len(files)
    return tuple(map(fingerprint, files, known))


def linked_info(photograph: Layer, kind: Kind) -> LayerInfo:
    """Return what is known of a new layer of some kind that belongs to a photograph."""
    origin, contents = slice_files(photograph), slice_contents(photograph)
    return LayerInfo(kind, photograph=layer_id(photograph), origin=origin, contents=contents)


def shown_slice(layer: Layer, point: tuple[float, ...]) -> int:
    """Return which field of a stack is shown at the viewer's world ``point``; 0 for a single field.

    -1 where a stack was moved along the field axis, so that none is shown.
    """
    if layer.ndim < 3 or len(point) < layer.ndim:
        return 0
    row = round(float(layer.world_to_data(point[-layer.ndim :])[0]))
    return row if 0 <= row < len(full_data(layer)) else -1


def layer_products(layer: Layer) -> tuple[Product, ...]:
    """Return what each slice of a stack of augmented photographs is; empty for other layers."""
    products = LayerInfo.of(layer).products
    return products if full_data(layer).shape[:1] == (len(products),) else ()
