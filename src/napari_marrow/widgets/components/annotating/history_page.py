"""The history of a project as a table, of which any moment can be brought back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from napari_marrow.data.project.annotations import Entry
from napari_marrow.data.project.history import changes_in_words, in_words, origin
from napari_marrow.data.text import counted
from napari_marrow.viewer.annotating.open_project import OpenProject
from napari_marrow.viewer.annotating.session import AnnotationSession
from napari_marrow.widgets.components.annotating.review_page import ReviewPage
from napari_marrow.widgets.components.layout import button, fill_column, plain_tooltip, text_label

COLUMNS = ("When", "What", "Who")
HOW = "Choose a moment to see what bringing it back would change; what came later stays known."
SHOWN_ROWS, MARGIN_PX = 8, 8
_DISPLAY, _TOOLTIP = Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole
_NOWHERE = QModelIndex()


class HistoryModel(QAbstractTableModel):
    """The entries of a journal, the latest first; texts are made for the rows that are seen."""

    def __init__(self) -> None:
        super().__init__()
        self._entries: Sequence[Entry] = ()
        self._count = 0

    def show_entries(self, entries: Sequence[Entry]) -> None:
        """Show the entries of a journal, which only grows."""
        if entries is self._entries and len(entries) >= self._count:
            new = len(entries) - self._count
            if new:
                self.beginInsertRows(_NOWHERE, 0, new - 1)
                self._count = len(entries)
                self.endInsertRows()
            return
        self.beginResetModel()
        self._entries, self._count = entries, len(entries)
        self.endResetModel()

    def entry(self, row: int) -> Entry:
        """Return the entry of a row."""
        return self._entries[self._count - 1 - row]

    def rowCount(self, parent: QModelIndex = _NOWHERE) -> int:
        """Return the number of entries."""
        return 0 if parent.isValid() else self._count

    def columnCount(self, parent: QModelIndex = _NOWHERE) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: QModelIndex, role: int = _DISPLAY) -> Any:
        """Return a text."""
        if role not in (_DISPLAY, _TOOLTIP) or not index.isValid():
            return None
        text = _texts(self.entry(index.row()))[index.column()]
        return text if role == _DISPLAY else plain_tooltip(text)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = _DISPLAY
    ) -> str | None:
        """Return the title of a column."""
        is_title = role == _DISPLAY and orientation == Qt.Orientation.Horizontal
        return COLUMNS[section] if is_title else None


def _texts(entry: Entry) -> tuple[str, str, str]:
    """Return when in local time, what, and who."""
    when = datetime.fromisoformat(entry.when).astimezone()
    is_today = when.date() == datetime.now().astimezone().date()
    text = f"{when:%H:%M:%S}" if is_today else f"{when:%d %b %H:%M}"
    return text, f"{entry.number}: {in_words(entry)}", origin(entry)


class HistoryPage(ReviewPage):
    """The table of the history, a preview of what would change, and the button that does it."""

    def __init__(self, project: OpenProject):
        super().__init__(project)
        self.model = HistoryModel()
        self.table = QTableView()
        self.table.setModel(self.model)
        self.table.setToolTip("All that was done, the latest first.")
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setTabKeyNavigation(False)  # Tab leaves the table
        self.table.setWordWrap(False)
        across, down = self.table.horizontalHeader(), self.table.verticalHeader()
        assert across is not None
        assert down is not None
        across.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        across.setHighlightSections(False)
        letters = self.table.fontMetrics()
        for column, text in ((0, "30 Nov 23:59 "), (2, "live model ")):
            across.resizeSection(column, letters.horizontalAdvance(text) + MARGIN_PX)
        down.setDefaultSectionSize(letters.height() + MARGIN_PX)
        down.hide()
        chosen = self.table.selectionModel()
        assert chosen is not None
        chosen.selectionChanged.connect(lambda *_: self._preview())
        self.about = text_label(HOW)
        self.bring_button = button(
            "Bring back", self.bring_back, "Cells get the classes that they had after this entry."
        )
        fill_column(self, self.table, self.about, self.bring_button)
        self.refresh()

    def _follow(self) -> None:
        if self.live is not None:
            self.live.session.changed.connect(self._refreshing)
        super()._follow()

    @property
    def _session(self) -> AnnotationSession | None:
        return None if self.live is None else self.live.session

    def refresh(self) -> None:
        """Show all entries."""
        session = self._session
        self.model.show_entries(() if session is None else session.project.entries)
        line = self.table.fontMetrics().height() + MARGIN_PX
        self.table.setFixedHeight(line * (2 + min(SHOWN_ROWS, self.model.rowCount())))
        self._preview()

    def _chosen(self) -> Entry | None:
        index = self.table.currentIndex()
        chosen = self.table.selectionModel()
        is_chosen = chosen is not None and chosen.hasSelection() and index.isValid()
        return self.model.entry(index.row()) if is_chosen else None

    def _preview(self) -> None:
        """Say what bringing the chosen moment back would change."""
        session, entry = self._session, self._chosen()
        self.bring_button.setEnabled(False)
        if session is None or entry is None:
            self.about.setText(HOW)
            return
        then = session.project.at(entry.number)
        changes = session.annotations.changes_to(then)
        other_classes = then.classes != session.annotations.classes
        self.bring_button.setEnabled(bool(changes) or other_classes)
        parts = [
            f"{counted(len(changes), 'cell')} would change ({changes_in_words(changes)})"
            if changes
            else "no cell would change",
            "the list of classes, too" if other_classes else "",
        ]
        self.about.setText(f"After entry {entry.number}: {'; '.join(filter(None, parts))}.")

    def bring_back(self) -> None:
        """Bring back the chosen moment, as one step of undo."""
        session, entry = self._session, self._chosen()
        if session is not None and entry is not None:
            with session.reporting():
                session.restore(entry.number)
