"""Bars of what speaks for an answer, to the right, and for the other class, to the left."""

from __future__ import annotations

import math

import napari
from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QFontMetricsF, QPaintEvent
from qtpy.QtWidgets import QWidget

from napari_marrow.data.text import counted
from napari_marrow.learning.explaining.evidence import Evidence, Reason
from napari_marrow.measure.words import describe_feature
from napari_marrow.widgets.components.dock_widget import while_alive
from napari_marrow.widgets.components.layout import plain_tooltip
from napari_marrow.widgets.components.line_plot import painting

N_BARS = 6
BAR_PX, GAP_PX = 6, 4


def label_of(reason: Reason) -> str:
    """Return the words for a reason: what it is, and how far from usual.

    >>> label_of(Reason("nucleus_area_px", 1.84, 0.7, ("cell_area_px",)))
    'nucleus: area +1.8, and 1 like it'
    """
    if not reason.feature:
        return f"{counted(len(reason.along), 'other feature')} together"
    value = "not measured" if math.isnan(reason.value) else f"{reason.value:+.1f}"
    like = f", and {len(reason.along)} like it" if reason.along else ""
    return f"{describe_feature(reason.feature)} {value}{like}"


class EvidenceBars(QWidget):
    """The strongest reasons, each with its words above its bar.

    Parameters
    ----------
    viewer
        Whose theme is followed.
    """

    def __init__(self, viewer: napari.Viewer):
        super().__init__()
        self._viewer = viewer
        self.reasons: list[Reason] = []
        self._colours = ("", "")
        viewer.events.theme.connect(while_alive(self._follow_theme))

    def _follow_theme(self) -> None:
        self.update()

    def show_evidence(self, evidence: Evidence, colours: tuple[str, str]) -> None:
        """Show the strongest reasons; ``colours`` are those of the answer and the other class."""
        rest = evidence.rest(N_BARS)
        self.reasons = [*evidence.reasons[:N_BARS], *([] if rest is None else [rest])]
        self._colours = colours
        lines = [f"{label_of(x)}: {x.log_odds:+.2f}" for x in self.reasons]
        self.setAccessibleDescription("; ".join(lines))
        self.setToolTip(plain_tooltip("\n".join([*map(_named, self.reasons)])))
        self.updateGeometry()
        self.update()

    def minimumSizeHint(self) -> QSize:
        """Return a height with room for all of them."""
        return QSize(0, math.ceil(len(self.reasons) * self._row_height()))

    def sizeHint(self) -> QSize:
        """Return the same."""
        return self.minimumSizeHint()

    def _row_height(self) -> float:
        return QFontMetricsF(self.font()).height() + BAR_PX + GAP_PX

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw words and bars."""
        painter, text, _ = painting(self, self._viewer)
        metrics = QFontMetricsF(self.font())
        painter.setFont(self.font())
        width, middle, height = self.width(), self.width() / 2, self._row_height()
        longest = max((abs(x.log_odds) for x in self.reasons), default=0) or 1
        for number, reason in enumerate(self.reasons):
            top = number * height
            words = metrics.elidedText(label_of(reason), Qt.TextElideMode.ElideRight, width)
            place = QRectF(0, top, width, metrics.height())
            painter.setPen(text)
            painter.drawText(place, Qt.AlignmentFlag.AlignHCenter, words)
            length = abs(reason.log_odds) / longest * middle
            left = middle if reason.log_odds > 0 else middle - length
            colour = self._colours[0 if reason.log_odds > 0 else 1]
            bar = QRectF(left, top + metrics.height(), length, BAR_PX)
            painter.fillRect(bar, QColor(colour))
            painter.drawLine(
                bar.topLeft() if reason.log_odds > 0 else bar.topRight(),
                bar.bottomLeft() if reason.log_odds > 0 else bar.bottomRight(),
            )
        painter.end()


def _named(reason: Reason) -> str:
    """Return the names of the features of a reason, as tables have them."""
    names = [*filter(None, [reason.feature]), *reason.along]
    shown = ", ".join(names[:N_BARS]) + (", ..." if len(names) > N_BARS else "")
    return f"{reason.log_odds:+.2f}: {shown}"
