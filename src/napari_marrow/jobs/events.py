"""Events that a job reports: started, progress, messages, and exactly one last event."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from napari_marrow.data.errors import Stopped

EventKind = Literal["started", "progress", "message", "finished", "failed", "stopped"]
LAST: frozenset[EventKind] = frozenset({"finished", "failed", "stopped"})


@dataclass(frozen=True)
class Event:
    """One report of a job.

    Attributes
    ----------
    kind
        ``finished``, ``failed`` and ``stopped`` are last events.
    text
        For the user; of a failure, what is wrong and what to do.
    fraction
        How much is done, 0 to 1, with ``progress``.
    values
        Numbers by name: the losses of an epoch.
    detail
        Of a failure that is a fault, the traceback or what the process printed last.
    job
        Number of the job that reports, where several follow each other.
    result
        What a finished job returned, JSON-ready where it ran in the child process; or a part of it.
    """

    kind: EventKind
    text: str = ""
    fraction: float | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    detail: str = ""
    job: int = 0
    result: object = None

    def to_line(self) -> str:
        """Return the event as one line of JSON."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def from_line(cls, line: str) -> Event:
        """Return the event that :meth:`to_line` wrote."""
        return cls(**json.loads(line))


Emit = Callable[[Event], None]
ShouldStop = Callable[[], bool]


def silent(event: Event) -> None:
    """Ignore an event: the ``emit`` of callers that do not listen."""


def progress_callback(emit: Emit, should_stop: ShouldStop) -> Callable[[float, str], None]:
    """Return a callback that emits progress events, and raises Stopped when asked to stop."""

    def progress(fraction: float, text: str) -> None:
        if should_stop():
            raise Stopped
        emit(Event("progress", text, fraction))

    return progress
