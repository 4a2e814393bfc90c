"""The parent's end of the child process: run a job in it and wait, or cancel. No Qt here."""

from __future__ import annotations

import collections
import contextlib
import json
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import IO

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.progress import never
from napari_marrow.jobs.events import LAST, Emit, Event, ShouldStop, silent
from napari_marrow.jobs.registry import Submission

GRACE_S = 0.7
"""Time a job has to stop by itself after a cancel before the child is killed."""
POLL_S = 0.05
"""How often ``should_stop`` is asked while nothing is heard of the child."""
LOG_LINES = 40
log = logging.getLogger("napari_marrow")


class Child:
    """One warm child process, started with the first job; it runs one job at a time."""

    def __init__(self) -> None:
        self._running = threading.Lock()
        self._closed = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._events: queue.Queue[Event | None] = queue.Queue()
        self._printed: collections.deque[str] = collections.deque(maxlen=LOG_LINES)
        self._number = 0

    @property
    def busy(self) -> bool:
        """Whether a job runs, perhaps one that was cancelled and is still ending."""
        return self._running.locked()

    @property
    def closed(self) -> bool:
        """Whether the child was shut down."""
        return self._closed.is_set()

    @property
    def pid(self) -> int | None:
        """The child's process number, or None when none runs."""
        process = self._process
        return None if process is None or process.poll() is not None else process.pid

    def run(
        self,
        name: str,
        arguments: Mapping[str, object],
        emit: Emit = silent,
        should_stop: ShouldStop = never,
    ) -> dict:
        """Run a registered job, after the one that runs there; return its result, a JSON object.

        Parameters
        ----------
        name, arguments
            Of the job.
        emit
            Called with the events of the job but its last one.
        should_stop
            Asked all the time; when it returns True the job is asked to stop, and the child is
            killed when it does not within :data:`GRACE_S`.

        Raises
        ------
        MarrowError
            When the job failed or the child was killed.
        Stopped
            When ``should_stop`` returned True, or the child was shut down.
        """
        while not self._running.acquire(timeout=POLL_S):
            if should_stop() or self.closed:
                raise Stopped
        try:
            if should_stop() or self.closed:
                raise Stopped
            process = self._process
            if process is None or self.pid is None or None in self._events.queue:
                process = self._process = self._start()
            self._number += 1
            _send(process, {"submit": asdict(Submission(self._number, name, arguments))})
            return self._wait(process, self._number, emit, should_stop)
        finally:
            if self.closed and self._process is not None:  # shut down while it was started
                self._process.kill()
            self._running.release()

    def shutdown(self, *_: object) -> None:
        """End the child, whatever it does. May be called more than once."""
        self._closed.set()
        if (process := self._process) is not None:
            process.kill()
            process.wait()

    def _wait(
        self, process: subprocess.Popen[str], number: int, emit: Emit, should_stop: ShouldStop
    ) -> dict:
        """Pass on the events of a job until its last one."""
        cancelled_at: float | None = None
        while not self.closed:
            if cancelled_at is None and should_stop():
                cancelled_at = time.monotonic()
                _send(process, {"cancel": number})
            elif cancelled_at is not None and time.monotonic() > cancelled_at + GRACE_S:
                process.kill()
            try:
                event = self._events.get(timeout=POLL_S)
            except queue.Empty:
                continue
            if event is None:  # the child has ended
                cause = _cause(process.wait())
                if cancelled_at is not None or self.closed:
                    break
                log.error("The child process %s:\n%s", cause, "".join(self._printed))
                raise MarrowError(
                    f"The process that worked {cause}; the viewer, its layers and annotations are "
                    "not affected. Start again."
                )
            if event.job != number:
                continue
            if event.kind not in LAST:
                emit(event)
            elif event.kind == "finished":
                assert isinstance(event.result, dict)
                return event.result
            elif event.kind == "failed":
                if event.detail:
                    log.error("%s", event.detail)
                raise MarrowError(event.text)
            else:
                break
        raise Stopped

    def _start(self) -> subprocess.Popen[str]:
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "napari_marrow.jobs.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            env=environment,
        )
        self._events, self._printed = queue.Queue(), collections.deque(maxlen=LOG_LINES)
        drain = threading.Thread(target=self._printed.extend, args=(process.stderr,), daemon=True)
        listen = threading.Thread(
            target=_listen, args=(process.stdout, drain, self._events, self._printed), daemon=True
        )
        drain.start()
        listen.start()
        return process


def _send(process: subprocess.Popen[str], message: Mapping[str, object]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError):  # it has just died; the listening thread reports that
        process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()


def _listen(
    lines: IO[str],
    drain: threading.Thread,
    events: queue.Queue[Event | None],
    printed: collections.deque[str],
) -> None:
    """Read the child's events until its output ends; then put None."""
    for line in lines:
        try:
            events.put(Event.from_line(line))
        except (ValueError, TypeError):
            printed.append(line)  # printed by something at the start of Python
    drain.join(1)
    events.put(None)


def _cause(code: int) -> str:
    if code == -9:
        return "was killed (by the system when memory runs out, or by hand)"
    return f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
