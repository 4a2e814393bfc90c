"""The legend of plots that Qt draws, as a widget of its own: nothing of a curve lies under it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import napari
from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QFontMetricsF, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_marrow.widgets.components.dock_widget import while_alive
from napari_marrow.widgets.components.line_plot import (
    GAP_PX,
    Line,
    draw_line,
    finite,
    painting,
    visible,
)

SAMPLE_PX = 16.0
"""Length of the line before its name."""


class LineLegend(QWidget):
    """The names of lines, each behind a sample, in as many rows as they need.

    Parameters
    ----------
    viewer
        Whose theme is followed.
    """

    def __init__(self, viewer: napari.Viewer):
        super().__init__()
        self._viewer = viewer
        self._lines: Sequence[Line] = ()
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        viewer.events.theme.connect(while_alive(self._follow_theme))

    def _follow_theme(self) -> None:
        self.update()

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Name the lines that have a name and a point."""
        self._lines = [x for x in lines if x.name and finite(x.points)]
        self.updateGeometry()
        self.update()

    def hasHeightForWidth(self) -> bool:
        """Return that names have more rows in a narrow legend."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height of all rows."""
        return math.ceil(max((x.bottom() for x in self.places(width)), default=0))

    def sizeHint(self) -> QSize:
        """Return the size at the present width."""
        return QSize(0, self.heightForWidth(self.width()))

    def minimumSizeHint(self) -> QSize:
        """Return the height of one row."""
        return QSize(0, math.ceil(QFontMetricsF(self.font()).height()) if self._lines else 0)

    def places(self, width: int) -> list[QRectF]:
        """Return where each sample is with its name; one that is too long has a row to itself."""
        metrics = QFontMetricsF(self.font())
        height, x, y = metrics.height(), 0.0, 0.0
        found = []
        for line in self._lines:
            wanted = SAMPLE_PX + 2 * GAP_PX + metrics.horizontalAdvance(_one_line(line.name)) + 1
            wide = min(wanted, float(width))
            if x > 0 and x + wide > width:
                x, y = 0.0, y + height
            found.append(QRectF(x, y, wide, height))
            x += wide + 2 * GAP_PX
        return found

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw samples and names; long ones end in an ellipsis."""
        painter, text, background = painting(self, self._viewer)
        metrics = QFontMetricsF(self.font())
        for line, place in zip(self._lines, self.places(self.width()), strict=True):
            left = QPointF(place.left() + GAP_PX, place.center().y())
            ends = [left, left + QPointF(SAMPLE_PX, 0)]
            shown = replace(line, colour=visible(line.colour, background))
            draw_line(painter, shown, [(ends[0] + ends[1]) / 2] if line.dots else ends)
            painter.setPen(text)
            inside = place.adjusted(SAMPLE_PX + 2 * GAP_PX, 0, 0, 0)
            ellipsis = Qt.TextElideMode.ElideRight
            name = metrics.elidedText(_one_line(line.name), ellipsis, inside.width())
            painter.drawText(inside, Qt.AlignmentFlag.AlignVCenter, name)


def _one_line(name: str) -> str:
    return " ".join(name.split())
