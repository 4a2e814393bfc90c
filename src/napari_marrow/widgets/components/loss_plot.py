"""The live plot of training and validation loss, in the viewer's theme."""

from __future__ import annotations

from collections.abc import Mapping

import napari
import pandas as pd

from napari_marrow.report.history import draw_history
from napari_marrow.viewer.per_viewer import single_shot
from napari_marrow.widgets.components.plot_theme import ThemedCanvas, colour_axes

REDRAW_MS = 250
"""Shortest time between two drawings, however fast the epochs come."""


class LossPlot(ThemedCanvas):
    """The losses of each epoch, drawn as they come."""

    def __init__(self, viewer: napari.Viewer):
        super().__init__(viewer, (3.4, 2.2))
        self.setMinimumHeight(190)
        self._rows: list[Mapping[str, float]] = []
        self._timer = single_shot(REDRAW_MS, self.redraw, self)
        self.redraw()

    def clear(self) -> None:
        """Begin another history."""
        self._rows = []
        self._timer.start()

    def add_row(self, row: Mapping[str, float]) -> None:
        """Add an epoch: ``epoch``, ``loss`` and, where there is one, ``val_loss``."""
        self._rows.append(row)
        if not self._timer.isActive():
            self._timer.start()

    def draw_with(self, text: str, background: str) -> None:
        """Draw the history so far."""
        # A fixed place: a new layout for every epoch takes longer than drawing.
        axes = self._figure.add_axes((0.17, 0.23, 0.8, 0.73), facecolor=background)
        if self._rows:
            draw_history(axes, pd.DataFrame(self._rows))
        axes.set(xlabel="epoch", ylabel="loss")
        colour_axes(axes, text)
