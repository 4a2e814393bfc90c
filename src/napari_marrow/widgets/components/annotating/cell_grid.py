"""Cells as pictures in a grid that is used by mouse or keyboard."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

import numpy as np
from qtpy.QtCore import QEvent, QItemSelectionModel, QModelIndex, QPoint, Qt, Signal
from qtpy.QtGui import QFocusEvent, QImage, QKeyEvent, QKeySequence, QMouseEvent, QResizeEvent
from qtpy.QtWidgets import QAbstractItemView, QListView, QScrollBar

from napari_marrow.viewer.per_viewer import single_shot
from napari_marrow.widgets.components.annotating.cell_delegate import CellDelegate
from napari_marrow.widgets.components.annotating.cell_model import CellModel

LOOK_MS = 20
"""Pictures are asked for this long after the last scrolling, in milliseconds."""
MIN_HEIGHT_PX = 160
_MOVES = frozenset(
    getattr(Qt.Key, f"Key_{x}")
    for x in ("Left", "Right", "Up", "Down", "Home", "End", "PageUp", "PageDown")
)
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_REPLACE = QItemSelectionModel.SelectionFlag.ClearAndSelect
_ADD = QItemSelectionModel.SelectionFlag.Select
_MODIFIER = Qt.KeyboardModifier
Action = Callable[[], object]


class CellGrid(QListView):
    """Shows a :class:`CellModel`; any number of cells can be selected.

    Parameters
    ----------
    model
        The cells.
    picture
        Returns the picture of a cell by its row in the table; None where it is not there yet.
    """

    keyed = Signal(int)
    """A digit was pressed."""
    accepted = Signal()
    """Space was pressed."""
    undone = Signal()
    redone = Signal()
    opened = Signal(int, bool)
    """A row of the table was clicked; True where it was by double click or Enter."""
    returned = Signal()
    """Backspace was pressed."""
    explained = Signal(int)
    """W was pressed: the row of the table of the current cell."""
    looked = Signal()
    """Other cells are in view."""

    def __init__(self, model: CellModel, picture: Callable[[int], QImage | None]):
        super().__init__()
        self.cells = model
        self._delegate = CellDelegate(self, model, picture)
        self._delegate.measure()
        self.setItemDelegate(self._delegate)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSelectionRectVisible(True)
        self.setDragEnabled(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setMinimumHeight(MIN_HEIGHT_PX)
        self.setAccessibleName("Cells")
        self.setModel(model)
        self._look_soon = single_shot(LOOK_MS, self.looked.emit, self)
        self._bar.valueChanged.connect(lambda _: self._look_soon.start())
        model.modelReset.connect(self._look_soon.start)

    def set_side(self, side_px: int) -> None:
        """Show pictures of another size."""
        self._delegate.side_px = side_px
        self._delegate.measure()
        self.scheduleDelayedItemsLayout()
        self._look_soon.start()

    @property
    def _bar(self) -> QScrollBar:
        bar = self.verticalScrollBar()
        assert bar is not None
        return bar

    @property
    def scrolled(self) -> int:
        """How far down the grid is scrolled, in pixels."""
        return self._bar.value()

    def scroll_again(self, scrolled: int) -> None:
        """Scroll to where the grid was before it showed other cells."""
        self.visualRect(self.cells.index(0))  # places them first
        self._bar.setValue(scrolled)

    @property
    def n_selected(self) -> int:
        """Number of selected cells."""
        return len(self.selectedIndexes())

    @property
    def selected_rows(self) -> list[int]:
        """Rows of the table of the selected cells, in order; else of the current one."""
        items = sorted(index.row() for index in self.selectedIndexes())
        return self.cells.rows_of(items or [self.currentIndex().row()])

    def select_items(self, items: np.ndarray, *, add: bool = False) -> None:
        """Select cells by their items, in place of those that are or beside them."""
        selection = self.selectionModel()
        assert selection is not None
        selection.select(self.cells.selection_of(items), _ADD if add else _REPLACE)

    def make_current(self, item: int) -> None:
        """Make a cell the current one, which keys go on from, without selecting it."""
        selection = self.selectionModel()
        assert selection is not None
        flag = QItemSelectionModel.SelectionFlag.NoUpdate
        selection.setCurrentIndex(self.cells.index(item), flag)

    def select_group(self, group: int, *, add: bool = False) -> None:
        """Select the cells of a group, and go to its first."""
        if not 0 <= group < len(self.cells.groups):
            return
        items = self.cells.items_of(group)
        self.select_items(np.array(items), add=add)
        self.make_current(items.start)
        self.scrollTo(self.cells.index(items.start - 1), QListView.ScrollHint.PositionAtTop)

    def _select_more(self) -> None:
        """Select all cells of the group of the current one; of all groups where it is selected."""
        if not self.cells.count:
            return
        group = max(0, self.cells.group_of(self.currentIndex().row()))
        items = self.cells.items_of(group)
        chosen = {index.row() for index in self.selectedIndexes()}
        if chosen.issuperset(items):
            self.selectAll()
        else:
            self.select_items(np.array(items))

    def _select_next_group(self, step: int) -> None:
        current = self.currentIndex().row()
        group = self.cells.group_of(current) if current >= 0 else -1 if step > 0 else 1
        self.select_group(group + step)

    def rows_in_view(self) -> list[int]:
        """Return the rows of the table of the cells in view, then of those a page further."""
        viewport, count = self.viewport(), self.cells.rowCount()
        if viewport is None or not count:
            return []
        height = viewport.height()

        def bottom(item: int) -> int:
            return self.visualRect(self.cells.index(item)).bottom()

        first = bisect_left(range(count), 0, key=bottom)
        last = bisect_left(range(count), 2 * height, lo=first, key=bottom)
        columns = max(1, viewport.width() // max(1, self._delegate.cell_size.width()))
        return self.cells.rows_of(range(first, min(count, last + columns)))

    # Keys

    def _action(self, event: QKeyEvent) -> Action | None:
        """Return what a key does here; None where it is the view's or the viewer's."""
        key, modifiers = event.key(), event.modifiers() & ~_MODIFIER.KeypadModifier
        if modifiers == _MODIFIER.NoModifier:
            if Qt.Key.Key_0 <= key <= Qt.Key.Key_9:
                return lambda: self.keyed.emit(key - Qt.Key.Key_0)
            if key in _ENTER:
                return self._open_current
            return {
                Qt.Key.Key_Space: self.accepted.emit,
                Qt.Key.Key_Backspace: self.returned.emit,
                Qt.Key.Key_N: lambda: self._select_next_group(1),
                Qt.Key.Key_W: self._explain_current,
            }.get(Qt.Key(key))
        if modifiers == _MODIFIER.ShiftModifier and key == Qt.Key.Key_N:
            return lambda: self._select_next_group(-1)
        if event.matches(QKeySequence.StandardKey.SelectAll):
            return self._select_more
        if event.matches(QKeySequence.StandardKey.Undo):
            return self.undone.emit
        both = _MODIFIER.ControlModifier | _MODIFIER.ShiftModifier
        if modifiers == both and key == Qt.Key.Key_Z:
            return self.redone.emit
        return None

    def _open_current(self) -> None:
        row = self.cells.row_of(self.currentIndex().row())
        if row is not None:
            self.opened.emit(row, True)

    def _explain_current(self) -> None:
        row = self.cells.row_of(self.currentIndex().row())
        if row is not None:
            self.explained.emit(row)

    def event(self, event: QEvent | None) -> bool:
        """Take its keys before shortcuts of the window do."""
        is_override = event is not None and event.type() == QEvent.Type.ShortcutOverride
        if is_override and isinstance(event, QKeyEvent) and self._action(event) is not None:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Act on a key, or leave it to the viewer."""
        if event is None:
            return
        if (action := self._action(event)) is not None:
            action()
        elif event.key() in _MOVES:
            super().keyPressEvent(event)
        else:
            event.ignore()

    def moveCursor(
        self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        """Return where a key of movement leads: Left and Right go on in the next row."""
        moves = QAbstractItemView.CursorAction
        last = self.cells.rowCount() - 1
        current = self.currentIndex().row()
        if last < 0:
            return QModelIndex()
        if action == moves.MoveHome or current < 0:
            return self.cells.index(1)
        if action == moves.MoveEnd:
            return self.cells.index(last)
        steps = {moves.MoveLeft: -1, moves.MovePrevious: -1, moves.MoveRight: 1, moves.MoveNext: 1}
        if action not in steps:
            return super().moveCursor(action, modifiers)
        item = current + steps[action]
        while 0 < item < last and self.cells.row_of(item) is None:
            item += steps[action]
        return self.cells.index(item) if 0 < item <= last else self.currentIndex()

    # Mouse

    def _header_at(self, place: QPoint) -> int | None:
        index = self.indexAt(place)
        if not index.isValid() or self.cells.row_of(index.row()) is not None:
            return None
        return self.cells.group_of(index.row())

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Select a group by its header."""
        group = None if event is None else self._header_at(event.position().toPoint())
        if event is None or group is None or event.button() != Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)
            return
        items = self.cells.items_of(group)
        adds = bool(event.modifiers() & _MODIFIER.ControlModifier)
        self.select_items(np.array(items), add=adds)
        self.make_current(items.start)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Open what was clicked, unless keys say that it is only selected."""
        super().mouseReleaseEvent(event)
        if event is None or event.button() != Qt.MouseButton.LeftButton or event.modifiers():
            return
        index, chosen = self.indexAt(event.position().toPoint()), self.selectedIndexes()
        row = self.cells.row_of(index.row())
        if row is not None and [x.row() for x in chosen] == [index.row()]:  # no rubber band
            self.opened.emit(row, False)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Let keys go to the canvas."""
        super().mouseDoubleClickEvent(event)
        if event is None or event.button() != Qt.MouseButton.LeftButton:
            return
        row = self.cells.row_of(self.indexAt(event.position().toPoint()).row())
        if row is not None:
            self.opened.emit(row, True)

    # Geometry

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Give headers the new width."""
        self._delegate.measure()
        super().resizeEvent(event)
        self._look_soon.start()

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow the font of the theme."""
        super().changeEvent(event)
        if event is not None and event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._delegate.measure()
            self.scheduleDelayedItemsLayout()

    def focusInEvent(self, event: QFocusEvent | None) -> None:
        """Show the current cell, from which keys go on."""
        super().focusInEvent(event)
        if not self.currentIndex().isValid() and self.cells.count:
            self.make_current(1)
        self.repaint_cells()

    def focusOutEvent(self, event: QFocusEvent | None) -> None:
        """Show no current cell."""
        super().focusOutEvent(event)
        self.repaint_cells()

    def repaint_cells(self) -> None:
        """Show other classes, answers or pictures of the same cells."""
        viewport = self.viewport()
        if viewport is not None:
            viewport.update()
