"""A list of names with check boxes, of which one can be the current one: operations, families."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import QEvent, QSize, Qt, Signal
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QAbstractItemView, QListView, QListWidget, QListWidgetItem

MAX_COLUMNS = 2
CHECK_BOX_PX = 28
"""Width of a check box with the space around it."""


class CheckList(QListWidget):
    """Names with check boxes, in two columns where there is room; the tooltips describe them.

    Parameters
    ----------
    entries
        Description by name, in a few words, or nothing.
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
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        if not selectable:
            self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self._items: dict[str, QListWidgetItem] = {}
        for name, description in entries.items():
            item = self._items[name] = QListWidgetItem(name)
            if description:
                item.setToolTip(f"{description[0].upper()}{description[1:]}.")
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            self.addItem(item)
        self._fit()
        self.check(*checked)
        self.setCurrentRow(0)
        self.itemChanged.connect(lambda item: self.edited.emit())
        self.currentItemChanged.connect(lambda item, before: self.edited.emit())

    def _fit(self) -> None:
        """Make rows and columns large enough for the font."""
        metrics = self.fontMetrics()
        width = max(metrics.horizontalAdvance(name) for name in self._items) + CHECK_BOX_PX
        height = metrics.height() + 6
        self.setGridSize(QSize(width, height))
        for item in self._items.values():
            item.setSizeHint(QSize(width, height))
        n_columns = max(1, min(MAX_COLUMNS, self.contentsRect().width() // width))
        self.setFixedHeight(-(-len(self._items) // n_columns) * height + 8)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Take one column where two would be cut off."""
        super().resizeEvent(event)
        if self.count():
            self._fit()

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow the font of the theme."""
        super().changeEvent(event)
        fonts = (QEvent.Type.FontChange, QEvent.Type.StyleChange)
        if event is not None and event.type() in fonts and self.count():
            self._fit()

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
