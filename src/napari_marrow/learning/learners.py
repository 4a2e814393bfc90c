"""Learners: the units of a collection, prepared once, and models fitted on rows of them.

There is one class for each kind of model, which the registry names.
"""

from __future__ import annotations

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_marrow.data.failures import Failures
from napari_marrow.data.fields import Collection
from napari_marrow.data.progress import ignore, never
from napari_marrow.imaging.augment import rotate90
from napari_marrow.imaging.intensity import edges
from napari_marrow.learning.acquisitions import Acquisition, Standardizer
from napari_marrow.learning.bundle_files import FEATURES, HISTORY
from napari_marrow.learning.calibration import MIN_CALIBRATION_UNITS, fit_temperature
from napari_marrow.learning.classical import Fitted, choose_columns, fit_classical
from napari_marrow.learning.density import measure_density, standardize_density
from napari_marrow.learning.feature_table import feature_columns, measure_collection
from napari_marrow.learning.import_keras import start_keras
from napari_marrow.learning.onnx_model import open_onnx, run_classical, run_network
from napari_marrow.learning.registry import KINDS
from napari_marrow.learning.samples import Units, class_codes, collect_units
from napari_marrow.learning.settings import Preprocessing, TrainingSettings
from napari_marrow.learning.splits import Rows, Split, split_by_source
from napari_marrow.measure.chi2 import select_features
from napari_marrow.measure.settings import AUTO, ChiSquareSettings, is_size

Probabilities = NDArray[np.float64]
N_AS_PUBLISHED = 3
"""Pictures of each field under the protocol ``paper``: itself, turned, and its edges."""
OnEpoch = Callable[[dict[str, float]], None]


@dataclass(frozen=True)
class Callbacks:
    """How the caller of a long piece of work hears of it and ends it.

    Attributes
    ----------
    progress
        Called with the fraction that is done, 0 to 1, and a short text; may raise Stopped.
    on_epoch
        Called with the losses after each epoch of a network.
    should_stop
        Called after every step of a network; True ends the training.
    message
        Called with a sentence that the user should read before the work goes on.
    """

    progress: Callable[[float, str], None] = ignore
    on_epoch: OnEpoch = ignore
    should_stop: Callable[[], bool] = never
    message: Callable[[str], None] = ignore

    def part(self, start: float, stop: float) -> Callbacks:
        """Return callbacks whose progress from 0 to 1 is ``start`` to ``stop`` of these."""

        def progress(fraction: float, text: str) -> None:
            self.progress(start + (stop - start) * min(1.0, fraction), text)

        return replace(self, progress=progress)


SILENT = Callbacks()


@dataclass(frozen=True)
class FittedModel:
    """A fitted model of any kind.

    Attributes
    ----------
    predict
        Probabilities of the classes, (n, classes), for rows of the learner's table, by the ONNX
        model and without temperature.
    onnx
        The ONNX model.
    parameters
        Number of fitted parameters.
    device
        Where it was trained.
    features
        Of a classical model: what it takes, in this order.
    weights
        Of a network.
    tables
        What the bundle holds of this kind of model, by the name of the file.
    notes
        Sentences that a reader of the scores must know.
    acquisitions
        By which its features are standardised.
    """

    predict: Callable[[Rows], Probabilities]
    onnx: bytes
    parameters: int
    device: str = "cpu"
    features: tuple[str, ...] = ()
    weights: dict[str, NDArray[np.float32]] | None = None
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    acquisitions: tuple[Acquisition, ...] = ()


@dataclass(eq=False)
class Learner(ABC):
    """Prepares the units of a collection, once, and fits models on rows of them.

    Attributes
    ----------
    collection, settings, callbacks, failures
        What the units are prepared from, and what could not be prepared; fits have settings of
        their own.
    leave_out
        Whether ``auto`` families are without what a stain, a camera or a magnification changes.
    table
        A row a unit, with class, source and mean colour.
    """

    PREPARATION_FRACTION: ClassVar[float]
    """Fraction of the time of a training that preparing the units takes."""
    collection: Collection
    settings: TrainingSettings
    callbacks: Callbacks
    failures: Failures
    leave_out: bool = False
    table: pd.DataFrame = field(init=False)

    @abstractmethod
    def __post_init__(self): ...

    @cached_property
    def _acquisitions(self) -> NDArray[np.str_]:
        """(n,) the acquisition of each unit."""
        names = {self.collection.label(f): f.acquisition for f in self.collection.fields}
        return self.table["image"].map(names).to_numpy(str)

    def _standardizer(
        self, settings: TrainingSettings, values: NDArray[np.float64], rows: Rows
    ) -> Standardizer:
        """Learn from rows of the table, with these features, what their acquisitions are like."""
        adapt = settings.adapt if settings.protocol == "honest" else "none"
        classes = self.table["class"].to_numpy(str)[rows]
        return Standardizer.fit(values, self._acquisitions[rows], classes, adapt)

    @abstractmethod
    def fit_calibrated(self, settings: TrainingSettings, split: Split) -> tuple[FittedModel, float]:
        """Fit a model on what is not held out; return it with its temperature."""

    @abstractmethod
    def fit_fold(self, settings: TrainingSettings, rows: Rows) -> FittedModel:
        """Fit a model on rows of the table, all that it may know."""


