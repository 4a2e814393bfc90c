"""The dock widget "Annotate cells": keys give cells a class, and a project keeps all of it."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
from napari.utils.notifications import show_warning
from qtpy.QtWidgets import QDockWidget, QFileDialog, QWidget

from napari_marrow.data.project.annotations import ClassColour
from napari_marrow.data.project.project import Project, is_project
from napari_marrow.data.text import counted
from napari_marrow.report.colours import class_colours
from napari_marrow.viewer.annotating.keys import bind_class_keys, cell_at_pointer
from napari_marrow.viewer.annotating.live_cells import LiveCells
from napari_marrow.viewer.annotating.open_project import open_project_of
from napari_marrow.viewer.annotating.selecting import CellSelection, Tool
from napari_marrow.viewer.annotating.session import AnnotationSession
from napari_marrow.viewer.make.annotating import offered_classes
from napari_marrow.viewer.per_viewer import single_shot
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.task import Task
from napari_marrow.widgets.components.annotating.class_list import ClassList
from napari_marrow.widgets.components.annotating.exchange_page import ExchangePage
from napari_marrow.widgets.components.annotating.explain_page import ExplainPage
from napari_marrow.widgets.components.annotating.model_page import ModelPage
from napari_marrow.widgets.components.annotating.page import ProjectPage
from napari_marrow.widgets.components.annotating.review_pages import ReviewPages
from napari_marrow.widgets.components.annotating.show_page import ShowPage
from napari_marrow.widgets.components.dock_widget import while_alive
from napari_marrow.widgets.components.evaluation.fact_table import FactTable
from napari_marrow.widgets.components.job_process import JobProcess
from napari_marrow.widgets.components.layout import (
    button,
    fill_column,
    group,
    path_button,
    row,
    text_label,
)
from napari_marrow.widgets.components.pages import Pages
from napari_marrow.widgets.components.photograph_widget import PhotographWidget
from napari_marrow.widgets.components.run_panel import RunPanel

if TYPE_CHECKING:
    import napari

FOLLOW_MS = 150
"""The field that the slider comes to is read this long after its last step, in milliseconds."""


KEYS = (
    ("Give the cell under the pointer a class", "1 to 9"),
    ("Take its class away", "0"),
    ("Accept what the model says of it", "Space"),
    ("Ask about a cell that tells the model much", "N"),
    ("Explain the model's answer", "W"),
    ("Undo", "Ctrl+Z"),
    ("Redo", "Ctrl+Shift+Z"),
)
TOOLS = (
    "Keys act while the layer of cells is the active one. Paint, or draw a polygon, over many "
    "cells to give all of them the class of the selected label."
)


def default_project(photograph: Photograph) -> Path:
    """Return the folder of the project of a photograph or folder, where no other was chosen."""
    root = str(photograph.root.resolve()) if photograph.root is not None else photograph.name
    name = photograph.root.name if photograph.root is not None else photograph.name
    safe = "".join(letter if letter.isalnum() else "-" for letter in name) or "project"
    folder = platformdirs.user_data_path("napari-marrow") / "projects"
    return folder / f"{safe}-{zlib.crc32(root.encode()):08x}"


class Annotate(PhotographWidget):
    """Gives cells classes by key or by painting; a project keeps them, and their history.

    Parameters
    ----------
    viewer
        Where the photographs are.
    """

    def __init__(self, viewer: napari.viewer.Viewer):  # napari injects by this very string
        super().__init__(viewer, min_width_px=340)
        self.session: AnnotationSession | None = None
        self.live: LiveCells | None = None
        self.undo_button = button("Undo", self._undo, "Take back the last thing done (Ctrl+Z).")
        self.redo_button = button(
            "Redo", self._redo, "Do again what was taken back (Ctrl+Shift+Z)."
        )
        self.rectangle_button = button(
            "Rectangle",
            partial(self._select, "rectangle"),
            "Draw a rectangle over cells of this field; a key then gives all in it a class.",
        )
        self.lasso_button = button(
            "Lasso",
            partial(self._select, "lasso"),
            "Draw an outline around cells of this field; a key then gives all in it a class.",
        )
        self.selection: CellSelection | None = None
        self.place = text_label("A project is begun with the first field.")
        self.open_button = path_button(
            "Project folder...",
            self._ask_folder,
            self.open_project,
            "Keep annotations in another folder: one that is a project already, or a new one.",
        )
        self.begin_button = button(
            "Annotate", self.begin, "Let keys and strokes give the cells of this field a class."
        )
        self.run = RunPanel(self.begin_button)
        self.class_list = ClassList(self._fail)
        self.task = Task(self, self.run, self._fail)
        process = JobProcess(self)  # one for all pages: each that runs Keras takes 0.5 GB
        self.model_page = ModelPage(self, self.run, process)
        project = QWidget()
        fill_column(project, self.place, self.open_button)
        self.pages, self._own_pages = Pages(), list[ProjectPage]()
        keys = FactTable(("What it does", "Key"), "Keys of the layer of cells.")
        keys.set_rows(KEYS)
        how = QWidget()
        fill_column(how, keys, text_label(TOOLS))
        self.pages.add("Keys", how, "What keys and tools do.")
        self._add_page("Model", self.model_page, "What the model says of the other cells.")
        self.show_page = ShowPage()
        self._add_page("Show", self.show_page, "Which cells have a ring.")
        self.review = ReviewPages(self.viewer, self.pages)
        self.explain_page = ExplainPage(self, self.run, process)
        self.explain_page.asked.connect(lambda: self.pages.select("Explain"))
        self.explain_page.filled.connect(self.scroll_to)
        open_project_of(self.viewer).explained.connect(self._explain)
        self._add_page("Explain", self.explain_page, "Why a cell is answered as it is.")
        self.exchange_page = ExchangePage(self.run)
        self._add_page("Export", self.exchange_page, "Write cells to files, and import classes.")
        self.pages.add("Project", project, "Where annotations are kept.")
        self.photograph.changed.connect(self._show)
        self._following = single_shot(FOLLOW_MS, self._follow_slider, self)
        self.viewer.dims.events.current_step.connect(while_alive(self._wait))
        self._hovering = while_alive(self._hover)
        self.viewer.mouse_move_callbacks.append(self._hovering)
        self.closed.connect(self._close)
        self.fill(
            group("Photograph", self.photograph),
            group(
                "Classes",
                self.class_list,
                row(text_label("Select by"), self.rectangle_button, self.lasso_button),
            ),
            self.pages,
            actions=[
                self.model_page.pointed,
                row(self.undo_button, self.redo_button),
                self.run,
            ],
        )
        self._show()

    def _add_page(self, title: str, page: ProjectPage, tooltip: str) -> None:
        """Add a page that shows the open project."""
        self._own_pages.append(page)
        self.pages.add(title, page, tooltip)

    def _explain(self, cell: int) -> None:
        """Explain a cell that was picked in another dock, by its row, and come to the front."""
        self.explain_page.explain_row(cell)
        if isinstance(dock := self.parent(), QDockWidget):
            dock.show()
            dock.raise_()

    def _set_live(self, live: LiveCells | None) -> None:
        """Let all pages, and other docks, show another project."""
        self.live = live
        for page in self._own_pages:
            page.show_session(live)
        open_project_of(self.viewer).set_live(live)

    def begin(self) -> None:
        """Open the project of the chosen photograph if none is, and annotate its shown field."""
        with self.task.reporting():
            photograph = self.chosen()
            if self.session is None:
                self._open(default_project(photograph), self._offered())
            assert self.session is not None
            assert self.live is not None
            self.run.say("Reading the cells...")
            self.live.show_again(photograph.layer)
            self._open_field(photograph, self.live)

    def _open_field(self, photograph: Photograph, live: LiveCells) -> None:
        """Show the annotations of the field that is shown, once its cells are read."""
        tool = None if self.selection is None else self.selection.tool  # goes on with the next
        live.session.open_field(photograph, partial(self._begun, live, photograph, tool))

    def _select(self, tool: Tool) -> None:
        """Let the person draw around cells of the shown field."""
        live, image = self.live, self.photograph.layer
        if live is None or image is None or live.session.layer_of(image) is None:
            return
        if self.selection is None or self.selection.image is not image:
            self._end_selection()
            self.selection = CellSelection(live, image)
        self.selection.draw(tool)

    def _end_selection(self) -> None:
        if self.selection is not None:
            self.selection.close()
            self.selection = None

    def _begun(self, live: LiveCells, photograph: Photograph, tool: Tool | None) -> None:
        field = live.session.shown(photograph.layer)
        if field is None or live is not self.live:
            return
        bind_class_keys(live, photograph.layer, field.layer)
        live.follow(photograph)
        if tool is not None:
            self._select(tool)
        self._show()

    def _wait(self) -> None:
        self._following.start()

    def _follow_slider(self) -> None:
        """Read the field that the slider has come to, where its stack is being annotated."""
        active = self.viewer.layers.selection.active
        drawing = self.selection is not None and self.selection.tool is not None
        followed = self.session is not None and (drawing or self.session.follows(active))
        if followed and self.live is not None and self.photograph.layer is not None:
            self._open_field(self.chosen(), self.live)

    def open_project(self, folder: Path) -> None:
        """Keep annotations in a folder: open the project that it is, or make one there."""
        with self.task.reporting():
            self._open(folder, self._offered())
            if self.photograph.layer is not None:
                self.begin()

    def _open(self, folder: Path, classes: Sequence[str]) -> None:
        """Open the project in a folder; a new one is made with these classes."""
        if self.session is not None and self.session.project.folder == folder.resolve():
            return
        named = [ClassColour(*pair) for pair in class_colours(classes).items()]
        made = Project(folder) if is_project(folder) else Project.create(folder, named)
        self.close_project()
        self.session = AnnotationSession(self, self.viewer, made, self._fail)
        self.session.changed.connect(self._show)
        self._set_live(LiveCells(self, self.session, self.run))
        self._show()

    def _offered(self) -> tuple[str, ...]:
        """Return the classes that a new project would begin with."""
        layer = self.photograph.layer
        return offered_classes(() if layer is None else self.chosen().classes)

    def close_project(self) -> None:
        """Let other programs open the project; nothing is annotated any more."""
        if self.session is not None and self.live is not None:
            live, session = self.live, self.session
            self._end_selection()
            self._set_live(None)
            self.session = None
            live.close()
            session.close()
            self._show()

    def _close(self) -> None:
        if self._hovering in self.viewer.mouse_move_callbacks:
            self.viewer.mouse_move_callbacks.remove(self._hovering)
        self.close_project()

    def _hover(self, *_: object) -> None:
        """Say what is known of the cell under the pointer."""
        image, live = self.photograph.layer, self.live
        field = None if live is None or image is None else live.session.shown(image)
        if field is None:
            return
        number = cell_at_pointer(self.viewer, field)
        self.model_page.point_at(field, number)

    def _undo(self) -> None:
        with self.task.reporting():
            if self.session is not None:
                self.session.undo()

    def _redo(self) -> None:
        with self.task.reporting():
            if self.session is not None:
                self.session.redo()

    def _show(self) -> None:
        """Show classes, counts and the project as they are now."""
        session = self.session
        can_undo = session is not None and session.project.undoable is not None
        can_redo = session is not None and session.project.redoable is not None
        self.undo_button.setEnabled(can_undo)
        self.redo_button.setEnabled(can_redo)
        for part in (self.rectangle_button, self.lasso_button):
            part.setEnabled(session is not None)
        self.class_list.show_session(session, () if session is not None else self._offered())
        self.place.setText(
            "A project is begun with the first field."
            if session is None
            else f"{session.project.folder}; each change is saved at once."
        )
        self._say_counts()

    def _say_counts(self) -> None:
        """Say how many cells of the shown field have a class."""
        session, layer = self.session, self.photograph.layer
        field = None if session is None or layer is None else session.shown(layer)
        if session is not None and field is not None:
            cells = counted(len(field.cells.numbers), "cell")
            known = len(session.given(field))
            self.run.say(f"{field.name}: {cells}, {known} with a class.")

    def _ask_folder(self) -> str:
        start = Path.cwd() if self.session is None else self.session.project.folder
        return QFileDialog.getExistingDirectory(self, "Folder of a project", str(start))

    def _fail(self, text: str) -> None:
        self.run.say(text)
        show_warning(text)
