"""Keep the features of a folder's nuclei those of the shown field, as they are painted."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import napari
from napari.layers import Labels, Layer
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.jobs.events import Emit, ShouldStop
from napari_marrow.viewer.layer_info import LayerInfo, shown_slice
from napari_marrow.viewer.per_viewer import ViewerFollower, per_viewer, single_shot
from napari_marrow.viewer.photograph.slice_tables import (
    measure,
    measure_again,
    of_one_slice,
    show_table,
)
from napari_marrow.viewer.stack import EditableStack, LazyStack
from napari_marrow.viewer.task import Task

if TYPE_CHECKING:
    import pandas as pd

QUIET_MS = 500
"""The nuclei are measured this long after the last step of the slider, in milliseconds."""


class _Shown(NamedTuple):
    """The row that a layer shows, and the table that it has, where it may have been painted on.

    Slices of a removed layer would stay in memory with it.
    """

    layer: weakref.ref[Labels]
    stack: weakref.ref[LazyStack | NDArray]
    row: int
    table: pd.DataFrame | None = None


class CurrentTable(ViewerFollower):
    """Measures the nuclei of the shown field in a worker, when slider and brush have come to rest.

    To measure those of all fields would mean to read the whole folder.
    """

    def __init__(self, viewer: napari.Viewer):
        super().__init__(viewer)
        self._timer = single_shot(QUIET_MS, self._measure)
        self._task = Task()
        viewer.dims.events.current_step.connect(self._wait)
        viewer.layers.events.inserted.connect(self._wait)
        self._wait()

    def _wait(self) -> None:
        self._timer.start()

    def _measure(self) -> None:
        wanted = []
        for layer in self.layers:
            row, info = self._shown_row(layer), LayerInfo.of(layer)
            if row is None:
                continue
            layer.events.data.connect(self._wait)  # the masks of a folder are let be corrected
            table, lazy = None, isinstance(layer.data, LazyStack)
            if row in {info.shown_row, *info.tables} or not lazy:
                if row != info.shown_row:
                    show_table(layer, row, layer.features.iloc[:0])
                fixed = lazy and not isinstance(layer.data, EditableStack)
                if fixed and not layer.features.columns.empty:
                    continue
                layer.events.paint.connect(self._wait)
                layer.events.set_data.connect(self._wait)  # all that undo and redo emit
                table = layer.features
            if of_one_slice(LayerInfo.of(layer), layer.features):
                wanted.append(_Shown(weakref.ref(layer), weakref.ref(layer.data), row, table))
        if wanted:
            self._task.start(partial(_measure_each, wanted), partial(self._show, wanted))

    def _shown_row(self, layer: Layer) -> int | None:
        """Return the row that a stack of nuclei in the viewer shows; None for other layers."""
        viewer, info = self._viewer(), LayerInfo.of(layer)
        if viewer is None or layer not in viewer.layers or not isinstance(layer, Labels):
            return None
        if not info.holds_nuclei or not (isinstance(layer.data, LazyStack) or info.paged):
            return None
        row = shown_slice(layer, viewer.dims.point)
        return None if row < 0 else row

    def _show(self, wanted: Sequence[_Shown], tables: Sequence[pd.DataFrame | None]) -> None:
        """Set the features, unless the user has paged on or put a table of all fields there."""
        for shown, table in zip(wanted, tables, strict=True):
            layer = shown.layer()
            if layer is None or self._shown_row(layer) != shown.row:
                continue
            if shown.table is not None:
                if table is not None and layer.features is shown.table is not table:
                    layer.features = table
            elif of_one_slice(LayerInfo.of(layer), layer.features):
                empty = layer.features.iloc[:0]
                show_table(layer, shown.row, empty if table is None else table)
                self._wait()  # it may have been painted on meanwhile


def _measure_each(
    wanted: Sequence[_Shown], emit: Emit, should_stop: ShouldStop
) -> list[pd.DataFrame | None]:
    """Measure rows in a worker; None where a layer was removed or its row can't be read."""
    tables: list[pd.DataFrame | None] = []
    for shown in wanted:
        if should_stop():
            raise Stopped
        stack = shown.stack()
        try:
            if stack is not None and shown.table is not None:
                tables.append(measure_again(stack, shown.row, shown.table))
            elif isinstance(stack, LazyStack):
                tables.append(measure(stack, shown.row))
            else:
                tables.append(None)
        except MarrowError:  # reported where the row is drawn
            tables.append(None)
    return tables


attach_current_table = per_viewer(CurrentTable)
"""Keep the features of stacks of nuclei those of the shown field, from now on."""
