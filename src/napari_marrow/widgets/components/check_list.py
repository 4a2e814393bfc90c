"""A list of named things of which some are ticked and one is picked: operations, families."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QListView, QListWidget, QListWidgetItem

COLUMNS, ROW_HEIGHT, COLUMN_WIDTH = 2, 22, 140


class TickList(QListWidget):
    """Two columns of names; what each stands for is its tooltip.

    Parameters
    ----------
    entries
        What each name stands for, by name, in a few words.
    ticked
        The names that are ticked at first.
    pickable
        Whether one of them is picked as well; else they only have their ticks.
    """

    edited = Signal()
    """Another name is picked, or one ticked or no more."""

    def __init__(self, entries: Mapping[str, str], ticked: tuple[str, ...], pickable: bool = True):
        super().__init__()
        self.setFlow(QListView.Flow.TopToBottom)
        self.setWrapping(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setGridSize(QSize(COLUMN_WIDTH, ROW_HEIGHT))
        self.setFixedHeight(-(-len(entries) // COLUMNS) * ROW_HEIGHT + 8)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        if not pickable:
            self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self._items: dict[str, QListWidgetItem] = {}
        for name, what in entries.items():
            item = self._items[name] = QListWidgetItem(name)
            item.setSizeHint(QSize(COLUMN_WIDTH, ROW_HEIGHT))
            item.setToolTip(f"{what[0].upper()}{what[1:]}.")
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            self.addItem(item)
        self.tick(*ticked)
        self.setCurrentRow(0)
        self.itemChanged.connect(lambda item: self.edited.emit())
        self.currentItemChanged.connect(lambda item, before: self.edited.emit())

    def tick(self, *names: str) -> None:
        """Tick these names and no others."""
        for name, item in self._items.items():
            on = name in names
            item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)

    @property
    def ticked(self) -> tuple[str, ...]:
        """The names that are ticked."""
        on = Qt.CheckState.Checked
        return tuple(name for name, item in self._items.items() if item.checkState() == on)

    def pick(self, name: str) -> None:
        """Pick one name."""
        self.setCurrentItem(self._items[name])

    @property
    def picked(self) -> str:
        """The name that is picked."""
        item = self.currentItem()
        return next(iter(self._items)) if item is None else item.text()
