"""Which layer holds the nuclei of each photograph that is annotated, and when they are edited."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import napari
from napari.layers import Image, Labels
from napari.utils.events import Event, EventEmitter
from qtpy.QtCore import QObject

from napari_marrow.viewer.layer_info import shown_slice
from napari_marrow.viewer.per_viewer import single_shot
from napari_marrow.viewer.photograph.photograph import Photograph

CHECK_MS = 100
"""Layers are looked at this long after one came, went, or was shown or hidden, in milliseconds."""


class NucleiWatch(QObject):
    """Calls a function when the nuclei of a photograph are others than before.

    Parameters
    ----------
    viewer
        Where the photographs are.
    changed
        Called with the photograph's layer, and the slice that was painted on, or -1 for all.
    """

    def __init__(self, viewer: napari.Viewer, changed: Callable[[Image, int], None]):
        super().__init__()
        self._viewer, self._changed = viewer, changed
        self._layers: dict[Image, Labels | None] = {}
        self._ends: dict[Image, list[Callable[[], object]]] = {}
        self._soon = single_shot(CHECK_MS, self._check, self)
        self._start = lambda event=None: self._soon.start()
        events = viewer.layers.events
        for event in (events.inserted, events.removed, events.reordered):
            event.connect(self._start)

    def close(self) -> None:
        """Hear of nothing any more."""
        self._soon.stop()
        events = self._viewer.layers.events
        for event in (events.inserted, events.removed, events.reordered):
            event.disconnect(self._start)
        for image in [*self._layers]:
            self.forget(image)

    def follow(self, photograph: Photograph) -> None:
        """Watch the nuclei of a photograph; another layer of them than before is a change."""
        image = photograph.layer
        layer = None if photograph.nuclei is None else photograph.nuclei.layer
        is_new = image not in self._layers
        if not is_new and self._layers[image] is layer:
            return
        self.forget(image)
        self._layers[image] = layer
        if layer is not None:
            painted = partial(self._edited, image)
            heard: list[tuple[EventEmitter, Callable[[Event], None]]]
            heard = [(layer.events.paint, painted), (layer.events.data, painted)]
            heard.append((layer.events.visible, self._start))
            for event, action in heard:
                event.connect(action)
            self._ends[image] = [partial(event.disconnect, action) for event, action in heard]
        if not is_new:
            self._changed(image, -1)

    def forget(self, image: Image) -> None:
        """Watch the nuclei of a photograph no longer."""
        self._layers.pop(image, None)
        for end in self._ends.pop(image, []):
            end()

    def _check(self) -> None:
        layers = list(self._viewer.layers)
        for image in [x for x in self._layers if x in layers]:
            self.follow(Photograph.of(image, layers))

    def _edited(self, image: Image, event: Event) -> None:
        is_stroke = event.type == "paint"
        self._changed(image, shown_slice(image, self._viewer.dims.point) if is_stroke else -1)
