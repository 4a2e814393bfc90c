"""The page of the model: what its rings mean, which model answers, and what it says of a cell."""

from __future__ import annotations

import itertools
from functools import partial
from pathlib import Path

from qtpy.QtWidgets import QComboBox

from napari_marrow.data.errors import MarrowError
from napari_marrow.jobs.events import Emit, Event, ShouldStop
from napari_marrow.learning.annotating.other_answers import changed_in_words
from napari_marrow.learning.registry import MODELS
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.report.colours import RESEARCH_ONLY
from napari_marrow.viewer.annotating.live_cells import LiveCells
from napari_marrow.viewer.annotating.open_field import OpenField
from napari_marrow.viewer.annotating.other_models import Answered, ask_bundle, train_on_annotated
from napari_marrow.viewer.task import Task
from napari_marrow.widgets.components.annotating.page import ProjectPage
from napari_marrow.widgets.components.dock_widget import DockWidget
from napari_marrow.widgets.components.job_process import JobProcess
from napari_marrow.widgets.components.layout import button, fill_column, row, text_label
from napari_marrow.widgets.components.run_panel import RunPanel
from napari_marrow.widgets.components.training.saving import SUFFIX, free_path

LEGEND = "Filled: a class that was given. Ring: what the model says, dashed where it is uncertain."
NO_CELL = "Point at a cell to read what the model says."
LIVE_MODEL = "live model"
DEFAULT_MODEL = "hybrid"
ABOUT_LIVE = (
    "The live model is trained anew after each class that is given, once two classes have cells."
)


class ModelPage(ProjectPage):
    """Chooses who answers: the live model, or one that was trained on the annotated cells.

    Parameters
    ----------
    owner
        The dock widget.
    run
        Shows progress.

    Attributes
    ----------
    pointed
        What is known of the cell under the pointer; its owner shows it where it is always seen.
    process
        Trains networks.
    """

    def __init__(self, owner: DockWidget, run: RunPanel, process: JobProcess):
        super().__init__()
        self._run, self._process = run, process
        self._numbers = itertools.count(1)
        self.task = Task(owner, run)
        self.pointed = text_label(NO_CELL)
        self.about, self.warning = text_label(ABOUT_LIVE), text_label()
        self.warning.hide()
        self._cell: tuple[OpenField, int] | None = None
        self.answers = QComboBox()
        self.answers.setToolTip("Whose answers the rings show.")
        self.answers.activated.connect(self._choose)
        self.models = QComboBox()
        self.models.addItems([*MODELS])
        self.models.setCurrentText(DEFAULT_MODEL)
        self.models.setToolTip("What is trained on the annotated cells.")
        for spec, name in enumerate(MODELS):
            self.models.setItemData(spec, MODELS[name].description, 3)  # a tooltip
        self.train_button = button(
            "Train", self.train, "Train this model on the cells that have a class."
        )
        run.changed.connect(self._show_state)
        fill_column(
            self,
            row(text_label("Answers by"), self.answers),
            row(self.models, self.train_button),
            self.warning,
            self.about,
            text_label(f"{LEGEND} {RESEARCH_ONLY}"),
        )

    def show_session(self, live: LiveCells | None) -> None:
        """Show the models of another project; the live model answers first."""
        super().show_session(live)
        self.task.cancel()
        self._list_models(LIVE_MODEL)
        self.about.setText(ABOUT_LIVE)
        self._show_state()

    def _list_models(self, chosen: str) -> None:
        found = [] if self.live is None else self.live.session.project.models.glob(f"*{SUFFIX}")
        self.answers.clear()
        self.answers.addItems([LIVE_MODEL, *sorted(path.stem for path in found)])
        self.answers.setCurrentText(chosen)

    def _show_state(self) -> None:
        free = self.live is not None and not self.task.busy
        for part in (self.train_button, self.models, self.answers):
            part.setEnabled(free)

    def train(self) -> None:
        """Train the chosen model on the annotated cells, then show its answers."""
        live = self.live
        if live is None:
            return
        name = self.models.currentText()
        with self.task.reporting():
            settings = TrainingSettings(model=name, unit="cell")
            settings.check()
            if len(set(live.session.annotations.counts)) < 2:
                raise MarrowError("Give cells of two classes theirs first.")
            out = free_path(live.session.project.models, name)
            folder = self._process.folder / f"session-{next(self._numbers)}"
            photographs, known = live.photographs, live.answers
            unseen = frozenset[tuple[str, int]]() if known is None else known.unseen_cells

            def work(emit: Emit, should_stop: ShouldStop) -> Answered:
                train_on_annotated(
                    self._process.client,
                    photographs,
                    settings,
                    folder,
                    out,
                    emit,
                    should_stop,
                    unseen,
                )
                emit(Event("progress", "Asking the model...", 0.0))
                return ask_bundle(out, photographs, emit, should_stop)

            self.task.start(work, partial(self._show, live, out), begun=f"Training {name}...")

    def _choose(self) -> None:
        """Show the answers of the chosen model."""
        live, name = self.live, self.answers.currentText()
        if live is None:
            return
        if name == LIVE_MODEL:
            live.use(None)
            self.about.setText(ABOUT_LIVE)
            return
        path = live.session.project.models / f"{name}{SUFFIX}"
        work = partial(ask_bundle, path, live.photographs)
        self.task.start(work, partial(self._show, live, path), begun=f"Asking {name}...")

    def _show(self, live: LiveCells, path: Path, found: Answered) -> None:
        if live is not self.live:  # another project was opened meanwhile
            return
        self._list_models(path.stem)
        self.about.setText(" ".join(found.sentences))
        live.use(found.answers)
        self._run.say(f"The rings show what {path.stem} says; it is kept in the project.")

    def point_at(self, field: OpenField, number: int) -> None:
        """Say what is known of a cell, by its number; 0 is none."""
        self._cell = (field, number) if number else None
        self.refresh()

    def refresh(self) -> None:
        """Say what is known of the cell now."""
        text, live = NO_CELL, self.live
        if live is not None and live.answers is not None:
            warning = " ".join(filter(None, [live.warning, changed_in_words(live.answers)]))
            self.warning.setText(warning)
            self.warning.setVisible(bool(warning))
        if live is not None and live.answers is not None and self._cell is not None:
            place = live.row_at(*self._cell)
            field, number = self._cell
            if place is not None and live.session.hidden != (field.name, number):
                text = f"Cell {number}: {live.answers.describe(place)}."
        if text != self.pointed.text():
            self.pointed.setText(text)
