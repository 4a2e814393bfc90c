"""Keep the features of a folder's nuclei those of the shown field."""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING

import napari
from napari.layers import Labels, Layer
from napari.qt.threading import create_worker

from napari_marrow.data.errors import MarrowError
from napari_marrow.viewer.layer_info import LayerInfo, shown_slice
from napari_marrow.viewer.per_viewer import ViewerFollower, per_viewer, single_shot
from napari_marrow.viewer.photograph.slice_tables import measure, of_one_slice, show_table
from napari_marrow.viewer.stack import LazyStack

if TYPE_CHECKING:
    import pandas as pd

QUIET_MS = 500
"""The nuclei are measured this long after the last step of the slider, in milliseconds."""


class CurrentTable(ViewerFollower):
    """Measures the nuclei of the shown field in a worker, when the slider has come to rest.

    To measure those of all fields would mean to read the whole folder.
    """

    def __init__(self, viewer: napari.Viewer):
        super().__init__(viewer)
        self._timer = single_shot(QUIET_MS, self._measure)
        self._requested: weakref.WeakKeyDictionary[Layer, int] = weakref.WeakKeyDictionary()
        viewer.dims.events.current_step.connect(self._wait)
        viewer.layers.events.inserted.connect(self._wait)
        self._wait()

    def _wait(self) -> None:
        self._timer.start()

    def _measure(self) -> None:
        for layer in self.layers:
            row = self._shown_row(layer)
            if row is None or self._requested.get(layer) == row:
                continue
            self._requested[layer] = row
            tables = LayerInfo.of(layer).tables
            if row in tables or not isinstance(layer.data, LazyStack):
                show_table(layer, row, tables.get(row, layer.features.iloc[:0]))
                continue
            show = partial(self._show, weakref.ref(layer), row)
            # A worker may outlive the layer, whose slices would stay in memory with it.
            create_worker(_measure, weakref.ref(layer.data), row, _connect={"returned": show})

    def _shown_row(self, layer: Layer) -> int | None:
        """Return the row that a stack of nuclei in the viewer shows; None for other layers."""
        viewer, info = self._viewer(), LayerInfo.of(layer)
        if viewer is None or layer not in viewer.layers or not isinstance(layer, Labels):
            return None
        if not info.holds_nuclei or not (isinstance(layer.data, LazyStack) or info.paged):
            return None
        row = shown_slice(layer, viewer.dims.point)
        return None if row < 0 else row

    def _show(self, weak: weakref.ref[Labels], row: int, table: pd.DataFrame | None) -> None:
        """Set the features, unless the user has paged on or put a table of all fields there."""
        layer = weak()
        if layer is None or table is None:
            return
        if self._shown_row(layer) != row:
            self._requested.pop(layer, None)  # to be measured when the user comes back
        elif of_one_slice(LayerInfo.of(layer), layer.features):
            show_table(layer, row, table)


def _measure(weak: weakref.ref[LazyStack], row: int) -> pd.DataFrame | None:
    """Measure a row in a worker; None where its layer was removed or it can't be read."""
    stack = weak()
    try:
        return None if stack is None else measure(stack, row)
    except MarrowError:  # reported where the row is drawn
        return None


attach_current_table = per_viewer(CurrentTable)
"""Keep the features of stacks of nuclei those of the shown field, from now on."""
