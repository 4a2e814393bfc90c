"""What a trained model is worth: its answers on held-out units, and all that its bundle says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_marrow.jobs.train_job import TrainJob
from napari_marrow.jobs.versions import versions
from napari_marrow.learning.bundle import BundleInfo, sha256
from napari_marrow.learning.calibration import soften
from napari_marrow.learning.metrics import colour_yardstick, score_units
from napari_marrow.learning.samples import drawn_notes
from napari_marrow.learning.settings import Preprocessing
from napari_marrow.learning.splits import Rows, Split

Answer = Callable[[Rows], NDArray[np.float64]]
"""Probabilities of the classes, (n, classes), for rows of the units' table."""


def judge(
    job: TrainJob,
    table: pd.DataFrame,
    split: Split,
    classes: tuple[str, ...],
    answer: Answer,
    *,
    temperature: float,
    device: str,
    features: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> tuple[BundleInfo, pd.DataFrame]:
    """Score the held-out side, and gather what the bundle says.

    Parameters
    ----------
    job
        What was trained.
    table
        A row a unit, with its mean colour.
    split
        Rows of the table on each side.
    classes
        In the order of the probabilities.
    answer
        The exported model.
    temperature
        See :func:`~napari_marrow.learning.calibration.fit_temperature`.
    device
        Where it ran.
    features
        What a model that is no network takes.
    notes
        What else a reader must know.

    Returns
    -------
    info, heldout
        The held-out units with their probabilities, as ``heldout.csv`` has them.
    """
    evaluation, judged = None, table.iloc[split.heldout].reset_index(drop=True)
    heldout = judged[["image", "index", "y", "x", "class", "source"]]
    if len(split.heldout):
        scores = soften(answer(split.heldout), temperature)
        evaluation = score_units(judged, scores, classes)
        yardstick = colour_yardstick(table.iloc[split.train], judged)
        evaluation["colour_only"] = None if yardstick is None else asdict(yardstick)
        heldout = heldout.assign(predicted=[classes[k] for k in scores.argmax(axis=1)])
        for k, name in enumerate(classes):
            heldout[f"probability_{name}"] = scores[:, k]
    how = Preprocessing.of(job.settings)
    sides = {"train": split.train, "validation": split.validation, "heldout": split.heldout}
    info = BundleInfo(
        classes=classes,
        settings=job.settings,
        preprocessing=how,
        temperature=temperature,
        abstain_below=job.settings.abstain_below,
        evaluation=evaluation,
        split={k: sorted(set(table["source"].iloc[rows])) for k, rows in sides.items()},
        fingerprints={job.collection.label(f): sha256(f.path) for f in job.collection.fields},
        notes=(*split.notes, *drawn_notes(job.collection, how.features), *notes),
        versions=versions() | {"device": device},
        features=tuple(features),
    )
    return info, heldout
