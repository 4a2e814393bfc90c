"""Classify photographs with a bundle, in memory or into a table and overlays."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_marrow.data.atomic import atomic_file, atomic_files
from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.failures import Failure, Failures
from napari_marrow.data.fields import Collection, Field, warnings_of
from napari_marrow.data.outputs import input_files, write_csv
from napari_marrow.data.progress import never
from napari_marrow.imaging.run_length import RunLengthLabels
from napari_marrow.jobs.events import Emit, Event, ShouldStop, silent
from napari_marrow.jobs.output_names import PREDICTIONS, field_names, file_stems
from napari_marrow.learning.bundle import Bundle, opened, predict_one, sha256
from napari_marrow.learning.predictor import Prediction, joined_tables
from napari_marrow.report.overlay import OVERLAY, write_overlay

POLL_S = 0.05
"""How often ``should_stop`` is asked while photographs are classified."""


@dataclass(frozen=True)
class PredictInput:
    """A photograph to classify, as it is sent to who classifies it; it can be pickled.

    Attributes
    ----------
    photograph
        Its files, which are read there; or pixels that are in no file.
    nuclei
        Those to take in place of the files'.
    overlay
        The PNG to draw the answer into.
    keep_cells
        Return the cells that were classified, too.
    """

    photograph: Field | NDArray[np.uint8]
    nuclei: RunLengthLabels | None = None
    overlay: Path | None = None
    keep_cells: bool = False


@dataclass(frozen=True)
class Predicted:
    """The answer for a photograph, without its label image, and the cells if they are kept."""

    prediction: Prediction
    cells: RunLengthLabels | None = None


def predict_input(bundle: Bundle | Path, one: PredictInput) -> Predicted:
    """Classify a photograph and draw the answer: what runs for each, perhaps in another process."""
    bundle = opened(bundle)
    nuclei = None if one.nuclei is None else one.nuclei.decode()
    prediction = predict_one(bundle, one.photograph, nuclei, keep_labels=True)
    if (path := one.overlay) is not None:
        x = one.photograph
        pixels, name = (x.open(), x.name) if isinstance(x, Field) else (x, path.stem)
        write_overlay(path, pixels, name, prediction, bundle.info.classes)
    labels = prediction.labels if one.keep_cells else None
    cells = None if labels is None else RunLengthLabels.encode(labels)
    return Predicted(prediction.without_labels(), cells)


def predict_each(
    bundle: Bundle,
    inputs: Sequence[tuple[str, Callable[[], PredictInput]]],
    emit: Emit = silent,
    should_stop: ShouldStop = never,
    workers: int = 1,
    failures: Failures | None = None,
    executor: Executor | None = None,
) -> list[Predicted | None]:
    """Classify photographs, or the cells in them, each by :func:`predict_input`.

    Parameters
    ----------
    bundle
        The model.
    inputs
        What progress calls each photograph, and :class:`Failures` where it can't be read; and a
        function that describes it, called here when its turn comes: the pixels of all would not fit
        into memory.
    emit, should_stop
        Progress after each photograph; asked all the time.
    workers
        Number of photographs classified at the same time; with several, in any order.
    failures
        Takes the photographs that can't be read; without it, the first ends the work.
    executor
        Where they are classified: processes, or machines that see the same files. By default
        threads of this process.

    Returns
    -------
    list
        In the order of ``inputs``; None where a photograph was left out.

    Raises
    ------
    MarrowError
        When no photograph can be read, or one can't and there is no ``failures``.
    Stopped
        When ``should_stop`` returned True; what is being classified is waited for.
    """
    failures = Failures(strict=True) if failures is None else failures
    waiting, running = deque(range(len(inputs))), dict[Future[Predicted], int]()
    found: list[Predicted | None] = [None] * len(inputs)
    model = bundle if executor is None else bundle.path  # what is open here can't be sent
    bundle.predictor  # noqa: B018 - opened once, before several threads ask for it
    with ExitStack() as stack:
        pool = executor or stack.enter_context(ThreadPoolExecutor(workers))
        stack.callback(_end, running)
        while waiting or running:
            if should_stop():
                raise Stopped
            if waiting and len(running) < workers:
                title, describe = inputs[number := waiting.popleft()]
                with failures.leaving_out(title):
                    running[pool.submit(predict_input, model, describe())] = number
                continue
            for future in wait(running, POLL_S, FIRST_COMPLETED).done:
                title, _ = inputs[number := running.pop(future)]
                with failures.leaving_out(title):
                    found[number] = future.result()
                n_done = len(inputs) - len(waiting) - len(running)
                emit(Event("progress", f"Labelled {title}", n_done / len(inputs)))
    failures.check_some_left(len(inputs))
    return found


def _end(running: Iterable[Future[Predicted]]) -> None:
    """Wait for what can't be cancelled any more: it may write into a folder that is removed."""
    for future in running:
        future.cancel()
    wait(running)


