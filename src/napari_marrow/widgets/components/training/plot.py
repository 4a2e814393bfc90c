"""The plots of loss and accuracy by epoch: live, and of several runs to compare them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import napari
from qtpy.QtWidgets import QWidget

from napari_marrow.report.colours import RUNS, TRAINING, VALIDATION
from napari_marrow.widgets.components.layout import fill_column, text_label
from napari_marrow.widgets.components.line_legend import LineLegend
from napari_marrow.widgets.components.line_plot import Line, LinePlot
from napari_marrow.widgets.components.training.runs import Run

Rows = Sequence[Mapping[str, float]]


class TrainingPlot(QWidget):
    """Loss above accuracy: both sides of one run, or the validation side of several.

    Of many runs those that began last are drawn, as many as there are colours to tell them apart.
    """

    def __init__(self, viewer: napari.Viewer):
        super().__init__()
        self.loss = LinePlot(viewer, "epoch", "loss")
        self.accuracy = LinePlot(viewer, "epoch", "accuracy", (0.0, 1.0))
        self.about, self.legend = text_label(), LineLegend(viewer)
        self._runs: Sequence[Run] = ()
        fill_column(self, self.about, self.legend, self.loss, self.accuracy)

    def show_runs(self, runs: Sequence[Run]) -> None:
        """Show the curves of these runs."""
        self._runs = runs
        self.redraw()

    def redraw(self) -> None:
        """Draw again, as one of the runs has other epochs."""
        all_runs = [run for run in self._runs if run.history]
        runs = all_runs[-len(RUNS) :]
        self.about.setVisible(len(runs) < len(all_runs))
        self.about.setText(
            f"The last {len(runs)} of {len(all_runs)} selected runs are drawn: more can't be told "
            "apart."
        )
        for key, plot in (("loss", self.loss), ("accuracy", self.accuracy)):
            if len(runs) == 1:
                lines = history_lines(runs[0].history, key)
            else:
                lines = compared_lines([(run.name, run.history) for run in runs], key)
            plot.show_lines(lines)
        self.legend.show_lines(self.loss.lines)  # the same names as those of accuracy


def history_lines(rows: Rows, key: str) -> list[Line]:
    """Return ``loss`` or ``accuracy`` by epoch, of each network, with the epoch that is best.

    The best epoch, whose weights are kept, is that of the lowest validation loss.
    """
    lines = []
    for k, own in enumerate(_by_member(rows)):
        names = ("training", "validation", "best epoch") if k == 0 else ("", "", "")
        watched = _validation_key(own, "loss")
        lines.append(Line(names[0], TRAINING, _points(own, key), dashed=True))
        if (shown := _validation_key(own, key)) != key:
            lines.append(Line(names[1], VALIDATION, _points(own, shown)))
        best = min(own, key=lambda row: (math.isnan(row[watched]), row[watched]))
        lines.append(Line(names[2], VALIDATION, _points([best], shown), dots=True))
    return lines


def compared_lines(histories: Sequence[tuple[str, Rows]], key: str) -> list[Line]:
    """Return ``loss`` or ``accuracy`` of the validation side of several runs, by name.

    Of a run without a validation side it is that of the training side. There are no more runs than
    colours.
    """
    lines = []
    for number, ((name, rows), colour) in enumerate(
        zip(histories, RUNS[: len(histories)], strict=True)
    ):
        dashed = number % 2 == 1
        for k, own in enumerate(_by_member(rows)):
            points = _points(own, _validation_key(own, key))
            lines.append(Line("" if k else name, colour, points, dashed=dashed))
    return lines


def _by_member(rows: Rows) -> list[Rows]:
    """Return the rows of each network of an ensemble: one line through all would go to and fro."""
    members: dict[float, list[Mapping[str, float]]] = defaultdict(list)
    for row in rows:
        members[row.get("member", 1)].append(row)
    return [*members.values()]


def _validation_key(rows: Rows, key: str) -> str:
    return f"val_{key}" if f"val_{key}" in rows[0] else key


def _points(rows: Rows, key: str) -> list[tuple[float, float]]:
    return [(row["epoch"], row[key]) for row in rows if key in row]