class NetworkLearner(Learner):
    """Crops and tiles, for networks. The validation side decides when a network stops."""

    PREPARATION_FRACTION = 0.1

    def __post_init__(self):
        preprocessing = Preprocessing.of(self.settings)
        units = collect_units(
            self.collection, preprocessing, self.callbacks.progress, self.failures
        )
        self._units = augment_as_published(units) if self.settings.protocol == "paper" else units
        self.table = self._units.table
        self._density = measure_density(self._units)
        self._classes = tuple(sorted(self.table["class"].unique()))

    def fit_calibrated(self, settings: TrainingSettings, split: Split) -> tuple[FittedModel, float]:
        """Fit a network; its temperature is that of its answers on the validation side."""
        model = self._fit(settings, split.train, split.validation, self.callbacks.on_epoch)
        if not len(split.validation):
            return model, 1.0
        codes = class_codes(self.table, self._classes)[split.validation]
        return model, fit_temperature(model.predict(split.validation), codes)

    def fit_fold(self, settings: TrainingSettings, rows: Rows) -> FittedModel:
        """Fit a network; some sources of the rows are its validation side."""
        known = self.table.iloc[rows]
        columns = (known["class"].to_numpy(str), known["source"].to_numpy(str))
        cut = split_by_source(*columns, settings.validation, settings.validation, settings.seed)
        train = rows[np.concatenate([cut.train, cut.validation])]
        return self._fit(settings, train, rows[cut.heldout], ignore)

    def _fit(
        self, settings: TrainingSettings, train: Rows, validation: Rows, on_epoch: OnEpoch
    ) -> FittedModel:
        start_keras()  # takes seconds, and only a job may do it
        from napari_marrow.learning.fit import train_network

        known = np.concatenate([train, validation])
        standardizer = self._standardizer(settings, self._density[known], known)

        def units(rows: Rows) -> Units:
            found = self._units.take(rows)
            for own, centre, _ in standardizer.parts(self._density[rows], self._acquisitions[rows]):
                found = standardize_density(found, centre, own)
            return found

        watched = units(validation) if len(validation) else None
        sides, should_stop = (units(train), watched), self.callbacks.should_stop
        trained = train_network(*sides, self._classes, settings, on_epoch, should_stop)
        session = open_onnx(trained.onnx)

        def predict(rows: Rows) -> Probabilities:
            asked = units(rows)
            return asked.mean_over_images(run_network(session, asked.images))

        return FittedModel(
            predict,
            trained.onnx,
            trained.parameters,
            trained.device,
            weights=trained.weights,
            tables={HISTORY: trained.history},
            notes=(standardizer.note,) if standardizer.note else (),
            acquisitions=tuple(standardizer.acquisitions.values()),
        )


def augment_as_published(units: Units) -> Units:
    """Add a rotated copy and the edges of every unit, before any split (protocol ``paper``)."""
    images = [units.images, *(np.stack([f(i) for i in units.images]) for f in (rotate90, edges))]
    count = len(units.table)
    owner = np.concatenate([units.owner + k * count for k in range(N_AS_PUBLISHED)])
    return Units(
        np.concatenate(images), owner, pd.concat([units.table] * N_AS_PUBLISHED, ignore_index=True)
    )


