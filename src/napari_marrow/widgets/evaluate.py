"""The dock widget "Evaluate": how good models are, how far that holds, and what they get wrong."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import show_warning
from qtpy.QtWidgets import QComboBox, QWidget

from napari_marrow.data.fields import Collection
from napari_marrow.jobs.compare_job import CompareJob
from napari_marrow.jobs.evaluate_job import EvaluateJob
from napari_marrow.jobs.events import Emit, Event, ShouldStop
from napari_marrow.learning.registry import KINDS, MODELS
from napari_marrow.learning.scores.results import EvaluationResult
from napari_marrow.learning.settings import CompareSettings
from napari_marrow.viewer.task import Task
from napari_marrow.widgets.components.close_guard import CloseGuard
from napari_marrow.widgets.components.dock_widget import DockWidget
from napari_marrow.widgets.components.evaluation.bundle_panel import BundlePanel, read_info
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


MODELS_COMPARED, BUNDLE = 0, 1


@dataclass(frozen=True)
class Asked:
    """What is to be worked out.

    Attributes
    ----------
    job
        Its name.
    unit
        Returns ``field`` or ``cell``; called in a thread.
    arguments
        Returns those of the job, for what is evaluated on and the folder of the report.
    needs_keras
        Whether the child process starts TensorFlow for it.
    """

    job: str
    unit: Callable[[], str]
    arguments: Callable[[Collection, Path], Mapping[str, object]]
    needs_keras: bool = False


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
        self.form, self.bundle = SettingsForm(CompareSettings()), BundlePanel(self)
        self.form.fields["models"].changed.connect(self._show_options)
        self._show_options()
        self.form.fields["unit"].changed.connect(self._follow_unit)
        self.bundle.opened.connect(self._follow_unit)
        self.what = QComboBox()
        self.what.addItems(["Models, by cross-validation", "A trained model (bundle)"])
        self.what.setToolTip(
            "Train several models and compare them, or ask one that is trained about photographs "
            "that it has not seen."
        )
        self.what.currentIndexChanged.connect(self._show_what)
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
        what = group("Evaluate", self.what, self.form, self.bundle)
        fill_column(asked, what, group("Photographs", self.source))
        self.asked = Fold("What is evaluated", asked)
        self.asked.expand()
        self.fill(
            self.asked,
            self._result_box,
            actions=[self.run],
        )
        self.run.changed.connect(self._show_state)
        self._show_what()
        self._show_state()

    def _show_what(self) -> None:
        """Show the options of a comparison, or those of one trained model."""
        is_bundle = self.what.currentIndex() == BUNDLE
        self.form.setVisible(not is_bundle)
        self.bundle.setVisible(is_bundle)
        if not is_bundle:
            self._follow_unit(self.form.settings().unit)

    def _follow_unit(self, unit: str) -> None:
        self.source.learning.set_unit(unit)

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

    def _asked(self) -> Asked:
        """Return what the form asks for; raise MarrowError for what can't work."""
        if self.what.currentIndex() == BUNDLE:
            path, how = self.bundle.path, self.bundle.form.checked_settings()
            return Asked(
                "evaluate",
                lambda: read_info(path).preprocessing.unit,
                lambda found, report: EvaluateJob(path, found, report, how).to_dict(),
            )
        settings = self.form.checked_settings()
        return Asked(
            "compare",
            lambda: settings.unit,
            lambda found, report: CompareJob(found, report, settings).to_dict(),
            any(KINDS[MODELS[x].kind].needs_keras for x in settings.models),
        )

    def evaluate(self) -> None:
        """Work out what the form asks for; what can't work is reported at once."""
        with self.task.reporting():
            asked, number, folder = self._asked(), next(self._numbers), self.process.folder
            gather = self.source.gatherer(folder / f"session-{number}")
            report = folder / f"report-{number}"

            def work(emit: Emit, should_stop: ShouldStop) -> Evaluated:
                gathered = gather(asked.unit(), emit, should_stop)
                starting = "Starting TensorFlow..." if asked.needs_keras else "Starting..."
                emit(Event("progress", starting, 0.0))
                job = asked.arguments(gathered.collection, report)
                found = self.process.client.run(asked.job, job, emit, should_stop)
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
