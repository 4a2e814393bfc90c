"""The features of a folder's nuclei: those of the field that is shown."""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING

import napari
from napari.layers import Labels, Layer
from napari.qt.threading import create_worker
from qtpy.QtCore import QTimer

from napari_marrow.viewer.layer_info import LayerInfo, shown_slice
from napari_marrow.viewer.per_viewer import per_viewer
from napari_marrow.viewer.photograph.slice_tables import measure, of_one_slice, show_table
from napari_marrow.viewer.stack import LazyStack

if TYPE_CHECKING:
    import pandas as pd

QUIET_MS = 500
"""The nuclei are measured so long after the last step of the slider, in milliseconds."""


class CurrentTable:
    """Measures the nuclei of the shown field in a thread, when the slider has come to rest.

    To measure those of all fields would mean to read the whole folder.
    """

    def __init__(self, viewer: napari.Viewer):
        self._viewer = weakref.ref(viewer)
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(QUIET_MS)
        self._timer.timeout.connect(self._measure)
        self._asked: weakref.WeakKeyDictionary[Layer, int] = weakref.WeakKeyDictionary()
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
            if row is None or self._asked.get(layer) == row:
                continue
            self._asked[layer] = row
            known = LayerInfo.of(layer).tables
            if row in known or not isinstance(layer.data, LazyStack):
                show_table(layer, row, known.get(row, layer.features.iloc[:0]))
                continue
            show = partial(self._show, weakref.ref(layer), row)
            # Workers live on, and a stack holds the slices that it has read.
            create_worker(_table, weakref.ref(layer.data), row, _connect={"returned": show})

    def _row(self, layer: Layer) -> int | None:
        """The field that a stack of nuclei shows, or None for other layers."""
        viewer = self._viewer()
        if viewer is None or layer not in viewer.layers or not isinstance(layer, Labels):
            return None
        info = LayerInfo.of(layer)
        if not info.holds_nuclei or not (isinstance(layer.data, LazyStack) or info.paged):
            return None
        row = shown_slice(layer, viewer.dims.point)
        return None if row < 0 else row

    def _show(self, shown: weakref.ref[Labels], row: int, table: pd.DataFrame | None) -> None:
        """Set the features, unless the user has paged on or has a table of all fields in them."""
        layer = shown()
        if layer is None or table is None:
            return
        if self._row(layer) != row:
            self._asked.pop(layer, None)  # to be measured when the user comes back
        elif of_one_slice(LayerInfo.of(layer), layer.features):
            show_table(layer, row, table)


attach_current_table = per_viewer(CurrentTable)
"""Keep the features of stacks of nuclei those of the field that is shown, from now on."""


def _table(of_nuclei: weakref.ref[LazyStack], row: int) -> pd.DataFrame | None:
    nuclei = of_nuclei()
    return None if nuclei is None else measure(nuclei, row)  # None: removed meanwhile
