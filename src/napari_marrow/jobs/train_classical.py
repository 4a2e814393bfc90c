"""Training of a classical model: features of the units in, a pipeline's ONNX network out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.jobs.events import Emit, Event, ShouldStop
from napari_marrow.jobs.judging import judge
from napari_marrow.jobs.train_job import TrainJob
from napari_marrow.learning.bundle import FEATURES, HELDOUT, BundleInfo, open_onnx, write_bundle
from napari_marrow.learning.calibration import LEAST, fit_temperature
from napari_marrow.learning.classical import Fitted, choose_columns, fit_classical
from napari_marrow.learning.feature_table import feature_columns, measure_collection
from napari_marrow.learning.predictor import run_features
from napari_marrow.learning.samples import class_codes
from napari_marrow.learning.settings import Preprocessing, TrainingSettings
from napari_marrow.learning.splits import Rows, Split, split_as_published, split_by_source
from napari_marrow.measure.chi2 import select_features
from napari_marrow.measure.settings import ChiSquareSettings
from napari_marrow.report.card import write_card
from napari_marrow.report.figures import write_classical_figures

MEASURED = 0.85
"""The part of the work that is done when all units are measured."""


def train_classical(job: TrainJob, folder: Path, emit: Emit, should_stop: ShouldStop) -> BundleInfo:
    """Train a model that is no network, and write its bundle into ``folder``.

    The temperature is fitted with a model of the training side on the validation side; the model
    itself then learns from both.
    """
    table = measured_units(job, emit, should_stop)
    classes = tuple(sorted(table["class"].unique()))
    codes = class_codes(table, classes)
    split = split_units(table, job.settings)
    emit(Event("progress", f"Fitting {job.settings.model}", MEASURED))
    columns = feature_columns(table)
    if job.settings.protocol == "paper":
        columns = choose_columns(table, columns, codes, job.settings.select)

    def fit(rows: Rows) -> Fitted:
        if should_stop():
            raise Stopped
        settings = job.settings
        chosen = table.iloc[rows]
        return fit_classical(
            settings.model, chosen, columns, codes[rows], settings.select, settings.seed
        )

    temperature = 1.0
    if len(split.validation) >= LEAST:  # with fewer it stays 1, and no model is needed to say so
        watched = fit(split.train).probabilities(table.iloc[split.validation])
        temperature = fit_temperature(watched, codes[split.validation])
    known = np.concatenate([split.train, split.validation])
    fitted = fit(known)
    session = open_onnx(fitted.onnx)
    info, heldout = judge(
        job,
        table,
        split,
        classes,
        lambda rows: run_features(session, table.iloc[rows][list(fitted.chosen)]),
        temperature=temperature,
        device="cpu",
        features=fitted.chosen,
        notes=_notes(fitted),
    )
    scores = score_features(table.iloc[known], columns, fitted, job.settings)
    write_classical_figures(folder / "figures", scores, info.evaluation, heldout)
    write_card(folder / "card.md", info, fitted.parameters)
    write_bundle(folder, info, fitted.onnx, {HELDOUT: heldout, FEATURES: scores})
    return info


def measured_units(job: TrainJob, emit: Emit, should_stop: ShouldStop) -> pd.DataFrame:
    """The features of all units that have a class; of the protocol ``paper`` augmented too."""

    def progress(fraction: float, text: str) -> None:
        if should_stop():
            raise Stopped
        emit(Event("progress", text, MEASURED * fraction))

    settings = Preprocessing.of(job.settings).features
    published = job.settings.protocol == "paper"
    table = measure_collection(job.collection, settings, progress, augmented=published)
    table = table[table["class"].notna()].reset_index(drop=True)
    if table["class"].nunique() < 2:
        found = ", ".join(sorted(table["class"].unique())) or "none"
        raise MarrowError(
            f"{job.collection.root} gave units of the class {found} only; "
            "training needs at least two classes."
        )
    return table


def split_units(table: pd.DataFrame, settings: TrainingSettings) -> Split:
    """Split the units as the protocol says."""
    parts = (settings.heldout, settings.validation, settings.seed)
    classes, sources = table["class"].to_numpy(str), table["source"].to_numpy(str)
    if settings.protocol == "paper":
        return split_as_published(classes, *parts)
    return split_by_source(classes, sources, *parts)


def score_features(
    table: pd.DataFrame, columns: tuple[str, ...], fitted: Fitted, settings: TrainingSettings
) -> pd.DataFrame:
    """What chi-square says of each feature, and how much it counts in the model."""
    how = ChiSquareSettings(select=min(settings.select, 5000), seed=settings.seed)
    scores = select_features(table[list(columns)], table["class"], table["source"], how)
    scores["selected"] = scores["feature"].isin(fitted.chosen)
    scores["collinear_with"] = [fitted.collinear.get(name, "") for name in scores["feature"]]
    counts = dict(zip(fitted.chosen, fitted.importance, strict=True))
    return scores.assign(importance=[counts.get(name, np.nan) for name in scores["feature"]])


def _notes(fitted: Fitted) -> list[str]:
    dropped = len(fitted.collinear)
    return [
        f"{len(fitted.chosen)} of {len(fitted.columns)} features were chosen by chi-square; "
        f"{dropped} collinear one{'s were' if dropped != 1 else ' was'} dropped before: see "
        f"{FEATURES}."
    ]
