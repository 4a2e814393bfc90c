"""The training job: fields in, a bundle out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_marrow.data.atomic import atomic_folder
from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.fields import Collection
from napari_marrow.data.outputs import input_files
from napari_marrow.imaging.augment import edges, rotate90
from napari_marrow.jobs.events import Emit, Event, ShouldStop, never, silent
from napari_marrow.jobs.import_keras import start_keras
from napari_marrow.jobs.judging import judge
from napari_marrow.jobs.train_classical import train_classical
from napari_marrow.jobs.train_job import TrainJob
from napari_marrow.learning.bundle import (
    BUNDLE,
    HELDOUT,
    HISTORY,
    Bundle,
    BundleInfo,
    load_bundle,
    open_onnx,
    write_bundle,
)
from napari_marrow.learning.calibration import fit_temperature
from napari_marrow.learning.predictor import run_network
from napari_marrow.learning.samples import (
    Units,
    class_codes,
    collect_units,
    mean_by_unit,
)
from napari_marrow.learning.settings import Preprocessing, TrainingSettings
from napari_marrow.learning.splits import Split, split_as_published, split_by_source
from napari_marrow.report.card import write_card
from napari_marrow.report.figures import write_training_figures


def train(
    collection: Collection,
    settings: TrainingSettings | None = None,
    out: Path | str = "model.marrow",
    emit: Emit = silent,
    should_stop: ShouldStop = never,
) -> Bundle:
    """Train on the fields of a collection, write the bundle to ``out``, and open it.

    See :func:`run_training` for what it raises.
    """
    job = TrainJob(collection, settings or TrainingSettings(), Path(out))
    return load_bundle(run_training(job, emit, should_stop)["bundle"])


def run_training(
    job: TrainJob, emit: Emit = silent, should_stop: ShouldStop = never
) -> dict[str, Any]:
    """Train the model that the settings name and write its bundle.

    Parameters
    ----------
    job
        What to do.
    emit
        Hears of progress: an event an epoch, with its losses in ``values``.
    should_stop
        Asked often; True ends the job.

    Returns
    -------
    dict
        ``bundle`` (path), ``evaluation`` (see :func:`score_units`, or None), ``notes``,
        ``history`` (rows; of a network), ``device``, ``classes``.

    Raises
    ------
    MarrowError
        When the fields or the settings can't work.
    Stopped
        When ``should_stop`` said so.
    """
    check(job)
    # A folder without permission is said now, not after the training.
    with atomic_folder(job.out, BUNDLE, input_files([job.collection]), job.force) as folder:
        history = pd.DataFrame()
        if job.settings.classical:
            info = train_classical(job, folder, emit, should_stop)
        else:
            info, history = _train_network(job, folder, emit, should_stop)
    return {
        "bundle": str(job.out),
        "evaluation": info.evaluation,
        "notes": list(info.notes),
        "history": history.to_dict("records"),
        "device": info.versions["device"],
        "classes": list(info.classes),
    }


def _train_network(
    job: TrainJob, folder: Path, emit: Emit, should_stop: ShouldStop
) -> tuple[BundleInfo, pd.DataFrame]:
    """Train a network, write its bundle into ``folder``, and give its history."""
    units, split = _prepare(job, emit, should_stop)
    emit(Event("progress", "Starting Keras", 0.1))
    start_keras()  # takes seconds, and only a job may do it
    from napari_marrow.learning import fit as training

    _stop_if(should_stop)
    classes = tuple(sorted(units.table["class"].unique()))
    watched = units.take(split.validation) if len(split.validation) else None
    trained = training.train_network(
        network_side(training, units.take(split.train), classes),
        None if watched is None else network_side(training, watched, classes),
        job.settings,
        lambda row: emit(_epoch_event(row, job.settings.epochs)),
        should_stop,
    )
    emit(Event("progress", "Judging on held-out units", 0.95))
    session = open_onnx(trained.onnx)

    def answer(part: Units) -> NDArray[np.float64]:
        return mean_by_unit(run_network(session, part.images), part.owner, len(part.table))

    temperature = 1.0
    if watched is not None:
        temperature = fit_temperature(answer(watched), class_codes(watched.table, classes))
    info, heldout = judge(
        job,
        units.table,
        split,
        classes,
        lambda rows: answer(units.take(rows)),
        temperature=temperature,
        device=trained.device,
    )
    write_training_figures(folder / "figures", trained.history, info.evaluation, heldout)
    write_card(folder / "card.md", info, trained.parameters)
    tables = {HISTORY: trained.history, HELDOUT: heldout}
    write_bundle(folder, info, trained.onnx, tables, trained.weights)
    return info, trained.history


def check(job: TrainJob) -> None:
    """Say what can't work before any work starts.

    Raises
    ------
    MarrowError
        For settings out of bounds, or fewer than two classes.
    """
    problems = job.settings.problems()
    if problems:
        raise MarrowError(" ".join(problems))
    check_classes(job.collection)


def check_classes(collection: Collection) -> None:
    """Say what is wrong with the classes of the fields.

    Raises
    ------
    MarrowError
        When a field has none, or there are fewer than two.
    """
    bare = [f for f in collection.fields if f.class_name is None and not f.cell_classes]
    if bare:
        raise MarrowError(
            f"{bare[0].path} has no class; put it into a folder named after its class, "
            "or give it one in the table."
        )
    classes = collection.classes
    if len(classes) < 2:
        raise MarrowError(
            f"{collection.root} holds only the class {', '.join(classes) or 'none'}; "
            "training needs fields of at least two classes, each in a folder of its name."
        )


def _prepare(job: TrainJob, emit: Emit, should_stop: ShouldStop) -> tuple[Units, Split]:
    """Cut the units and split them, in the order that the protocol says."""
    settings = job.settings
    units = network_units(job, emit, should_stop)
    parts = (settings.heldout, settings.validation, settings.seed)
    if settings.protocol == "paper":
        units = augment_as_published(units)
        return units, split_as_published(units.table["class"].to_numpy(), *parts)
    table = units.table
    return units, split_by_source(table["class"].to_numpy(), table["source"].to_numpy(), *parts)


def network_units(job: TrainJob, emit: Emit, should_stop: ShouldStop) -> Units:
    """Cut all units for a network.

    Raises
    ------
    MarrowError
        When they are of fewer than two classes.
    Stopped
        When ``should_stop`` said so.
    """

    def progress(fraction: float, text: str) -> None:
        _stop_if(should_stop)
        emit(Event("progress", text, 0.1 * fraction))

    units = collect_units(job.collection, Preprocessing.of(job.settings), progress)
    if units.table["class"].nunique() < 2:
        raise MarrowError(
            f"{job.collection.root} gave units of the class {units.table['class'].iloc[0]} only; "
            "training needs at least two classes."
        )
    return units


def augment_as_published(units: Units) -> Units:
    """Add a rotated copy and the edges of every unit, before any split (protocol ``paper``)."""
    images = [units.images, *(np.stack([f(i) for i in units.images]) for f in (rotate90, edges))]
    count = len(units.table)
    owner = np.concatenate([units.owner + k * count for k in range(3)])
    table = pd.concat([units.table] * 3, ignore_index=True)
    return Units(np.concatenate(images), owner, table)


def network_side(training: Any, units: Units, classes: tuple[str, ...]) -> Any:
    """Images and one-hot classes of units; ``training`` is the module, which imports Keras."""
    codes = class_codes(units.table, classes)
    return training.Side(units.images, training.one_hot(codes[units.owner], len(classes)))


def _epoch_event(row: dict[str, float], epochs: int) -> Event:
    text = f"Epoch {int(row['epoch'])} of at most {epochs}: loss {row['loss']:.3f}"
    if "val_loss" in row:
        text += f", validation {row['val_loss']:.3f}"
    return Event("progress", text, 0.1 + 0.85 * row["epoch"] / epochs, row)


def _stop_if(should_stop: ShouldStop) -> None:
    if should_stop():
        raise Stopped
