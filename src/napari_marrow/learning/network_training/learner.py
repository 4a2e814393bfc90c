"""Networks: samples of a collection, and networks fitted on rows of them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_marrow.data.progress import ignore
from napari_marrow.imaging.augment import rotate90
from napari_marrow.imaging.intensity import edges
from napari_marrow.learning.adaptation.acquisitions import Standardizer
from napari_marrow.learning.adaptation.density import measure_density, standardize_density
from napari_marrow.learning.bundle_files import HISTORY
from napari_marrow.learning.classical.models import choose_columns
from napari_marrow.learning.confidence.conformal import Conformal
from napari_marrow.learning.confidence.error_rate import Confidence, large_groups
from napari_marrow.learning.learners import (
    N_AS_PUBLISHED,
    N_CROSS_FITTING_FOLDS,
    Callbacks,
    FittedModel,
    FoldModel,
    Learner,
    Probabilities,
)
from napari_marrow.learning.network_training.import_keras import start_keras
from napari_marrow.learning.onnx.inference import open_network, run_network
from napari_marrow.learning.settings import Preprocessing, TrainingSettings
from napari_marrow.learning.splits import Rows, Split, cross_fitting_folds, split_by_source
from napari_marrow.learning.units.feature_table import measure_collection, usable_columns
from napari_marrow.learning.units.samples import Units, class_codes, collect_units, measurements
from napari_marrow.learning.units.watched import Watched


class NetworkLearner(Learner):
    """Crops and tiles, and features, for networks.

    The validation side decides when a network stops. What is standardised by acquisition are the
    measured features, none of most networks, and in the last column the strength of the stain.
    """

    PREPARATION_FRACTION = 0.1

    def __post_init__(self):
        preprocessing = Preprocessing.of(self.settings, leave_out=self.leave_out)
        halves = self.callbacks.part(0, 0.5), self.callbacks.part(0.5, 1)
        units = collect_units(self.collection, preprocessing, halves[0].progress, self.failures)
        self._units = augment_as_published(units) if self.settings.protocol == "paper" else units
        self.table = self._units.table
        self._classes = tuple(sorted(self.table["class"].unique()))
        features = self._measure(preprocessing, halves[1])
        self._columns = tuple(features.columns)
        self._values = np.hstack([features.to_numpy(np.float64), measure_density(self._units)])

    def _measure(self, preprocessing: Preprocessing, callbacks: Callbacks) -> pd.DataFrame:
        """Return the features of the units, in the order of the table; no column without any."""
        if not preprocessing.families:
            return pd.DataFrame(index=self.table.index)
        found = measure_collection(
            self.collection,
            preprocessing.features,
            callbacks.progress,
            self.failures,
            augmented=self.settings.protocol == "paper",
        )
        keys = ["image", "index"]
        # of copies, as published, the first of one is the first of the other
        found = found.assign(copy=found.groupby(keys).cumcount())
        asked = self.table[keys].assign(copy=self.table.groupby(keys).cumcount())
        found = asked.merge(found, "left", [*keys, "copy"])
        columns = usable_columns(
            found.drop(columns="copy"), self.settings.families, leave_out=self.leave_out
        )
        if self.settings.protocol == "paper":
            codes = class_codes(self.table, self._classes)
            columns = choose_columns(found, columns, codes, self.settings.select)
        return found[list(columns)]

    def relabelled(self, classes: NDArray[np.str_]) -> Self:
        """Return a learner of the same units with other classes."""
        found = super().relabelled(classes)
        found._units = replace(self._units, table=found.table)
        return found

    def fit_calibrated(self, settings: TrainingSettings, split: Split) -> FittedModel:
        """Fit a network; its confidence is that of its answers on the validation side."""
        known = np.concatenate([split.train, split.validation])
        standardizer = self._standardizer(settings, self._values[known], known)
        sides = split.train, split.validation
        model = self._fit(settings, standardizer, *sides, self.callbacks)
        conformal = self._conformal(settings, standardizer, known, model.features)
        if not len(split.validation):
            return replace(model, conformal=conformal)
        codes = class_codes(self.table, self._classes)[split.validation]
        answers = model.predict(split.validation)
        own = self._acquisitions[split.validation]
        groups = large_groups(own, settings.max_error)
        confidence = Confidence.of_answers(answers, codes, settings.max_error, groups)
        return replace(model, conformal=conformal, confidence=confidence)

    def _conformal(
        self,
        settings: TrainingSettings,
        standardizer: Standardizer,
        known: Rows,
        features: tuple[str, ...],
    ) -> Conformal | None:
        """Learn what units of each class look like to the network."""
        classes, sources = (self.table[x].to_numpy(str)[known] for x in ("class", "source"))
        folds = cross_fitting_folds(classes, sources, N_CROSS_FITTING_FOLDS, settings.seed)
        if not folds:
            return None
        values = measurements(self._seen(standardizer, known, features))
        return Conformal.cross_fit(values, class_codes(self.table, self._classes)[known], folds)

    def _seen(self, standardizer: Standardizer, rows: Rows, features: tuple[str, ...]) -> Units:
        """Return rows of the table as a network of these features sees them."""
        found, names = self._units.take(rows), self._acquisitions[rows]
        for own, centre, _ in standardizer.parts(self._values[rows], names):
            found = standardize_density(found, centre[-1:], own)
        if not features:
            return found
        values = standardizer.transform(self._values[rows], names)
        chosen = values[:, [self._columns.index(name) for name in features]]
        return replace(found, features=chosen.astype(np.float32))

    def _choose(
        self, settings: TrainingSettings, standardizer: Standardizer, rows: Rows
    ) -> tuple[str, ...]:
        """Return the features that chi-square chooses on rows of the table; none of none."""
        if not self._columns:
            return ()
        values = standardizer.transform(self._values[rows], self._acquisitions[rows])
        table = pd.DataFrame(values[:, :-1], columns=list(self._columns))
        codes = class_codes(self.table, self._classes)[rows]
        return choose_columns(table, self._columns, codes, settings.select)

    def fit_fold(self, settings: TrainingSettings, rows: Rows) -> FoldModel:
        """Fit a network; some sources of the rows are its validation side."""
        known = self.table.iloc[rows]
        columns = (known["class"].to_numpy(str), known["source"].to_numpy(str))
        cut = split_by_source(*columns, settings.validation, settings.validation, settings.seed)
        train = rows[np.concatenate([cut.train, cut.validation])]
        known = np.concatenate([train, rows[cut.heldout]])
        standardizer = self._standardizer(settings, self._values[known], known)
        unheard = replace(self.callbacks, on_epoch=ignore, on_watched=None)
        fitted = self._fit(settings, standardizer, train, rows[cut.heldout], unheard)
        history = fitted.tables[HISTORY]
        return FoldModel(fitted.predict, fitted.parameters, lambda: fitted.onnx, history)

    def _fit(
        self,
        settings: TrainingSettings,
        standardizer: Standardizer,
        train: Rows,
        validation: Rows,
        callbacks: Callbacks,
    ) -> FittedModel:
        start_keras()  # takes seconds, and only a job may do it
        from napari_marrow.learning.network_training.fit import FitCallbacks, train_network

        features = self._choose(settings, standardizer, train)
        stops_by = self._seen(standardizer, validation, features) if len(validation) else None
        sides = self._seen(standardizer, train, features), stops_by
        heard = FitCallbacks(callbacks.on_epoch, callbacks.should_stop, callbacks.message)
        if callbacks.on_watched is not None:
            watched = Watched.choose(*sides, self._classes, settings.seed)
            on_answers = partial(callbacks.on_watched, watched)
            heard = replace(heard, watched=watched, on_answers=on_answers)
        trained = train_network(*sides, self._classes, settings, heard)
        engine = open_network(trained.onnx)

        def predict(rows: Rows) -> Probabilities:
            asked = self._seen(standardizer, rows, features)
            answers = run_network(engine, asked.images, asked.image_features)
            return asked.mean_over_images(answers)

        kept = [self._columns.index(name) for name in features]

        return FittedModel(
            predict,
            trained.onnx,
            trained.parameters,
            trained.device,
            features=features,
            weights=trained.weights,
            tables={HISTORY: trained.history},
            notes=tuple(filter(None, (standardizer.note, trained.note))),
            standardizer=standardizer.take([*kept, -1]),
        )


def augment_as_published(units: Units) -> Units:
    """Add a rotated copy and the edges of every unit, before any split (protocol ``paper``)."""
    images = [units.images, *(np.stack([f(i) for i in units.images]) for f in (rotate90, edges))]
    count = len(units.table)
    owner = np.concatenate([units.owner + k * count for k in range(N_AS_PUBLISHED)])
    return Units(
        np.concatenate(images), owner, pd.concat([units.table] * N_AS_PUBLISHED, ignore_index=True)
    )
