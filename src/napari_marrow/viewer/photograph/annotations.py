"""Annotations: the class a person gave to a layer, to a field of a stack, or to single cells.

The class of a field is kept in :attr:`.LayerInfo.classes` of its layer. Cells are annotated in a
Labels layer over the photograph, in one of these ways:

- painted: the layer ``<photograph> cells`` that :func:`new_cells_layer` makes; label 1 is the first
  class, 2 the second, and so on; a stroke anywhere on a nucleus annotates that cell;
- by number: any Labels layer whose features have the columns ``index`` and ``class``; each label is
  a cell and has the class of its row. In a stack of nuclei whose features follow the slider, the
  rows are those of the field that is shown.

- corrected: the classes that a person gave to predicted cells, see :mod:`.corrections`; they are
  taken as strokes on the nuclei below.

All visible layers of annotations count; the upper ones win. Hidden ones don't.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

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
    linked_info,
)
from napari_marrow.viewer.photograph.corrections import is_corrected
from napari_marrow.viewer.photograph.slice_tables import kept_tables
from napari_marrow.viewer.transforms import place_of


def field_class(
    layer: Image, row: int, photographs: Mapping[str, Image] = MappingProxyType({})
) -> str | None:
    """Return the class of a field: given by a person, else of its photograph or file, else None.

    Parameters
    ----------
    layer, row
        Of which it is a slice.
    photographs
        By ``id``, those that the layer may be made from, see :func:`.by_id`.
    """
    given = LayerInfo.of(layer).classes
    return given[row] if row in given else _inherited_class(layer, row, photographs)


def _inherited_class(layer: Image, row: int, photographs: Mapping[str, Image]) -> str | None:
    info, products = LayerInfo.of(layer), layer_products(layer)
    made = products[row] if row < len(products) else None
    origin = photographs.get((made.layer if made else info.photograph) or "")
    if origin is not None and origin is not layer:
        return field_class(origin, made.row if made else row, photographs)
    fields = products or layer_fields(layer)
    known = fields[row].class_name if row < len(fields) else None
    return info.made_of_classes.get(row, known)


def by_id(layers: Sequence[Layer]) -> dict[str, Image]:
    """Return the images that others may be made from, by their ``id``; of copies the lowest."""
    images = [x for x in reversed(layers) if isinstance(x, Image)]
    return {identity: x for x in images if (identity := LayerInfo.of(x).id)}


def set_field_class(
    layer: Image, rows: int | Iterable[int], name: str | None, layers: Sequence[Layer] = ()
) -> None:
    """Give a field, or several, a class; or take it away with None.

    Images among ``layers`` that were made from it keep the class also when it is closed.
    """
    rows = [rows] if isinstance(rows, int) else rows
    info = LayerInfo.of(layer)
    replace(info, classes={**info.classes, **dict.fromkeys(rows, name or None)}).set_on(layer)
    keep_inherited_classes(layers)


def keep_inherited_classes(layers: Sequence[Layer]) -> None:
    """Note in images the classes of what they were made from, for when that is closed."""
    photographs = by_id(layers)
    for made in (x for x in layers if isinstance(x, Image) and LayerInfo.of(x).is_product):
        info = LayerInfo.of(made)
        made_rows = range(len(info.products)) or info.made_of_classes
        classes = {row: _inherited_class(made, row, photographs) for row in made_rows}
        if classes != info.made_of_classes:
            replace(info, made_of_classes=classes).set_on(made)


def is_chosen(layer: Image, row: int) -> bool:
    """Return whether a field is to be learnt from, measured and labelled.

    As a person chose; else photographs that can be seen are, and none that was made of others is.
    Of a photograph that is open twice :class:`.Photograph` chooses one.
    """
    return LayerInfo.of(layer).chosen.get(row, is_wanted(layer, row))


def is_wanted(layer: Image, row: int) -> bool:
    """Return whether a field would be chosen, also where a person took its tick away."""
    info = LayerInfo.of(layer)
    return info.chosen.get(row, False) or (layer.visible and not info.is_product)


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
        metadata=linked_info(image, Kind.ANNOTATION).metadata(),
    )
    set_painted_classes(layer, {k: name for k, name in enumerate(classes, 1)})
    layer.brush_size = max(4, full_data(image).shape[-3] // 60)
    return layer


def set_painted_classes(
    layer: Labels, classes: Mapping[int, str], colours: Mapping[str, str] | None = None
) -> None:
    """Give a layer to paint in its classes by label, with their colours.

    Parameters
    ----------
    layer
        The layer.
    classes
        By label.
    colours
        ``#RRGGBB`` by class, of a project that has them; None for those that reports have.
    """
    import pandas as pd  # napari itself imports it only with the first table

    if colours is None:
        colours = class_colours(tuple(classes.values()))
    mapping: dict[int | None, str] = {None: "transparent", 0: "transparent"}
    mapping |= {label: colours[name] for label, name in classes.items()}
    layer.colormap = DirectLabelColormap(color_dict=mapping)  # who hears of features may set others
    layer.features = pd.DataFrame({"index": list(classes), "class": list(classes.values())})


@dataclass(frozen=True, eq=False)
class Annotation:
    """A layer that gives classes to cells, as it was when it was gathered.

    Attributes
    ----------
    layer
        Only touched on the viewer's thread.
    name, visible
        Of the layer.
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
    name: str
    visible: bool
    data: NDArray
    painted: bool
    covers_nuclei: bool
    classes: tuple[Mapping[int, str], ...]


