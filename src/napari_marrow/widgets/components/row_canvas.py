"""A plot of rows, names above their bars, as narrow as a dock widget. Needs matplotlib."""

from __future__ import annotations

from collections.abc import Callable

import napari
from matplotlib.axes import Axes
from matplotlib.backend_bases import Event, MouseEvent
from qtpy.QtCore import Signal
from qtpy.QtGui import QResizeEvent, QWheelEvent

from napari_marrow.widgets.components.plot_theme import ThemedCanvas, colour_axes

ROW_HEIGHT_PX = 24
BOTTOM_PX, SIDE_PX, TOP_PX = 42, 12, 4
"""Margins around the axes."""
FONT_SIZE_PT = 8


class RowCanvas(ThemedCanvas):
    """Axes with the same margins at any width, with texts that fit."""

    clicked = Signal(float)
    """Where in the axes: y, in their own units."""

    def __init__(self, viewer: napari.Viewer):
        super().__init__(viewer, (3, 1))
        self._draw: Callable[[Axes, str], None] | None = None
        self.mpl_connect("button_press_event", self._on_press)

    def show_rows(self, rows: int, draw: Callable[[Axes, str], None]) -> None:
        """Show a number of rows; ``draw`` is called with axes and the colour of text."""
        self._draw = draw
        self.setFixedHeight(rows * ROW_HEIGHT_PX + BOTTOM_PX + TOP_PX)
        self.redraw()

    def draw_with(self, text: str, background: str) -> None:
        """Draw the rows, as far as there are any."""
        if self._draw is not None:
            axes = self._figure.add_subplot(facecolor=background)
            self._draw(axes, text)
            colour_axes(axes, text)
            axes.spines[["top", "right"]].set_visible(False)
            self._fit()

    def _fit(self) -> None:
        """Give the axes their margins, and make texts smaller that are wider than the axes."""
        width, height = max(self.width(), 60), max(self.height(), 60)
        for axes in self._figure.axes:
            inside = (width - 2 * SIDE_PX) / width
            tall = 1 - (BOTTOM_PX + TOP_PX) / height
            axes.set_position((SIDE_PX / width, BOTTOM_PX / height, inside, tall))
            room = inside * self._figure.bbox.width
            for text in axes.texts:
                text.set_fontsize(FONT_SIZE_PT)
                text_width = text.get_window_extent(self.get_renderer()).width
                text.set_fontsize(FONT_SIZE_PT * min(1, room / max(text_width, 1)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the margins."""
        super().resizeEvent(event)
        self._fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to the widget, which scrolls."""
        event.ignore()

    def _on_press(self, event: Event) -> None:
        if isinstance(event, MouseEvent) and event.ydata is not None:
            self.clicked.emit(float(event.ydata))
