"""Classify photographs with a bundle, in memory or into a table and overlays."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import dask
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_marrow.data.atomic import atomic_file, atomic_files
from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.failures import Failure, Failures
from napari_marrow.data.fields import Collection
from napari_marrow.data.outputs import input_files
from napari_marrow.imaging.nuclei import field_labels
from napari_marrow.jobs.events import Emit, Event, ShouldStop, never, silent
from napari_marrow.jobs.output_names import PREDICTIONS, field_names, file_stems
from napari_marrow.learning.bundle import Bundle, sha256
from napari_marrow.learning.predictor import Prediction, joined_tables
from napari_marrow.report.overlay import OVERLAY, write_overlay

Kept = TypeVar("Kept")


@dataclass(frozen=True)
class PredictInput:
    """A photograph to classify, which is read when its turn comes.

    Attributes
    ----------
    title
        What progress calls it, and :class:`Failures` where it can't be read: its name in tables,
        or its number among all.
    image
        Reads the pixels, (height, width, 3), uint8.
    nuclei
        Reads the instance labels of its nuclei, if it has any; called where the model needs them.
    """

    title: str
    image: Callable[[], NDArray[np.uint8]]
    nuclei: Callable[[], NDArray[np.integer] | None]


def predict_each(
    bundle: Bundle,
    inputs: Sequence[PredictInput],
    keep: Callable[[int, Prediction], Kept],
    emit: Emit = silent,
    should_stop: ShouldStop = never,
    workers: int = 1,
    failures: Failures | None = None,
) -> list[Kept | None]:
    """Classify photographs, or the cells in them.

    Parameters
    ----------
    bundle, inputs
        The model, and the photographs.
    keep
        Takes the number and the prediction of a photograph, in the thread that classified it, and
        returns what is kept: the label images of all would not fit into memory.
    emit, should_stop
        Progress after each photograph; asked before each.
    workers
        Number of photographs classified at the same time; with several, in any order.
    failures
        Takes the photographs that can't be read; without it, the first ends the work.

    Returns
    -------
    list
        What ``keep`` returned, in the order of ``inputs``; None where a photograph was left out.

    Raises
    ------
    MarrowError
        When no photograph can be read, or one can't and there is no ``failures``.
    Stopped
        When ``should_stop`` returned True.
    """
    done = itertools.count(1)
    failures = Failures(strict=True) if failures is None else failures

    def label(number: int) -> Kept | None:
        if should_stop():
            raise Stopped
        one, kept = inputs[number], None
        with failures.leaving_out(one.title):
            kept = keep(number, bundle.predict_when_read(one.image, one.nuclei))
        emit(Event("progress", f"Labelled {one.title}", next(done) / len(inputs)))
        return kept

    if workers == 1:
        found = [label(number) for number in range(len(inputs))]
    else:
        tasks = [dask.delayed(label)(number) for number in range(len(inputs))]
        found = list(dask.compute(*tasks, scheduler="threads", num_workers=workers))
    failures.check_some_left(len(inputs))
    return found


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
    """

    out: Path
    table: pd.DataFrame
    names: list[str]
    predictions: list[Prediction]
    failed: tuple[Failure, ...] = ()
    learnt_from: int = 0
    held_out: int = 0

    @property
    def notes(self) -> list[str]:
        """Sentences for the user."""
        if not self.learnt_from:
            return []
        held = f", {self.held_out} {'were' if self.held_out != 1 else 'was'} held out"
        return [
            f"The model learnt from {self.learnt_from} of these {len(self.names)} photographs "
            f"(training and validation){held if self.held_out else ''}: its answers for those it "
            "learnt from do not tell how good it is."
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
    job: PredictJob, emit: Emit = silent, should_stop: ShouldStop = never
) -> PredictResult:
    """Classify every field; the files appear when all of them are done.

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

        def keep(number: int, prediction: Prediction) -> Prediction:
            if folder is not None:
                path, field = folder / overlays[number], fields[number]
                classes = job.bundle.info.classes
                write_overlay(path, field.open(), field.name, prediction, classes)
            return prediction.without_labels()

        inputs = [PredictInput(name, f.image, partial(field_labels, f)) for name, f in named]
        failures = Failures(job.strict)
        kept = predict_each(job.bundle, inputs, keep, emit, should_stop, job.workers, failures)
        found = [(pair, x) for pair, x in zip(named, kept, strict=True) if x is not None]
        predictions = [x for _, x in found]
        table = joined_tables([name for (name, _), _ in found], [x.table for x in predictions])
        table.to_csv(part, index=False)
    digests = [sha256(f.path) for (_, f), _ in found] if job.bundle.info.fingerprints else []
    learnt = sum(digest in job.bundle.learnt for digest in digests)
    known = sum(digest in job.bundle.info.fingerprints.values() for digest in digests)
    names, order = [f.name for (_, f), _ in found], [name for name, _ in named]
    failed = sorted(failures.found, key=lambda failure: order.index(failure.image))
    return PredictResult(job.out, table, names, predictions, tuple(failed), learnt, known - learnt)
