"""The cells of a project as pictures in a grid, many of which get a class at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import Signal
from qtpy.QtGui import QImage
from qtpy.QtWidgets import QWidget

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.project.annotations import Given
from napari_marrow.data.text import counted
from napari_marrow.jobs.events import Emit, ShouldStop
from napari_marrow.learning.annotating.arranging import (
    CellGroup,
    arranged,
    filtered,
    reasons_of,
)
from napari_marrow.viewer.per_viewer import single_shot
from napari_marrow.viewer.task import Panel, Task
from napari_marrow.widgets.components.annotating.cell_grid import CellGrid
from napari_marrow.widgets.components.annotating.cell_model import CellKey, CellModel, cell_keys
from napari_marrow.widgets.components.annotating.gallery_controls import GalleryControls
from napari_marrow.widgets.components.annotating.thumbnails import (
    CutOut,
    Thumbnails,
    picture_sides,
)
from napari_marrow.widgets.components.layout import fill_column

if TYPE_CHECKING:
    from napari_marrow.learning.annotating.cells import CellAnswers
    from napari_marrow.viewer.annotating.live_cells import LiveCells

ARRANGE_MS = 60
"""Cells are arranged this long after the last choice, in milliseconds."""
MEASURING = "The cells are being measured; they are shown as they come."
NEW = "Measured since"
"""The group of cells that were measured after the others were arranged."""


class CellGallery(QWidget):
    """Shows the cells of a project, and gives them classes.

    Parameters
    ----------
    panel
        Shows progress, and says what was done.
    """

    changed = Signal()
    """Other cells are shown, or they can be arranged anew."""

    def __init__(self, panel: Panel):
        super().__init__()
        self._live: LiveCells | None = None
        self._say = panel.say
        self.model = CellModel()
        self.controls = GalleryControls()
        self.thumbnails = Thumbnails(self)
        self.grid = CellGrid(self.model, self._picture)
        self._arranged_for: CellAnswers | None = None
        self._sides: np.ndarray = np.empty(0)  # of each cell's picture, in pixels of its photograph
        self._task = Task(self, panel)
        self._arrange_soon = single_shot(ARRANGE_MS, self.arrange, self)
        self.controls.arranged.connect(self._arrange_soon.start)
        self.controls.resized.connect(self._resize)
        self.thumbnails.arrived.connect(self.grid.repaint_cells)
        self.grid.looked.connect(self._cut_what_is_in_view)
        self.grid.keyed.connect(self.give_class)
        self.grid.accepted.connect(self.accept_answers)
        self.grid.undone.connect(lambda: self._step("undo"))
        self.grid.redone.connect(lambda: self._step("redo"))
        selection = self.grid.selectionModel()
        assert selection is not None
        selection.selectionChanged.connect(lambda *_: self._say_counts())
        fill_column(self, self.controls, self.grid)
        self._resize()

    def show_session(self, live: LiveCells | None) -> None:
        """Show the cells of a project; with None nothing."""
        if self._live is not None:
            self._live.changed.disconnect(self._follow)
        self._live = live
        self._task.cancel()
        self._arranged_for = None
        self.thumbnails.clear()
        self.model.clear()
        if live is not None:
            self._say(MEASURING)
            live.changed.connect(self._follow)
            self._follow()
        self.changed.emit()

    # Which cells are shown

    def _follow(self) -> None:
        """Show classes and answers as they are now, and cells that were measured since."""
        answers = None if self._live is None else self._live.answers
        if answers is None:
            return
        self.model.hidden = None if self._live is None else self._live.session.hidden
        self.controls.filter.set_names(answers.classes, reasons_of(answers))
        shown = self.model.answers
        if shown is not None and answers.cells.index is shown.cells.index:
            self.model.update(answers, self._colours)
            self.grid.repaint_cells()
        elif self._arranged_for is None or self._is_untouched:
            self._arrange_soon.start()
        elif shown is not None:
            self._take_new_cells(shown, answers)
        self.changed.emit()

    @property
    def _colours(self) -> dict[str, str]:
        assert self._live is not None
        return {x.name: x.colour for x in self._live.session.annotations.classes}

    @property
    def _is_untouched(self) -> bool:
        """Whether nobody has selected anything or scrolled, so that a new order disturbs nobody."""
        return not self.grid.scrolled and not self.grid.n_selected

    @property
    def can_arrange(self) -> bool:
        """Whether classes or answers have changed since the cells were arranged."""
        live, done = self._live, self._arranged_for
        return live is not None and live.answers is not None and live.answers is not done

    def arrange(self) -> None:
        """Choose, group and order the cells anew, in a thread."""
        answers = None if self._live is None else self._live.answers
        if answers is None:
            return
        wanted, how = self.controls.filter.cell_filter, self.controls.arrangement

        def work(emit: Emit, should_stop: ShouldStop) -> tuple[CellGroup, ...]:
            return arranged(answers, filtered(answers, wanted), how)

        def show(groups: tuple[CellGroup, ...]) -> None:
            live = self._live
            if live is None or live.answers is None:
                return
            if live.answers.cells.index is not answers.cells.index:  # more were measured meanwhile
                self._arrange_soon.start()
                return
            self._arranged_for = answers
            self._show(live.answers, groups)

        self._task.start(work, show, begun="Arranging the cells...")

    def _take_new_cells(self, shown: CellAnswers, answers: CellAnswers) -> None:
        """Add cells that were measured since, in a group of their own; leave out those gone."""
        before = cell_keys(shown, range(len(shown.cells)))
        now = {key: row for row, key in enumerate(cell_keys(answers, range(len(answers.cells))))}
        added = set(now) - set(before)
        looked_at = filtered(answers, self.controls.filter.cell_filter)
        new = looked_at[[key in added for key in cell_keys(answers, looked_at)]]
        groups = []
        for group in self.model.groups:
            rows = [now[before[row]] for row in group.rows.tolist() if before[row] in now]
            rows = [*rows, *new.tolist()] if group.title == NEW else rows
            groups.append(CellGroup(group.title, np.array(rows, np.intp)))
        if all(group.title != NEW for group in groups):
            groups.append(CellGroup(NEW, new))
        self._show_again(answers, tuple(x for x in groups if len(x.rows)))

    def _show_again(self, answers: CellAnswers, groups: tuple[CellGroup, ...]) -> None:
        """Show groups where the person is: what was selected is selected again."""
        scrolled = self.grid.scrolled
        selected = self.model.rows_of(x.row() for x in self.grid.selectedIndexes())
        chosen = self._keys_of(selected)
        current = self._keys_of(self.model.rows_of([self.grid.currentIndex().row()]))
        self._show(answers, groups)
        self._select_again(chosen, current)
        self.grid.scroll_again(scrolled)

    def _show(self, answers: CellAnswers, groups: tuple[CellGroup, ...]) -> None:
        """Show groups from the top, with none selected: no class is given to what is not seen."""
        self._measure_sides(answers)
        self.model.show(answers, groups, self._colours)
        self._say_counts()
        self.changed.emit()

    def _keys_of(self, rows: list[int]) -> list[CellKey]:
        return [] if self.model.answers is None else cell_keys(self.model.answers, rows)

    def _select_again(self, chosen: list[CellKey], current: list[CellKey]) -> None:
        rows = self.model.cell_rows
        by_key = dict(zip(self._keys_of(rows.tolist()), rows.tolist(), strict=True))
        found = [self.model.item_of(by_key[key]) for key in (*chosen, *current) if key in by_key]
        items = [item for item in found if item is not None]
        n_chosen = sum(key in by_key for key in chosen)
        self.grid.select_items(np.array(items[:n_chosen], np.intp))
        for item in items[n_chosen:]:
            self.grid.make_current(item)

    def _say_counts(self) -> None:
        """Say how many cells are shown and selected."""
        if self.model.answers is None:
            return
        if not self.model.count and not self._task.busy:
            self._say("No cell meets the filter.")
            return
        shown, total = self.model.count, len(self.model.answers.cells)
        text = f"{shown} of {counted(total, 'cell')} in {counted(len(self.model.groups), 'group')}"
        self._say(f"{text}, {self.grid.n_selected} selected.")

    # What is done with them

    def _reporting(self, action: Callable[[LiveCells], object]) -> None:
        if self._live is not None and self.model.answers is not None:
            with self._live.session.reporting():
                action(self._live)

    def give_class(self, position: int) -> None:
        """Give the selected cells the class of a key, 1 to 9; 0 takes it away."""
        rows = self.grid.selected_rows

        def give(live: LiveCells) -> None:
            classes = live.session.annotations.classes
            if not rows or position > len(classes):
                return
            name = classes[position - 1].name if position else None
            live.give(rows, name)
            what = f"have the class {name}" if name else "have no class"
            self._say(f"{counted(len(rows), 'cell')} {what}.")

        self._reporting(give)

    def accept_answers(self) -> None:
        """Give the selected cells that have no class what the model answers for them."""
        answers, rows = self.model.answers, self.grid.selected_rows
        if answers is None:
            return
        codes = answers.answers
        wanted = {
            row: Given(answers.classes[codes[row]], answers.model)
            for row in rows
            if codes[row] >= 0 and answers.given[row] < 0
        }

        def accept(live: LiveCells) -> None:
            live.record(wanted)
            self._say(
                f"Accepted {counted(len(wanted), 'answer')}; {len(rows) - len(wanted)} of the "
                "selected cells have a class, or no answer."
            )

        if wanted or rows:
            self._reporting(accept)

    def _step(self, name: str) -> None:
        self._reporting(lambda live: getattr(live.session, name)())

    # Pictures

    def _resize(self) -> None:
        """Show pictures of the size and scale that are chosen."""
        settings, ratio = self.controls.pictures, self.devicePixelRatioF()
        self.thumbnails.clear()
        self.thumbnails.set_side(round(settings.side_px * ratio))
        if self.model.answers is not None:
            self._measure_sides(self.model.answers)
        self.grid.set_side(settings.side_px)

    def _measure_sides(self, answers: CellAnswers) -> None:
        """Find the side of the picture of each cell: of all the same on the canvas, if wanted."""
        assert self._live is not None
        diameters = answers.cells.features["nucleus_diameter_px"].to_numpy(np.float64)
        sizes = np.array(self._live.pixel_sizes)[answers.cells.field]
        sides = picture_sides(diameters, sizes, same_scale=self.controls.pictures.same_scale)
        if len(sides) != len(self._sides) or not np.allclose(sides, self._sides, rtol=0.1):
            self.thumbnails.clear()  # a little more or less to be seen around is none
        self._sides = sides

    def _picture(self, row: int) -> QImage | None:
        return self.thumbnails.get(self.model.key_of(row))

    def _cut_what_is_in_view(self) -> None:
        live, answers = self._live, self.model.answers
        if live is None or answers is None:
            return
        rows = [(row, self.model.key_of(row)) for row in self.grid.rows_in_view()]
        missing = [(row, key) for row, key in rows if not self.thumbnails.has(key)]
        if not missing:
            return
        photographs, found = {x.layer: x for x in live.photographs}, []
        for row, key in missing:
            try:
                field = live.field_of(row)
                photograph = photographs[field.image]
            except (MarrowError, KeyError):  # it was closed
                continue
            y, x = answers.cells.places[row].tolist()
            found.append(CutOut(key, photograph, field.row, y, x, int(self._sides[row])))
        self.thumbnails.want(found)
