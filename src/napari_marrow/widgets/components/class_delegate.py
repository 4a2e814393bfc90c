"""The editors of classes and sources in a table.

A class is one of those there are, or another that is typed; a source is any text.
"""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QLineEdit, QStyledItemDelegate, QTableWidget

from napari_marrow.viewer.photograph.annotations import DEFAULT_CLASSES

NO_CLASS = "\N{EM DASH}"
"""What stands in a table where nobody has said a class."""
_CHOSEN = "chosen"
"""The property of an editor in which the user has chosen or typed something, or pressed Return."""


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


class TextDelegate(QStyledItemDelegate):
    """Edits texts, and tells also of one that was chosen where it stood already.

    The table itself tells only of changes; but what is chosen may be meant for other rows too. An
    editor that is left without a touch chooses nothing.
    """

    repeated = Signal(int, int)
    """The row and column in which the text that stood there was chosen once more."""

    def createEditor(self, parent, option, index):
        """A line to type in."""
        editor = QLineEdit(parent)
        editor.setFrame(False)
        _note_choice(editor, editor.textEdited, editor.returnPressed)
        return editor

    def setModelData(self, editor, model, index):
        """Write what was chosen into the table."""
        before = index.data()
        super().setModelData(editor, model, index)
        if editor.property(_CHOSEN) and index.data() == before:
            self.repeated.emit(index.row(), index.column())


def _note_choice(editor, *signals):
    for signal in signals:
        signal.connect(lambda *_: editor.setProperty(_CHOSEN, True))


class ClassDelegate(TextDelegate):
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
        line = editor.lineEdit()
        assert line is not None
        _note_choice(editor, editor.activated, line.textEdited, line.returnPressed)
        return editor

    def setEditorData(self, editor, index):
        """Begin with the class that stands there."""
        editor.setCurrentText(index.data())
        editor.select_all()
