"""The list of the runs since the viewer was opened: compare, rename, and use their models."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QItemSelectionModel, QModelIndex, Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLineEdit,
    QStyledItemDelegate,
    QTableView,
    QWidget,
)

from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.widgets.components.layout import button, fill_column, row, text_label
from napari_marrow.widgets.components.training.runs import ACCURACY, NAME, TRAINING, Run, Runs

TABLE_HEIGHT_PX = 190
TOOLTIP = (
    "Select a run to see its curves, several (Ctrl or Shift) to compare them. Double-click a name "
    "to change it, or another column to use the model."
)


class RunList(QWidget):
    """A table of runs, and what is known of the selected one.

    Parameters
    ----------
    runs
        Of the viewer.
    use
        Called with the run whose model is to be the current one.
    use_settings
        Called with the settings that the next training is to have.
    """

    chosen = Signal()
    """Other runs are selected."""

    def __init__(
        self,
        runs: Runs,
        use: Callable[[Run], object],
        use_settings: Callable[[TrainingSettings], object],
    ):
        super().__init__()
        self._runs, self._use, self._free = runs, use, True
        self.table = _table(runs)
        self.about = text_label()
        self.use_button = button(
            "Use model",
            self._use_selected,
            "Make the model of the selected run the current one, to label layers or to save it.",
        )
        self.settings_button = button(
            "Use settings",
            lambda: use_settings(self.selected[0].settings),
            "Put the settings of the selected run into the form above.",
        )
        selection = self.table.selectionModel()
        assert selection is not None
        selection.selectionChanged.connect(self._selected)
        self.table.doubleClicked.connect(self._double_clicked)
        runs.edited.connect(self._show_state)
        buttons = row(self.use_button, self.settings_button)
        fill_column(self, self.table, buttons, self.about)
        self._show_state()

    def select(self, run: Run) -> None:
        """Select one run alone, whichever key is held (`selectRow` adds to the rest with Ctrl)."""
        index = self._runs.index(self._runs.runs.index(run), NAME)
        flags = QItemSelectionModel.SelectionFlag
        selection = self.table.selectionModel()
        assert selection is not None
        selection.setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
        self.table.scrollTo(index)

    @property
    def selected(self) -> list[Run]:
        """The selected runs, in the order of the list."""
        selection = self.table.selectionModel()
        rows = selection.selectedRows() if selection is not None else []
        return [self._runs.runs[row] for row in sorted(index.row() for index in rows)]

    def set_free(self, free: bool) -> None:
        """Allow to use a model, or not while something runs."""
        self._free = free
        self._show_state()

    def _selected(self) -> None:
        self._show_state()
        self.chosen.emit()

    def _show_state(self) -> None:
        found = self.selected
        one = found[0] if len(found) == 1 else None
        self.use_button.setEnabled(self._free and one is not None and one.bundle is not None)
        self.settings_button.setEnabled(one is not None)
        if one is None:
            lines = [f"{run.name}: {' '.join(run.details)}" for run in found]
        else:  # the panel below shows the rest for the current model
            lines = [*([] if self._runs.is_current(one) else one.sentences), *one.details]
        self.about.setText("\n".join(lines))
        self.about.setVisible(bool(lines))

    def _double_clicked(self, index: QModelIndex) -> None:
        if index.column() != NAME:
            self._use_selected()

    def _use_selected(self) -> None:
        if self.use_button.isEnabled():
            self._use(self.selected[0])


class _NameDelegate(QStyledItemDelegate):
    """Edits names; a name that is being typed stays when the table has news of its run."""

    def setEditorData(self, editor: QWidget | None, index: QModelIndex) -> None:
        """Show the name, unless it is shown or another is typed."""
        name = index.data(Qt.ItemDataRole.EditRole)
        typed = isinstance(editor, QLineEdit) and (editor.isModified() or editor.text() == name)
        if not typed:
            super().setEditorData(editor, index)


def _table(runs: Runs) -> QTableView:
    """Return the view of a list of runs, as narrow as a dock."""
    table = QTableView()
    table.setModel(runs)
    table.setItemDelegateForColumn(NAME, _NameDelegate(table))
    table.setToolTip(TOOLTIP)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    triggers = QAbstractItemView.EditTrigger
    table.setEditTriggers(triggers.EditKeyPressed | triggers.DoubleClicked)
    table.setTabKeyNavigation(False)  # Tab leaves the table
    table.setWordWrap(False)  # a long name ends in an ellipsis
    table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    table.setFixedHeight(TABLE_HEIGHT_PX)
    across, down = table.horizontalHeader(), table.verticalHeader()
    assert across is not None
    assert down is not None
    across.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
    for column in (ACCURACY, TRAINING):
        across.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
    down.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    down.hide()
    return table
