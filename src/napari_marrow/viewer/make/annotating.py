"""Layers for annotating cells: the one to paint classes into, and nuclei of strokes on none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count, groupby

import napari
import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.progress import never
from napari_marrow.imaging.segmentation import found_nuclei
from napari_marrow.jobs.events import Emit, ShouldStop, silent
from napari_marrow.viewer.layer_info import Kind, linked_info
from napari_marrow.viewer.make.annotation_keys import bind_annotation_keys
from napari_marrow.viewer.make.layers import labels_options
from napari_marrow.viewer.photograph.annotations import (
    AnnotatedSlice,
    is_painted,
    label_classes,
    new_cells_layer,
    seen,
    set_painted_classes,
)
from napari_marrow.viewer.photograph.links import labels_of
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.photograph.slice_tables import nucleus_features
from napari_marrow.viewer.stack import EditableStack
from napari_marrow.viewer.training.learning import (
    NO_CLASS,
    SEVERAL_CLASSES,
    LearntSlice,
    learnt_slices,
)
from napari_marrow.viewer.transforms import place_of

DEFAULT_CLASSES = ("ALL", "MM")


def offered_classes(of_fields: Iterable[str | None]) -> tuple[str, ...]:
    """Return the classes to offer for cells: those of the fields, where these have several.

    >>> offered_classes(["normal", "blast", None]), offered_classes(["MM"])
    (('blast', 'normal'), ('ALL', 'MM'))
    """
    known = {name for name in of_fields if name}
    return tuple(sorted(known if len(known) > 1 else known | {*DEFAULT_CLASSES}))


def annotation_layer_to_paint(
    viewer: napari.Viewer, photograph: Photograph, classes: Sequence[str]
) -> Labels:
    """Select the layer to paint the classes of a photograph's cells into; a new one if need be.

    Parameters
    ----------
    viewer
        Where the photograph is.
    photograph
        The photograph or stack.
    classes
        An older layer that lacks some of these gets them.
    """
    own = [x for x in labels_of(viewer.layers)[photograph.layer] if is_painted(x)]
    if own:
        layer = seen(own)[-1]
        layer.visible = True
        add_painted_classes(layer, classes)
    else:
        layer = viewer.add_layer(new_cells_layer(photograph.layer, tuple(classes)))
    bind_annotation_keys(viewer, photograph.layer, layer)
    viewer.layers.selection.active = layer
    layer.mode = "paint"
    return layer


def add_painted_classes(layer: Labels, classes: Sequence[str]) -> None:
    """Give a layer to paint in those of several classes that it lacks."""
    known = label_classes(layer)
    new = [name for name in classes if name not in known.values()]
    if new:
        first = max([0, *known]) + 1
        set_painted_classes(layer, known | dict(enumerate(new, first)))


@dataclass(frozen=True, eq=False)
class NucleiOfStrokes:
    """Nuclei where strokes lay on none.

    Attributes
    ----------
    photograph
        As it was.
    changes
        The layer that gets them, the slice, and labels of the new nuclei alone.
    whole
        Labels of a new layer of nuclei with all that were known, where there is none that can be
        edited; then ``changes`` are empty.
    count
        Number of new nuclei.
    left_out
        Names of fields that could not be looked at, and why.
    """

    photograph: Photograph
    changes: tuple[tuple[Labels, int, NDArray[np.integer]], ...]
    whole: NDArray[np.integer] | None
    count: int
    left_out: tuple[tuple[str, str], ...] = ()


def nuclei_of_strokes(
    photographs: Sequence[Photograph], emit: Emit = silent, should_stop: ShouldStop = never
) -> list[NucleiOfStrokes]:
    """Find nuclei at the strokes in chosen fields that lie on none; for a worker.

    Where segmentation finds a nucleus under a stroke it is that, else the stroke itself.

    Raises
    ------
    Stopped
        When ``should_stop`` returned True.
    """
    slices = learnt_slices(photographs, "field", emit=emit, should_stop=should_stop)
    return [_of_one(x, own, should_stop) for x, own in groupby(slices, lambda x: x.photograph)]


def _of_one(
    photograph: Photograph, slices: Iterable[LearntSlice], should_stop: ShouldStop
) -> NucleiOfStrokes:
    nuclei = photograph.nuclei
    in_place = nuclei is not None and isinstance(nuclei.data, np.ndarray | EditableStack)
    editable = nuclei.layer if nuclei is not None and in_place else None
    changes, elsewhere, n_new = [], dict[int, NDArray[np.integer]](), 0
    left_out = list[tuple[str, str]]()
    for one in slices:
        if one.left_out not in ("", NO_CLASS, SEVERAL_CLASSES):
            left_out.append((one.name, one.left_out))
        elif one.annotated.loose_classes and not one.repeated:
            assert one.annotated.cells is not None
            labels, added = _with_nuclei(one.annotated, photograph.image(one.row))
            n_new += added
            target = one.annotated.layer or editable
            if target is None:
                elsewhere[one.row] = labels
            else:
                changes.append((target, one.row, np.where(one.annotated.cells, 0, labels)))
    whole = _all_nuclei(photograph, elsewhere, should_stop) if elsewhere else None
    return NucleiOfStrokes(photograph, tuple(changes), whole, n_new, tuple(left_out))


def _with_nuclei(
    annotated: AnnotatedSlice, image: NDArray[np.uint8]
) -> tuple[NDArray[np.integer], int]:
    """Return the cells of a slice with those of its loose strokes, and the number of these."""
    assert annotated.cells is not None
    assert annotated.loose is not None
    cells, found = annotated.cells.astype(np.int64), found_nuclei(image)
    free, numbers = cells == 0, count(int(cells.max()) + 1)
    known: dict[int, int] = {}  # number of a found nucleus that is added: two strokes can be on it
    n_new = 0
    for stroke in range(1, len(annotated.loose_classes) + 1):
        area = annotated.loose == stroke
        nucleus = int(np.bincount(found[area]).argmax()) if found[area].any() else 0
        under = found == nucleus if nucleus else area
        if not nucleus or under[free].sum() * 2 < under.sum():  # most of it is another nucleus
            nucleus, under = 0, area
        number = known.get(nucleus) or next(numbers)
        n_new += number not in known.values()
        known |= {nucleus: number} if nucleus else {}
        cells[(under & free) | area] = number
    return cells, n_new


def _all_nuclei(
    photograph: Photograph, changed: dict[int, NDArray[np.integer]], should_stop: ShouldStop
) -> NDArray[np.integer]:
    whole = np.zeros(photograph.data.shape[:-1], np.uint16)
    for row in range(len(photograph)):
        if should_stop():
            raise Stopped
        try:
            labels = changed[row] if row in changed else photograph.cells(row)
        except MarrowError:  # such a field is drawn empty, too
            continue
        frame = whole[row] if photograph.is_stack else whole
        frame[: labels.shape[0], : labels.shape[1]] = labels
    return whole


def show_nuclei_of_strokes(viewer: napari.Viewer, made: NucleiOfStrokes) -> int:
    """Put new nuclei into the viewer, on its thread; return their number."""
    photograph = made.photograph
    with ExitStack() as one_step:  # of undo
        for layer in {layer for layer, _, _ in made.changes}:
            one_step.enter_context(layer.block_history())
        _put_into_layers(made)
    if made.whole is not None:
        older = photograph.nuclei
        info = linked_info(photograph.layer, Kind.NUCLEI)
        options = labels_options(f"{photograph.name} {Kind.NUCLEI}", info)
        if not photograph.is_stack:
            options["features"] = nucleus_features(made.whole)
        selected = viewer.layers.selection.active
        layer = Labels(made.whole, **options, **place_of(photograph.layer))
        above = photograph.layer if older is None else older.layer
        viewer.layers.insert(viewer.layers.index(above) + 1, layer)
        if older is not None:
            older.layer.visible = False
        viewer.layers.selection.active = selected
    return made.count


def _put_into_layers(made: NucleiOfStrokes) -> None:
    is_stack = made.photograph.is_stack
    for layer, row, new in made.changes:
        now = layer.data[row] if is_stack else layer.data
        now = now[: new.shape[0], : new.shape[1]]
        places = np.nonzero((new > 0) & (now == 0))
        if not (labels := new[places]).size:
            continue
        labels += max(0, int(now.max()) + 1 - labels.min())  # some were painted meanwhile
        if labels.max() > np.iinfo(layer.data.dtype).max:
            layer.data = layer.data.astype(np.uint32)
        slices = (np.full(len(labels), row),) if is_stack else ()
        layer.data_setitem((*slices, *places), labels)
