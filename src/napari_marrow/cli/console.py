"""Output of the command line: results on standard output, progress on standard error."""

from __future__ import annotations

import json
from collections.abc import Mapping

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

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


def show(result: Mapping[str, object], as_json: bool, *lines: str) -> None:
    """Print a result: as JSON, or as the lines a person reads."""
    if as_json:
        print(json.dumps(result))
    else:
        print("\n".join(lines))


def print_comparison(rows: list[dict]) -> None:
    """Print a row for each model: metrics with their spread over the folds, time and size."""
    metrics = [
        n for n in ("accuracy", "precision", "recall", "specificity", "f1", "auc") if n in rows[0]
    ]
    table = Table("model", "protocol", *metrics, "fit", "numbers", box=None, pad_edge=False)
    for row in rows:
        scores = [_with_spread(row.get(name), row.get(f"{name}_spread")) for name in metrics]
        seconds = row["fit_seconds"]
        time = f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
        size = (time, f"{row['parameters']:,}")
        table.add_row(row["model"], row["protocol"], *scores, *size)
    shown = Console(highlight=False)
    shown.width = max(shown.width, 140)  # lines that break in a terminal are whole in a file
    shown.print(table)
    chance = rows[0]["accuracy_chance"]
    print(f"Chance is an accuracy of {chance:.2f}; behind each score its spread over the folds.")


def _with_spread(estimate: float | None, spread: float | None) -> str:
    if estimate is None:
        return "-"
    return f"{estimate:.3f}" if spread is None else f"{estimate:.3f} ({spread:.2f})"


def counted(number: int, word: str) -> str:
    """Return a number and a word, in the plural where it is not 1."""
    return f"{number} {word}{'s' * (number != 1)}"
