"""The child process: ``python -m napari_marrow.jobs.child``. JSON lines in, JSON lines out.

It stays warm between jobs, so that TensorFlow is imported once. A line in is
``{"submit": {"job": 1, "name": "train", "arguments": {...}}}`` or ``{"cancel": 1}``; a line out
is an :class:`Event`. When its input ends, the viewer has ended and the child ends too.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from typing import TextIO

from napari_marrow.jobs.events import Event
from napari_marrow.jobs.registry import Submission, run_job

NICENESS = 10
"""The viewer draws first, the training comes second, also on two cores."""


def main() -> None:
    """Run jobs one after the other, in the main thread, until the input ends."""
    events = _own_descriptor()
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    jobs: queue.Queue[Submission] = queue.Queue()
    cancelled: set[int] = set()
    threading.Thread(target=_listen, args=(sys.stdin, jobs, cancelled), daemon=True).start()
    while True:
        job = jobs.get()

        def emit(event: Event) -> None:
            events.write(event.to_line())
            events.flush()

        def should_stop(number: int = job.job) -> bool:
            return number in cancelled

        run_job(job.name, job.arguments, emit, should_stop, job.job)


def _own_descriptor() -> TextIO:
    """Keep the output for events alone: TensorFlow prints to descriptor 1, which now is 2."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return events


def _listen(lines: TextIO, jobs: queue.Queue[Submission], cancelled: set[int]) -> None:
    for line in lines:
        message = json.loads(line)
        if "submit" in message:
            jobs.put(Submission(**message["submit"]))
        else:
            cancelled.add(message["cancel"])
    os._exit(0)  # the main thread may be deep in a training step


if __name__ == "__main__":
    main()
