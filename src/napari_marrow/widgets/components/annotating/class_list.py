"""The list of the classes of a project, with colours, keys and counts, and what changes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from qtpy.QtCore import QPoint, QRect, Qt, Signal
from qtpy.QtGui import QColor, QMouseEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QColorDialog,
    QLineEdit,
    QTableWidgetItem,
    QWidget,
)

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.project.annotations import ClassColour
from napari_marrow.data.text import folded
from napari_marrow.report.colours import class_colours
from napari_marrow.viewer.annotating.class_list import (
    Classes,
    moved,
    with_classes,
    with_colour,
    with_names,
    without,
)
from napari_marrow.viewer.annotating.keys import MAX_KEYS
from napari_marrow.viewer.annotating.session import AnnotationSession
from napari_marrow.widgets.components.evaluation.fact_table import FactTable
from napari_marrow.widgets.components.layout import (
    button,
    colour_square,
    fill_column,
    plain_tooltip,
    row,
)

HOW = "double-click or F2 renames it, a click on the square changes its colour."
TIP = (
    "The classes, their keys, and how many cells have each. Strokes give the class that is chosen "
    "here."
)


class ClassTable(FactTable):
    """The table of classes: names can be edited, squares of colour clicked."""

    renamed = Signal(str, str)
    """A person typed another name for a class: the old one, the new one."""
    square_clicked = Signal(int)
    """The colour of a row was clicked."""

    def __init__(self) -> None:
        super().__init__(("Class", "Key", "Cells"), TIP)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self._classes: list[ClassColour] = []
        self.itemChanged.connect(self._edited)

    def set_editable(self, editable: bool) -> None:
        """Let names be edited, or not."""
        triggers = QAbstractItemView.EditTrigger
        edit = triggers.DoubleClicked | triggers.EditKeyPressed
        self.setEditTriggers(edit if editable else triggers.NoEditTriggers)

    def show_classes(self, classes: Sequence[ClassColour], counts: dict[str, int]) -> None:
        """Show classes with their numbers of cells; the one that was chosen stays so."""
        chosen = self.currentRow()
        name = self._classes[chosen].name if 0 <= chosen < len(self._classes) else None
        self._classes = list(classes)
        self.blockSignals(True)
        try:
            rows = [
                (x.name, str(k) if k <= MAX_KEYS else "", str(counts.get(x.name, 0)))
                for k, x in enumerate(classes, 1)
            ]
            self.set_rows(rows)
            for number, one in enumerate(classes):
                self._dress(number, one)
            self.choose(name)
        finally:
            self.blockSignals(False)

    def _dress(self, number: int, one: ClassColour) -> None:
        """Give a row its square, and let its name alone be edited."""
        for column in range(self.columnCount()):
            item = self.item(number, column)
            assert item is not None
            if column == 0:
                item.setIcon(colour_square(one.colour))
                item.setToolTip(plain_tooltip(f"{one.name}: {HOW}"))
            else:
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)

    def choose(self, name: str | None) -> None:
        """Choose the row of a class; none where it is not there."""
        names = [x.name for x in self._classes]
        self.setCurrentCell(names.index(name) if name in names else -1, 0)

    def _edited(self, item: QTableWidgetItem) -> None:
        if item.column() == 0:
            self.renamed.emit(self._classes[item.row()].name, item.text().strip())

    def square(self, number: int) -> QRect:
        """Return where the square of colour of a row is."""
        item = self.item(number, 0)
        assert item is not None
        rect, side = self.visualItemRect(item), self.iconSize().height()
        rect.setWidth(max(side, rect.height()))
        return rect

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Hear of clicks on squares."""
        super().mouseReleaseEvent(event)
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self._click(event.position().toPoint())

    def _click(self, at: QPoint) -> None:
        item = self.itemAt(at)
        if item is not None and item.column() == 0 and self.square(item.row()).contains(at):
            self.square_clicked.emit(item.row())


