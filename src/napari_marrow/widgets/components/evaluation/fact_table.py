"""A table of texts to read, to copy and to choose a row from."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QEvent, Qt, Signal
from qtpy.QtGui import QKeyEvent, QKeySequence, QResizeEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
)

from napari_marrow.viewer.per_viewer import single_shot
from napari_marrow.widgets.components.layout import plain_tooltip

MAX_ROWS = 9
"""Rows that are seen at once; the table scrolls to others."""
MIN_FIRST_CHARACTERS = 12
"""Of the first column, if its texts have so many."""


class FactTable(QTableWidget):
    """A table that is read, as narrow as a dock; the whole text of a cell is in its tooltip.

    Parameters
    ----------
    columns
        Their titles; the first takes the width that is left.
    tooltip
        Of the whole table.
    """

    picked = Signal(int)
    """A row was clicked, or Return was pressed on it."""

    def __init__(self, columns: Sequence[str], tooltip: str):
        super().__init__(0, len(columns))
        self.setHorizontalHeaderLabels(list(columns))
        self.setToolTip(tooltip)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setTabKeyNavigation(False)  # Tab leaves the table
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        across, down = self.horizontalHeader(), self.verticalHeader()
        assert across is not None
        assert down is not None
        across.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        down.setMinimumSectionSize(0)
        down.hide()
        across.setHighlightSections(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.cellClicked.connect(lambda row, column: self.picked.emit(row))
        self._fit_rows = single_shot(0, self._fit_height, self)  # the header follows first
        self._fit()

    def set_rows(self, rows: Sequence[Sequence[str]]) -> None:
        """Show other rows."""
        self.setCurrentCell(-1, -1)
        self.setRowCount(len(rows))
        for number, texts in enumerate(rows):
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setToolTip(plain_tooltip(text))
                self.setItem(number, column, item)
        self._fit()

    def texts(self, row: int) -> list[str]:
        """Return the texts of a row."""
        found = (self.item(row, column) for column in range(self.columnCount()))
        return ["" if item is None else item.text() for item in found]

    def _fit(self) -> None:
        """Share the width out: the widest column but the first gives way, and all texts wrap."""
        across, view = self.horizontalHeader(), self.viewport()
        assert across is not None
        assert view is not None
        others = range(1, self.columnCount())
        wanted = {x: max(self.sizeHintForColumn(x), across.sectionSizeHint(x)) for x in others}
        least = self.fontMetrics().averageCharWidth() * MIN_FIRST_CHARACTERS
        first = min(self.sizeHintForColumn(0), least)
        widest = max(wanted, key=wanted.__getitem__)
        missing = first + sum(wanted.values()) - view.width()
        if missing > 0:
            wanted[widest] = max(wanted[widest] - missing, across.sectionSizeHint(widest))
        for column, width in wanted.items():
            across.resizeSection(column, width)
        self._fit_rows.start()

    def _fit_height(self) -> None:
        """Make each row as high as its texts need at these widths, and show as many as fit."""
        self.resizeRowsToContents()
        across = self.horizontalHeader()
        assert across is not None
        heights = [self.rowHeight(row) for row in range(min(MAX_ROWS, self.rowCount()))]
        self.setFixedHeight(sum(heights) + across.sizeHint().height() + 2 * self.frameWidth())

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Share another width out."""
        super().resizeEvent(event)
        if event is not None and event.size().width() != event.oldSize().width():
            self._fit()

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow the font of the theme."""
        super().changeEvent(event)
        fonts = (QEvent.Type.FontChange, QEvent.Type.StyleChange)
        if event is not None and event.type() in fonts:
            self._fit()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Choose the current row on Return; copy the selected rows."""
        if event is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self.currentRow() >= 0:
                self.picked.emit(self.currentRow())
        elif event is not None and event.matches(QKeySequence.StandardKey.Copy):
            self._copy()
        else:
            super().keyPressEvent(event)

    def _copy(self) -> None:
        """Copy the selected rows as a spreadsheet takes them."""
        rows = sorted({index.row() for index in self.selectedIndexes()})
        if (clipboard := QApplication.clipboard()) is not None and rows:
            clipboard.setText("\n".join("\t".join(self.texts(row)) for row in rows))
