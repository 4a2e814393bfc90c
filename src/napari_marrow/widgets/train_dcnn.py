"""The dock widget "Train DCNN": learn from a folder or from layers, then label what is open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.settings import get_plugin_settings
from napari.utils.notifications import show_warning
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QVBoxLayout

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection
from napari_marrow.data.layouts import scan
from napari_marrow.jobs.events import LAST, Event
from napari_marrow.jobs.train_job import TrainJob
from napari_marrow.learning.settings import CLASSICAL, TrainingSettings
from napari_marrow.viewer.behaviours.caption import attach_caption
from napari_marrow.viewer.photograph.session import gather, write_session
from napari_marrow.widgets.components.docked import DockedWidget
from napari_marrow.widgets.components.forms import SettingsForm
from napari_marrow.widgets.components.job_client import ChildLink
from napari_marrow.widgets.components.model_panel import ModelPanel
from napari_marrow.widgets.components.parts import (
    Bars,
    button,
    group,
    in_worker,
    log,
    row,
    scrolling,
    wrapped,
)
from napari_marrow.widgets.components.source_panel import SourcePanel

if TYPE_CHECKING:
    import napari

    from napari_marrow.widgets.components.loss_plot import LossPlot

WARM_AFTER_MS = 500
"""The widget is drawn first; then TensorFlow starts in the child."""
DEVICES_LATER = "Devices are looked for when training starts."


class TrainDcnn(DockedWidget):
    """Train a network in a child process, see how it goes, and label layers with it."""

    def __init__(self, viewer: napari.viewer.Viewer):  # napari injects by this very string
        super().__init__()
        self._viewer = viewer
        self.link = ChildLink()
        self.link.event.connect(self._on_event)
        self.destroyed.connect(self.link.shutdown)
        self._waiting: dict[str, Any] | None = None  # a training that waits for TensorFlow to start
        self._running = False
        self._training: int | None = None  # number of the child's job that is the training
        self._left_cold = False  # the start of TensorFlow was broken off for a classical model
        self._sessions = 0
        self.plot: LossPlot | None = None
        self._build()
        attach_caption(viewer)
        viewer.events.theme.connect(self._on_theme)
        if get_plugin_settings("napari-marrow").training.warm_start:
            QTimer.singleShot(WARM_AFTER_MS, self._warm)
        self._show_state()

    def _build(self) -> None:
        self.source = SourcePanel(self._viewer)
        self.form = SettingsForm(TrainingSettings())
        self.devices = wrapped(DEVICES_LATER)
        self.status, self.bars = wrapped(), Bars(self)
        self.model = ModelPanel(self._viewer, self.bars)
        self.model.said.connect(self._say)
        self.model.changed.connect(self._show_state)
        self.train_button = button("Train", self.train)
        self.cancel_button = button("Cancel", self.cancel, "Felt within a second.")
        self._plot_place = QVBoxLayout()
        buttons = row(self.train_button, self.cancel_button)
        scrolling(
            self,
            group("Learn from", self.source),
            group("Settings", self.form, self.devices),
            group("Training", buttons, self.bars.own, self.status, self._plot_place),
            group("Model", self.model),
        )
        self.setMinimumWidth(340)

    def shutdown(self) -> None:
        """End what runs and the child process; may be called more than once."""
        self._waiting, self._training = None, None
        self._running = False
        self.model.cancel()
        self.bars.close()
        self.link.shutdown()

    def _show_state(self) -> None:
        busy = self._running or self.model.busy
        self.train_button.setEnabled(not busy)
        self.cancel_button.setEnabled(busy)
        self.model.set_free(not busy)

    def _say(self, text: str, problem: bool = False) -> None:
        self.status.setText(text)
        if problem:
            show_warning(text)

    def _on_theme(self, event: Any = None) -> None:
        if self.plot is not None:
            self.plot.set_theme(self._viewer.theme)
        self.model.set_theme(self._viewer.theme)

    def _warm(self) -> None:
        """Start TensorFlow in the child, so that the first training does not wait for it."""
        if not self.link.closed and not self.link.child.busy:
            self.devices.setText("Looking for devices...")
            self.link.child.submit("devices", {})

    def train(self) -> None:
        """Train with the settings of the form; what can't work is said at once."""
        settings = self.form.settings()
        if problems := settings.problems():
            self._say(" ".join(problems), problem=True)
            return
        self._sessions += 1
        try:
            find = self._finder(settings)
        except MarrowError as error:
            self._say(str(error), problem=True)
            return
        self._set_running(True)
        self._say("Reading what to learn from...")
        out = self.link.folder / f"model-{self._sessions}.marrow"
        number = self._sessions
        in_worker(
            self,
            _job,
            find,
            settings,
            out,
            done=lambda job: self._submit(job, number),
            failed=lambda text: self._fail(text, number),
        )

    def _finder(self, settings: TrainingSettings) -> Callable[[], Collection]:
        """What a worker calls to get the collection; gathers from the layers right now."""
        if self.source.from_folder:
            folder = self.source.folder()
            return lambda: scan(folder)
        found = gather(self._viewer.layers)
        session = self.link.folder / f"session-{self._sessions}"
        session.mkdir()
        return lambda: write_session(found, session, settings.unit)

    def _submit(self, job: dict[str, Any], number: int) -> None:
        if not self._running or number != self._sessions:  # cancelled while the worker read
            return
        classical = job["settings"]["model"] in CLASSICAL
        self._show_plot(shown=not classical)
        if self.link.child.busy:
            self._waiting = job
            self._say("Starting..." if classical else "Starting TensorFlow...")
            if classical:  # which needs no TensorFlow
                self._left_cold = True
                self.link.child.cancel()
        else:
            self._training = self.link.child.submit("train", job)

    def cancel(self) -> None:
        """Stop whatever runs; felt within a second."""
        if self.model.busy:
            self.model.cancel()
            return
        if self._training is not None:
            self._say("Stopping...")
            self.link.child.cancel()
            return
        self._waiting = None
        self._set_running(False)
        self._say("Stopped.")

    def _on_event(self, event: Event) -> None:
        """Hear the child, on the viewer's thread."""
        if self.link.closed:
            return
        if event.values.get("traceback") or event.values.get("log"):
            log.error("%s", event.values.get("traceback") or event.values["log"])
        if event.job != self._training:
            self._on_warm_event(event)
        elif event.kind in LAST:
            self._on_last(event)
        else:
            if event.kind == "progress":
                self._say(event.text)
                self.bars.show(event.fraction or 0)
            if "loss" in event.values and self.plot is not None:
                self.plot.add_row(event.values)

    def _on_warm_event(self, event: Event) -> None:
        if event.kind == "finished":
            self._show_devices(event.values)
        elif event.kind == "failed":
            self.devices.setText(event.text)
        elif event.kind == "stopped":
            self.devices.setText(DEVICES_LATER)
        if event.kind in LAST and self._waiting is not None:
            job, self._waiting = self._waiting, None
            self._training = self.link.child.submit("train", job)
        elif event.kind == "stopped":  # for a training that was cancelled since
            self._left_cold = False
            self._warm()

    def _show_devices(self, found: dict[str, Any]) -> None:
        self.devices.setText(found["text"])
        gpus = any(name.startswith("gpu") for name in found["devices"])
        choice = self.form.fields["device"]
        kept = choice.value
        choice.choices = ("auto", "gpu", "cpu") if gpus else ("auto", "cpu")
        choice.value = kept if kept in choice.choices else "auto"

    def _on_last(self, event: Event) -> None:
        self._training = None
        self._set_running(False)
        if event.kind == "finished":
            self.model.load(Path(event.values["bundle"]))
            self._say(f"Trained on {event.values['device']}; the bundle is not saved yet.")
        elif event.kind == "failed":
            self._say(event.text, problem=True)
        else:
            self._say(event.text)
        if self.link.child.pid is None or self._left_cold:  # have the next one warm in time
            self._left_cold = False
            self._warm()

    def _fail(self, text: str, number: int) -> None:
        if self.link.closed or not self._running or number != self._sessions:  # cancelled
            return
        self._set_running(False)
        self._say(text, problem=True)

    def _set_running(self, running: bool) -> None:
        self._running = running
        if running:
            self.bars.show(0)
        else:
            self.bars.close()
        self._show_state()

    def _show_plot(self, *, shown: bool) -> None:
        """An empty plot of the losses of a network; a classical model has none."""
        if self.plot is None and shown:
            from napari_marrow.widgets.components.loss_plot import LossPlot

            self.plot = LossPlot(self._viewer.theme)
            self._plot_place.addWidget(self.plot)
        if self.plot is not None:
            self.plot.setVisible(shown)
            self.plot.show_rows([])


def _job(find: Callable[[], Collection], settings: TrainingSettings, out: Path) -> dict[str, Any]:
    """Make the job in a worker, which also imports what would make the viewer wait later."""
    import napari_marrow.widgets.components.loss_plot  # noqa: F401 - matplotlib and pandas

    return TrainJob(find(), settings, out).to_dict()
