"""The cells of a gallery as the model of a list: a header for each group, then its cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QAbstractListModel, QItemSelection, QModelIndex, Qt

from napari_marrow.data.project.annotations import PERSON
from napari_marrow.data.text import counted
from napari_marrow.widgets.components.layout import plain_tooltip

if TYPE_CHECKING:
    from napari_marrow.learning.annotating.arranging import CellGroup, Rows
    from napari_marrow.learning.annotating.cells import CellAnswers

HEADER = -1
"""In place of the row of a cell."""
GREY = "#888888"
"""Of the frame of a cell of no class."""
CellKey = tuple[str, int, int, int]
"""A cell wherever it is in the table: its field, its number there, and one of its pixels."""


@dataclass(frozen=True)
class CellLook:
    """How a cell is framed.

    Attributes
    ----------
    colour
        That of the class that was given, else of the answer, else grey.
    uncertain
        Whether the answer is marked.
    given, by_person
        Whether it was given a class, and whether by a person and not by accepting an answer.
    """

    colour: str
    uncertain: bool
    given: bool
    by_person: bool


class CellModel(QAbstractListModel):
    """The cells that are looked at, in groups.

    Of the cell ``hidden``, by its field and number, nothing is told: its class is asked again.
    A change of classes alone is no change of the list: :meth:`update` sends no signal, and the view
    paints anew. Qt would ask for the size of each cell otherwise.
    """

    def __init__(self) -> None:
        super().__init__()
        self.answers: CellAnswers | None = None
        self.hidden: tuple[str, int] | None = None
        self.groups: tuple[CellGroup, ...] = ()
        self._colours: Mapping[str, str] = {}
        self._rows: Rows = np.empty(0, np.intp)  # of each item, or HEADER
        self._headers: Rows = np.empty(0, np.intp)  # the items of the headers
        self._items: Rows = np.empty(0, np.intp)  # of each row, or -1

    def show(
        self, answers: CellAnswers, groups: Sequence[CellGroup], colours: Mapping[str, str]
    ) -> None:
        """Show these groups of cells in place of what was shown."""
        self.beginResetModel()
        self.groups = tuple(groups)
        sizes = np.array([len(x.rows) + 1 for x in self.groups], np.intp)
        self._headers = np.cumsum(sizes) - sizes
        parts = [np.append(HEADER, x.rows) for x in self.groups]
        self._rows = np.concatenate(parts or [np.empty(0, np.intp)]).astype(np.intp)
        self._items = np.full(len(answers.cells), -1, np.intp)
        cells = np.flatnonzero(self._rows != HEADER)
        self._items[self._rows[cells]] = cells
        self.update(answers, colours)
        self.endResetModel()

    def update(self, answers: CellAnswers, colours: Mapping[str, str]) -> None:
        """Take other classes, answers and colours of the same cells."""
        self.answers, self._colours = answers, colours
        self._final, self._uncertain = answers.final, answers.uncertain

    def clear(self) -> None:
        """Show nothing."""
        self.beginResetModel()
        self.answers, self.groups = None, ()
        self._rows = self._headers = self._items = np.empty(0, np.intp)
        self.endResetModel()

    @property
    def count(self) -> int:
        """Number of cells that are looked at."""
        return len(self._rows) - len(self._headers)

    @property
    def cell_rows(self) -> Rows:
        """Rows of the table of the cells that are looked at, in order."""
        return self._rows[self._rows != HEADER]

    def row_of(self, item: int) -> int | None:
        """Return the row in the table of cells of an item of the list; None of a header."""
        row = int(self._rows[item]) if 0 <= item < len(self._rows) else HEADER
        return None if row == HEADER else row

    def rows_of(self, items: Iterable[int]) -> list[int]:
        """Return the rows of cells, without headers."""
        return [row for row in map(self.row_of, items) if row is not None]

    def item_of(self, row: int) -> int | None:
        """Return the item of a row of the table of cells; None where it is not looked at."""
        item = int(self._items[row]) if 0 <= row < len(self._items) else -1
        return None if item < 0 else item

    def group_of(self, item: int) -> int:
        """Return the group of an item, a position in ``groups``."""
        return int(np.searchsorted(self._headers, item, side="right")) - 1

    def items_of(self, group: int) -> range:
        """Return the items of the cells of a group."""
        first = int(self._headers[group]) + 1
        return range(first, first + len(self.groups[group].rows))

    def selection_of(self, items: NDArray[np.intp]) -> QItemSelection:
        """Return a selection of items, in as few ranges as there are."""
        found = QItemSelection()
        items = np.unique(items)
        for part in np.split(items, np.flatnonzero(np.diff(items) != 1) + 1):
            if len(part):
                found.select(self.index(int(part[0])), self.index(int(part[-1])))
        return found

    def key_of(self, row: int) -> CellKey:
        """Return what a cell is known by, also when more cells are measured."""
        assert self.answers is not None
        return cell_keys(self.answers, [row])[0]

    def look(self, row: int) -> CellLook:
        """Return how a cell is framed."""
        assert self.answers is not None
        if self.hidden is not None and row == self.answers.cells.row_of(*self.hidden):
            return CellLook(GREY, uncertain=False, given=False, by_person=False)
        code = int(self._final[row])
        name = self.answers.classes[code] if code >= 0 else ""
        given = bool(self.answers.given[row] >= 0)
        return CellLook(
            self._colours.get(name, GREY),
            bool(self._uncertain[row]),
            given,
            given and self.answers.origins[row] == PERSON,
        )

    def header(self, group: int) -> str:
        """Return the title of a group, how many cells it has, and which classes they were given."""
        assert self.answers is not None
        own = self.groups[group]
        given = self.answers.given[own.rows]
        counts = Counter(self.answers.classes[code] for code in given[given >= 0].tolist())
        parts = [f"{count} {name}" for name, count in counts.most_common()]
        text = f"{own.title}: {counted(len(own.rows), 'cell')}"
        return f"{text}, given {', '.join(parts)}" if parts else text

    def describe(self, row: int) -> str:
        """Return where a cell is, and what is known of it."""
        answers = self.answers
        assert answers is not None
        cells = answers.cells
        place = f"{cells.fields[cells.field[row]]}, cell {cells.index[row]}"
        is_hidden = self.hidden is not None and row == cells.row_of(*self.hidden)
        return place if is_hidden else f"{place}\n{answers.describe(row)}"

    # What Qt asks for.

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of headers and cells."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> str | None:
        """Return the text of a header or cell, for tooltips and readers of screens."""
        tips = (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole)
        if self.answers is None or not index.isValid():
            return None
        row = self.row_of(index.row())
        if row is None:
            text = self.header(self.group_of(index.row()))
            if role == Qt.ItemDataRole.DisplayRole:
                return text
            return plain_tooltip(text) if role in tips else None
        return plain_tooltip(self.describe(row)) if role in tips else None

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Return that cells can be selected, and headers can't."""
        if self.row_of(index.row()) is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable


def cell_keys(answers: CellAnswers, rows: Iterable[int]) -> list[CellKey]:
    """Return what cells are known by, also when more are measured."""
    own = np.array([*rows], np.intp)
    cells = answers.cells
    names = [cells.fields[k] for k in cells.field[own].tolist()]
    places = cells.places[own].tolist()
    numbers = cells.index[own].tolist()
    return [(x, n, y, z) for x, n, (y, z) in zip(names, numbers, places, strict=True)]
