"""What the command line shows: results on standard output, progress on standard error."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from napari_marrow.jobs.events import Event

console = Console(stderr=True, highlight=False)


class Reporter:
    """Shows the events of a job as one line of progress on standard error."""

    def __init__(self):
        columns = (BarColumn(24), TextColumn("{task.description}"))
        self._progress = Progress(*columns, console=console, transient=False)
        self._task = self._progress.add_task("", total=1.0)

    def __enter__(self):
        self._progress.start()
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self._progress.stop()
        else:  # an error is one line: no bar before it, nor the empty line that stop() prints
            self._progress.live.transient = True
            self._progress.live.stop()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if event.kind == "progress":
            self._progress.update(self._task, completed=event.fraction, description=event.text)
        elif event.kind == "message":
            # names of files may hold what rich takes for its markup
            console.print(event.text, markup=False, soft_wrap=True)


def show(result: dict[str, Any], as_json: bool, *lines: str) -> None:
    """Print a result: as JSON, or as the lines a person reads."""
    if as_json:
        print(json.dumps(result))
    else:
        print("\n".join(lines))


def counted(number: int, word: str) -> str:
    """A number and a word, in the plural where it is not 1."""
    return f"{number} {word}{'s' * (number != 1)}"