def is_seen(layer: Layer) -> bool:
    """Return whether a layer is visible, or is hidden only while predicted cells cover it."""
    return layer.visible or LayerInfo.of(layer).covered


def seen(layers: Sequence[Labels]) -> list[Labels]:
    """Return those of layers that are seen, the lowest first; where none is, the topmost one."""
    return [x for x in layers if is_seen(x)] or list(layers[-1:])


def annotations_in(
    own: Sequence[Labels], n_slices: int, nuclei: Labels | None
) -> tuple[Annotation, ...]:
    """Return the annotations of a photograph that has these Labels layers, the lowest first.

    Those that are hidden, too.
    """
    place = {x: (is_seen(x), k) for k, x in enumerate(own)}
    found = []
    for layer in (x for x in own if annotates(x)):
        paged = LayerInfo.of(layer).shown_row is not None
        by_slice = [label_classes(layer, row) for row in range(n_slices if paged else 1)]
        classes = tuple(by_slice if paged else by_slice * n_slices)
        kind = LayerInfo.of(layer).kind
        corrects = kind is not None and kind.is_predicted  # cells of nuclei as they were
        covers = not corrects and (nuclei is None or place[layer] >= place[nuclei])
        data, painted = full_data(layer), is_painted(layer)
        found.append(Annotation(layer, layer.name, is_seen(layer), data, painted, covers, classes))
    return tuple(found)


def annotates(layer: Labels) -> bool:
    """Return whether a layer gives classes to cells: it has a ``class`` in its features."""
    info = LayerInfo.of(layer)
    if info.kind is not None and info.kind.is_predicted:
        return bool(is_corrected(layer.features).any())
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
    if info.kind is not None and info.kind.is_predicted:
        table = table[is_corrected(table)]
    table = table.dropna(subset=["class"])
    pairs = zip(table["index"], table["class"].astype(str), strict=True)
    return {int(index): name for index, name in pairs if name}


