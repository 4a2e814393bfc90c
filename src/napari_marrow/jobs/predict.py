"""The prediction job: fields and a bundle in, a table and overlays out."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import dask
import pandas as pd

from napari_marrow.data.atomic import atomic_file
from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.fields import Collection, Field
from napari_marrow.jobs.events import Emit, Event, ShouldStop, never, silent
from napari_marrow.jobs.output_names import field_names, file_stems
from napari_marrow.learning.bundle import Bundle
from napari_marrow.learning.predictor import Prediction, predict_field, predictions_table
from napari_marrow.report.overlay import draw_overlay


@dataclass(frozen=True)
class PredictJob:
    """Classify these collections with this bundle; write a CSV and, if asked for, overlays."""

    bundle: Bundle
    collections: Sequence[Collection]
    out: Path
    overlay: Path | None = None
    workers: int = 1


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
    with ExitStack() as stack:
        part = stack.enter_context(atomic_file(job.out))  # no permission is said now
        folder = stack.enter_context(_beside(job.overlay)) if job.overlay else None
        names = [f"{stem}.png" for stem in file_stems([field for _, field in pairs])]
        done = itertools.count(1)  # Dask takes the fields in an order of its own

        def one(row: int, field: Field) -> Prediction:
            if should_stop():
                raise Stopped
            prediction = predict_field(job.bundle, field)
            if folder is not None:
                classes = job.bundle.info.classes
                picture = draw_overlay(field.open(), field.name, prediction, classes)
                picture.save(Path(folder) / names[row])
            emit(Event("progress", f"Labelled {field.name}", next(done) / len(pairs)))
            return prediction

        tasks = [dask.delayed(one)(row, field) for row, (_, field) in enumerate(pairs)]
        scheduler = "threads" if job.workers > 1 else "synchronous"
        predictions = list(dask.compute(*tasks, scheduler=scheduler, num_workers=job.workers))
        table = predictions_table([label for label, _ in pairs], predictions)
        table.to_csv(part, index=False)
        if job.overlay is not None and folder is not None:
            job.overlay.mkdir(exist_ok=True)
            for name in names:
                os.replace(Path(folder) / name, job.overlay / name)
    return table, predictions


def _beside(folder: Path) -> tempfile.TemporaryDirectory[str]:
    """A temporary folder beside another, on the same disk, so that files can be renamed over."""
    if folder.exists() and not folder.is_dir():
        raise MarrowError(f"{folder} is a file; choose a folder for the overlays.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(dir=folder.parent, prefix=".")
    except OSError as error:
        raise MarrowError(
            f"{folder} can't be written ({error.strerror}); choose another."
        ) from error
