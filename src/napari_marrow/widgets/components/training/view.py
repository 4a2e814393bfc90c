"""What is seen of a training while it runs, and of runs that are selected later."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import napari
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from napari_marrow.jobs.events import Event
from napari_marrow.jobs.watched import WatchedReport
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.viewer.per_viewer import single_shot
from napari_marrow.widgets.components.layout import fill_column, text_label
from napari_marrow.widgets.components.training.plot import TrainingPlot
from napari_marrow.widgets.components.training.runs import Run
from napari_marrow.widgets.components.training.sample_predictions import SamplePredictions
from napari_marrow.widgets.components.training.time_left import TimeLeft, left_text

REFRESH_MS = 500
"""Shortest time between two times that the line and the curves follow a training.

Without a graphics card each change of the window takes 9 ms, in which it answers nothing.
"""


class TrainingView(QWidget):
    """The plots and the images of the selected runs, and a line on the one that is training."""

    refreshed = Signal(object)
    """The line and the curves show what was heard of this run."""

    def __init__(self, viewer: napari.Viewer):
        super().__init__()
        self.status, self.plot = text_label(), TrainingPlot(viewer)
        self.samples = SamplePredictions()
        self._shown: Sequence[Run] = ()
        self._time_left = TimeLeft(1)
        self._heard: Run | None = None  # of which an epoch is not shown yet
        self._timer = single_shot(REFRESH_MS, self._refresh, self)
        fill_column(self, self.status, self.plot, self.samples)
        self.status.hide()

    def begin(self, run: Run) -> None:
        """Follow a training that begins now."""
        self._time_left = TimeLeft(run.settings.epochs, run.settings.members)
        self._timer.stop()  # its first epoch is shown at once
        self._heard = None
        self._say("")

    def hear(self, run: Run, event: Event) -> None:
        """Note and show an event of a training."""
        if "loss" in event.values:
            run.history.append(event.values)
            epoch, member = int(event.values["epoch"]), int(event.values.get("member", 1))
            self._time_left.add(epoch, member, time.monotonic())
            self._heard = run
            if not self._timer.isActive():
                self._refresh()
        elif (report := WatchedReport.of_event(event)) is not None:
            if report.thumbnails is None and run.watched is not None:
                report = replace(report, thumbnails=run.watched.thumbnails)
            run.watched = report
            if [*self._shown] == [run]:
                self._show_samples()
        elif event.kind == "message" and event.text:
            self._say(event.text)

    def _refresh(self) -> None:
        """Show the epochs that were heard of, and those that come meanwhile after a while."""
        run = self._heard
        if run is None:
            return
        self._heard = None
        self._say(status_text(run.history, run.settings, self._time_left.seconds))
        if run in self._shown:
            self._show_plot()
            self.plot.redraw()
        self.refreshed.emit(run)
        self._timer.start()

    def end(self) -> None:
        """Show no more of how the training goes."""
        self._heard = None
        self._say("")

    def show_runs(self, runs: Sequence[Run]) -> None:
        """Show the curves of runs, and the images of one."""
        self._shown = runs
        self._show_plot()
        self.plot.show_runs(runs)
        self._show_samples()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show of the runs."""
        return all(x.isHidden() for x in (self.status, self.plot, self.samples))

    def _show_plot(self) -> None:
        """Show the plot as soon as there is an epoch; of classical models there is none."""
        self.plot.setVisible(any(run.history for run in self._shown))

    def _show_samples(self) -> None:
        run = self._shown[0] if len(self._shown) == 1 else None
        if run is None or run.watched is None:
            self.samples.clear()
        else:
            self.samples.show_report(run.watched, run.settings.members)

    def _say(self, text: str) -> None:
        self.status.setText(text)
        self.status.setVisible(bool(text))


def status_text(
    rows: Sequence[Mapping[str, float]], settings: TrainingSettings, seconds_left: float | None
) -> str:
    """Return how far a training is, how long it may take, and its learning rate.

    Parameters
    ----------
    rows
        The epochs so far.
    settings
        Of the training.
    seconds_left
        If it takes as many epochs as it may; None where that is not known.
    """
    last = rows[-1]
    member = last.get("member", 1)
    own = [row for row in rows if row.get("member", 1) == member]
    text = f"Epoch {last['epoch']:.0f} of {settings.epochs}, {left_text(seconds_left)}"
    if settings.members > 1:
        text = f"Network {member:.0f} of {settings.members}, {text[0].lower()}{text[1:]}"
    if "learning_rate" in last:
        text += f", learning rate {last['learning_rate']:.2g}"
    if not settings.patience:
        return f"{text}."
    watched = "val_loss" if "val_loss" in last else "loss"
    losses = [math.inf if math.isnan(row[watched]) else row[watched] for row in own]
    waited = len(losses) - 1 - losses.index(min(losses))
    side = "validation" if watched == "val_loss" else "training"
    return (
        f"{text}. It ends sooner when the {side} loss has not improved for {settings.patience} "
        f"epochs (now {waited})."
    )
