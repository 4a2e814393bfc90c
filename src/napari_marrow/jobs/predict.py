"""The prediction job: fields and a bundle in, a table and overlays out."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import dask
import pandas as pd

from napari_marrow.data.atomic import atomic_file, atomic_files
from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.outputs import input_files, png_kind, save_png
from napari_marrow.jobs.events import Emit, Event, ShouldStop, never, silent
from napari_marrow.jobs.output_names import PREDICTIONS, field_names, file_stems
from napari_marrow.learning.bundle import Bundle
from napari_marrow.learning.predictor import Prediction, joined_tables
from napari_marrow.report.overlay import draw_overlay

OVERLAY = png_kind("an overlay")


@dataclass(frozen=True)
class PredictJob:
    """Classify these collections with this bundle; write a CSV and, if asked for, overlays."""

    bundle: Bundle
    collections: Sequence[Collection]
    out: Path
    overlay: Path | None = None
    workers: int = 1
    force: bool = False


def run_prediction(
    job: PredictJob, emit: Emit = silent, should_stop: ShouldStop = never
) -> tuple[pd.DataFrame, list[Prediction]]:
    """Classify every field; the files appear when all of them are done.

    Returns
    -------
    table : DataFrame
        As written: ``image, index, y, x, class, probability_<class>..., uncertain``.
    predictions
        One a field, in the same order.

    Raises
    ------
    MarrowError
        When a field can't be read or an output can't be written.
    Stopped
        When ``should_stop`` said so.
    """
    pairs = field_names(job.collections)
    names = [f"{stem}.png" for stem in file_stems([field for _, field in pairs])]
    read = input_files(job.collections, job.bundle.path)
    with ExitStack() as stack:  # what can't be written is refused before the work
        folder = None
        if job.overlay is not None:
            if job.out.resolve() in {(job.overlay / name).resolve() for name in names}:
                raise MarrowError(f"{job.out} is the name of an overlay too; choose another.")
            kinds = dict.fromkeys(names, OVERLAY)
            folder = stack.enter_context(atomic_files(job.overlay, kinds, read, job.force))
        part = stack.enter_context(atomic_file(job.out, PREDICTIONS, read, job.force))
        done = itertools.count(1)  # Dask takes the fields in an order of its own

        def one(row: int, field: Field) -> Prediction:
            if should_stop():
                raise Stopped
            prediction = job.bundle.predict_field(field)
            if folder is not None:
                classes = job.bundle.info.classes
                picture = draw_overlay(field.open(), field.name, prediction, classes)
                save_png(picture, folder / names[row], OVERLAY)
            emit(Event("progress", f"Labelled {field.name}", next(done) / len(pairs)))
            return prediction

        tasks = [dask.delayed(one)(row, field) for row, (_, field) in enumerate(pairs)]
        scheduler = "threads" if job.workers > 1 else "synchronous"
        predictions = list(dask.compute(*tasks, scheduler=scheduler, num_workers=job.workers))
        table = joined_tables([label for label, _ in pairs], [p.table for p in predictions])
        table.to_csv(part, index=False)
    return table, predictions
