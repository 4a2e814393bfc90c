"""The dock widget "Train DCNN": learn from a folder or from layers, then label what is open."""

from __future__ import annotations

import atexit
import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from magicgui.widgets import ComboBox
from napari.settings import get_plugin_settings
from napari.utils.notifications import show_warning
from qtpy.QtCore import QTimer

from napari_marrow.jobs.client import Child
from napari_marrow.jobs.devices import Devices
from napari_marrow.jobs.events import Emit, Event, ShouldStop
from napari_marrow.jobs.train import TrainingResult, TrainJob
from napari_marrow.learning.bundle_files import BUNDLE_JSON
from napari_marrow.learning.bundles.bundle import Bundle
from napari_marrow.learning.registry import KINDS, MODELS
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.viewer.behaviours.caption import attach_caption
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.task import Task
from napari_marrow.widgets.components.close_guard import CloseGuard
from napari_marrow.widgets.components.dock_widget import DockWidget, while_alive
from napari_marrow.widgets.components.forms import SettingsForm
from napari_marrow.widgets.components.layout import button, group, text_label
from napari_marrow.widgets.components.model_panel import ModelPanel, open_model
from napari_marrow.widgets.components.run_panel import RunPanel
from napari_marrow.widgets.components.source_panel import SourcePanel
from napari_marrow.widgets.components.training.run_list import RunList
from napari_marrow.widgets.components.training.runs import Run, runs_of
from napari_marrow.widgets.components.training.unsaved_model import (
    ask_and_save,
    keep_unsaved,
    kept_sentence,
    unsaved_question,
)
from napari_marrow.widgets.components.training.view import TrainingView

if TYPE_CHECKING:
    import napari

LAST_MODEL_AFTER_MS = 200
WARM_START_AFTER_MS = 500
"""The widget is drawn first; then TensorFlow starts in the child."""
NO_DEVICES_YET = "Devices are looked for when training starts."

WARM_ENDED = (
    "The process that trains ended while it looked for devices; it starts again with the next "
    "training."
)


