"""Work of a dock widget in a thread: progress, cancel, errors, and no stale results."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from napari.qt.threading import FunctionWorker, create_worker
from qtpy.compat import isalive
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QPushButton, QWidget

from napari_marrow.data.errors import MarrowError
from napari_marrow.jobs.events import LAST, Emit, Event, ShouldStop
from napari_marrow.jobs.registry import Work, run_work
from napari_marrow.widgets.components.dock_widget import DockWidget
from napari_marrow.widgets.components.layout import button, fill_column, row, text_label
from napari_marrow.widgets.components.progress import ProgressBars

log = logging.getLogger("napari_marrow")
T = TypeVar("T")
MIN_PROGRESS_INTERVAL_S = 0.1
"""Between two reports of progress: to draw a bar takes as long as to make a small image."""


class Task(QObject):
    """Runs one piece of work at a time in a thread; what is asked for last wins.

    Work is a function of ``(emit, should_stop)``, as the jobs are. When it is cancelled, replaced
    by newer work, or the dock is closed, ``should_stop`` returns True and the result is dropped.
    Newer work begins when the thread of older work has ended.

    Parameters
    ----------
    owner
        The widget whose dock ends the work when it is closed.
    panel
        Shows progress and status, and has a button to cancel.
    failed
        Called with the sentence of an error. Default: the panel shows it.
    """

    changed = Signal()
    """Work was started, or has ended."""

    def __init__(
        self,
        owner: DockWidget,
        panel: RunPanel | None = None,
        failed: Callable[[str], None] | None = None,
    ):
        super().__init__(owner)
        self._panel = panel
        self._failed = failed or (panel.say if panel else log.error)
        self._run: _Run | None = None  # whose result is wanted
        self._in_thread: _Run | None = None  # perhaps an older one that is still ending
        owner.closed.connect(self.cancel)
        if panel is not None:
            panel.add(self)

    @property
    def busy(self) -> bool:
        """Whether a result is waited for."""
        return self._run is not None

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Report a :class:`MarrowError` of the block, which ends there, as one of the work."""
        try:
            yield
        except MarrowError as error:
            self._failed(str(error))

    def start(
        self,
        work: Callable[[Emit, ShouldStop], T],
        done: Callable[[T], object],
        *,
        begun: str = "",
        heard: Callable[[Event], None] | None = None,
    ) -> None:
        """Run ``work`` in a thread; results and events come on the viewer's thread.

        Parameters
        ----------
        work
            Called in the thread with ``emit`` and ``should_stop``.
        done
            Called with what ``work`` returned.
        begun
            The status until ``work`` reports another.
        heard
            Called with every event that ``work`` emits.
        """
        if self._run is not None:
            self._run.stop.set()
        run = self._run = _Run(self, work, done, heard)
        if self._in_thread is None:
            self._begin(run)
        if begun:
            self.say(begun)
        self.changed.emit()
        if self._panel is not None:
            self._panel.bars.show(0)  # last: it lets the viewer handle events

    def cancel(self) -> None:
        """Stop the work; its result is dropped."""
        if self._run is None:
            return
        self._run.stop.set()
        self._run = None
        self.say("Stopped.")
        self.changed.emit()

    def say(self, text: str) -> None:
        """Show a sentence in the panel."""
        if self._panel is not None:
            self._panel.say(text)

    def _begin(self, run: _Run) -> None:
        self._in_thread = run
        run.reported.connect(self._heard)
        run.worker = create_worker(
            run.carry_out, _connect={"finished": self._thread_ended}, _start_thread=False
        )
        run.worker.start()

    def _heard(self, run: _Run, event: Event) -> None:
        if run is not self._run:
            return
        if event.kind in LAST:
            self._last_heard(run, event)
            return
        if self._panel is not None and event.kind == "progress":
            if event.text:
                self._panel.say(event.text)
            self._panel.bars.show(event.fraction or 0)
        if run.heard is not None:
            run.heard(event)

    def _last_heard(self, run: _Run, event: Event) -> None:
        if event.kind == "stopped":  # napari asked the thread to stop
            self.cancel()
            return
        self._run = None
        self.changed.emit()
        if event.kind == "finished":
            run.done(event.result)
            return
        if event.detail:
            log.error("%s", event.detail)
        self._failed(event.text)

    def _thread_ended(self) -> None:
        self._in_thread = None
        if self._run is not None:
            self._begin(self._run)


class _Run(QObject):
    """One start of a task."""

    reported = Signal(object, object)
    """The run and an event of its work."""

    def __init__(
        self,
        task: Task,
        work: Work,
        done: Callable[..., object],
        heard: Callable[[Event], None] | None,
    ):
        super().__init__()
        self._task, self._work, self.done, self.heard = task, work, done, heard
        self.stop = threading.Event()
        self.worker: FunctionWorker | None = None
        self._reported_at = 0.0

    def carry_out(self) -> None:
        """Work, in the thread."""
        run_work("in the viewer", self._work, self._emit, self._should_stop)

    def _emit(self, event: Event) -> None:
        if event.kind == "progress" and not event.values:
            if time.monotonic() < self._reported_at + MIN_PROGRESS_INTERVAL_S:
                return
            self._reported_at = time.monotonic()
        self.reported.emit(self, event)

    def _should_stop(self) -> bool:
        asked = self.worker is not None and self.worker.abort_requested
        return self.stop.is_set() or asked or not isalive(self._task)


class RunPanel(QWidget):
    """The buttons that start work, one that cancels it, a progress bar and a status line."""

    changed = Signal()
    """Work was started, or has ended."""

    def __init__(self, *buttons: QPushButton):
        super().__init__()
        self._tasks: list[Task] = []
        self._buttons, self._ready = buttons, True
        self._pressed: QPushButton | None = None  # gets the focus back
        self.cancel_button = button("Cancel", self._cancel, "Takes effect within 1 s.")
        self.cancel_button.setEnabled(False)
        self.bars, self.status = ProgressBars(self), text_label()
        self._row = row(*buttons, self.cancel_button)
        fill_column(self, self._row, self.bars.own, self.status)

    def insert(self, other: QPushButton) -> None:
        """Put a button before the one that cancels; its owner enables and disables it."""
        self._row.insertWidget(self._row.count() - 1, other)

    def add(self, task: Task) -> None:
        """Show the progress of a task here, and cancel it."""
        self._tasks.append(task)
        task.changed.connect(self._show_state)

    def set_ready(self, ready: bool) -> None:
        """Enable the buttons while nothing runs, or disable them."""
        self._ready = ready
        self._show_state()

    @property
    def busy(self) -> bool:
        """Whether one of the tasks runs."""
        return any(task.busy for task in self._tasks)

    def say(self, text: str) -> None:
        """Show a sentence in the status line."""
        self.status.setText(text)

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _show_state(self) -> None:
        focused = self.window().focusWidget()  # type: ignore[union-attr]
        for start in self._buttons:
            start.setEnabled(self._ready and not self.busy)
        self.cancel_button.setEnabled(self.busy)
        if not self.busy:
            self.bars.close()
        self.changed.emit()
        # Qt would pass the focus of a disabled button on, perhaps to another dock.
        if isinstance(focused, QPushButton) and self.isAncestorOf(focused):
            self._pressed = self._pressed if focused is self.cancel_button else focused
            if not focused.isEnabled():
                self.setFocus()
                focused = self
        if focused is self and self._pressed is not None and not self.busy:
            self._pressed.setFocus()
