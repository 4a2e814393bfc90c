"""Annotations: the class a person gave to a layer, to a field of a stack, or to single cells.

The class of a field is kept in :attr:`.LayerInfo.classes` of its layer. Cells are annotated in a
Labels layer over the photograph, in one of two ways:

- painted: the layer ``<photograph> cells`` that :func:`new_cells_layer` makes; label 1 is the first
  class, 2 the second, and so on; a stroke anywhere on a nucleus annotates that cell;
- by number: any Labels layer whose features have the columns ``index`` and ``class``; each label is
  a cell and has the class of its row. In a stack of nuclei whose features follow the slider, the
  rows are those of the field that is shown.

All visible layers of annotations count; the upper ones win. Only where none is visible, the topmost
hidden one does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from napari.layers import Image, Labels, Layer
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray
from scipy import ndimage

from napari_marrow.imaging.run_length import labels_in
from napari_marrow.report.colours import class_colours
from napari_marrow.viewer.layer_info import (
    Kind,
    LayerInfo,
    full_data,
    layer_fields,
    layer_products,
    link_to,
)
from napari_marrow.viewer.photograph.slice_tables import kept_tables
from napari_marrow.viewer.transforms import place_of

DEFAULT_CLASSES = ("ALL", "MM")


def field_class(layer: Image, row: int) -> str | None:
    """Return the class of a field: given by a person, else of its product or file, else None."""
    given = LayerInfo.of(layer).classes
    if row in given:
        return given[row]
    fields = layer_products(layer) or layer_fields(layer)
    return fields[row].class_name if row < len(fields) else None


def set_field_class(layer: Image, rows: int | Iterable[int], name: str | None) -> None:
    """Give a field, or several, a class; or take it away with None."""
    rows = [rows] if isinstance(rows, int) else rows
    info = LayerInfo.of(layer)
    replace(info, classes={**info.classes, **dict.fromkeys(rows, name or None)}).set_on(layer)


def is_chosen(layer: Image, row: int) -> bool:
    """Return whether a field is to be learnt from, measured and labelled.

    As a person said; else photographs that can be seen are, and none that was made of others is.
    """
    info = LayerInfo.of(layer)
    return info.chosen.get(row, layer.visible and not info.is_product)


def set_chosen(layer: Image, rows: Iterable[int], chosen: bool) -> None:
    """Say of fields whether they are to be learnt from, measured and labelled."""
    info = LayerInfo.of(layer)
    replace(info, chosen={**info.chosen, **dict.fromkeys(rows, chosen)}).set_on(layer)


def new_cells_layer(image: Image, classes: tuple[str, ...]) -> Labels:
    """Return an empty Labels layer over a photograph, to paint classes into."""
    layer = Labels(
        np.zeros(full_data(image).shape[:-1], np.uint8),
        name=f"{image.name} {Kind.ANNOTATION}",
        opacity=0.7,
        **place_of(image),
        metadata=link_to(image, Kind.ANNOTATION),
    )
    set_painted_classes(layer, {k: name for k, name in enumerate(classes, 1)})
    layer.brush_size = max(4, full_data(image).shape[-3] // 60)
    return layer


def set_painted_classes(layer: Labels, classes: Mapping[int, str]) -> None:
    """Give a layer to paint in its classes by label, with their colours."""
    import pandas as pd  # napari itself imports it only with the first table

    colours = class_colours(tuple(classes.values()))
    mapping: dict[int | None, str] = {None: "transparent", 0: "transparent"}
    mapping |= {label: colours[name] for label, name in classes.items()}
    layer.features = pd.DataFrame({"index": list(classes), "class": list(classes.values())})
    layer.colormap = DirectLabelColormap(color_dict=mapping)


@dataclass(frozen=True, eq=False)
class Annotation:
    """A layer that gives classes to cells, as it was when it was gathered.

    Attributes
    ----------
    layer
        Only touched on the viewer's thread.
    data
        Its labels.
    painted
        Whether the labels are classes, else they are cells.
    covers_nuclei
        Whether it is seen over the nuclei of the photograph, or holds them.
    classes
        By slice: class by label.
    """

    layer: Labels
    data: NDArray
    painted: bool
    covers_nuclei: bool
    classes: tuple[Mapping[int, str], ...]


def seen(layers: Sequence[Labels]) -> list[Labels]:
    """Return the visible ones of layers, the lowest first; where none is, the topmost one."""
    return [x for x in layers if x.visible] or list(layers[-1:])


def annotations_in(
    own: Sequence[Labels], n_slices: int, nuclei: Labels | None
) -> tuple[Annotation, ...]:
    """Return the annotations of a photograph that has these Labels layers, the lowest first."""
    place = {x: (x.visible, k) for k, x in enumerate(own)}
    found = []
    for layer in seen([x for x in own if annotates(x)]):
        paged = LayerInfo.of(layer).shown_row is not None
        by_slice = [label_classes(layer, row) for row in range(n_slices if paged else 1)]
        classes = tuple(by_slice if paged else by_slice * n_slices)
        covers = nuclei is None or place[layer] >= place[nuclei]
        found.append(Annotation(layer, full_data(layer), is_painted(layer), covers, classes))
    return tuple(found)


def annotates(layer: Labels) -> bool:
    """Return whether a layer gives classes to cells: it has a ``class`` in its features."""
    info = LayerInfo.of(layer)
    if info.kind is Kind.PREDICTED:
        return False
    tables = [layer.features, *info.tables.values()]
    return any({"class", "index"} <= set(table.columns) for table in tables)


def is_painted(layer: Layer) -> bool:
    """Return whether the labels of an annotation layer are classes and not cells."""
    return LayerInfo.of(layer).kind is Kind.ANNOTATION


def label_classes(layer: Labels, row: int = 0) -> dict[int, str]:
    """Return class by label in one slice, from the features; rows without a class are left out."""
    table, info = layer.features, LayerInfo.of(layer)
    if info.shown_row is not None:
        table = kept_tables(info, table).get(row)
    if table is None or "class" not in table:
        return {}
    table = table.dropna(subset=["class"])
    pairs = zip(table["index"], table["class"].astype(str), strict=True)
    return {int(index): name for index, name in pairs if name}


@dataclass(frozen=True, eq=False)
class AnnotatedSlice:
    """The annotated cells of one slice.

    Attributes
    ----------
    cells
        Instances, (height, width); None where nothing is annotated.
    classes
        Class by instance.
    loose
        Strokes that lie on none of the cells, numbered from 1, (height, width); None without any.
    loose_classes
        Class of each of these strokes.
    n_unknown
        Number of strokes whose label has no class.
    layer
        Whose labels the cells are, where annotations are by number; else None.
    """

    cells: NDArray[np.integer] | None = None
    classes: Mapping[int, str] = field(default_factory=dict)
    loose: NDArray[np.integer] | None = None
    loose_classes: tuple[str, ...] = ()
    n_unknown: int = 0
    layer: Labels | None = None

    def with_strokes(
        self, painted: NDArray[np.integer], classes: Mapping[int, str]
    ) -> AnnotatedSlice:
        """Return this with strokes, of which each label has a class, painted over it."""
        assert self.cells is not None
        strokes, names = strokes_in(painted, classes)
        on_cells = set(labels_in(np.where(self.cells > 0, strokes, 0)))
        new = [k for k, name in enumerate(names, 1) if name and k not in on_cells]
        loose = self.loose
        if new:
            number = np.zeros(len(names) + 1, np.int32)
            number[new] = np.arange(1, len(new) + 1) + len(self.loose_classes)
            loose = np.where(number[strokes] > 0, number[strokes], 0 if loose is None else loose)
        return replace(
            self,
            classes={**self.classes, **painted_classes(self.cells, painted, classes)},
            loose=loose,
            loose_classes=(*self.loose_classes, *(str(names[k - 1]) for k in new)),
            n_unknown=self.n_unknown + names.count(None),
        )


def painted_classes(
    nuclei: NDArray[np.integer], painted: NDArray[np.integer], classes: Mapping[int, str]
) -> dict[int, str]:
    """Return the class of each nucleus that was painted on: the label that covers most of it.

    >>> painted_classes(np.array([[1, 1, 2]]), np.array([[0, 2, 1]]), {1: "ALL", 2: "MM"})
    {1: 'MM', 2: 'ALL'}
    """
    import pandas as pd

    touched = (painted > 0) & (nuclei > 0)
    cells, labels = nuclei[touched], painted[touched]
    known = np.isin(labels, list(classes))
    if not known.any():
        return {}
    chosen = pd.crosstab(cells[known], labels[known]).idxmax(axis=1)
    return {int(cell): classes[int(label)] for cell, label in chosen.items()}


def strokes_in(
    painted: NDArray[np.integer], classes: Mapping[int, str]
) -> tuple[NDArray[np.int32], list[str | None]]:
    """Return the connected strokes of each label, numbered from 1, and the class of each."""
    numbered, found = np.zeros(painted.shape, np.int32), list[str | None]()
    box = ndimage.find_objects((painted > 0).view(np.uint8))
    if not box:
        return numbered, found
    part, window = painted[box[0]], numbered[box[0]]
    for label in np.unique(part[part > 0]).tolist():
        strokes, count = ndimage.label(part == label, np.ones((3, 3)))
        window[strokes > 0] = strokes[strokes > 0] + len(found)
        found += [classes.get(label)] * count
    return numbered, found
