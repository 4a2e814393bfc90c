"""The confusion matrix as a table: rows are the given class, columns the answer."""

from __future__ import annotations

import napari
from napari.utils.theme import get_theme
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from napari_marrow.learning.scores.evaluation import Evaluation
from napari_marrow.widgets.components.dock_widget import while_alive
from napari_marrow.widgets.components.evaluation.section import paragraph
from napari_marrow.widgets.components.layout import fill_column, plain_tooltip

ABOUT = (
    "Rows are the given class, columns the answer: number of answers, and their share of the row."
)
MAX_NAME_CHARACTERS = 14
"""Of a class beside its row; longer names end in an ellipsis."""
MIN_COLUMN_CHARACTERS = 6
MAX_CLASSES_ACROSS = 4
"""With more classes there is room for a bar that scrolls sideways."""


class ConfusionMatrix(QWidget):
    """How often each class got each answer: the larger its share of the row, the stronger a shade.

    Parameters
    ----------
    viewer
        Whose theme is followed.
    """

    def __init__(self, viewer: napari.Viewer):
        super().__init__()
        self._viewer = viewer
        self._evaluation: Evaluation | None = None
        self.about, self.table = paragraph(ABOUT), QTableWidget()
        self.table.setToolTip("Number of answers, and their share of the given class.")
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setTabKeyNavigation(False)  # Tab leaves the table
        fill_column(self, self.about, self.table)
        viewer.events.theme.connect(while_alive(self._fill))

    def show_evaluation(self, evaluation: Evaluation) -> None:
        """Show the matrix of an evaluation."""
        self._evaluation = evaluation
        self._fill()

    def _fill(self) -> None:
        if self._evaluation is None:
            return
        classes, matrix = self._evaluation.classes, self._evaluation.confusion
        self.table.setRowCount(len(classes))
        self.table.setColumnCount(len(classes))
        for number, name in enumerate(classes):
            self.table.setVerticalHeaderItem(number, _header(name, "given"))
            self.table.setHorizontalHeaderItem(number, _header(name, "answered"))
        for row, (given, counts) in enumerate(zip(classes, matrix, strict=True)):
            for column, (answer, count) in enumerate(zip(classes, counts, strict=True)):
                share = count / sum(counts) if count else 0.0
                item = QTableWidgetItem(f"{count}\n{share:.0%}")
                item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
                item.setToolTip(
                    plain_tooltip(f"Given {given}, answered {answer}: {count} ({share:.0%}).")
                )
                item.setBackground(self._shade(share))
                self.table.setItem(row, column, item)
        self._fit()

    def _shade(self, share: float) -> QColor:
        shade = QColor(get_theme(self._viewer.theme).current.as_hex())
        shade.setAlphaF(share)
        return shade

    def _fit(self) -> None:
        """Make rows, columns and names as large as they need in the present font."""
        across, down = self.table.horizontalHeader(), self.table.verticalHeader()
        assert across is not None
        assert down is not None
        metrics = self.fontMetrics()
        across.setMinimumSectionSize(metrics.averageCharWidth() * MIN_COLUMN_CHARACTERS)
        across.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        down.setMaximumWidth(metrics.averageCharWidth() * MAX_NAME_CHARACTERS)
        down.setDefaultSectionSize(2 * metrics.height() + 8)
        rows = self.table.rowCount() * down.defaultSectionSize()
        height = rows + across.sizeHint().height() + 2 * self.table.frameWidth()
        bar = self.table.horizontalScrollBar()
        if bar is not None and self.table.columnCount() > MAX_CLASSES_ACROSS:
            height += bar.sizeHint().height()
        self.table.setFixedHeight(height)

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow the font of the theme."""
        super().changeEvent(event)
        if event is not None and event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()


def _header(name: str, what: str) -> QTableWidgetItem:
    item = QTableWidgetItem(name)
    item.setToolTip(plain_tooltip(f"{what.capitalize()} {name}"))
    return item
