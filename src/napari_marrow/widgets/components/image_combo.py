"""The combo "Photograph" of the dock widgets: on which of the open photographs they work."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import napari
from napari.layers import Image, Layer
from qtpy.compat import isalive
from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QSizePolicy

from napari_marrow.viewer.layer_info import is_preview
from napari_marrow.viewer.photograph.labelling import is_photograph, photograph_of


class PhotographBox(QComboBox):
    """Offers the photographs that are open, and follows the active one.

    Where the user chose one in the box, it stays as long as it is open.

    Parameters
    ----------
    viewer
        Where the photographs are; a proxy, as plugins get it, will do.
    """

    changed = Signal()
    """Emitted when another photograph is the chosen one, or none is."""

    def __init__(self, viewer: napari.viewer.Viewer):
        super().__init__()
        # Layers of the proxy that widgets get are proxies, which are never the same object twice.
        self._viewer = getattr(viewer, "__wrapped__", viewer)
        self._layers: list[Image] = []
        self._picked: Image | None = None  # by the user
        self._staying = False
        self._followed: Callable[[], Layer | None] = lambda: None  # the layer active before
        self.setToolTip("The photograph, or the stack of a folder, to work on.")
        # A long name shall not make the widget wider than the screen allows.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.currentIndexChanged.connect(lambda _: self.changed.emit())
        self.activated.connect(self._pick)
        events = self._viewer.layers.events
        for event in (events.inserted, events.removed, events.reordered, events.renamed):
            event.connect(self._refresh)
        self._viewer.layers.selection.events.active.connect(self._follow)
        self._refresh()

    @property
    def layer(self) -> Image | None:
        """The photograph that is chosen, or None where none is open."""
        number = self.currentIndex()
        return self._layers[number] if 0 <= number < len(self._layers) else None

    @contextmanager
    def staying(self) -> Iterator[None]:
        """Stay with the photograph while what was made of it is added, and becomes active."""
        self._staying = True
        try:
            yield
        finally:
            self._staying = False

    def _pick(self, _: int) -> None:
        self._picked = self.layer

    def _refresh(self, event: Any = None) -> None:
        if isalive(self):  # the viewer's layers live longer than this widget
            self._offer(self.layer)

    def _follow(self, event: Any = None) -> None:
        """Choose the photograph that became active, by itself or by a layer that is over it."""
        active = self._viewer.layers.selection.active
        if not isalive(self) or active is None or is_preview(active):
            return
        before, self._followed = self._followed(), weakref.ref(active)
        if active is before:  # again, after a preview
            return
        if not self._staying and self._picked is None:
            self._offer(photograph_of(active, self._viewer.layers) or self.layer)

    def _offer(self, chosen: Image | None) -> None:
        """List the photographs that are open; without the chosen one the active comes first."""
        before, layers = self.layer, self._viewer.layers
        self._layers = [x for x in layers if is_photograph(x)]
        self._picked = self._picked if self._picked in self._layers else None
        if chosen not in self._layers:
            chosen = photograph_of(layers.selection.active, layers)
        with QSignalBlocker(self):
            self.clear()
            self.addItems([x.name for x in self._layers])
            if chosen in self._layers:
                self.setCurrentIndex(self._layers.index(chosen))
        if self.layer is not before:
            self.changed.emit()