class ClassList(QWidget):
    """Shows the classes of a project, and lets a person add, rename, colour, move and remove them.

    Parameters
    ----------
    say
        Called with a sentence where something can't be done.
    """

    def __init__(self, say: Callable[[str], None]):
        super().__init__()
        self._say = say
        self._session: AnnotationSession | None = None
        self.table = ClassTable()
        # The row is made anew then, and the editor is to be closed first.
        self.table.renamed.connect(self._rename, Qt.ConnectionType.QueuedConnection)
        self.table.square_clicked.connect(self.ask_colour)
        self.table.currentCellChanged.connect(self._choose)
        self.new_class = QLineEdit()
        self.new_class.setPlaceholderText("Another class")
        self.new_class.returnPressed.connect(self.add)
        self.add_button = button("Add", self.add, "Add the class that is typed here.")
        self.up_button = button(
            "Up", partial(self._move, -1), "Give the chosen class the key before its own."
        )
        self.down_button = button(
            "Down", partial(self._move, 1), "Give the chosen class the key after its own."
        )
        self.colour_button = button(
            "Colour...", self.ask_colour, "Choose another colour for the chosen class."
        )
        self.remove_button = button(
            "Remove", self.remove, "Remove the chosen class, where no cell has it."
        )
        self._changing = (self.up_button, self.down_button, self.colour_button, self.remove_button)
        fill_column(self, self.table, row(*self._changing), row(self.new_class, self.add_button))

    def show_session(self, session: AnnotationSession | None, offered: Sequence[str]) -> None:
        """Show the classes of a project; without one those that a new one begins with."""
        self._session = session
        self.table.set_editable(session is not None)
        for part in (self.add_button, self.new_class):
            part.setEnabled(session is not None)
        if session is None:
            classes = [ClassColour(*pair) for pair in class_colours(offered).items()]
            self.table.show_classes(classes, {})
        else:
            now = session.annotations
            self.table.show_classes(now.classes, dict(now.counts))
        self._enable()

    def _enable(self) -> None:
        number, last = self.table.currentRow(), self.table.rowCount() - 1
        is_one = self._session is not None and number >= 0
        for part in self._changing:
            part.setEnabled(is_one)
        self.up_button.setEnabled(is_one and number > 0)
        self.down_button.setEnabled(is_one and number < last)

    def _choose(self, number: int, *_: int) -> None:
        """Let strokes give the class of a row."""
        self._enable()
        if self._session is not None and number >= 0:
            self._session.classes.select(self._classes[number].name)

    @property
    def _classes(self) -> Classes:
        return () if self._session is None else self._session.annotations.classes

    def _set(self, change: Callable[[AnnotationSession], None]) -> None:
        """Change the list; say why, and show it as it is, where that can't be."""
        if self._session is None:
            return
        try:
            change(self._session)
        except MarrowError as error:
            self._say(str(error))
            self.show_session(self._session, ())

    def add(self) -> None:
        """Add the class that was typed."""
        name = self.new_class.text().strip()

        def change(session: AnnotationSession) -> None:
            known = session.annotations.classes
            if not folded(name) or folded(name) in {folded(x.name) for x in known}:
                raise MarrowError("Type the name of a class that is not in the list yet.")
            session.set_classes(with_classes(known, [name]))
            self.new_class.clear()

        self._set(change)

    def _rename(self, old: str, name: str) -> None:
        new = {old: name}
        if name == old:
            self.show_session(self._session, ())  # without the spaces that were typed
        else:
            self._set(lambda session: session.set_classes(with_names(self._classes, new), new))
            self.table.choose(name)

    def _move(self, by: int) -> None:
        classes = moved(self._classes, self.table.currentRow(), by)
        self._set(lambda session: session.set_classes(classes))

    def ask_colour(self, number: int | None = None) -> None:
        """Ask for the colour of a class; of the chosen one without a number."""
        at = self.table.currentRow() if number is None else number
        if not 0 <= at < len(self._classes):
            return
        one = self._classes[at]
        chosen = QColorDialog.getColor(QColor(one.colour), self, f"Colour of {one.name}")
        if chosen.isValid() and chosen != QColor(one.colour):
            colour = chosen.name().upper()
            classes = with_colour(self._classes, one.name, colour)
            self._set(lambda session: session.set_classes(classes))

    def remove(self) -> None:
        """Remove the chosen class, where no cell has it."""
        name = self._classes[self.table.currentRow()].name
        self._set(lambda session: session.set_classes(without(session.annotations, name)))
