"""Notice classes that a person edits in the table of predicted cells, and recolour the cells.

napari's table of features writes into the layer's table and tells nobody, as a script may, too. So
the classes are compared with those before, five times a second while there are predicted cells:
that of 100,000 cells takes a few milliseconds.
"""

from __future__ import annotations

import weakref

import napari
from napari.layers import Labels
from qtpy.QtCore import QTimer

from napari_marrow.viewer.layer_info import Kind, LayerInfo
from napari_marrow.viewer.per_viewer import ViewerFollower, per_viewer
from napari_marrow.viewer.photograph.corrections import Noted, has_answers, settled

LOOK_MS = 200


class Corrections(ViewerFollower):
    """Keeps ticks and colours of predicted cells those of their classes."""

    def __init__(self, viewer: napari.Viewer):
        super().__init__(viewer)
        self._noted: weakref.WeakKeyDictionary[Labels, Noted] = weakref.WeakKeyDictionary()
        self._timer = QTimer()
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self.look)
        viewer.layers.events.inserted.connect(self._follow)
        viewer.layers.events.removed.connect(self._follow)
        self._follow()

    def _predicted(self) -> list[Labels]:
        found = [x for x in self.layers if isinstance(x, Labels)]
        return [x for x in found if LayerInfo.of(x).kind is Kind.PREDICTED]

    def _follow(self) -> None:
        layers = self._predicted()
        for layer in layers:
            layer.events.features.connect(self.look)  # once only: napari ignores the rest
        if layers:
            self._timer.start()
            self.look()
        else:
            self._timer.stop()

    def look(self) -> None:
        """Take what was edited since the last look."""
        for layer in self._predicted():
            if has_answers(layer.features):
                self._look_at(layer)

    def _look_at(self, layer: Labels) -> None:
        before = self._noted.get(layer)
        if before is not None and before.is_of(layer.features):
            return
        table = settled(layer.features, before)
        self._noted[layer] = Noted.of(table)  # first: features emits
        if before is None and self._noted[layer].is_of(layer.features):
            return  # as it was made
        from napari_marrow.viewer.make.cell_table import class_colormap

        layer.features = table
        if (colours := class_colormap(table)) is not None:
            layer.colormap = colours


attach_corrections = per_viewer(Corrections)
"""Let classes of predicted cells be corrected in a viewer, from now on."""
