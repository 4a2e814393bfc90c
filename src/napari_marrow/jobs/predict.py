"""Classify fields with a bundle, into a table and overlays."""

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
from napari_marrow.data.outputs import input_files
from napari_marrow.jobs.events import Emit, Event, ShouldStop, never, silent
from napari_marrow.jobs.output_names import PREDICTIONS, field_names, file_stems
from napari_marrow.learning.bundle import Bundle, predict_one
from napari_marrow.learning.predictor import Prediction, joined_tables
from napari_marrow.report.overlay import OVERLAY, write_overlay


@dataclass(frozen=True)
class PredictJob:
    """Classify these collections with this bundle; write a CSV and, if asked for, overlays."""

    bundle: Bundle
    collections: Sequence[Collection]
    out: Path
    overlay: Path | None = None
    workers: int = 1
    force: bool = False


@dataclass(frozen=True)
class PredictResult:
    """What a prediction job wrote.

    Attributes
    ----------
    out
        The CSV.
    table
        Its rows: ``image, index, y, x, class, probability_<class>..., uncertain``.
    names
        Of the fields.
    predictions
        One a field, in the same order, without label images.
    """

    out: Path
    table: pd.DataFrame
    names: list[str]
    predictions: list[Prediction]

    def to_dict(self) -> dict[str, object]:
        """Return the result as JSON."""
        fields = [
            {
                "image": name,
                "class": p.class_name,
                "probability": None if p.class_name is None else p.probability,
                "uncertain": p.uncertain,
            }
            for name, p in zip(self.names, self.predictions, strict=True)
        ]
        return {"out": str(self.out), "rows": len(self.table), "fields": fields}


def label_field(
    bundle_path: Path, field: Field, overlay: Path | None, classes: tuple[str, ...]
) -> Prediction:
    """Classify a field and write its overlay; can be pickled and run in another process.

    Parameters
    ----------
    bundle_path, field
        See :func:`~napari_marrow.learning.bundle.predict_one`.
    overlay
        The PNG to write, or None.
    classes
        Of the bundle, whose colours the overlay has.
    """
    prediction = predict_one(bundle_path, field, keep_labels=overlay is not None)
    if overlay is not None:
        write_overlay(overlay, field.open(), field.name, prediction, classes)
    return prediction.without_labels()


def run_prediction(
    job: PredictJob, emit: Emit = silent, should_stop: ShouldStop = never
) -> PredictResult:
    """Classify every field; the files appear when all of them are done.

    Raises
    ------
    MarrowError
        When a field can't be read or an output can't be written.
    Stopped
        When ``should_stop`` returned True.
    """
    named = field_names(job.collections)
    fields = [field for _, field in named]
    overlays = [f"{stem}.png" for stem in file_stems(fields)]
    read = input_files(job.collections, job.bundle.path)
    done = itertools.count(1)  # Dask takes the fields in an order of its own
    with ExitStack() as stack:  # what can't be written is refused before the work
        folder = None
        if job.overlay is not None:
            if job.out.resolve() in {(job.overlay / name).resolve() for name in overlays}:
                raise MarrowError(f"{job.out} is the name of an overlay too; choose another.")
            kinds = dict.fromkeys(overlays, OVERLAY)
            folder = stack.enter_context(atomic_files(job.overlay, kinds, read, job.force))
        part = stack.enter_context(atomic_file(job.out, PREDICTIONS, read, job.force))

        def label(field: Field, name: str) -> Prediction:
            if should_stop():
                raise Stopped
            overlay = None if folder is None else folder / name
            prediction = label_field(job.bundle.path, field, overlay, job.bundle.info.classes)
            emit(Event("progress", f"Labelled {field.name}", next(done) / len(fields)))
            return prediction

        tasks = [dask.delayed(label)(*pair) for pair in zip(fields, overlays, strict=True)]
        scheduler = "threads" if job.workers > 1 else "synchronous"
        predictions = list(dask.compute(*tasks, scheduler=scheduler, num_workers=job.workers))
        table = joined_tables([name for name, _ in named], [p.table for p in predictions])
        table.to_csv(part, index=False)
    return PredictResult(job.out, table, [field.name for field in fields], predictions)
