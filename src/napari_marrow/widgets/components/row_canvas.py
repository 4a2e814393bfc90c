"""A plot of rows, names above their bars, as narrow as a dock widget. Needs matplotlib."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from matplotlib.axes import Axes
from qtpy.QtCore import Signal

from napari_marrow.widgets.components.plot_theme import ThemedCanvas, colour_axes

ROW, BELOW, BESIDE, ABOVE = 24, 42, 12, 4
"""Height of a row, and what is left free around the axes, in pixels."""
FONT = 8


class RowCanvas(ThemedCanvas):
    """Axes with the same margins at any width; what is written in them is made to fit."""

    clicked = Signal(float)
    """How far down the axes, in their own units."""

    def __init__(self, theme: str):
        super().__init__(theme, (3, 1))
        self._draw: Callable[[Axes, str], None] | None = None
        self.mpl_connect("button_press_event", self._on_press)

    def show_rows(self, rows: int, draw: Callable[[Axes, str], None]) -> None:
        """Draw so many rows; ``draw`` gets axes and the colour of text."""
        self._draw = draw
        self.setFixedHeight(rows * ROW + BELOW + ABOVE)
        self.redraw()

    def draw_with(self, text: str, back: str) -> None:
        """Draw the rows, as far as there are any."""
        if self._draw is not None:
            axes = self._figure.add_subplot(facecolor=back)
            self._draw(axes, text)
            colour_axes(axes, text)
            axes.spines[["top", "right"]].set_visible(False)
            self._fit()

    def _fit(self) -> None:
        """Give the axes their margins, and make texts smaller that are wider than the axes."""
        width, height = max(self.width(), 60), max(self.height(), 60)
        for axes in self._figure.axes:
            inside = (width - 2 * BESIDE) / width
            axes.set_position(
                (BESIDE / width, BELOW / height, inside, 1 - (BELOW + ABOVE) / height)
            )
            room = inside * self._figure.bbox.width
            for text in axes.texts:
                text.set_fontsize(FONT)
                wide = text.get_window_extent(self.get_renderer()).width
                text.set_fontsize(FONT * min(1, room / max(wide, 1)))

    def resizeEvent(self, event: Any) -> None:
        """Keep the margins."""
        super().resizeEvent(event)
        self._fit()

    def wheelEvent(self, event: Any) -> None:
        """Leave the wheel to the widget, which scrolls."""
        event.ignore()

    def _on_press(self, event: Any) -> None:
        if event.ydata is not None:
            self.clicked.emit(float(event.ydata))
