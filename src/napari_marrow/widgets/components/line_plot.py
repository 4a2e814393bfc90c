"""Lines in axes, drawn by Qt, for what changes while something runs.

matplotlib takes 40 ms to draw as much, in which the viewer answers nothing; this takes 1 ms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import napari
from napari.utils.theme import get_theme
from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QWidget

from napari_marrow.report.colours import rgb
from napari_marrow.widgets.components.dock_widget import while_alive

MAX_TICKS = 6
GAP_PX = 4.0
LINE_PX = 1.5
DOT_RADIUS_PX = 3.0
STEPS = (1, 2, 5, 10)
MAX_DARK_LIGHTNESS, WHITE_SHARE = 127, 0.35
LEGEND_ALPHA = 190
"""Of what lies under the legend, from 0 (seen as it is) to 255 (not seen)."""


@dataclass(frozen=True)
class Line:
    """Points joined by a line, or dots.

    Attributes
    ----------
    name
        In the legend; "" is not in it.
    colour
        ``#RRGGBB``.
    points
        x and y of each; those that are not finite are left out.
    dots
        Draw the points, and no line.
    dashed
        Draw a line of dashes, so that lines differ by more than their colour.
    """

    name: str
    colour: str
    points: Sequence[tuple[float, float]]
    dots: bool = False
    dashed: bool = False


def ticks(low: float, high: float, whole: bool = False) -> list[float]:
    """Return round numbers from ``low`` to ``high``, at most six; ``whole`` ones if asked for.

    >>> ticks(0.13, 0.69)
    [0.2, 0.4, 0.6]
    >>> ticks(1, 3, whole=True)
    [1.0, 2.0, 3.0]
    """
    least = (high - low) / (MAX_TICKS - 1)
    power = 10.0 ** math.floor(math.log10(least))
    step = next(x * power for x in STEPS if x * power >= least * (1 - 1e-9))
    step = max(1.0, step) if whole else step
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 12) for k in range(first, last + 1)]


def visible(colour: str, background: QColor) -> str:
    """Return a colour, nearer to white on a dark background."""
    if background.lightness() > MAX_DARK_LIGHTNESS:
        return colour
    mixed = (round(x + WHITE_SHARE * (255 - x)) for x in rgb(colour))
    return "#{:02X}{:02X}{:02X}".format(*mixed)


class LinePlot(QWidget):
    """Lines in axes, in the colours of the viewer's theme.

    Parameters
    ----------
    viewer
        Whose theme is followed.
    x_name, y_name
        Of the axes; ``x`` counts.
    height_px
        Smallest height.
    y_limits
        The least and greatest y; those of the points where they are None.
    """

    def __init__(
        self,
        viewer: napari.Viewer,
        x_name: str,
        y_name: str,
        height_px: int = 190,
        y_limits: tuple[float, float] | None = None,
    ):
        super().__init__()
        self._y_limits = y_limits
        self._viewer, self._names = viewer, (x_name, y_name)
        self.lines: Sequence[Line] = ()
        self.setMinimumHeight(height_px)
        viewer.events.theme.connect(while_alive(self._follow_theme))

    def _follow_theme(self) -> None:
        self.update()

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Draw other lines."""
        self.lines = lines
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw axes, lines and legend."""
        theme = get_theme(self._viewer.theme)
        text, background = QColor(theme.text.as_hex()), QColor(theme.background.as_hex())
        painter = QPainter(self)
        painter.fillRect(self.rect(), background)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(text)
        seen = [replace(x, colour=visible(x.colour, background)) for x in self.lines]
        lines = [(x, _finite(x.points)) for x in seen]
        points = [point for _, found in lines for point in found]
        up = _span([y for _, y in points] if self._y_limits is None else self._y_limits)
        inside = self._draw_axes(painter, _limits([x for x, _ in points]), up)
        for line, found in lines:
            _draw_line(painter, line, [inside.place(*point) for point in found])
        painter.setPen(text)
        named = [line for line, found in lines if line.name and found]
        _draw_legend(painter, inside.box, named, background)

    def _draw_axes(
        self, painter: QPainter, across: tuple[float, float], up: tuple[float, float]
    ) -> _Axes:
        """Draw the axes of these limits with their names; return where their inside is."""
        metrics = QFontMetricsF(painter.font())
        line = metrics.height()
        y_ticks = ticks(*up)
        widest = max(metrics.horizontalAdvance(f"{y:g}") for y in y_ticks)
        left, bottom = line + widest + 2 * GAP_PX, 2 * line + GAP_PX
        area = QRectF(self.rect())
        box = area.adjusted(left, line / 2, -2 * GAP_PX, -bottom)
        axes = _Axes(box, across, up)
        painter.drawLine(box.topLeft(), box.bottomLeft())
        painter.drawLine(box.bottomLeft(), box.bottomRight())
        centre = Qt.AlignmentFlag.AlignCenter
        for x in ticks(*across, whole=True):
            at = axes.place(x, up[0])
            painter.drawLine(at, at + QPointF(0, GAP_PX))
            label = f"{x:g}"
            wide = metrics.horizontalAdvance(label) + 2
            painter.drawText(QRectF(at.x() - wide / 2, at.y() + GAP_PX, wide, line), centre, label)
        for y in y_ticks:
            at = axes.place(across[0], y)
            painter.drawLine(at, at - QPointF(GAP_PX, 0))
            place = QRectF(line, at.y() - line / 2, widest, line)
            painter.drawText(place, Qt.AlignmentFlag.AlignRight, f"{y:g}")
        name = QRectF(box.left(), area.bottom() - line, box.width(), line)
        painter.drawText(name, centre, self._names[0])
        painter.save()
        painter.rotate(-90)
        painter.drawText(QRectF(-box.bottom(), 0, box.height(), line), centre, self._names[1])
        painter.restore()
        return axes


@dataclass(frozen=True)
class _Axes:
    """A rectangle of the widget, and what x and y its edges are."""

    box: QRectF
    across: tuple[float, float]
    up: tuple[float, float]

    def place(self, x: float, y: float) -> QPointF:
        (left, right), (low, high) = self.across, self.up
        return QPointF(
            self.box.left() + self.box.width() * (x - left) / (right - left),
            self.box.bottom() - self.box.height() * (y - low) / (high - low),
        )


def _finite(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]


def _limits(values: Sequence[float]) -> tuple[float, float]:
    """Return the least and greatest of some numbers, apart also where they are one or none."""
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _span(values: Sequence[float]) -> tuple[float, float]:
    """Return limits of y with some room."""
    low, high = _limits(values)
    room = 0.05 * (high - low)
    return low - room, high + room


def _draw_line(painter: QPainter, line: Line, places: Sequence[QPointF]) -> None:
    colour = QColor(line.colour)
    if not line.dots:
        style = Qt.PenStyle.DashLine if line.dashed else Qt.PenStyle.SolidLine
        painter.setPen(QPen(colour, LINE_PX, style))
        painter.drawPolyline(QPolygonF(places))
    if line.dots or len(places) == 1:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        for place in places:
            painter.drawEllipse(place, DOT_RADIUS_PX, DOT_RADIUS_PX)


def _draw_legend(painter: QPainter, box: QRectF, lines: Sequence[Line], background: QColor) -> None:
    """Draw the names of lines at the top on the right, each behind a sample.

    Long ones end in an ellipsis. What is behind them can still be seen.
    """
    metrics, text = QFontMetricsF(painter.font()), painter.pen()
    height = metrics.height()
    width = max((metrics.horizontalAdvance(x.name) for x in lines), default=0.0)
    width = min(width, box.width() / 2)
    veil = QColor(background)
    veil.setAlpha(LEGEND_ALPHA)
    whole = width + 6 * GAP_PX
    painter.fillRect(QRectF(box.right() - whole, box.top(), whole, height * len(lines)), veil)
    for k, line in enumerate(lines):
        middle = box.top() + (k + 0.5) * height
        left = box.right() - width - 5 * GAP_PX
        ends = [QPointF(left, middle), QPointF(left + 4 * GAP_PX, middle)]
        _draw_line(painter, line, [(ends[0] + ends[1]) / 2] if line.dots else ends)
        painter.setPen(text)
        place = QRectF(left + 5 * GAP_PX, middle - height / 2, width + 1, height)
        name = metrics.elidedText(line.name, Qt.TextElideMode.ElideRight, width + 1)
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, name)
