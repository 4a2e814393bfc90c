"""Work of a widget or a viewer in a thread: progress, cancel, errors, and no stale results."""

from __future__ import annotations

import atexit
import logging
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from napari.qt.threading import FunctionWorker, WorkerBase, create_worker
from napari.utils.notifications import show_error
from qtpy.compat import isalive
from qtpy.QtCore import QObject, Signal

from napari_marrow.data.errors import MarrowError
from napari_marrow.jobs.events import LAST, Emit, Event, ShouldStop
from napari_marrow.jobs.registry import Work, run_work
from napari_marrow.viewer.per_viewer import single_shot

log = logging.getLogger("napari_marrow")
T = TypeVar("T")
SHOW_PROGRESS_MS = 250
"""Between two views of progress in the panel, for each of which napari paints its whole window. Of
work that takes less time none is shown."""
# As napari does when it quits, also where a script ends before: a thread that goes on after that
# reports to what Qt has deleted, which ends the process with an abort.
atexit.register(WorkerBase.await_workers)


class Panel(Protocol):
    """Shows what tasks do, and has a button that cancels them."""

    def add(self, task: Task) -> None:
        """Follow a task."""

    def say(self, text: str) -> None:
        """Show a sentence."""

    def show_progress(self, fraction: float) -> None:
        """Show the fraction that is done, 0 to 1; hide it when no task is busy."""


class Task(QObject):
    """Runs one piece of work at a time in a thread; what is asked for last wins.

    Work is a function of ``(emit, should_stop)``, as the jobs are. When it is cancelled, replaced
    by newer work, its owner is deleted or napari quits, ``should_stop`` returns True and the result
    is dropped. Newer work begins when the thread of older work has ended. Work that has ended is
    not kept.

    Parameters
    ----------
    owner
        Ends the work when it is deleted. A dock widget cancels its tasks when its dock is closed.
    panel
        Shows progress and status.
    failed
        Called with the sentence of an error. Default: the panel shows it, or a notification.
    """

    changed = Signal()
    """Work was started, or has ended."""

    def __init__(
        self,
        owner: QObject | None = None,
        panel: Panel | None = None,
        failed: Callable[[str], None] | None = None,
    ):
        super().__init__(owner)
        self._panel = panel
        self._failed = failed or (panel.say if panel else show_error)
        self._run: _Run | None = None  # whose result is wanted
        self._in_thread: _Run | None = None  # perhaps an older one that is still ending
        self._fraction, self._text, self._is_new = 0.0, "", False  # progress to be shown
        self._showing = single_shot(SHOW_PROGRESS_MS, self._show, self)
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
        self._fraction, self._text, self._is_new = 0.0, "", True
        self._showing.start()
        self.changed.emit()

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

    def _show(self) -> None:
        """Show the last progress that was heard of."""
        if self._panel is None or self._run is None or not self._is_new:
            return
        self._is_new = False
        self._showing.start()
        if self._text:
            self._panel.say(self._text)
        self._panel.show_progress(self._fraction)  # last: it lets the viewer handle events

    def _begin(self, run: _Run) -> None:
        self._in_thread = run
        run.reported.connect(self._heard)
        # napari keeps every worker as long as its window; the work may hold layers.
        run.worker = create_worker(
            _carry_out,
            weakref.ref(run),
            _connect={"finished": self._thread_ended},
            _start_thread=False,
        )
        run.worker.start()

    def _heard(self, run: _Run, report: list[Event]) -> None:
        event = run.take(report)
        if run is not self._run:
            return
        if event.kind in LAST:
            self._last_heard(run, event)
            return
        if run.heard is not None:
            run.heard(event)
        if event.kind != "progress" or run is not self._run:
            return
        self._fraction, self._text = event.fraction or 0, event.text or self._text
        self._is_new = True
        if not self._showing.isActive():
            self._show()  # last: the viewer may handle the next events in it

    def _last_heard(self, run: _Run, event: Event) -> None:
        if event.kind == "stopped" or run.should_stop():  # napari asked the thread to
            self.cancel()
            return
        self._run = None
        self.changed.emit()
        if event.kind == "finished":
            self._show_result(run, event)
            return
        if event.detail:
            log.error("%s", event.detail)
        self._failed(event.text)

    def _show_result(self, run: _Run, event: Event) -> None:
        """Hand over a result; where showing it fails, the status says so and does not stay."""
        try:
            run.done(event.result)
        except MarrowError as error:
            self._failed(str(error))
        except Exception as error:
            self._failed(f"The result can't be shown ({type(error).__name__}: {error}).")
            raise

    def _thread_ended(self) -> None:
        self._in_thread = None
        if self._run is not None:
            self._begin(self._run)


class _Run(QObject):
    """One start of a task."""

    reported = Signal(object, object)
    """The run, and a report of its work, see :meth:`take`."""

    def __init__(
        self,
        task: Task,
        work: Work,
        done: Callable[..., object],
        heard: Callable[[Event], None] | None,
    ):
        super().__init__()
        self._task, self.work, self.done, self.heard = task, work, done, heard
        self.stop = threading.Event()
        self.worker: FunctionWorker | None = None
        self._lock = threading.Lock()
        self._waiting: list[Event] = []  # the last report, if it is mere progress

    def emit(self, event: Event) -> None:
        """Report an event; mere progress takes the place of such that still waits to be heard."""
        mere = event.kind == "progress" and not event.values
        with self._lock:
            if mere and self._waiting:
                self._waiting[:] = [event]
                return
            self._waiting = report = [event]
            if not mere:
                self._waiting = []
        self.reported.emit(self, report)

    def take(self, report: list[Event]) -> Event:
        """Return the event of a report, in whose place no other comes any more."""
        with self._lock:
            return report.pop()

    def should_stop(self) -> bool:
        asked = self.worker is not None and self.worker.abort_requested
        return self.stop.is_set() or asked or not isalive(self._task)


def _carry_out(weak: weakref.ref[_Run]) -> None:
    """Work, in the thread."""
    run = weak()
    if run is not None:
        run_work("in the viewer", run.work, run.emit, run.should_stop)
