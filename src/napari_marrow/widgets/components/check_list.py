"""A list of names with check boxes, of which one can be the current one: operations, families."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QListView, QListWidget, QListWidgetItem

N_COLUMNS, ROW_HEIGHT_PX, COLUMN_WIDTH_PX = 2, 22, 140


class CheckList(QListWidget):
    """Two columns of names with check boxes; the tooltips describe them.

    Parameters
    ----------
    entries
        Description by name, in a few words.
    checked
        The names that are checked at first.
    selectable
        Whether there is a current name, beside those that are checked.
    """

    edited = Signal()
    """Another name is the current one, or one was checked or unchecked."""

    def __init__(self, entries: Mapping[str, str], checked: tuple[str, ...], selectable=True):
        super().__init__()
        self.setFlow(QListView.Flow.TopToBottom)
        self.setWrapping(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        size = QSize(COLUMN_WIDTH_PX, ROW_HEIGHT_PX)
        self.setGridSize(size)
        self.setFixedHeight(-(-len(entries) // N_COLUMNS) * ROW_HEIGHT_PX + 8)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        if not selectable:
            self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self._items: dict[str, QListWidgetItem] = {}
        for name, description in entries.items():
            item = self._items[name] = QListWidgetItem(name)
            item.setSizeHint(size)
            item.setToolTip(f"{description[0].upper()}{description[1:]}.")
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            self.addItem(item)
        self.check(*checked)
        self.setCurrentRow(0)
        self.itemChanged.connect(lambda item: self.edited.emit())
        self.currentItemChanged.connect(lambda item, before: self.edited.emit())

    def check(self, *names: str) -> None:
        """Check these names and no others."""
        for name, item in self._items.items():
            on = name in names
            item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)

    @property
    def checked(self) -> tuple[str, ...]:
        """The names that are checked."""
        on = Qt.CheckState.Checked
        return tuple(name for name, item in self._items.items() if item.checkState() == on)

    def select(self, name: str) -> None:
        """Make a name the current one."""
        self.setCurrentItem(self._items[name])

    @property
    def current(self) -> str:
        """The name that is the current one."""
        item = self.currentItem()
        return next(iter(self._items)) if item is None else item.text()
