"""Output of the command line: results on standard output, progress on standard error."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from napari_marrow.data.failures import Failure, left_out_sentences
from napari_marrow.data.text import counted, one_line, printable
from napari_marrow.jobs.events import Event
from napari_marrow.learning.scores.findings import Control
from napari_marrow.learning.scores.results import EvaluationResult, ModelResult
from napari_marrow.learning.scores.verdict import protocol_gaps
from napari_marrow.report.tables import few_text, score_text

METRICS = (
    "balanced_accuracy",
    "accuracy",
    "macro_f1",
    "precision",
    "recall",
    "specificity",
    "f1",
    "auc",
)
"""Those of a comparison, in the order of its columns."""
# names of files and classes may hold what rich takes for its markup
console = Console(stderr=True, highlight=False, markup=False, emoji=False)


class Reporter:
    """Shows the events of a job as one line of progress on standard error."""

    def __init__(self):
        columns = (BarColumn(24), TextColumn("{task.description}", markup=False))
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
            text = one_line(event.text)
            self._progress.update(self._task, completed=event.fraction, description=text)
        elif event.kind == "message":
            console.print(one_line(event.text), soft_wrap=True)


def show(result: Mapping[str, object], as_json: bool, *lines: str) -> None:
    """Print a result: as JSON, or as the lines a person reads."""
    print(json.dumps(_printable(result)) if as_json else printable("\n".join(lines)))


def note_lines(notes: Sequence[str], failed: Sequence[Failure]) -> list[str]:
    """Return the notes of a result, then what was left out and why, each once."""
    reasons = {*left_out_sentences(failed), *(failure.reason for failure in failed)}
    return [*(note for note in notes if note not in reasons), *failure_lines(failed)]


def failure_lines(failed: Sequence[Failure]) -> list[str]:
    """Return lines that name what a job left out, and why."""
    if not failed:
        return []
    verb = "was" if len(failed) == 1 else "were"
    head = f"! {counted(len(failed), 'photograph')} can't be used and {verb} left out:"
    return [head, *(one_line(f"  {failure.image}: {failure.reason}") for failure in failed)]


def _printable(value: object) -> object:
    """Return a JSON value in which all texts are valid Unicode, also those of odd file names."""
    if isinstance(value, Mapping):
        return {printable(str(key)): _printable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(inner) for inner in value]
    return printable(value) if isinstance(value, str) else value


def print_table(table: Table, min_width: int = 0) -> None:
    """Print a table on standard output, with all names as they are."""
    shown = Console(highlight=False, markup=False, emoji=False)
    shown.width = max(shown.width, min_width)
    shown.print(table)


def print_evaluation(result: EvaluationResult) -> None:
    """Print the verdict, then each score of all answers and of those that stand."""
    for sentence in result.verdict:
        print(printable(sentence))
    (model,) = result.models
    certain, few = model.certain, model.evaluation.few_sources
    table = Table("score", "all answers", "chance", "that stand", box=None, pad_edge=False)
    for name, score in model.evaluation.metrics.items():
        stands = certain.metrics.get(name) if certain else None
        own = score_text(stands, certain.few_sources) if certain and stands else "-"
        table.add_row(name.replace("_", " "), score_text(score, few), f"{score.chance:.2f}", own)
    if (probability := model.recalibration) is not None:
        brier = probability.brier
        table.add_row("Brier score", score_text(brier, few), f"{brier.chance:.2f}", "-")
    print_table(table)
    print_controls(result.controls)


def print_controls(controls: Sequence[Control]) -> None:
    """Print a line for each negative control, whether it alarms or not."""
    for control in controls:
        text = score_text(control.score, control.few_sources)
        if not control.few_sources:
            text += ", above chance" if control.does_well else ", not clearly above chance"
        print(f"Control, {control.text}: balanced accuracy {text}.")


def print_comparison(rows: Sequence[ModelResult]) -> None:
    """Print a row for each model: metrics with their spread over the folds, time and size."""
    metrics = [name for name in METRICS if any(name in row.evaluation.metrics for row in rows)]
    table = Table("model", "protocol", *metrics, "fit", "numbers", box=None, pad_edge=False)
    for row in rows:
        seconds = row.fit_seconds or 0
        time = f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
        scores = [_with_spread(row, name) for name in metrics]
        table.add_row(row.model, row.protocol, *scores, time, f"{row.parameters:,}")
    print_table(table, 140)  # lines that break in a terminal are whole in a file
    chance = rows[0].evaluation.metrics["accuracy"].chance
    print(f"Chance is an accuracy of {chance:.2f}; behind each score its spread over the folds.")
    few = [(row.evaluation.few_sources, row.clusters) for row in rows]
    told = [few_text(*one) for one in few if one[0]]
    for text in dict.fromkeys(told):
        print(f"Too few to tell: {text}")
    _print_gaps(rows)
    _print_acquisitions([row for row in rows if row.acquisitions])


def _print_gaps(rows: Sequence[ModelResult]) -> None:
    """Print the balanced accuracy of each model under both protocols, where there are both."""
    if not (gaps := protocol_gaps(rows)):
        return
    print("\nBalanced accuracy under both protocols; what paper has more is leakage or chance:")
    table = Table("model", "honest", "paper", "difference", box=None, pad_edge=False)
    for gap in gaps:
        scores = (f"{score.estimate:.3f}" for score in (gap.honest, gap.paper))
        table.add_row(gap.model, *scores, f"{gap.difference:+.3f}")
    print_table(table)


def _print_acquisitions(rows: Sequence[ModelResult]) -> None:
    """Print the balanced accuracy on each acquisition that was left out, a row each."""
    if not rows:
        return
    print("\nBalanced accuracy on each acquisition, learnt from the others:")
    names = ("acquisition", "such as", "units", "sources", *(row.model for row in rows))
    table = Table(*names, box=None, pad_edge=False)
    for k, one in enumerate(rows[0].acquisitions):
        own = [row.acquisitions[k].evaluation.metrics["balanced_accuracy"] for row in rows]
        counts = (str(one.evaluation.units), str(one.evaluation.sources))
        scores = (f"{score.estimate:.3f}" for score in own)
        table.add_row(one.name, printable(one.photograph), *counts, *scores)
    print_table(table, 140)


def _with_spread(row: ModelResult, name: str) -> str:
    if (score := row.evaluation.metrics.get(name)) is None:
        return "-"
    text, spread = f"{score.estimate:.3f}", row.spread[name]
    return text if spread is None else f"{text} ({spread:.2f})"
