"""The live plot of training and validation loss, in the viewer's theme."""

from __future__ import annotations

import pandas as pd
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
from qtpy.QtCore import QTimer

from napari_marrow.report.history import draw_history
from napari_marrow.widgets.plot_theme import colour_axes, theme_colours

REDRAW_MS = 250
"""At most one drawing in this time, however fast the epochs come."""


class LossPlot(FigureCanvasQTAgg):
    """A matplotlib canvas that grows by a row an epoch."""

    def __init__(self, theme: str):
        self._figure = Figure(figsize=(3.4, 2.2))
        super().__init__(self._figure)
        self.setMinimumHeight(190)
        self._rows: list[dict[str, float]] = []
        self._theme = theme
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REDRAW_MS)
        self._timer.timeout.connect(self.redraw)
        self.redraw()

    def show_rows(self, rows: list[dict[str, float]]) -> None:
        """Show a whole history at once."""
        self._rows = list(rows)
        self._timer.start()

    def add_row(self, row: dict[str, float]) -> None:
        """Add an epoch: ``epoch``, ``loss`` and, where there is one, ``val_loss``."""
        self._rows.append(row)
        if not self._timer.isActive():
            self._timer.start()

    def set_theme(self, theme: str) -> None:
        """Draw in the colours of another theme of napari."""
        self._theme = theme
        self.redraw()

    def redraw(self) -> None:
        """Draw the history so far."""
        text, back = theme_colours(self._theme)
        self._figure.clear()
        self._figure.set_facecolor(back)
        # A fixed place: laying out anew for every epoch takes longer than drawing.
        axes = self._figure.add_axes((0.17, 0.23, 0.8, 0.73), facecolor=back)
        if self._rows:
            draw_history(axes, pd.DataFrame(self._rows))
        axes.set(xlabel="epoch", ylabel="loss")
        colour_axes(axes, text)
        self.draw_idle()
