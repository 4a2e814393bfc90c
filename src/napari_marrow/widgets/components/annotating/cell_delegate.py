"""How the cells of a gallery are painted: the picture, and a frame that tells its class."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QModelIndex, QPoint, QRect, QSize, Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPalette, QPen, QPolygon
from qtpy.QtWidgets import QAbstractItemView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from napari_marrow.widgets.components.annotating.cell_model import CellLook, CellModel

FRAME_PX, GAP_PX, MARK_PX = 3, 3, 12
"""Width of the frame, of what is around it, and of the mark of a class that was given."""
HEADER_MARGIN_PX = 6
DEFAULT_SIDE_PX = 60
"""Of a picture: four are side by side in a narrow dock."""


class CellDelegate(QStyledItemDelegate):
    """Paints the cells and headers of a :class:`CellModel`.

    Parameters
    ----------
    view, model
        What is painted, and where.
    picture
        Returns the picture of a cell by its row in the table; None where it is not there yet.
    """

    def __init__(
        self,
        view: QAbstractItemView,
        model: CellModel,
        picture: Callable[[int], QImage | None],
    ):
        super().__init__(view)
        self._view, self._model, self._picture = view, model, picture
        self.side_px = DEFAULT_SIDE_PX
        self._header_size = self._cell_size = QSize()

    def measure(self) -> None:
        """Take the sizes from the view as it is now; Qt asks for them cell by cell."""
        viewport = self._view.viewport()
        assert viewport is not None
        side = self.side_px + 2 * (FRAME_PX + GAP_PX)
        self._cell_size = QSize(side, side)
        height = self._view.fontMetrics().height() + 2 * HEADER_MARGIN_PX
        self._header_size = QSize(max(side, viewport.width() - 1), height)

    @property
    def cell_size(self) -> QSize:
        """Of a cell, with its frame and what is around it."""
        return self._cell_size

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """Return the size of a cell, or of a header: a row of its own."""
        is_header = self._model.row_of(index.row()) is None
        return self._header_size if is_header else self._cell_size

    def paint(
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        """Paint a cell or header."""
        if painter is None or self._model.answers is None:
            return
        row = self._model.row_of(index.row())
        painter.save()
        if row is None:
            self._paint_header(painter, option, index)
        else:
            self._paint_cell(painter, option, row)
        painter.restore()

    def _paint_header(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        rect = option.rect.adjusted(HEADER_MARGIN_PX, 0, -HEADER_MARGIN_PX, 0)
        ink = _ink(option)
        text = option.fontMetrics.elidedText(
            str(index.data()), Qt.TextElideMode.ElideRight, rect.width()
        )
        painter.setPen(ink)
        painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
        ink.setAlpha(90)
        painter.setPen(ink)
        painter.drawLine(rect.left(), rect.bottom() - 1, rect.right(), rect.bottom() - 1)

    def _paint_cell(self, painter: QPainter, option: QStyleOptionViewItem, row: int) -> None:
        look, style = self._model.look(row), self._view.style()
        if style is not None and option.state & QStyle.StateFlag.State_Selected:
            panel = QStyle.PrimitiveElement.PE_PanelItemViewItem
            style.drawPrimitive(panel, option, painter, self._view)  # in the colour of the theme
        inset = FRAME_PX + GAP_PX
        place = option.rect.adjusted(inset, inset, -inset, -inset)
        picture = self._picture(row)
        if picture is None:
            painter.fillRect(place, QColor(128, 128, 128, 60))
        else:
            painter.drawImage(place, picture)
        _frame(painter, place, look)
        if look.given:
            _mark(painter, place, look)
        is_current = self._view.currentIndex().row() == self._model.item_of(row)
        if is_current and self._view.hasFocus():
            painter.setPen(QPen(_ink(option), 1, Qt.PenStyle.DotLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(option.rect.adjusted(1, 1, -2, -2))


def _ink(option: QStyleOptionViewItem) -> QColor:
    """Return the colour of text; headers are disabled for Qt, and none the less to be read."""
    return option.palette.color(QPalette.ColorGroup.Active, QPalette.ColorRole.Text)


def _frame(painter: QPainter, place: QRect, look: CellLook) -> None:
    """Draw the frame in the colour of the class, dashed where the answer is uncertain."""
    style = Qt.PenStyle.DashLine if look.uncertain else Qt.PenStyle.SolidLine
    pen = QPen(QColor(look.colour), FRAME_PX, style, Qt.PenCapStyle.FlatCap)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    half = FRAME_PX // 2 + 1
    painter.drawRect(place.adjusted(-half, -half, half - 1, half - 1))


def _mark(painter: QPainter, place: QRect, look: CellLook) -> None:
    """Mark a class that was given: a full corner by a person, an empty one by accepting."""
    corner = place.topRight()
    sides = QPoint(-MARK_PX, 0), QPoint(0, MARK_PX)
    triangle = QPolygon([corner, corner + sides[0], corner + sides[1]])
    painter.setPen(QPen(QColor("white"), 1))
    painter.setBrush(QColor(look.colour) if look.by_person else Qt.GlobalColor.white)
    painter.drawPolygon(triangle)
