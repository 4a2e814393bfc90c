"""Plots in the colours of the viewer's theme. Needs matplotlib."""

from __future__ import annotations

import napari
from matplotlib.axes import Axes
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
from napari.utils.theme import get_theme

from napari_marrow.widgets.components.dock_widget import while_alive


class ThemedCanvas(FigureCanvasQTAgg):
    """A canvas that draws its figure again when the viewer's theme changes.

    Parameters
    ----------
    viewer
        Whose theme is followed.
    size
        Width and height of the figure in inches.
    """

    def __init__(self, viewer: napari.Viewer, size: tuple[float, float]):
        self._figure = Figure(figsize=size)
        super().__init__(self._figure)
        self._viewer = viewer
        viewer.events.theme.connect(while_alive(self.redraw))

    def redraw(self) -> None:
        """Draw again."""
        theme = get_theme(self._viewer.theme)
        text, background = theme.text.as_hex(), theme.background.as_hex()
        self._figure.clear()
        self._figure.set_facecolor(background)
        self.draw_with(text, background)
        self.draw_idle()

    def draw_with(self, text: str, background: str) -> None:
        """Fill the empty figure, in these colours of text and background, as ``#RRGGBB``."""
        raise NotImplementedError


def colour_axes(axes: Axes, text: str) -> None:
    """Draw all texts and lines of axes in one colour, small enough for a dock widget."""
    axes.tick_params(colors=text, labelsize=8)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=text, fontsize=9)
    for spine in axes.spines.values():
        spine.set_color(text)
    legend = axes.get_legend()
    for entry in legend.get_texts() if legend else ():
        entry.set(color=text, fontsize=8)
