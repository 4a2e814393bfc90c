"""The page of the model: what its rings mean, and what it says of the cell under the pointer."""

from __future__ import annotations

from napari_marrow.viewer.annotating.open_field import OpenField
from napari_marrow.widgets.components.annotating.page import ProjectPage
from napari_marrow.widgets.components.layout import fill_column, text_label

LEGEND = (
    "Filled: a class that was given. Ring: what the model says, dashed where it is uncertain. It "
    "is trained anew after each class that is given, once two classes have cells."
)
NO_CELL = "Point at a cell to read what the model says."


class ModelPage(ProjectPage):
    """Explains the rings, and says what is known of the cell under the pointer."""

    def __init__(self) -> None:
        super().__init__()
        self.pointed = text_label(NO_CELL)
        self._cell: tuple[OpenField, int] | None = None
        fill_column(self, text_label(LEGEND), self.pointed)

    def point_at(self, field: OpenField, number: int) -> None:
        """Say what is known of a cell, by its number; 0 is none."""
        self._cell = (field, number) if number else None
        self.refresh()

    def refresh(self) -> None:
        """Say what is known of the cell now."""
        text, live = NO_CELL, self.live
        if live is not None and live.answers is not None and self._cell is not None:
            row = live.row_at(*self._cell)
            if row is not None:
                text = f"Cell {self._cell[1]}: {live.answers.describe(row)}."
        if text != self.pointed.text():
            self.pointed.setText(text)
