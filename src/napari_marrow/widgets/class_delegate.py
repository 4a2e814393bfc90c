"""The editor of a class in a table: one of those there are, or another that is typed."""

from __future__ import annotations

from qtpy.QtWidgets import QComboBox, QStyledItemDelegate, QTableWidget

from napari_marrow.viewer.annotations import DEFAULT_CLASSES

NO_CLASS = "\N{EM DASH}"
"""What stands in a table where nobody has said a class."""


class ClassDelegate(QStyledItemDelegate):
    """Edits the classes in one column of a table."""

    def __init__(self, table: QTableWidget, column: int):
        super().__init__(table)
        self._column = column

    def createEditor(self, parent, option, index):
        """A box of the classes in the column."""
        editor = QComboBox(parent)
        editor.setEditable(True)
        model = index.model()
        used = {model.index(row, self._column).data() for row in range(model.rowCount())}
        editor.addItems(sorted({*DEFAULT_CLASSES, NO_CLASS, *used}))
        return editor

    def setEditorData(self, editor, index):
        """Begin with the class that stands there."""
        editor.setCurrentText(index.data())

    def setModelData(self, editor, model, index):
        """Write the chosen class into the table."""
        model.setData(index, editor.currentText())
