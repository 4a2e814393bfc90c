"""The child process of a widget: run a job in it from a thread, and wait for its end."""

from __future__ import annotations

import queue
import tempfile
import threading
from pathlib import Path
from typing import Any

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.jobs.client import Child
from napari_marrow.jobs.events import LAST, Emit, Event, ShouldStop
from napari_marrow.widgets.components.task import log

POLL_S = 0.05
"""How often ``should_stop`` is asked while nothing is heard of the child."""


class JobClient:
    """Owns a child process and a folder of files for it; :meth:`shutdown` removes both."""

    def __init__(self) -> None:
        self._events: queue.Queue[Event] = queue.Queue()
        self.child = Child(self._events.put)
        self._running = threading.Lock()
        self._closed = threading.Event()
        self._folder = tempfile.TemporaryDirectory(prefix="napari-marrow-")

    @property
    def folder(self) -> Path:
        """A folder for layers that the child reads, and for bundles that are not saved yet."""
        return Path(self._folder.name)

    @property
    def busy(self) -> bool:
        """Whether a job runs, perhaps one that was cancelled and is still ending."""
        return self._running.locked()

    @property
    def closed(self) -> bool:
        """Whether the client was shut down."""
        return self._closed.is_set()

    def run(
        self, name: str, arguments: dict[str, Any], emit: Emit, should_stop: ShouldStop
    ) -> dict[str, Any]:
        """Run a job in the child, after the one that runs there, and return its result.

        Raises
        ------
        MarrowError
            When the job failed or the child was killed.
        Stopped
            When ``should_stop`` returned True, or the client was shut down.
        """
        while not self._running.acquire(timeout=POLL_S):
            if should_stop():
                raise Stopped
        try:
            if should_stop() or self.closed:
                raise Stopped
            number = self.child.submit(name, arguments)
            return self._wait(number, emit, should_stop)
        finally:
            self._running.release()

    def _wait(self, number: int, emit: Emit, should_stop: ShouldStop) -> dict[str, Any]:
        while not self.closed:
            if should_stop():
                self.child.cancel()
            try:
                event = self._events.get(timeout=POLL_S)
            except queue.Empty:
                continue
            if event.job != number:
                continue
            if event.detail:
                log.error("%s", event.detail)
            if event.kind == "finished" and isinstance(event.result, dict):
                return event.result
            if event.kind == "failed":
                raise MarrowError(event.text)
            if event.kind in LAST:
                break
            emit(event)
        raise Stopped

    def shutdown(self, *_: object) -> None:
        """End the child and remove the folder; may be called more than once."""
        self._closed.set()
        self.child.shutdown()
        self._folder.cleanup()
