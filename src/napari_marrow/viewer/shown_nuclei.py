"""The features of a folder's nuclei: those of the field that is shown."""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING

import napari
from napari.layers import Image, Labels, Layer
from napari.qt.threading import create_worker
from qtpy.QtCore import QTimer

from napari_marrow.viewer.layers import nucleus_features
from napari_marrow.viewer.metadata import (
    is_cytoplasm,
    is_nuclei,
    layer_fields,
    layer_id,
    linked,
    shown_slice,
)
from napari_marrow.viewer.once import once_a_viewer
from napari_marrow.viewer.stack import LazyStack

if TYPE_CHECKING:
    import pandas as pd

QUIET_MS = 500
"""The nuclei are measured so long after the last step of the slider, in milliseconds."""


class ShownNuclei:
    """Measures the nuclei of the shown field in a thread, when the slider has come to rest.

    To measure those of all fields would mean to read the whole folder.
    """

    def __init__(self, viewer: napari.Viewer):
        self._viewer = weakref.ref(viewer)
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(QUIET_MS)
        self._timer.timeout.connect(self._measure)
        self._measured: weakref.WeakKeyDictionary[Layer, int] = weakref.WeakKeyDictionary()
        viewer.dims.events.current_step.connect(self._wait)
        viewer.layers.events.inserted.connect(self._wait)
        self._wait()

    def _wait(self, event=None) -> None:
        self._timer.start()

    def _measure(self) -> None:
        viewer = self._viewer()
        if viewer is None:
            return
        for layer in list(viewer.layers):
            row = self._row(layer)
            if row is not None and self._measured.get(layer) != row:
                self._measured[layer] = row
                around = _cytoplasm_of(layer, viewer.layers)
                name = _field_name(layer, viewer.layers, row)
                show = partial(self._show, weakref.ref(layer), row)
                # Workers live on, and a stack holds the slices that it has read.
                stacks = weakref.ref(layer.data), None if around is None else weakref.ref(around)
                create_worker(_table, *stacks, row, name, _connect={"returned": show})

    def _row(self, layer: Layer) -> int | None:
        """The field that a stack of nuclei shows, or None for other layers."""
        viewer = self._viewer()
        if viewer is None or layer not in viewer.layers or not isinstance(layer, Labels):
            return None
        if not is_nuclei(layer) or not isinstance(layer.data, LazyStack):
            return None
        row = shown_slice(layer, viewer.dims.point)
        return None if row < 0 else row

    def _show(self, shown: weakref.ref[Labels], row: int, table: pd.DataFrame | None) -> None:
        """Set the features, unless the user has paged on or has columns of their own in them."""
        layer = shown()
        if layer is None or table is None:
            return
        ours = {"index", *table.columns, "cytoplasm_area", "nucleus_to_cell"}
        if self._row(layer) != row:
            self._measured.pop(layer, None)  # to be measured when the user comes back
        elif set(layer.features.columns) <= ours:
            layer.features = table


attach_features = once_a_viewer(ShownNuclei)
"""Keep the features of stacks of nuclei those of the field that is shown, from now on."""


def _table(
    of_nuclei: weakref.ref[LazyStack],
    of_cytoplasm: weakref.ref[LazyStack] | None,
    row: int,
    field: str,
) -> pd.DataFrame | None:
    nuclei, cytoplasm = of_nuclei(), of_cytoplasm() if of_cytoplasm else None
    if nuclei is None:  # the layer was removed meanwhile
        return None
    around = None if cytoplasm is None else cytoplasm.read(row)
    table = nucleus_features(nuclei.read(row), around)
    table.insert(1, "field", field)
    return table


def _cytoplasm_of(nuclei: Layer, layers: napari.components.LayerList) -> LazyStack | None:
    same = [x.data for x in layers if is_cytoplasm(x) and linked(x) == linked(nuclei)]
    return next((data for data in same if isinstance(data, LazyStack)), None)


def _field_name(nuclei: Layer, layers: napari.components.LayerList, row: int) -> str:
    for photograph in layers:
        if isinstance(photograph, Image) and layer_id(photograph) == linked(nuclei):
            fields = layer_fields(photograph)
            return fields[row].name if fields else ""
    return ""
