"""Buttons that give the selected cells a class, as the keys do."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget
from superqt import QFlowLayout

from napari_marrow.data.project.annotations import ClassColour
from napari_marrow.viewer.annotating.keys import MAX_KEYS
from napari_marrow.widgets.components.layout import button, colour_square

CLEAR = "0 no class"


class ClassButtons(QWidget):
    """A button for each class that has a key, and one that takes the class away."""

    pressed = Signal(int)
    """The key of a class, or 0."""

    def __init__(self) -> None:
        super().__init__()
        self._row = QFlowLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._classes: tuple[ClassColour, ...] = ()

    def set_classes(self, classes: Sequence[ClassColour]) -> None:
        """Show these classes in place of those before."""
        if tuple(classes) == self._classes:
            return
        self._classes = tuple(classes)
        while (item := self._row.takeAt(0)) is not None:
            if (older := item.widget()) is not None:
                older.deleteLater()
        for key, one in enumerate(self._classes[:MAX_KEYS], 1):
            tip = f"Give the selected cells the class {one.name} (key {key})."
            made = button(f"{key} {one.name}", partial(self.pressed.emit, key), tip)
            made.setIcon(colour_square(one.colour))
            self._row.addWidget(made)
        if self._classes:
            tip = "Take the class of the selected cells away (key 0)."
            self._row.addWidget(button(CLEAR, partial(self.pressed.emit, 0), tip))
