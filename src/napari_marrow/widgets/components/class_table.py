"""A table of fields in which classes and sources are edited, for all selected rows at once.

A class is one that is used already, or another that is typed; a source is any text.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QStyledItemDelegate,
    QTableWidget,
    QTableWidgetItem,
)

from napari_marrow.viewer.photograph.annotations import DEFAULT_CLASSES

NO_CLASS = "\N{EM DASH}"
"""The text of a class that is not known."""
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
    ):
        super().__init__(0, len(columns))
        self.setHorizontalHeaderLabels(list(columns))
        self.setEditTriggers(QAbstractItemView.EditTrigger.AllEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        across, down = self.horizontalHeader(), self.verticalHeader()
        assert across is not None
        assert down is not None
        across.setSectionResizeMode(stretched, QHeaderView.ResizeMode.Stretch)
        down.hide()
        self.resizeColumnsToContents()
        self._check_column = check_column
        self._editors: dict[int, TextDelegate] = {class_column: ClassDelegate(self, class_column)}
        self._editors |= {column: TextDelegate(self) for column in text_columns}
        for column, editor in self._editors.items():
            self.setItemDelegateForColumn(column, editor)
            editor.repeated.connect(self._edit_selected)
        self.itemChanged.connect(lambda item: self._edit_selected(item.row(), item.column()))

    def set_text(self, row: int, column: int, text: str, tooltip: str = "") -> None:
        """Make the cell of a row and column, without the signal of an edit."""
        item = QTableWidgetItem(text)
        item.setToolTip(tooltip)
        if column not in self._editors:
            item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
        if column == self._check_column:
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked)
        with QSignalBlocker(self):
            self.setItem(row, column, item)

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
        with QSignalBlocker(self):
            for other in (self.item(number, column) for number in rows):
                if other is not None and column == self._check_column:
                    other.setCheckState(edited.checkState())
                elif other is not None:
                    other.setText(edited.text())
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
        return _note_choice(editor, editor.textEdited, editor.returnPressed)

    def setModelData(self, editor, model, index):
        """Write what was chosen into the table."""
        before = index.data()
        super().setModelData(editor, model, index)
        if editor.property(_CHOSEN) and index.data() == before:
            self.repeated.emit(index.row(), index.column())


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
        return _note_choice(
            editor, editor.activated, editor.line.textEdited, editor.line.returnPressed
        )

    def setEditorData(self, editor, index):
        """Begin with the class that is in the table."""
        editor.setCurrentText(index.data())
        editor.line.selectAll()
