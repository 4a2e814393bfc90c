"""The legend of predicted cells: classes with their colours, and how many cells have each."""

from __future__ import annotations

from html import escape

import napari
from napari.layers import Image
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

from napari_marrow.viewer.layer_info import Kind, LayerInfo, full_data, shown_slice
from napari_marrow.viewer.per_viewer import single_shot
from napari_marrow.widgets.components.dock_widget import while_alive

SQUARE = "\N{BLACK SQUARE}"
FOLLOW_MS = 50
"""Counts follow the slider and the table this long after the last change, in milliseconds."""


class Legend(QLabel):
    """Follows the topmost photograph with predicted cells that are shown; hidden without any.

    Parameters
    ----------
    viewer
        Where the predicted cells are.
    """

    def __init__(self, viewer: napari.Viewer):
        super().__init__()
        self._viewer = viewer
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setWordWrap(True)
        self.setToolTip("Colours of the predicted cells, and how many cells have each.")
        self.hide()
        self._timer = single_shot(FOLLOW_MS, self.refresh, self)
        self._wait = while_alive(self._refresh_soon)
        viewer.dims.events.current_step.connect(self._wait)
        for event in (viewer.layers.events.removed, viewer.layers.events.reordered):
            event.connect(self._wait)
        viewer.layers.events.inserted.connect(while_alive(self._follow))
        self._follow()

    def _follow(self) -> None:
        for layer in self._viewer.layers:
            if LayerInfo.of(layer).kind is Kind.PREDICTED:
                for name in ("features", "visible"):
                    layer.events[name].connect(self._wait)  # once only: napari ignores the rest
        self._timer.start()

    def _refresh_soon(self) -> None:
        self._timer.start()

    def refresh(self) -> None:
        """Show classes and counts as they are now."""
        from napari_marrow.viewer.make.shown_counts import (
            all_counts,
            field_counts,
            shown_predictions,
        )

        layers = list(self._viewer.layers)
        images = [x for x in reversed(layers) if isinstance(x, Image) and x.visible]
        for image in images:
            layer = shown_predictions(image, layers)
            row = shown_slice(image, self._viewer.dims.point)
            if layer is None or row < 0:
                continue
            own = field_counts(layer, row).shown
            text = "&nbsp;&nbsp; ".join(
                f'<span style="color:{hue}">{SQUARE}</span>&nbsp;{number}&nbsp;{escape(name)}'
                for name, hue, number in own
            )
            if layer.ndim == 3:
                whole = ", ".join(f"{n} {escape(name)}" for name, _, n in all_counts(layer).shown)
                text += f"<br>In all {len(full_data(layer))} fields: {whole}"
            self.setText(text)
            self.show()
            return
        self.hide()
