"""A curve of a model with its 95 % band, and the line that guessing would give."""

from __future__ import annotations

from collections.abc import Sequence

import napari
from qtpy.QtWidgets import QWidget

from napari_marrow.learning.scores.results import Curve
from napari_marrow.report.colours import TRAINING
from napari_marrow.widgets.components.evaluation.section import paragraph
from napari_marrow.widgets.components.layout import fill_column
from napari_marrow.widgets.components.line_legend import LineLegend
from napari_marrow.widgets.components.line_plot import Line, LinePlot

CHANCE = "#888888"
UNIT = (0.0, 1.0)
MIN_HEIGHT_PX = 240


class CurvePage(QWidget):
    """One curve in axes from 0 to 1, below a sentence that says how to read it.

    Parameters
    ----------
    viewer
        Whose theme is followed.
    x_name, y_name
        Of the axes.
    about
        How to read it.
    """

    def __init__(self, viewer: napari.Viewer, x_name: str, y_name: str, about: str):
        super().__init__()
        self._about = about
        self.text, self.legend = paragraph(), LineLegend(viewer)
        self.plot = LinePlot(viewer, x_name, y_name, UNIT, UNIT)
        self.plot.setMinimumHeight(MIN_HEIGHT_PX)
        fill_column(self, self.text, self.legend, self.plot)

    def show_curve(
        self, name: str, curve: Curve, chance: Sequence[tuple[float, float]], score: str
    ) -> None:
        """Show a curve.

        Parameters
        ----------
        name
            Of its model.
        curve
            With its band, which is left out where none could be computed.
        chance
            Points of the line of guessing, or of perfect calibration.
        score
            A sentence with the number that sums the curve up; "" for none.
        """
        points = list(zip(curve.x, curve.y, strict=True))
        is_banded = (curve.low, curve.high) != (curve.y, curve.y)
        band = list(zip(curve.x, curve.low, curve.high, strict=True)) if is_banded else []
        label = f"{name}, with its 95 % band" if band else name
        lines = [
            Line("", CHANCE, chance, dashed=True),
            Line(label, TRAINING, points, band=band),
        ]
        self.text.setText(f"{score} {self._about}".strip())
        self.legend.show_lines(lines)
        self.plot.show_lines(lines)
