"""The editor of a class in a table: one of those there are, or another that is typed."""

from __future__ import annotations

from qtpy.QtWidgets import QComboBox, QStyledItemDelegate, QTableWidget

from napari_marrow.viewer.annotations import DEFAULT_CLASSES

NO_CLASS = "\N{EM DASH}"
"""What stands in a table where nobody has said a class."""


class _ClassBox(QComboBox):
    """Classes to choose from, or to type: what is typed replaces what stood there."""

    def __init__(self, parent):
        super().__init__(parent)
        self.setEditable(True)
        self.setCompleter(None)  # it would make "MM" of a new class "M"

    def wheelEvent(self, event):
        """Leave the wheel to the table, which scrolls: the class would change unseen."""
        event.ignore()

    def focusInEvent(self, event):
        """Select the text, as other editors of tables do."""
        super().focusInEvent(event)
        self.select_all()

    def select_all(self):
        """Select the text, so that what is typed replaces it."""
        line = self.lineEdit()
        assert line is not None
        line.selectAll()


class ClassDelegate(QStyledItemDelegate):
    """Edits the classes in one column of a table."""

    def __init__(self, table: QTableWidget, column: int):
        super().__init__(table)
        self._column = column

    def createEditor(self, parent, option, index):
        """A box of the classes in the column."""
        editor = _ClassBox(parent)
        model = index.model()
        used = {model.index(row, self._column).data() for row in range(model.rowCount())}
        editor.addItems(sorted({*DEFAULT_CLASSES, NO_CLASS, *used}))
        return editor

    def setEditorData(self, editor, index):
        """Begin with the class that stands there."""
        editor.setCurrentText(index.data())
        editor.select_all()

    def setModelData(self, editor, model, index):
        """Write the chosen class into the table."""
        model.setData(index, editor.currentText())