@dataclass(frozen=True)
class PredictJob:
    """Classify these collections with this bundle; write a CSV and, if asked for, overlays."""

    bundle: Bundle
    collections: Sequence[Collection]
    out: Path
    overlay: Path | None = None
    workers: int = 1
    force: bool = False
    strict: bool = False


@dataclass(frozen=True)
class PredictResult:
    """What a prediction job wrote.

    Attributes
    ----------
    out
        The CSV.
    table
        Its rows: ``image, index, y, x, class, probability_<class>..., uncertain, reason``.
    names
        Of the fields.
    predictions
        One a field, in the same order, without label images.
    failed
        The fields that can't be read and were left out.
    learnt_from, held_out
        How many of the photographs the model learnt from, and was judged by.
    warnings
        What reading the folders found: photographs that a table leaves out, say.
    """

    out: Path
    table: pd.DataFrame
    names: list[str]
    predictions: list[Prediction]
    failed: tuple[Failure, ...] = ()
    learnt_from: int = 0
    held_out: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def notes(self) -> list[str]:
        """Sentences for the user."""
        if not self.learnt_from:
            return [*self.warnings]
        held = f", {self.held_out} {'were' if self.held_out != 1 else 'was'} held out"
        return [
            *self.warnings,
            f"The model learnt from {self.learnt_from} of these {len(self.names)} photographs "
            f"(training and validation){held if self.held_out else ''}: its answers for those it "
            "learnt from do not tell how good it is.",
        ]

    def to_dict(self) -> dict[str, object]:
        """Return the result as JSON."""
        fields = [
            {
                "image": name,
                "class": p.class_name,
                "probability": None if p.class_name is None else p.probability,
                "uncertain": p.uncertain,
                "reason": p.reason,
            }
            for name, p in zip(self.names, self.predictions, strict=True)
        ]
        failed = [failure.to_dict() for failure in self.failed]
        return {
            "out": str(self.out),
            "rows": len(self.table),
            "fields": fields,
            "failed": failed,
            "learnt_from": self.learnt_from,
            "held_out": self.held_out,
            "notes": self.notes,
        }


def run_prediction(
    job: PredictJob,
    emit: Emit = silent,
    should_stop: ShouldStop = never,
    executor: Executor | None = None,
) -> PredictResult:
    """Classify every field, where ``executor`` says; the files appear when all of them are done.

    Raises
    ------
    MarrowError
        When no field can be read (of a strict job: one) or an output can't be written.
    Stopped
        When ``should_stop`` returned True.
    """
    named = field_names(job.collections)
    fields = [field for _, field in named]
    overlays = [f"{stem}.png" for stem in file_stems(fields)]
    read = input_files(job.collections, job.bundle.path)
    with ExitStack() as stack:  # what can't be written is refused before the work
        folder = None
        if job.overlay is not None:
            if job.out.resolve() in {(job.overlay / name).resolve() for name in overlays}:
                raise MarrowError(f"{job.out} is the name of an overlay too; choose another.")
            kinds = dict.fromkeys(overlays, OVERLAY)
            folder = stack.enter_context(atomic_files(job.overlay, kinds, read, job.force))
        part = stack.enter_context(atomic_file(job.out, PREDICTIONS, read, job.force))

        drawn = [None if folder is None else folder / overlay for overlay in overlays]
        inputs = [
            (name, partial(PredictInput, f, overlay=path))
            for (name, f), path in zip(named, drawn, strict=True)
        ]
        failures = Failures(job.strict)
        kept = predict_each(job.bundle, inputs, emit, should_stop, job.workers, failures, executor)
        found = [(pair, x) for pair, x in zip(named, kept, strict=True) if x is not None]
        predictions = [x.prediction for _, x in found]
        table = joined_tables([name for (name, _), _ in found], [x.table for x in predictions])
        write_csv(table, part)
    sides = Counter(job.bundle.side_of(x.prediction, {sha256(f.path)}) for (_, f), x in found)
    names, order = [f.name for (_, f), _ in found], [name for name, _ in named]
    failed = sorted(failures.found, key=lambda failure: order.index(failure.image))
    return PredictResult(
        job.out,
        table,
        names,
        predictions,
        tuple(failed),
        learnt_from=sides["learnt"],
        held_out=sides["held out"],
        warnings=warnings_of(job.collections),
    )
