"""The list of augmentation's operations: some are ticked, and one is picked to be previewed."""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QListView, QListWidget, QListWidgetItem

from napari_marrow.imaging.augment import OPERATIONS

ROWS, ROW_HEIGHT, COLUMN_WIDTH = 8, 22, 140


class OperationList(QListWidget):
    """Two columns of operations; what each does is its tooltip."""

    edited = Signal()
    """Another operation is picked, or one ticked or no more."""

    def __init__(self, ticked: tuple[str, ...]):
        super().__init__()
        self.setFlow(QListView.Flow.TopToBottom)
        self.setWrapping(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setGridSize(QSize(COLUMN_WIDTH, ROW_HEIGHT))
        self.setFixedHeight(ROWS * ROW_HEIGHT + 8)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._items: dict[str, QListWidgetItem] = {}
        for name, what in OPERATIONS.items():
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
        """Tick these operations and no others."""
        for name, item in self._items.items():
            on = name in names
            item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)

    @property
    def ticked(self) -> tuple[str, ...]:
        """The operations that are ticked."""
        on = Qt.CheckState.Checked
        return tuple(name for name, item in self._items.items() if item.checkState() == on)

    def pick(self, name: str) -> None:
        """Pick the operation that is previewed."""
        self.setCurrentItem(self._items[name])

    @property
    def picked(self) -> str:
        """The operation that is previewed."""
        item = self.currentItem()
        return next(iter(OPERATIONS)) if item is None else item.text()
