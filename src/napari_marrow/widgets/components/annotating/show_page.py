"""The page that chooses which cells have a ring on the canvas."""

from __future__ import annotations

from napari_marrow.data.text import counted
from napari_marrow.learning.annotating.arranging import CellFilter, filtered, reasons_of
from napari_marrow.viewer.annotating.live_cells import LiveCells
from napari_marrow.widgets.components.annotating.filter_form import FilterForm
from napari_marrow.widgets.components.annotating.page import ProjectPage
from napari_marrow.widgets.components.layout import fill_column, text_label


class ShowPage(ProjectPage):
    """Shows rings by class, certainty, reason and probability."""

    def __init__(self) -> None:
        super().__init__()
        self.filter = FilterForm()
        self.filter.changed.connect(self._set_filter)
        self.count = text_label()
        fill_column(self, self.filter, self.count)

    def show_session(self, live: LiveCells | None) -> None:
        """Show another project, with the same filter."""
        if live is not None:
            live.rings.wanted = self.filter.cell_filter
        super().show_session(live)

    def _set_filter(self) -> None:
        if self.live is not None:
            self.live.rings.wanted = self.filter.cell_filter
            self.live.recolour()
        self.refresh()

    def refresh(self) -> None:
        """Offer the classes and reasons there are, and say how many cells are shown."""
        answers = None if self.live is None else self.live.answers
        if answers is None:
            self.count.setText("")
            return
        self.filter.set_names(answers.classes, reasons_of(answers))
        wanted, total = self.filter.cell_filter, counted(len(answers.cells), "cell")
        if wanted == CellFilter():
            self.count.setText(f"All of {total} can have a ring.")
        else:
            self.count.setText(f"{len(filtered(answers, wanted))} of {total} can have a ring.")
