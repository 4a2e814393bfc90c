"""Work on many photographs, several at a time, that can be stopped and goes on past faults."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import TypeVar

from napari_marrow.data.errors import Stopped
from napari_marrow.data.failures import Failures
from napari_marrow.jobs.events import ShouldStop

POLL_S = 0.05
"""How often ``should_stop`` is asked while photographs are worked on."""
T = TypeVar("T")


def run_each(
    pool: Executor,
    tasks: Sequence[tuple[str, Callable[[], Callable[[], T]]]],
    done: Callable[[int, str], None],
    should_stop: ShouldStop,
    workers: int,
    failures: Failures,
) -> list[T | None]:
    """Run a task for each photograph.

    Parameters
    ----------
    pool
        Where the tasks run.
    tasks
        What :class:`Failures` calls each photograph; and a function that is called here when its
        turn comes, as the pixels of all would not fit into memory, and returns what the pool calls.
    done
        Called after each task with the number of those that are done, and the name.
    should_stop
        Asked all the time.
    workers
        Number of tasks that run at the same time; with several, in any order.
    failures
        Takes the photographs that can't be read.

    Returns
    -------
    list
        In the order of ``tasks``; None where a photograph was left out.

    Raises
    ------
    Stopped
        When ``should_stop`` returned True; what is running is waited for.
    """
    waiting, running = deque(range(len(tasks))), dict[Future[T], int]()
    found: list[T | None] = [None] * len(tasks)
    try:
        while waiting or running:
            if should_stop():
                raise Stopped
            if waiting and len(running) < workers:
                title, prepare = tasks[number := waiting.popleft()]
                with failures.leaving_out(title):
                    running[pool.submit(prepare())] = number
                continue
            for future in wait(running, POLL_S, FIRST_COMPLETED).done:
                title, _ = tasks[number := running.pop(future)]
                with failures.leaving_out(title):
                    found[number] = future.result()
                done(len(tasks) - len(waiting) - len(running), title)
    finally:
        _end(running)
    return found


def _end(running: Iterable[Future[T]]) -> None:
    """Wait for what can't be cancelled any more: it may write into a folder that is removed."""
    for future in running:
        future.cancel()
    wait(running)
