"""The combo box "Photograph": which of the open photographs a dock widget works on."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import napari
from napari.layers import Image, Layer
from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox

from napari_marrow.viewer.layer_info import Kind, LayerInfo
from napari_marrow.viewer.photograph.links import is_photograph, photograph_layer
from napari_marrow.widgets.components.dock_widget import while_alive
from napari_marrow.widgets.components.layout import ignore_text_width


class ImageCombo(QComboBox):
    """Lists the open photographs and follows the active layer.

    A photograph that the user chose in the box stays chosen as long as it is open.

    Parameters
    ----------
    viewer
        Where the photographs are; not a proxy.
    """

    changed = Signal()
    """Another photograph is chosen, or none is."""

    def __init__(self, viewer: napari.Viewer):
        super().__init__()
        self._viewer = viewer
        self._layers: list[Image] = []
        self._chosen_by_user: Image | None = None
        self._pinned = False
        self._last_active: Callable[[], Layer | None] = lambda: None
        self.setToolTip("The photograph, or the stack of a folder, to work on.")
        ignore_text_width(self)
        self.currentIndexChanged.connect(lambda _: self.changed.emit())
        self.activated.connect(self._choose)
        events, refresh = viewer.layers.events, while_alive(self._refresh)
        for event in (events.inserted, events.removed, events.reordered, events.renamed):
            event.connect(refresh)
        viewer.layers.selection.events.active.connect(while_alive(self._follow))
        self._refresh()

    @property
    def layer(self) -> Image | None:
        """The photograph that is chosen, or None where none is open."""
        index = self.currentIndex()
        return self._layers[index] if 0 <= index < len(self._layers) else None

    @contextmanager
    def pinned(self) -> Iterator[None]:
        """Keep the photograph while what was made of it is added, and becomes active."""
        self._pinned = True
        try:
            yield
        finally:
            self._pinned = False

    def _choose(self, _: int) -> None:
        self._chosen_by_user = self.layer

    def _refresh(self) -> None:
        self._list(self.layer)

    def _follow(self) -> None:
        """Choose the photograph that became active, by itself or by a layer that is over it."""
        active = self._viewer.layers.selection.active
        if active is None or LayerInfo.of(active).kind is Kind.PREVIEW:
            return
        before, self._last_active = self._last_active(), weakref.ref(active)
        if active is before:  # again, after a preview
            return
        if not self._pinned and self._chosen_by_user is None:
            self._list(photograph_layer(active, self._viewer.layers) or self.layer)

    def _list(self, chosen: Image | None) -> None:
        """List the open photographs; where the chosen one is not open, choose the active one."""
        before, layers = self.layer, self._viewer.layers
        self._layers = [x for x in layers if is_photograph(x)]
        if self._chosen_by_user not in self._layers:
            self._chosen_by_user = None
        if chosen not in self._layers:
            chosen = photograph_layer(layers.selection.active, layers)
        with QSignalBlocker(self):
            self.clear()
            self.addItems([x.name for x in self._layers])
            if chosen in self._layers:
                self.setCurrentIndex(self._layers.index(chosen))
        if self.layer is not before:
            self.changed.emit()
