"""Lines in axes, drawn by Qt, for what changes while something runs.

matplotlib takes 40 ms to draw as much, in which the viewer answers nothing; this takes 1 ms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import napari
from napari.utils.theme import get_theme
from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QWidget

from napari_marrow.report.colours import rgb
from napari_marrow.widgets.components.dock_widget import while_alive

MAX_TICKS, MIN_TICKS = 6, 3
HEIGHT_LINES = 9
"""Smallest height of a plot, in lines of text."""
TICK_LINES, TICK_WIDTHS = 1.3, 1.6
"""Least distance of ticks: in lines of text on the y axis, in widths of a label on the x axis."""
GAP_PX = 4.0
LINE_PX = 1.5
DOT_RADIUS_PX = 3.0
STEPS = (1, 2, 5, 10)
MAX_DARK_LIGHTNESS, WHITE_SHARE = 127, 0.35
BAND_OPACITY = 0.25


@dataclass(frozen=True)
class Line:
    """Points joined by a line, or dots.

    Attributes
    ----------
    name
        In a legend; "" is not in it.
    colour
        ``#RRGGBB``.
    points
        x and y of each; those that are not finite are left out.
    dots
        Draw the points, and no line.
    dashed
        Draw a line of dashes, so that lines differ by more than their colour.
    band
        x, low and high of a band that is drawn under the line, in its colour.
    """

    name: str
    colour: str
    points: Sequence[tuple[float, float]]
    dots: bool = False
    dashed: bool = False
    band: Sequence[tuple[float, float, float]] = ()


def ticks(low: float, high: float, whole: bool = False, at_most: float = MAX_TICKS) -> list[float]:
    """Return round numbers from ``low`` to ``high``; ``whole`` ones if asked for.

    There are as many as fit, from three to six.

    >>> ticks(0.13, 0.69)
    [0.2, 0.4, 0.6]
    >>> ticks(1, 3, whole=True)
    [1.0, 2.0, 3.0]
    """
    least = (high - low) / (max(MIN_TICKS, min(MAX_TICKS, int(at_most))) - 1)
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


def painting(widget: QWidget, viewer: napari.Viewer) -> tuple[QPainter, QColor, QColor]:
    """Begin to paint a widget; return the painter, and the colours of text and background."""
    theme = get_theme(viewer.theme)
    text, background = QColor(theme.text.as_hex()), QColor(theme.background.as_hex())
    painter = QPainter(widget)
    painter.fillRect(widget.rect(), background)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(text)
    return painter, text, background


class LinePlot(QWidget):
    """Lines in axes, in the colours of the viewer's theme.

    Parameters
    ----------
    viewer
        Whose theme is followed.
    x_name, y_name
        Of the axes; ``x`` counts, unless it has limits.
    y_limits
        The least and greatest y; those of the points where they are None.
    x_limits
        The same of x, which then is a measure and does not count.
    """

    def __init__(
        self,
        viewer: napari.Viewer,
        x_name: str,
        y_name: str,
        y_limits: tuple[float, float] | None = None,
        x_limits: tuple[float, float] | None = None,
    ):
        super().__init__()
        self._y_limits, self._x_limits = y_limits, x_limits
        self._viewer, self.axis_names = viewer, (x_name, y_name)
        self.lines: Sequence[Line] = ()
        viewer.events.theme.connect(while_alive(self._follow_theme))

    def _follow_theme(self) -> None:
        self.update()

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Draw other lines."""
        self.lines = lines
        self.update()

    def minimumSizeHint(self) -> QSize:
        """Return a height in which the name of the y axis and its ticks have room."""
        return QSize(0, math.ceil(HEIGHT_LINES * QFontMetricsF(self.font()).height()))

    def sizeHint(self) -> QSize:
        """Return the same."""
        return self.minimumSizeHint()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw axes and lines."""
        painter, _, background = painting(self, self._viewer)
        seen = [replace(x, colour=visible(x.colour, background)) for x in self.lines]
        lines = [(x, finite(x.points)) for x in seen]
        points = [point for _, found in lines for point in found]
        edges = [y for line in lines for _, *ends in line[0].band for y in ends]
        heights = [y for _, y in points] + [y for y in edges if math.isfinite(y)]
        up = _span(heights if self._y_limits is None else self._y_limits)
        across = self._x_limits or _limits([x for x, _ in points])
        inside = self._draw_axes(painter, across, up)
        for line, _ in lines:
            _draw_band(painter, line, inside)
        for line, found in lines:
            draw_line(painter, line, [inside.place(*point) for point in found])

    def _draw_axes(
        self, painter: QPainter, across: tuple[float, float], up: tuple[float, float]
    ) -> _Axes:
        """Draw the axes of these limits with their names; return where their inside is."""
        metrics = QFontMetricsF(painter.font())
        line = metrics.height()
        area = QRectF(self.rect())
        bottom = 2 * line + GAP_PX
        y_ticks = ticks(*up, at_most=(area.height() - bottom) / (TICK_LINES * line))
        widest = max(metrics.horizontalAdvance(f"{y:g}") for y in y_ticks)
        left, last = line + widest + 3 * GAP_PX, metrics.horizontalAdvance(f"{across[1]:g}")
        right = max(last / 2 + 1, 2 * GAP_PX)  # the last label ends behind the axis
        box = area.adjusted(left, line / 2, -right, -bottom)
        axes = _Axes(box, across, up)
        painter.drawLine(box.topLeft(), box.bottomLeft())
        painter.drawLine(box.bottomLeft(), box.bottomRight())
        centre = Qt.AlignmentFlag.AlignCenter
        whole = self._x_limits is None
        last = last if whole else metrics.horizontalAdvance("0.25")
        for x in ticks(*across, whole=whole, at_most=box.width() / (TICK_WIDTHS * last)):
            at = axes.place(x, up[0])
            painter.drawLine(at, at + QPointF(0, GAP_PX))
            label = f"{x:g}"
            wide = metrics.horizontalAdvance(label) + 2
            painter.drawText(QRectF(at.x() - wide / 2, at.y() + GAP_PX, wide, line), centre, label)
        for y in y_ticks:
            at = axes.place(across[0], y)
            painter.drawLine(at, at - QPointF(GAP_PX, 0))
            place = QRectF(line + GAP_PX, at.y() - line / 2, widest, line)
            painter.drawText(place, Qt.AlignmentFlag.AlignRight, f"{y:g}")
        name = QRectF(box.left(), area.bottom() - line, box.width(), line)
        painter.drawText(name, centre, self.axis_names[0])
        painter.save()
        painter.rotate(-90)
        painter.drawText(QRectF(-box.bottom(), 0, box.height(), line), centre, self.axis_names[1])
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


def finite(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the points that can be drawn."""
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


def _draw_band(painter: QPainter, line: Line, axes: _Axes) -> None:
    """Fill what is between the two edges of a line's band."""
    band = [x for x in line.band if all(map(math.isfinite, x))]
    if not band:
        return
    edges = [(x, low) for x, low, _ in band] + [(x, high) for x, _, high in reversed(band)]
    colour = QColor(line.colour)
    colour.setAlphaF(BAND_OPACITY)
    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawPolygon(QPolygonF([axes.place(*edge) for edge in edges]))
    painter.restore()


def draw_line(painter: QPainter, line: Line, places: Sequence[QPointF]) -> None:
    """Draw a line, or its dots, at these places of a widget."""
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
