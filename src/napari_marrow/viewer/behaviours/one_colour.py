"""Hide masks while predicted cells are shown over them: one colour a cell, and none at random.

They count as before, as if they were seen, and are shown again with the last predicted cells. Of
predicted cells and the rings of the live model those are shown that came last.
"""

from __future__ import annotations

import weakref
from dataclasses import replace

import napari
from napari.layers import Image, Labels, Layer
from napari.utils.events import Event

from napari_marrow.viewer.layer_info import Kind, LayerInfo
from napari_marrow.viewer.per_viewer import ViewerFollower, per_viewer, single_shot
from napari_marrow.viewer.photograph.links import labels_of
from napari_marrow.viewer.photograph.overlays import holds_masks

_OTHER = {Kind.PREDICTED: Kind.ANSWERS, Kind.ANSWERS: Kind.PREDICTED}


class OneColour(ViewerFollower):
    """Follows which photographs have predicted cells that are visible."""

    def __init__(self, viewer: napari.Viewer):
        super().__init__(viewer)
        self._covered: weakref.WeakSet[Image] = weakref.WeakSet()
        self._timer = single_shot(0, self.settle)  # once, where a layer replaces another
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.layers.events.removed.connect(self._wait)
        for layer in viewer.layers:
            self._follow(layer)
        self._wait()

    def _wait(self) -> None:
        self._timer.start()

    def _on_inserted(self, event: Event) -> None:
        self._follow(event.value)
        self._wait()

    def _follow(self, layer: Layer) -> None:
        if LayerInfo.of(layer).kind in _OTHER:
            layer.events.visible.connect(self._on_visible)
            self._hide_other(layer)

    def _on_visible(self, event: Event) -> None:
        self._hide_other(event.source)
        self._wait()

    def _hide_other(self, layer: Layer) -> None:
        """Hide the rings where predicted cells came into view, and the other way round."""
        info = LayerInfo.of(layer)
        other = _OTHER.get(info.kind) if info.kind is not None and layer.visible else None
        for known in self.layers:
            its = LayerInfo.of(known)
            if other is not None and its.kind is other and its.photograph == info.photograph:
                known.visible = False

    def settle(self) -> None:
        """Hide the masks of photographs that predicted cells were shown over, and show others."""
        layers = [x for x in self.layers if isinstance(x, Labels)]
        predicted = [x for x in layers if x.visible and LayerInfo.of(x).kind is Kind.PREDICTED]
        below = {LayerInfo.of(x).photograph for x in predicted} - {None}
        stay = {x for x in layers if LayerInfo.of(x).photograph in below}  # its image may be closed
        for image, own in labels_of(self.layers).items():
            shown = any(x in own for x in predicted)
            masks = [x for x in own if holds_masks(image, x)]
            stay |= {*masks} if shown else set()
            if shown and image not in self._covered:
                self._covered.add(image)
                for layer in (x for x in masks if x.visible):
                    self._cover(layer)
            elif not shown:
                self._covered.discard(image)
        for layer in layers:
            if LayerInfo.of(layer).covered and layer not in stay:
                layer.visible = True

    def _cover(self, layer: Labels) -> None:
        replace(LayerInfo.of(layer), covered=True).set_on(layer)  # first: it counts all the time
        layer.visible = False
        layer.events.visible.connect(_uncover)  # by a person, or here


def _uncover(event: Event) -> None:
    layer = event.source
    layer.events.visible.disconnect(_uncover)
    replace(LayerInfo.of(layer), covered=False).set_on(layer)


attach_one_colour = per_viewer(OneColour)
"""Hide masks under predicted cells in a viewer, from now on."""