class ClassicalLearner(Learner):
    """Measured features, for classical models."""

    PREPARATION_FRACTION = 0.85

    def __post_init__(self):
        published = self.settings.protocol == "paper"
        table = measure_collection(
            self.collection,
            Preprocessing.of(self.settings, leave_out=self.leave_out).features,
            self.callbacks.progress,
            self.failures,
            augmented=published,
        )
        self.table = table[table["class"].notna()].reset_index(drop=True)
        self._codes = class_codes(self.table, tuple(sorted(self.table["class"].unique())))
        self._columns = feature_columns(self.table)
        if self.leave_out and AUTO in self.settings.families:
            self._columns = tuple(name for name in self._columns if not is_size(name))
        if published and self.table["class"].nunique() > 1:
            args = (self.table, self._columns, self._codes, self.settings.select)
            self._columns = choose_columns(*args)

    def fit_calibrated(self, settings: TrainingSettings, split: Split) -> tuple[FittedModel, float]:
        """Fit a model on both sides; its temperature is that of one fitted without validation."""
        temperature, notes = 1.0, []
        counts = self.table["class"].iloc[split.train].value_counts()
        if counts.min() < 2:
            notes.append(f"Probabilities are not calibrated: {counts.idxmin()} has too few units.")
        elif len(split.validation) >= MIN_CALIBRATION_UNITS:
            fitted, standardizer = self._fit(settings, split.train)
            held = fitted.probabilities(self._standardized(standardizer, split.validation))
            temperature = fit_temperature(held, self._codes[split.validation])
        known = np.concatenate([split.train, split.validation])
        fitted, standardizer = self._fit(settings, known)
        table = self._standardized(standardizer, known)
        scores = importance_table(table, self._columns, fitted, settings)
        dropped = len(fitted.collinear)
        note = (
            f"{len(fitted.chosen)} of {len(fitted.columns)} features were chosen by chi-square; "
            f"{dropped} collinear one{'s were' if dropped != 1 else ' was'} dropped before: see "
            f"{FEATURES}."
        )
        notes = [standardizer.note, note, *notes] if standardizer.note else [note, *notes]
        return self._model(fitted, standardizer, {FEATURES: scores}, tuple(notes)), temperature

    def fit_fold(self, settings: TrainingSettings, rows: Rows) -> FittedModel:
        """Fit a model on all rows."""
        return self._model(*self._fit(settings, rows), {}, ())

    def _fit(self, settings: TrainingSettings, rows: Rows) -> tuple[Fitted, Standardizer]:
        standardizer = self._standardizer(settings, self._values(rows), rows)
        fitted = fit_classical(
            settings.model,
            self._standardized(standardizer, rows),
            self._columns,
            self._codes[rows],
            settings.select,
            settings.seed,
        )
        return fitted, standardizer

    def _values(self, rows: Rows) -> NDArray[np.float64]:
        """Return the features of rows of the table, in the precision of the ONNX model."""
        table = self.table.iloc[rows][list(self._columns)]
        return table.to_numpy(np.float32).astype(np.float64)

    def _standardized(self, standardizer: Standardizer, rows: Rows) -> pd.DataFrame:
        """Return rows of the table, with features standardised by acquisition."""
        table = self.table.iloc[rows].copy()
        values = standardizer.transform(self._values(rows), self._acquisitions[rows])
        table[list(self._columns)] = values
        return table

    def _model(
        self,
        fitted: Fitted,
        standardizer: Standardizer,
        tables: dict[str, pd.DataFrame],
        notes: tuple[str, ...],
    ) -> FittedModel:
        session, chosen = open_onnx(fitted.onnx), list(fitted.chosen)

        def predict(rows: Rows) -> Probabilities:
            table = self._standardized(standardizer, rows)
            return run_classical(session, table[chosen].to_numpy(np.float32))

        return FittedModel(
            predict,
            fitted.onnx,
            fitted.parameters,
            features=fitted.chosen,
            tables=tables,
            notes=notes,
            acquisitions=standardizer.take([self._columns.index(name) for name in chosen]),
        )


def importance_table(
    table: pd.DataFrame, columns: tuple[str, ...], fitted: Fitted, settings: TrainingSettings
) -> pd.DataFrame:
    """Return the chi-square score of each feature, and its importance in the model."""
    selection = ChiSquareSettings(select=min(settings.select, 5000), seed=settings.seed)
    scores = select_features(table[list(columns)], table["class"], table["source"], selection)
    importance = pd.Series(fitted.importance, index=list(fitted.chosen))
    return scores.assign(
        selected=scores["feature"].isin(fitted.chosen),
        collinear_with=scores["feature"].map(fitted.collinear).fillna(""),
        importance=scores["feature"].map(importance),
    )


def learner_class(kind: str) -> type[Learner]:
    """Return the learner of a kind of model, by its name in the registry."""
    found: type[Learner] = pkgutil.resolve_name(KINDS[kind].learner)
    return found
