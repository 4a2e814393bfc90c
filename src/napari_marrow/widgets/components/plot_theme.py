"""Plots in the colours of the viewer's theme. Needs matplotlib."""

from __future__ import annotations

from typing import Any

from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
from napari.utils.theme import get_theme


class ThemedCanvas(FigureCanvasQTAgg):
    """A canvas of a figure that is drawn anew for another theme of napari."""

    def __init__(self, theme: str, size: tuple[float, float]):
        self._figure = Figure(figsize=size)
        super().__init__(self._figure)
        self._theme = theme

    def set_theme(self, theme: str) -> None:
        """Draw in the colours of another theme of napari."""
        self._theme = theme
        self.redraw()

    def redraw(self) -> None:
        """Draw anew."""
        text, back = theme_colours(self._theme)
        self._figure.clear()
        self._figure.set_facecolor(back)
        self.draw_with(text, back)
        self.draw_idle()

    def draw_with(self, text: str, back: str) -> None:
        """Fill the empty figure, in these colours of text and background."""
        raise NotImplementedError


def theme_colours(name: str) -> tuple[str, str]:
    """Text and background of a theme of napari, as ``#RRGGBB``."""
    theme = get_theme(name)
    return theme.text.as_hex(), theme.background.as_hex()


def colour_axes(axes: Any, text: str) -> None:
    """Draw all that is written on axes in one colour, small enough for a dock widget."""
    axes.tick_params(colors=text, labelsize=8)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=text, fontsize=9)
    for spine in axes.spines.values():
        spine.set_color(text)
    legend = axes.get_legend()
    for entry in legend.get_texts() if legend else ():
        entry.set(color=text, fontsize=8)