class TrainDcnn(DockWidget):
    """Trains models in a child process, shows how they learn, and labels layers with them."""

    def __init__(self, viewer: napari.viewer.Viewer):  # napari injects by this very string
        super().__init__(viewer, min_width_px=340)
        self.client = client = Child()
        temporary = tempfile.TemporaryDirectory(prefix="napari-marrow-")
        self.folder = Path(temporary.name)  # of layers for the child, and of bundles not saved yet

        self.runs = runs = runs_of(self.viewer)

        def shut_down(*_: object) -> list[Path]:
            atexit.unregister(shut_down)
            client.shutdown()
            kept = keep_unsaved(runs)
            temporary.cleanup()
            return kept

        def closed() -> None:
            runs.set_current(None)  # the next widget begins without a model
            if kept := shut_down():
                show_warning(kept_sentence(kept))

        self.closed.connect(closed)
        self.destroyed.connect(shut_down)
        # A script may end before Qt has deleted the widget, or with its viewer open. What is
        # registered last is called first: before the temporary folder is removed.
        atexit.register(shut_down)
        self._numbers = itertools.count(1)  # of the trainings, for names of folders
        self._training: Run | None = None  # the run of the task
        self.source = SourcePanel(self)
        self.form = SettingsForm(TrainingSettings())
        self.form.fields["model"].changed.connect(self._show_options)
        self._show_options(self.form.settings().model)
        self.form.fields["unit"].changed.connect(self.source.learning.set_unit)
        self.devices = text_label(NO_DEVICES_YET)
        self.train_button = button(
            "Train", self.train, "Learn with these settings. The viewer can be used meanwhile."
        )
        self.run = RunPanel(self.train_button)
        self.task = Task(self, self.run, self._training_failed)
        self.warm_task = Task(self, failed=self._warm_failed)
        self.model = ModelPanel(self, self.run, self._fail, runs)
        self.view = TrainingView(self.viewer)
        self.view.refreshed.connect(runs.show_course)
        self.run_list = RunList(runs, self._use, self.form.show_settings)
        CloseGuard(  # first: while it asks, the training may end with a model
            self,
            "Train DCNN",
            lambda: "A training is running. Discard it?",
            lambda: self.task.busy,
            None,
            self.task.cancel,
        )
        CloseGuard(
            self,
            "Train DCNN",
            lambda: unsaved_question(runs),
            self._has_unsaved,
            self._save_unsaved,
            runs.discard,
        )
        self._view_box = group("Training", self.view)
        self._runs_box = group("Runs", self.run_list)
        self.fill(
            group("Learn from", self.source),
            group("Settings", self.form, self.devices),
            self._view_box,
            self._runs_box,
            group("Model", self.model),
            actions=[self.model.legend, self.run],
        )
        self.run.changed.connect(lambda: self.run_list.set_free(not self.run.busy))
        self.run_list.chosen.connect(self._show_runs)
        if runs.runs:
            self.run_list.select(runs.runs[-1])
        self._show_runs()
        self.task.changed.connect(self._keep_warm)
        self.task.changed.connect(self._training_ended)
        attach_caption(self.viewer)
        self._warm_start = get_plugin_settings("napari-marrow").training.warm_start
        self._warm_again = True  # once where its process ended by itself
        self._warm_pid: int | None = None  # of the child in which TensorFlow was started
        QTimer.singleShot(LAST_MODEL_AFTER_MS, while_alive(self.model.open_last))
        if self._warm_start:
            QTimer.singleShot(WARM_START_AFTER_MS, self.warm)

    def _show_options(self, model: str) -> None:
        """Show the options that the chosen model takes, and hide those of other models."""
        own = MODELS[model].option_names
        every = frozenset().union(*(spec.option_names for spec in MODELS.values()))
        self.form.set_shown(own, True)
        self.form.set_shown(every - own, False)

    def _fail(self, text: str) -> None:
        self.run.say(text)
        show_warning(text)

    def warm(self) -> None:
        """Start TensorFlow in the child, so that the first training does not wait for it."""
        self.devices.setText("Looking for devices...")
        self.warm_task.start(
            lambda emit, stop: Devices(**self.client.run("devices", {}, emit, stop)),
            self._show_devices,
        )

    def _warm_failed(self, text: str) -> None:
        """Say what is wrong; start TensorFlow once more where its process ended."""
        if self.client.pid is not None:
            self.devices.setText(text)
        elif self._warm_again:
            self._warm_again = False
            self.warm()
        else:
            self.devices.setText(WARM_ENDED)

    def _keep_warm(self) -> None:
        """Start TensorFlow again, for the next training, in a child that was stopped or is new."""
        ended = not (self.task.busy or self.warm_task.busy or self.client.closed)
        is_warm = self.client.pid == self._warm_pid and not self.client.busy
        if ended and self._warm_start and not is_warm:
            self.warm()

    def train(self) -> None:
        """Train with the settings of the form; what can't work is reported at once."""
        with self.model.task.reporting():  # what is wrong before it begins is of no run
            number, settings = next(self._numbers), self.form.checked_settings()
            gather = self.source.gatherer(self.folder / f"session-{number}")
            origin = self.source.origin
            out = self.folder / f"model-{number}.marrow"
            kind = KINDS[settings.kind]
            if self.warm_task.busy and not kind.needs_keras:
                self.warm_task.cancel()
                self.devices.setText(NO_DEVICES_YET)

            def work(emit: Emit, should_stop: ShouldStop) -> tuple[TrainingResult, Bundle, str]:
                found = gather(settings.unit, emit, should_stop)
                starting = "Starting TensorFlow..." if kind.needs_keras else "Starting..."
                emit(Event("progress", starting, 0.0))
                job = TrainJob(found.collection, settings, out, watch=True).to_dict()
                made = TrainingResult.from_dict(self.client.run("train", job, emit, should_stop))
                learnt = [found.summary.sentence("Learnt from")] if found.summary else []
                text = f"Trained on {made.device}; the bundle is not saved yet."
                return made, open_model(made.bundle), " ".join([text, *learnt])

            def heard(event: Event) -> None:
                if event.kind == "started" and event.text == "train":
                    self._begin_run(settings, origin)
                elif self._training is not None:
                    self.view.hear(self._training, event)
                    self._view_box.setVisible(not self.view.is_empty)

            begun = "Reading what to learn from..."
            self.task.cancel()
            self._training = None  # of this training there is none before it has started
            self.task.start(work, lambda found: self._trained(*found), begun=begun, heard=heard)

    def _begin_run(self, settings: TrainingSettings, origin: str = "") -> None:
        """Add a training to the list, and show how it goes."""
        self._training = self.runs.begin(settings, origin)
        self.view.begin(self._training)
        self.run_list.select(self._training)

    def _training_ended(self) -> None:
        """Count a training as cancelled until there is a result or an error of it."""
        run = self._training
        if run is not None and run.state == "training" and not self.task.busy:
            self.runs.end(run, "cancelled")
            self.view.end()
            self._show_runs()

    def _training_failed(self, text: str) -> None:
        if self._training is not None and self._training.result is None:
            self.runs.end(self._training, "failed", text)
        self._fail(text)

    def _trained(self, found: TrainingResult, bundle: Bundle, text: str) -> None:
        run = self._training
        if run is not None:
            run.result, run.bundle = found, bundle.path
            run.history[:] = found.history or run.history
            self.runs.end(run, "finished")
        self.run.say(text)
        self.model.show_model(bundle)
        if Photograph.open_in(self.viewer.layers):
            self.model.offer_labels()
        self._show_runs()

    def open_dropped(self, paths: Sequence[Path]) -> None:
        """Load a bundle that was dropped, and open photographs."""
        bundles = [x for x in paths if (x / BUNDLE_JSON).is_file()]
        if bundles:
            self.model.open_in_thread(bundles[-1])
        super().open_dropped([x for x in paths if x not in bundles])

    def _use(self, run: Run) -> None:
        """Make the model of a run the current one."""
        if run.bundle is not None:
            self.model.open_in_thread(run.bundle)

    def _has_unsaved(self) -> bool:
        """Whether models are not saved; one that is being saved is waited for."""
        self.model.finish_saving()
        return bool(self.runs.unsaved)

    def _save_unsaved(self) -> None:
        with self.model.task.reporting():
            ask_and_save(self, self.runs)

    def _show_runs(self) -> None:
        """Show the curves of the runs that are selected."""
        self.view.show_runs(self.run_list.selected)
        self._view_box.setVisible(not self.view.is_empty)
        self._runs_box.setVisible(bool(self.runs.runs))

    def _show_devices(self, found: Devices) -> None:
        self.devices.setText(found.text)
        self.devices.setToolTip("\n".join([*found.devices, *found.memory]))
        self._warm_pid, self._warm_again = self.client.pid, True
        choice = self.form.fields["device"]
        assert isinstance(choice, ComboBox)
        choice.choices = ("auto", "gpu", "cpu") if found.has_gpu else ("auto", "cpu")
