"""The check box of a preview: a layer over the shown field that follows settings and slider."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from napari.layers import Layer
from numpy.typing import NDArray
from qtpy.QtWidgets import QCheckBox

from napari_marrow.data.errors import MarrowError
from napari_marrow.jobs.events import Emit, ShouldStop
from napari_marrow.viewer.per_viewer import single_shot
from napari_marrow.viewer.task import Task
from napari_marrow.widgets.components.dock_widget import DockWidget, while_alive

T = TypeVar("T")
DELAY_MS = 50
"""From the last change to the preview: a slider sends many changes."""


class LayerPreview(QCheckBox):
    """Makes a preview in a thread while it is checked, and again after each change.

    The layer goes when the box is unchecked, and the box is unchecked when the layer is removed by
    hand or the dock is hidden, covered by another tab or closed.

    Parameters
    ----------
    owner
        The dock widget.
    text, tooltip
        Of the check box.
    ask
        Called on the viewer's thread: calls :meth:`start`, or raises why there is no preview.
    failed
        Called with the sentence of an error.
    """

    def __init__(
        self,
        owner: DockWidget,
        text: str,
        tooltip: str,
        ask: Callable[[], None],
        failed: Callable[[str], None],
    ):
        super().__init__(text)
        self.setToolTip(tooltip)
        self._viewer, self._ask, self._failed = owner.viewer, ask, failed
        self.layer: Layer | None = None
        self._task = Task(owner, failed=failed)
        self._timer = single_shot(DELAY_MS, self._make, self)
        self.toggled.connect(self.refresh)
        for gone in (owner.closed, owner.out_of_view):
            gone.connect(lambda: self.setChecked(False))
        self._viewer.layers.events.removed.connect(while_alive(self._removed))
        self._viewer.dims.events.current_step.connect(while_alive(self.refresh))

    def refresh(self) -> None:
        """Make the preview again, soon; remove it where none is wanted."""
        if self.isChecked():
            self._task.cancel()
            self._timer.start()
        else:
            self.clear()

    def _make(self) -> None:
        if not self.isChecked():
            return
        try:
            self._ask()
        except MarrowError as error:
            self.clear()
            self._failed(str(error))

    def start(self, work: Callable[[Emit, ShouldStop], T], show: Callable[[T], None]) -> None:
        """Run ``work`` in a thread, then ``show`` what it returned."""
        self._task.start(work, show)

    def show_layer(
        self, kind: type[Layer], data: NDArray, options: Mapping[str, object], **fixed: object
    ) -> None:
        """Show ``data`` in the preview's layer, which is made where there is none.

        Parameters
        ----------
        kind
            Class of the layer.
        data
            What it shows.
        options
            Attributes that may differ each time.
        fixed
            Further options of a new layer.
        """
        layer = self.layer or kind(data, **fixed)
        layer.data = data
        for name, value in options.items():
            setattr(layer, name, value)
        if self.layer is None:
            self.layer = layer
            selected = set(self._viewer.layers.selection)
            self._viewer.add_layer(layer)
            self._viewer.layers.selection = selected  # the photograph stays the chosen one

    def clear(self) -> None:
        """Remove the layer, and drop the preview that is being made or waits to be."""
        self._timer.stop()
        self._task.cancel()
        layer, self.layer = self.layer, None
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def _removed(self) -> None:
        if self.layer is not None and self.layer not in self._viewer.layers:
            self.layer = None
            self.setChecked(False)
