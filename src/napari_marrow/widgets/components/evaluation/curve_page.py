"""Curves of a model with their bands, beside what guessing would give; the losses of networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import napari
from qtpy.QtWidgets import QWidget

from napari_marrow.learning.scores.results import Curve
from napari_marrow.report.colours import TRAINING, VALIDATION
from napari_marrow.widgets.components.evaluation.section import paragraph
from napari_marrow.widgets.components.layout import fill_column
from napari_marrow.widgets.components.line_legend import LineLegend
from napari_marrow.widgets.components.line_plot import Line, LinePlot

CHANCE = "#888888"
UNIT = (0.0, 1.0)
MIN_HEIGHT_PX = 240


class CurvePage(QWidget):
    """One curve in axes from 0 to 1, below sentences that say how to read it.

    Parameters
    ----------
    viewer
        Whose theme is followed.
    x_name
        Of the x axis.
    """

    def __init__(self, viewer: napari.Viewer, x_name: str):
        super().__init__()
        self._x_name = x_name
        self.text, self.legend = paragraph(), LineLegend(viewer)
        self.plot = LinePlot(viewer, x_name, "", UNIT, UNIT)
        self.plot.setMinimumHeight(MIN_HEIGHT_PX)
        fill_column(self, self.text, self.legend, self.plot)

    def show_curve(
        self,
        name: str,
        curve: Curve,
        chance: Sequence[tuple[float, float]],
        y_name: str,
        text: str,
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
        y_name
            Of the y axis.
        text
            What sums the curve up, and how to read it.
        """
        about_band = " The band is the 95 % interval." if _band(curve) else ""
        lines = [Line("", CHANCE, chance, dashed=True), _line(name, TRAINING, curve)]
        self.text.setText(text + about_band)
        self.plot.axis_names = (self._x_name, y_name)
        self.legend.show_lines(lines)
        self.plot.show_lines(lines)


class LossPage(QWidget):
    """The loss of a network by epoch; of several, of folds or an ensemble, their mean and range.

    Parameters
    ----------
    viewer
        Whose theme is followed.
    """

    def __init__(self, viewer: napari.Viewer):
        super().__init__()
        self.legend, self.plot = LineLegend(viewer), LinePlot(viewer, "epoch", "loss")
        self.plot.setMinimumHeight(MIN_HEIGHT_PX)
        text = paragraph(
            "Of several networks, as folds have them: the mean, and a band from least to greatest."
        )
        fill_column(self, text, self.legend, self.plot)

    def show_losses(self, training: Curve, validation: Curve | None) -> None:
        """Show the loss of both sides; of the validation side where there is one."""
        lines = [replace(_line("training", TRAINING, training), dashed=True)]
        if validation is not None:
            lines.append(_line("validation", VALIDATION, validation))
        self.legend.show_lines(lines)
        self.plot.show_lines(lines)


def _line(name: str, colour: str, curve: Curve) -> Line:
    return Line(name, colour, list(zip(curve.x, curve.y, strict=True)), band=_band(curve))


def _band(curve: Curve) -> list[tuple[float, float, float]]:
    """Return the band of a curve; none where none could be computed."""
    if (curve.low, curve.high) == (curve.y, curve.y):
        return []
    return list(zip(curve.x, curve.low, curve.high, strict=True))
