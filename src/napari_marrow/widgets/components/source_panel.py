"""Where fields are taken from: a folder, or the open layers with a table of their classes."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from napari.layers import Image, Labels
from qtpy.QtWidgets import QComboBox, QStackedWidget, QWidget

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.layouts import scan
from napari_marrow.data.text import first_few
from napari_marrow.jobs.events import Emit, ShouldStop, progress_callback
from napari_marrow.viewer.make.annotating import annotation_layer_to_paint, offered_classes
from napari_marrow.viewer.per_viewer import single_shot
from napari_marrow.viewer.photograph.annotations import (
    set_chosen,
    set_field_class,
)
from napari_marrow.viewer.photograph.cell_counts import Counts, counts_text
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.stack import EditableStack
from napari_marrow.viewer.task import Task
from napari_marrow.viewer.training.learning import LearningSummary, LearntSlice
from napari_marrow.viewer.training.session import write_session
from napari_marrow.widgets.components.class_table import NO_CLASS, ClassTable
from napari_marrow.widgets.components.dock_widget import DockWidget, while_alive
from napari_marrow.widgets.components.folder_edit import FolderEdit, describe
from napari_marrow.widgets.components.layout import button, fill_column
from napari_marrow.widgets.components.learning_panel import LearningPanel
from napari_marrow.widgets.components.run_panel import RunPanel

LAYERS, FOLDER = 0, 1
NAME, CLASS, CELLS = range(3)
REFRESH_AFTER_MS = 100
"""From the last change of a layer, such as a piece of a stroke, to the new table."""
PLACE_EVENTS = ("scale", "translate", "rotate", "shear", "affine", "units")
ALSO_OPEN = "The same photograph is open twice. Only one of them is ticked: it counts once."
HIDDEN = "The layer is hidden: its fields are only used where you tick them."
NO_FOLDER = (
    "A folder with a folder for each class, a SN-AM download, or a table of the widget Data set."
)


@dataclass(frozen=True)
class Gathered:
    """What was chosen, as a job reads it.

    Attributes
    ----------
    collection
        The fields.
    summary
        Of the open layers: what is taken of them.
    layers
        Of the open layers: layer and slice of each field, by its path. They are not kept alive.
    """

    collection: Collection
    summary: LearningSummary | None = None
    layers: Mapping[Path, tuple[weakref.ref[Image], int]] = field(default_factory=dict)


Gather = Callable[[str, Emit, ShouldStop], Gathered]
"""Called in a thread with the unit, ``field`` or ``cell``."""


class SourcePanel(QWidget):
    """Chooses a folder or open fields, and gives classes to these and to cells in them.

    Parameters
    ----------
    owner
        The dock widget that this panel is in.
    verb
        Begins the sentence that says what of the layers is learnt from.
    """

    def __init__(self, owner: DockWidget, verb: str = "Learns from"):
        super().__init__()
        self._viewer, self._owner = owner.viewer, owner
        self.learning = LearningPanel(owner, verb)
        self._shown: list[tuple[Photograph, int]] = []
        self._cells: dict[tuple[Image, int], str] = {}  # as counted last
        self.learning.cells_counted.connect(self._show_cells)
        self.run = RunPanel()
        self._scan = Task(owner, self.run)
        self.where = QComboBox()
        self.where.addItems(["The open layers", "A folder"])
        self.where.setToolTip("Take the photographs that are open here, or those of a folder.")
        pages = QStackedWidget()
        pages.addWidget(self._layers_page())
        pages.addWidget(self._folder_page())
        self.where.currentIndexChanged.connect(pages.setCurrentIndex)
        fill_column(self, self.where, pages)
        self._refresh_timer = single_shot(REFRESH_AFTER_MS, self.refresh, self)
        events, self._listener = self._viewer.layers.events, while_alive(self._refresh_soon)
        for event in (events.inserted, events.removed, events.reordered):
            event.connect(self._listener)
        events.inserted.connect(while_alive(self._listen_to_layers))
        self._listen_to_layers()
        self.refresh()

    def _layers_page(self) -> QWidget:
        page = QWidget()
        columns = ["Field", "Class", "Cells"]
        self.table = ClassTable(columns, CLASS, stretched=NAME, check_column=NAME)
        self.table.setFixedHeight(130)
        header = self.table.horizontalHeaderItem(CELLS)
        assert header is not None
        header.setToolTip("Annotated cells by class; a stroke on no nucleus counts as one.")
        self.table.setToolTip(
            "Checked fields are learnt from, measured and labelled. Click a class to change it. "
            "Both go for all selected rows at once. A field without a class is not learnt from, "
            "unless cells in it are annotated."
        )
        self.table.edited.connect(self._store)
        self.annotate = button(
            "Annotate cells",
            self.add_cells_layer,
            "Add a Labels layer over the selected photograph: paint label 1 on cells of the first "
            "class (ALL) and 2 on cells of the second (MM); a stroke on the nucleus is enough. Or "
            "by keyboard: N shows the next nucleus, A gives it a class, - and = choose the label.",
        )
        fill_column(page, self.table, self.annotate, self.learning)
        return page

    def _folder_page(self) -> QWidget:
        page = QWidget()
        self.folder_edit = FolderEdit()
        self.folder_edit.chosen.connect(self.set_folder)
        self.run.say(NO_FOLDER)
        fill_column(page, self.folder_edit, self.run)
        page.layout().addStretch()  # type: ignore[union-attr]
        return page

    @property
    def from_folder(self) -> bool:
        """Whether the folder is to be taken, and not the layers."""
        return self.where.currentIndex() == FOLDER

    def set_folder(self, folder: Path) -> None:
        """Take a folder, or a table of one; scan it in a thread, and report what it holds."""
        self.where.setCurrentIndex(FOLDER)
        self.folder_edit.line.setText(str(folder))
        self._scan.start(
            lambda emit, should_stop: scan(folder, progress_callback(emit, should_stop)),
            lambda found: self.run.say("\n".join([describe(found), *found.warnings])),
            begun="Scanning...",
        )

    def folder(self) -> Path:
        """Return the folder or table that is chosen.

        Raises
        ------
        MarrowError
            When there is none.
        """
        if self.folder_edit.path is None:
            raise MarrowError("No folder is chosen; choose one, or take the open layers.")
        return self.folder_edit.path

    @property
    def origin(self) -> str:
        """What is learnt from: the folder, or the names of the layers.

        Raises
        ------
        MarrowError
            When there is none.
        """
        if self.from_folder:
            return str(self.folder())
        names = [photograph.name for photograph in Photograph.chosen_of(self._viewer.layers)]
        return f"the layers {', '.join(first_few(names))}"

    def gatherer(self, folder: Path) -> Gather:
        """Return what a thread calls to get what is chosen; the layers are gathered right now.

        Parameters
        ----------
        folder
            Is made for what of the layers no file has.

        Raises
        ------
        MarrowError
            When nothing is chosen.
        """
        if self.from_folder:
            path = self.folder()
            return lambda unit, emit, stop: Gathered(scan(path, progress_callback(emit, stop)))
        found, only = Photograph.chosen_of(self._viewer.layers), self.learning.only_annotated
        folder.mkdir()

        def gather(unit: str, emit: Emit, should_stop: ShouldStop) -> Gathered:
            layers = {}

            def note(one: LearntSlice, made: Field) -> None:
                layers[made.path] = (weakref.ref(one.photograph.layer), one.row)

            collection, summary = write_session(found, folder, unit, only, emit, should_stop, note)
            return Gathered(collection, summary, layers)

        return gather

    def _listen_to_layers(self) -> None:
        for layer in self._viewer.layers:
            names = ["name", "features", "metadata", "data", "paint", "visible", *PLACE_EVENTS]
            if isinstance(layer, Labels) and isinstance(layer.data, np.ndarray | EditableStack):
                names.append(
                    "set_data"
                )  # all that undo and redo emit; the masks of files have none
            for name in names:
                if name in layer.events.emitters:
                    getattr(layer.events, name).connect(self._listener)

    def _refresh_soon(self) -> None:
        # Many events come together when a folder is opened, or a stroke is painted.
        self._refresh_timer.start()

    def rows(self) -> list[tuple[Photograph, int]]:
        """Return photograph and slice of each row of the table."""
        open_now = Photograph.open_in(self._viewer.layers)
        return [(photograph, index) for photograph in open_now for index in range(len(photograph))]

    def refresh(self) -> None:
        """Show the open photographs and their classes; their annotated cells are counted."""
        self._shown = rows = self.rows()
        self.learning.set_photographs(list(dict.fromkeys(x for x, _ in rows)))
        self.table.setRowCount(len(rows))
        for number, (photograph, index) in enumerate(rows):
            name = photograph.name
            if photograph.is_stack:
                files = photograph.files
                name = files[index].name if files else f"{name} {index}"
            tip = ""
            if other := photograph.copies.get(index):
                name, tip = f"{name} (also in {other})", ALSO_OPEN
            if photograph.hidden:
                name, tip = f"{name} (hidden)", tip or HIDDEN
            self.table.set_text(number, NAME, name, tip, checked=index in photograph.chosen)
            self.table.set_text(number, CLASS, photograph.classes[index] or NO_CLASS)
            self.table.set_text(number, CELLS, self._cells.get((photograph.layer, index), ""))
        self.annotate.setEnabled(bool(rows))

    def _show_cells(self, counts: Mapping[Photograph, Sequence[Counts]]) -> None:
        self._cells = {
            (photograph.layer, row): counts_text(one)
            for photograph, by_row in counts.items()
            for row, one in enumerate(by_row)
        }
        for number, (photograph, row) in enumerate(self._shown):
            self.table.set_text(number, CELLS, self._cells.get((photograph.layer, row), ""))

    def _store(self, numbers: list[int], column: int) -> None:
        """Keep with the layers what was edited, in the rows as they were shown.

        Once for all rows of a layer, as each time its whole record is written.
        """
        rows: dict[tuple[Image, bool | str], list[int]] = {}
        for number in numbers:
            photograph, index = self._shown[number]
            value = (
                self.table.is_checked(number) if column == NAME else self.table.text(number, CLASS)
            )
            rows.setdefault((photograph.layer, value), []).append(index)
        for (layer, value), indices in rows.items():
            if isinstance(value, bool):
                set_chosen(layer, indices, value)
            else:
                set_field_class(layer, indices, value, self._viewer.layers)

    def add_cells_layer(self) -> None:
        """Add the Labels layer to paint classes into, over the photograph selected in the table."""
        rows = self.rows()
        number = max(self.table.currentRow(), 0)
        if number >= len(rows):
            return
        photograph, known = rows[number][0], [x.classes[index] for x, index in rows]
        layers = (*photograph.annotations, *photograph.hidden_annotations)
        classes = offered_classes(known)
        if any(x.painted for x in layers):  # it has classes, perhaps of a project
            classes = tuple(dict.fromkeys(name for name in known if name))
        annotation_layer_to_paint(self._viewer, photograph, classes)
        self._owner.setFocus()  # so that keys reach the layer
