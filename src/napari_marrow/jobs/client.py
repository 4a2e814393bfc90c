"""The parent's end of the child process: start, submit, cancel, and never hang. No Qt here."""

from __future__ import annotations

import collections
import contextlib
import json
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping

from napari_marrow.jobs.events import LAST, Emit, Event

GRACE = 0.7
"""Seconds a job has to stop by itself after a cancel before the child is killed."""


class Child:
    """One warm child process that runs one job at a time.

    Parameters
    ----------
    on_event
        Hears every event of the current job, from a thread of its own. Each job gets exactly one
        last event, also when the child is killed; events of older jobs are dropped.
    """

    def __init__(self, on_event: Emit):
        self._on_event = on_event
        self._lock = threading.RLock()
        self._process: subprocess.Popen[str] | None = None
        self._number = 0
        self._current: int | None = None
        self._cancelled = False
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether a job runs."""
        return self._current is not None

    @property
    def pid(self) -> int | None:
        """The child's process number, or None when none runs."""
        process = self._process
        return None if process is None or process.poll() is not None else process.pid

    def submit(self, name: str, arguments: Mapping[str, object]) -> int:
        """Start a job; a child is started for it where none runs.

        Returns
        -------
        int
            The job's number, as its events carry it.
        """
        with self._lock:
            if self._closed:
                raise RuntimeError("This child was shut down.")
            if self._current is not None:
                raise RuntimeError("A job is running; cancel it first.")
            if self.pid is None:
                self._start()
            self._number += 1
            self._current, self._cancelled = self._number, False
            job = {"job": self._number, "name": name, "arguments": arguments}
            self._send({"submit": job})
            return self._number

    def cancel(self) -> None:
        """Ask the current job to stop, and kill the child when it does not within the grace."""
        with self._lock:
            if self._current is None or self._cancelled:
                return
            self._cancelled = True
            self._send({"cancel": self._current})
            timer = threading.Timer(GRACE, self._kill_if_running, [self._current, self._process])
            timer.daemon = True
            timer.start()

    def shutdown(self) -> None:
        """End the child, whatever it does. May be called more than once."""
        with self._lock:
            self._closed, self._current = True, None
            process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()

    def _start(self) -> None:
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONUNBUFFERED": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "napari_marrow.jobs.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            env=environment,
        )
        log: collections.deque[str] = collections.deque(maxlen=40)
        drain = threading.Thread(target=log.extend, args=(self._process.stderr,), daemon=True)
        drain.start()
        listen = threading.Thread(
            target=self._listen, args=(self._process, drain, log), daemon=True
        )
        listen.start()

    def _send(self, message: Mapping[str, object]) -> None:
        process = self._process
        if process is None or process.stdin is None:
            return
        try:
            process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
        except (BrokenPipeError, OSError):
            # The child has just died; the listening thread reports it as the job's last event.
            return

    def _listen(
        self, process: subprocess.Popen[str], drain: threading.Thread, log: collections.deque[str]
    ) -> None:
        for line in process.stdout or ():
            try:
                event = Event.from_line(line)
            except (ValueError, TypeError):
                log.append(line)  # printed by something at the start of Python
            else:
                self._pass_on(event)
        code = process.wait()
        drain.join(1)
        with self._lock:
            if process is not self._process:
                return
            number, cancelled, self._process = self._current, self._cancelled, None
        if number is None:
            return
        if cancelled:
            self._pass_on(Event("stopped", "Stopped.", job=number))
        else:
            text = (
                f"The training process {_how_it_ended(code)}; the viewer, its layers and "
                "annotations are not affected. Start again."
            )
            self._pass_on(Event("failed", text, detail="".join(log), job=number))

    def _pass_on(self, event: Event) -> None:
        with self._lock:
            if event.job != self._current:
                return
            if event.kind in LAST:
                self._current = None
        try:
            self._on_event(event)
        except Exception:  # noqa: BLE001 - a listener's fault must not deafen this thread
            traceback.print_exc()

    def _kill_if_running(self, number: int, process: subprocess.Popen[str] | None) -> None:
        # All under the lock: the job may end here and the next one be sent to the same child.
        with self._lock:
            if self._current != number or process is None or process.poll() is not None:
                return
            process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(1)


def _how_it_ended(code: int) -> str:
    if code == -9:
        return "was killed (by the system when memory runs out, or by hand)"
    return f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
