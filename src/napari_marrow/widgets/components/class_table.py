"""A table of fields in which classes and sources are edited, for all selected rows at once.

A class is one that is used already, or another that is typed; a source is any text.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from qtpy.QtCore import QEvent, QModelIndex, QSignalBlocker, QSize, Qt, Signal
from qtpy.QtGui import QIcon, QKeyEvent, QResizeEvent
from qtpy.QtWidgets import (
    QAbstractItemDelegate,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QStyledItemDelegate,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from napari_marrow.data.text import folded
from napari_marrow.viewer.make.annotating import DEFAULT_CLASSES
from napari_marrow.viewer.per_viewer import single_shot
from napari_marrow.widgets.components.layout import plain_tooltip

NO_CLASS = "\N{EM DASH}"
"""The text of a class that is not known."""
MAX_COLUMN_CHARACTERS = 22
"""Of all columns but the one that takes the rest; longer texts end in an ellipsis."""
MIN_STRETCHED_CHARACTERS = 12
"""Of the column that takes the rest: the longest of the others give way."""
CHECK_BOX_PX = 28
"""Width of a check box with the space around it."""
MIN_EDITOR_CHARACTERS = 20
CELL_MARGIN_PX = 4
FIT_AFTER_MS = 50
"""From the first change of many to the new widths of the columns."""
_CHOSEN = "chosen"
"""The property of an editor in which the user has chosen or typed something, or pressed Return."""


class ClassTable(QTableWidget):
    """A table with editors of classes and other texts; an edit is made in all selected rows.

    Parameters
    ----------
    columns
        Their titles.
    class_column
        The column of classes.
    stretched
        The column that takes the width that is left.
    text_columns
        Further columns that can be edited.
    check_column
        The column with check boxes, if there is one.
    min_characters
        Smallest width, in characters of the font.
    """

    edited = Signal(list, int)
    """The rows and the column that the user edited."""

    def __init__(
        self,
        columns: Sequence[str],
        class_column: int,
        stretched: int,
        text_columns: Collection[int] = (),
        check_column: int | None = None,
        min_characters: int = 0,
    ):
        super().__init__(0, len(columns))
        self._min_characters = min_characters
        self.setHorizontalHeaderLabels(list(columns))
        # Not when another cell becomes the current one: arrow keys would then change classes.
        triggers = QAbstractItemView.EditTrigger
        self.setEditTriggers(triggers.EditKeyPressed | triggers.AnyKeyPressed)
        self.setTabKeyNavigation(False)  # Tab leaves the table
        self.pressed.connect(self._edit_pressed)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        across, down = self.horizontalHeader(), self.verticalHeader()
        assert across is not None
        assert down is not None
        across.setSectionResizeMode(stretched, QHeaderView.ResizeMode.Stretch)
        down.hide()
        self._stretched = stretched
        self._fit_timer = single_shot(FIT_AFTER_MS, self._fit_columns, self)
        self._check_column, self._class_column = check_column, class_column
        self._editors: dict[int, TextDelegate] = {class_column: ClassDelegate(self, class_column)}
        self._editors |= {column: TextDelegate(self) for column in text_columns}
        for column, editor in self._editors.items():
            self.setItemDelegateForColumn(column, editor)
            editor.repeated.connect(self._edit_selected)
        self.itemChanged.connect(lambda item: self._edit_selected(item.row(), item.column()))

    def _edit_pressed(self, index: QModelIndex) -> None:
        """Edit what was clicked, unless rows are being selected.

        Not when the mouse button is released: Qt then selects this row alone.
        """
        if QApplication.keyboardModifiers() == Qt.KeyboardModifier.NoModifier:
            self._edit(index)

    def _edit(self, index: QModelIndex) -> None:
        if index.column() in self._editors:
            self.edit(index)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Edit the current cell on Return too, as F2 does everywhere."""
        if event is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._edit(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def closeEditor(self, editor: QWidget | None, hint: QAbstractItemDelegate.EndEditHint) -> None:
        """Stay on the cell that was edited: Tab would open the editor of the next one."""
        super().closeEditor(editor, QAbstractItemDelegate.EndEditHint.NoHint)

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow the font of the theme."""
        super().changeEvent(event)
        if event is not None and event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit_soon()

    def minimumSizeHint(self) -> QSize:
        """Return the width at which short texts can be read, whatever the font."""
        width = self._min_characters * self.fontMetrics().averageCharWidth()
        return super().minimumSizeHint().expandedTo(QSize(width, 0))

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Share the new width."""
        super().resizeEvent(event)
        self._fit_soon()

    def _fit_soon(self) -> None:
        if not self._fit_timer.isActive():
            self._fit_timer.start()

    def _fit_columns(self) -> None:
        """Make room for the titles, and for long texts as far as all columns stay in view."""
        across = self.horizontalHeader()
        assert across is not None
        character, viewport = self.fontMetrics().averageCharWidth(), self.viewport()
        assert viewport is not None
        others = set(range(self.columnCount())) - {self._stretched}
        titles = {column: across.sectionSizeHint(column) for column in others}
        wanted = {column: self.sizeHintForColumn(column) + 2 * CELL_MARGIN_PX for column in others}
        beside = {self._check_column: max(0, self.iconSize().width()) + CHECK_BOX_PX}

        def widths(longest: int) -> dict[int, int]:
            return {
                column: max(titles[column], min(wanted[column], longest + beside.get(column, 0)))
                for column in others
            }

        longest = MAX_COLUMN_CHARACTERS * character
        room = viewport.width() - MIN_STRETCHED_CHARACTERS * character
        while longest > 0 and sum(widths(longest).values()) > room:
            longest -= 1
        for column, width in widths(longest).items():
            self.setColumnWidth(column, width)

    def set_text(
        self, row: int, column: int, text: str, tooltip: str = "", checked: bool = True
    ) -> None:
        """Make the cell of a row and column, without the signal of an edit.

        Parameters
        ----------
        row, column
            Of the cell.
        text, tooltip
            What it shows; without a tooltip that is the text, which may be cut off.
        checked
            Whether its box is checked, where the column has check boxes.
        """
        item = QTableWidgetItem(text)
        item.setToolTip(plain_tooltip(tooltip or text))
        if column not in self._editors:
            item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
        if column == self._check_column:
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            on, off = Qt.CheckState.Checked, Qt.CheckState.Unchecked
            item.setCheckState(on if checked else off)
        with QSignalBlocker(self):
            self.setItem(row, column, item)
        self._fit_soon()

    def set_icon(self, row: int, column: int, icon: QIcon) -> None:
        """Show a picture in a cell."""
        if item := self.item(row, column):
            with QSignalBlocker(self):
                item.setIcon(icon)
            self._fit_soon()

    def text(self, row: int, column: int) -> str:
        """Return the text of a cell, without spaces around it; of an unknown class nothing."""
        item = self.item(row, column)
        text = "" if item is None else item.text().strip()
        return "" if text == NO_CLASS else text

    def is_checked(self, row: int) -> bool:
        """Whether a row's box is checked."""
        item = None if self._check_column is None else self.item(row, self._check_column)
        return item is not None and item.checkState() == Qt.CheckState.Checked

    def _edit_selected(self, row: int, column: int) -> None:
        """Give what was edited in one row to all selected rows, if it is one of them."""
        edited = self.item(row, column)
        if edited is None or not (column in self._editors or column == self._check_column):
            return
        rows = {index.row() for index in self.selectedIndexes()}
        rows = rows if row in rows else {row}
        text = edited.text()
        if column == self._class_column:  # as scan does, "all" beside "ALL" is one class
            others = (self.item(n, column) for n in range(self.rowCount()) if n not in rows)
            there = (item.text() for item in others if item is not None)
            text = next((x for x in there if folded(x) == folded(text)), text)
        with QSignalBlocker(self):
            for other in (self.item(number, column) for number in rows):
                if other is not None and column == self._check_column:
                    other.setCheckState(edited.checkState())
                elif other is not None:
                    other.setText(text)
                    other.setToolTip(plain_tooltip(text))
        self.edited.emit(sorted(rows), column)


class _ClassCombo(QComboBox):
    """Classes to choose from, or to type: what is typed replaces the text."""

    def __init__(self, parent):
        super().__init__(parent)
        self.line = QLineEdit()
        self.setLineEdit(self.line)
        self.setCompleter(None)  # it would make "MM" of a new class "M"

    def wheelEvent(self, event):
        """Leave the wheel to the table, which scrolls: the class would change unseen."""
        event.ignore()


class TextDelegate(QStyledItemDelegate):
    """Edits texts, and reports also when the user confirms the text that is there already.

    The table itself reports changes only; but a confirmed text also goes to other selected rows.
    """

    repeated = Signal(int, int)
    """The row and column of a text that was confirmed."""

    def createEditor(self, parent, option, index):
        """Return a line to type in."""
        editor = QLineEdit(parent)
        editor.setFrame(False)
        editor.textEdited.connect(lambda: _grow(editor, editor))
        return _note_choice(editor, editor.textEdited, editor.returnPressed)

    def updateEditorGeometry(self, editor, option, index):
        """Give the editor room for what is typed, also in a narrow column."""
        super().updateEditorGeometry(editor, option, index)
        around = editor.parentWidget().width()
        wanted = MIN_EDITOR_CHARACTERS * editor.fontMetrics().averageCharWidth()
        place = editor.geometry()
        place.setWidth(min(max(place.width(), editor.minimumSizeHint().width(), wanted), around))
        place.moveLeft(max(0, min(place.left(), around - place.width())))
        editor.setGeometry(place)

    def setModelData(self, editor, model, index):
        """Write what was chosen into the table."""
        before = index.data()
        super().setModelData(editor, model, index)
        if editor.property(_CHOSEN) and index.data() == before:
            self.repeated.emit(index.row(), index.column())


def _grow(editor, line):
    """Widen an editor to what is typed, as far as its table goes."""
    around = editor.parentWidget().width()
    metrics, place = line.fontMetrics(), editor.geometry()
    missing = metrics.horizontalAdvance(line.text() + "MM") - line.width()
    place.setWidth(min(place.width() + max(0, missing), around))
    place.moveLeft(max(0, min(place.left(), around - place.width())))
    editor.setGeometry(place)


def _note_choice(editor, *signals):
    for signal in signals:
        signal.connect(lambda *_: editor.setProperty(_CHOSEN, True))
    return editor


class ClassDelegate(TextDelegate):
    """Edits the classes in one column of a table."""

    def __init__(self, table: QTableWidget, column: int):
        super().__init__(table)
        self._table, self._column = table, column

    def createEditor(self, parent, option, index):
        """Return a combo box of the classes in the column."""
        editor = _ClassCombo(parent)
        items = (self._table.item(row, self._column) for row in range(self._table.rowCount()))
        used = {item.text() for item in items if item is not None}
        editor.addItems(sorted({*DEFAULT_CLASSES, NO_CLASS, *used}))
        editor.line.textEdited.connect(lambda: _grow(editor, editor.line))
        return _note_choice(
            editor, editor.activated, editor.line.textEdited, editor.line.returnPressed
        )

    def setEditorData(self, editor, index):
        """Begin with the class that is in the table."""
        editor.setCurrentText(index.data())
        editor.line.selectAll()
