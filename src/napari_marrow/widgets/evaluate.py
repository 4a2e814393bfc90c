"""The dock widget "Evaluate": how good models are, how far that holds, and what they get wrong."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import show_warning
from qtpy.QtWidgets import QWidget

from napari_marrow.jobs.compare_job import CompareJob
from napari_marrow.jobs.events import Emit, Event, ShouldStop
from napari_marrow.learning.registry import KINDS, MODELS
from napari_marrow.learning.scores.results import EvaluationResult
from napari_marrow.learning.settings import CompareSettings
from napari_marrow.viewer.task import Task
from napari_marrow.widgets.components.close_guard import CloseGuard
from napari_marrow.widgets.components.dock_widget import DockWidget
from napari_marrow.widgets.components.evaluation.report_folder import (
    ask_folder,
    read_result,
    save_report,
)
from napari_marrow.widgets.components.evaluation.unit_viewer import UnitViewer
from napari_marrow.widgets.components.evaluation.view import ResultView
from napari_marrow.widgets.components.forms import SettingsForm
from napari_marrow.widgets.components.job_process import JobProcess
from napari_marrow.widgets.components.layout import (
    Fold,
    button,
    fill_column,
    group,
    path_button,
)
from napari_marrow.widgets.components.run_panel import RunPanel
from napari_marrow.widgets.components.source_panel import FOLDER, Gathered, SourcePanel

if TYPE_CHECKING:
    import napari


@dataclass(frozen=True)
class Evaluated:
    """What an evaluation found, of what, and the folder of its report."""

    result: EvaluationResult
    gathered: Gathered
    report: Path


class Evaluate(DockWidget):
    """Evaluates models in a child process, and shows the result and its mistakes."""

    def __init__(self, viewer: napari.viewer.Viewer):  # napari injects by this very string
        super().__init__(viewer, min_width_px=340)
        self.process = JobProcess(self)
        self._numbers = itertools.count(1)  # of the evaluations, for names of folders
        self.evaluated: Evaluated | None = None
        self.source = SourcePanel(self, "Evaluates on")
        self.source.where.setCurrentIndex(FOLDER)
        self.form = SettingsForm(CompareSettings())
        self.form.fields["models"].changed.connect(self._show_options)
        self._show_options()
        self.form.fields["unit"].changed.connect(self.source.learning.set_unit)
        self.evaluate_button = button(
            "Evaluate", self.evaluate, "Work this out. The viewer can be used meanwhile."
        )
        self.run = RunPanel(self.evaluate_button)
        self.export_button = path_button(
            "Export report...",
            lambda: ask_folder(self),
            self.export,
            "Copy the report to a new folder: a page to read or to send, tables and figures.",
        )
        self.run.insert(self.export_button)
        self.task = Task(self, self.run, self._fail)
        self._export_task = Task(self, self.run, self._fail)
        self.view = ResultView(self.viewer)
        self.units = UnitViewer(self, self.run.say)
        self.view.unit_picked.connect(self.units.show)
        CloseGuard(
            self,
            "Evaluate",
            lambda: "An evaluation is running. Discard it?",
            lambda: self.task.busy,
            None,
            self.task.cancel,
        )
        self._result_box = group("Result", self.view)
        self._result_box.hide()
        asked = QWidget()
        fill_column(asked, group("Evaluate on", self.source), group("Compare", self.form))
        self.asked = Fold("What is evaluated", asked)
        self.asked.expand()
        self.fill(
            self.asked,
            self._result_box,
            actions=[self.run],
        )
        self.run.changed.connect(self._show_state)
        self._show_state()

    def _show_state(self) -> None:
        self.export_button.setEnabled(self.evaluated is not None and not self.run.busy)

    def _show_options(self) -> None:
        """Show the options that one of the chosen models takes, and hide all others."""
        every = frozenset().union(*(spec.option_names for spec in MODELS.values()))
        chosen = self.form.settings().models
        own = frozenset().union(*(MODELS[name].option_names for name in chosen))
        self.form.set_shown(own, True)
        self.form.set_shown(every - own, False)

    def _fail(self, text: str) -> None:
        self.run.say(text)
        show_warning(text)

    def evaluate(self) -> None:
        """Evaluate with the settings of the form; what can't work is reported at once."""
        with self.task.reporting():
            number, settings = next(self._numbers), self.form.checked_settings()
            folder = self.process.folder
            gather = self.source.gatherer(folder / f"session-{number}", settings.unit)
            report = folder / f"report-{number}"
            needs_keras = any(KINDS[MODELS[x].kind].needs_keras for x in settings.models)

            def work(emit: Emit, should_stop: ShouldStop) -> Evaluated:
                gathered = gather(emit, should_stop)
                emit(Event("progress", "Starting TensorFlow..." if needs_keras else "Starting..."))
                job = CompareJob(gathered.collection, report, settings).to_dict()
                found = self.process.client.run("compare", job, emit, should_stop)
                return Evaluated(read_result(Path(found["result"])), gathered, report)

            self.task.start(work, self.show_evaluated, begun="Reading what to evaluate on...")

    def show_evaluated(self, evaluated: Evaluated) -> None:
        """Show a result; its mistakes are shown where they were found."""
        self.evaluated = evaluated
        self.units.gathered = evaluated.gathered
        self.view.show_result(evaluated.result)
        self._result_box.show()
        self.asked.collapse()
        self._show_state()
        summary = evaluated.gathered.summary
        of_layers = [] if summary is None else [summary.sentence("Evaluated on")]
        self.run.say(" ".join(["Done; the report is not exported yet.", *of_layers]))

    def export(self, path: Path) -> None:
        """Copy the report to a folder, in a thread."""
        if self.evaluated is None:
            return
        report = self.evaluated.report
        self._export_task.start(
            lambda emit, stop: save_report(report, path),
            lambda saved: self.run.say(f"The report is in {saved}."),
            begun="Exporting the report...",
        )
