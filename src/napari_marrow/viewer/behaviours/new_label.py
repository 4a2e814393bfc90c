"""Let a person paint new nuclei: an unused label is selected, and napari's "new" finds others.

napari finds one for arrays in memory only: over the stack of a folder its button and key M refuse,
and what is painted would belong to the first nucleus. Where the labels of each field begin with 1,
as those of masks in files do, it is one that the shown field does not use, also after the slider
moved.
"""

from __future__ import annotations

import weakref

import napari
import numpy as np
from napari.layers import Labels, Layer
from napari.qt import QtViewer
from napari.utils.events import Event
from qtpy.QtWidgets import QApplication, QPushButton

from napari_marrow.viewer.layer_info import LayerInfo, full_data, shown_slice
from napari_marrow.viewer.per_viewer import ViewerFollower, per_viewer
from napari_marrow.viewer.stack import EditableStack


class NewLabel(ViewerFollower):
    """Selects an unused label of nuclei that come into a viewer, and of a stack whenever asked."""

    def __init__(self, viewer: napari.Viewer):
        super().__init__(viewer)
        self._chosen: weakref.WeakKeyDictionary[Labels, int] = weakref.WeakKeyDictionary()
        viewer.dims.events.current_step.connect(self._choose_again)
        # last: napari makes the controls of a layer when it hears of it
        viewer.layers.events.inserted.connect(self._on_inserted, position="last")
        for layer in viewer.layers:
            self._prepare(layer)

    def _on_inserted(self, event: Event) -> None:
        self._prepare(event.value)

    def _prepare(self, layer: Layer) -> None:
        if not isinstance(layer, Labels) or not LayerInfo.of(layer).holds_nuclei:
            return
        self._select(layer)
        layer.events.data.connect(self._on_data)  # the masks of a folder are let be corrected
        if isinstance(layer.data, EditableStack):
            layer.bind_key("M", self._select, overwrite=True)
            for view in [x for x in QApplication.allWidgets() if isinstance(x, QtViewer)]:
                controls = view.controls.widgets.get(layer)
                button = controls and controls.findChild(QPushButton, "newLabelButton")
                if button:
                    button.clicked.disconnect()
                    button.clicked.connect(lambda: self._select(layer))

    def _on_data(self, event: Event) -> None:
        self._prepare(event.source)

    def _select(self, layer: Labels) -> None:
        viewer, data = self._viewer(), full_data(layer)
        row = -1 if viewer is None else shown_slice(layer, viewer.dims.point)
        by_field = isinstance(data, EditableStack) and data.of_files
        if not by_field:
            select_unused_label(layer)
        elif row >= 0 and row not in data.unprepared:
            layer.selected_label = self._chosen[layer] = 1 + int(data.read(row).max())

    def _choose_again(self) -> None:
        for layer in self.layers:
            if isinstance(layer, Labels) and self._chosen.get(layer) == layer.selected_label:
                self._select(layer)


def select_unused_label(layer: Labels) -> None:
    """Select the label above the largest of a layer that can be painted on, if its type has it."""
    data = full_data(layer)
    if not isinstance(data, np.ndarray | EditableStack):
        return
    label = 1 + (data.largest_label if isinstance(data, EditableStack) else int(data.max()))
    if label <= np.iinfo(data.dtype).max:
        layer.selected_label = label


attach_new_label = per_viewer(NewLabel)
"""Let new nuclei be painted in a viewer, from now on."""