def has_marks(labels: NDArray, classes: Mapping[int, str]) -> bool:
    """Return whether a label has a class; quick where there is none."""
    flat = labels.reshape(-1)
    n_whole = flat.nbytes // 8 * 8 // flat.itemsize
    words = flat[:n_whole].view(np.uint64) if flat.flags.c_contiguous else flat  # eight at once
    if not (words.any() or flat[n_whole:].any()):
        return False
    return not classes.keys().isdisjoint(labels_in(labels))


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
    on_cells
        Class of each other stroke, and the cells that it lies on.
    n_unknown
        Number of strokes whose label has no class.
    layer
        Whose labels the cells are, where annotations are by number; else None.
    """

    cells: NDArray[np.integer] | None = None
    classes: Mapping[int, str] = field(default_factory=dict)
    loose: NDArray[np.integer] | None = None
    loose_classes: tuple[str, ...] = ()
    on_cells: tuple[tuple[str, frozenset[int]], ...] = ()
    n_unknown: int = 0
    layer: Labels | None = None

    @property
    def counts(self) -> Counter[str]:
        """Number of annotated cells, and of strokes that lie on none, by class."""
        return Counter([*self.classes.values(), *self.loose_classes])

    @property
    def n_outvoted(self) -> int:
        """Number of strokes on cells of which none has their class: others cover more of them."""
        given = ((name, {self.classes.get(k) for k in cells}) for name, cells in self.on_cells)
        return sum(name not in others for name, others in given)

    def with_strokes(
        self, painted: NDArray[np.integer], classes: Mapping[int, str]
    ) -> AnnotatedSlice:
        """Return this with strokes, of which each label has a class, painted over it."""
        assert self.cells is not None
        box = _box(painted)
        cells = self.cells[box]
        strokes, names = strokes_in(painted[box], classes)
        under = _overlaps(strokes, cells)
        new = [k for k, name in enumerate(names, 1) if name and k not in under]
        loose = self.loose
        if new:
            number = np.zeros(len(names) + 1, np.int32)
            number[new] = np.arange(1, len(new) + 1) + len(self.loose_classes)
            loose = np.zeros(painted.shape, np.int32) if loose is None else loose.copy()
            loose[box] = np.where(number[strokes] > 0, number[strokes], loose[box])
        on_cells = [(str(names[k - 1]), found) for k, found in under.items() if names[k - 1]]
        return replace(
            self,
            classes={**self.classes, **painted_classes(cells, painted[box], classes)},
            loose=loose,
            loose_classes=(*self.loose_classes, *(str(names[k - 1]) for k in new)),
            on_cells=(*self.on_cells, *on_cells),
            n_unknown=self.n_unknown + names.count(None),
        )


def annotated_cells(
    parts: Sequence[tuple[Annotation, Mapping[int, str], NDArray]],
    cells: Callable[[], NDArray[np.integer]],
) -> AnnotatedSlice:
    """Return the cells of a slice that are annotated, see :meth:`.Photograph.annotated`.

    Parameters
    ----------
    parts
        Annotations, the lowest first, with the slice's class by label, and its labels.
    cells
        Returns the nuclei below, where the annotations don't have cells of their own.
    """
    given = [part for part in parts if part[2].any() and (part[0].painted or part[1])]
    if not given:
        return AnnotatedSlice()
    by_number = [x for x in given if not x[0].painted and x[0].covers_nuclei]
    by_number = [x for x in by_number if set(labels_in(x[2])) & set(x[1])]
    own = by_number[-1] if by_number else None
    found = AnnotatedSlice(own[2], layer=own[0].layer) if own else AnnotatedSlice(cells())
    for annotation, names, part in given:
        if own and annotation is own[0]:
            named = {k: names[k] for k in labels_in(part) if k in names}
            found = replace(found, classes={**found.classes, **named})
        else:  # of numbered cells only those with a class
            strokes = part if annotation.painted else np.where(np.isin(part, [*names]), part, 0)
            found = found.with_strokes(strokes, names)
    return found


def _box(painted: NDArray[np.integer]) -> tuple[slice, slice]:
    """Return the smallest box that holds all labels."""
    rows, columns = (np.flatnonzero((painted > 0).any(axis)) for axis in (1, 0))
    if not rows.size:
        return slice(0), slice(0)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _overlaps(
    strokes: NDArray[np.integer], cells: NDArray[np.integer]
) -> dict[int, frozenset[int]]:
    """Return the cells that each stroke lies on; without strokes that lie on none."""
    touched = (strokes > 0) & (cells > 0)
    n_cells = int(cells.max(initial=0)) + 1
    pairs = np.unique(strokes[touched].astype(np.int64) * n_cells + cells[touched])
    found: dict[int, set[int]] = {}
    for pair in pairs.tolist():
        found.setdefault(pair // n_cells, set()).add(pair % n_cells)
    return {stroke: frozenset(on) for stroke, on in found.items()}


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
    for label in np.unique(painted[painted > 0]).tolist():
        strokes, count = ndimage.label(painted == label, np.ones((3, 3)))
        numbered[strokes > 0] = strokes[strokes > 0] + len(found)
        found += [classes.get(label)] * count
    return numbered, found
