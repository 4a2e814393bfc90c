"""The live plot of training and validation loss, in the viewer's theme."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping

import napari

from napari_marrow.report.colours import TRAINING, VALIDATION
from napari_marrow.viewer.per_viewer import single_shot
from napari_marrow.widgets.components.line_plot import Line, LinePlot

REDRAW_MS = 250
"""Shortest time between two drawings, however fast the epochs come."""


COLOURS = {"loss": TRAINING, "val_loss": VALIDATION}


class LossPlot(LinePlot):
    """The losses of each epoch, drawn as they come."""

    def __init__(self, viewer: napari.Viewer):
        super().__init__(viewer, "epoch", "loss")
        self._rows: list[Mapping[str, float]] = []
        self._timer = single_shot(REDRAW_MS, lambda: self.show_lines(loss_lines(self._rows)), self)

    def clear(self) -> None:
        """Begin another history."""
        self._rows = []
        self._timer.start()

    def add_row(self, row: Mapping[str, float]) -> None:
        """Add an epoch: ``epoch``, ``loss`` and, where there is one, ``val_loss``."""
        self._rows.append(row)
        if not self._timer.isActive():
            self._timer.start()


def loss_lines(rows: list[Mapping[str, float]]) -> list[Line]:
    """Return the losses by epoch, of each network of an ensemble, and the best epoch of each."""
    members: dict[float, list[Mapping[str, float]]] = defaultdict(list)
    for row in rows:
        members[row.get("member", 1)].append(row)
    lines = []
    for k, own in enumerate(members.values()):
        names = ("training", "validation", "best epoch") if k == 0 else ("", "", "")
        watched = "val_loss" if "val_loss" in own[0] else "loss"
        for name, key in zip(names, COLOURS, strict=False):
            if key in own[0]:
                points = [(row["epoch"], row[key]) for row in own]
                lines.append(Line(name, COLOURS[key], points))
        best = min(own, key=lambda row: (math.isnan(row[watched]), row[watched]))
        lines.append(Line(names[2], VALIDATION, [(best["epoch"], best[watched])], dots=True))
    return lines
