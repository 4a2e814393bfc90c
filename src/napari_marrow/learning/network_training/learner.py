"""Networks: crops and tiles of a collection, and networks fitted on rows of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from napari_marrow.data.progress import ignore
from napari_marrow.imaging.augment import rotate90
from napari_marrow.imaging.intensity import edges
from napari_marrow.learning.adaptation.acquisitions import Standardizer
from napari_marrow.learning.adaptation.density import measure_density, standardize_density
from napari_marrow.learning.bundle_files import HISTORY
from napari_marrow.learning.confidence.conformal import Conformal
from napari_marrow.learning.confidence.error_rate import Confidence, large_groups
from napari_marrow.learning.learners import (
    N_AS_PUBLISHED,
    N_CROSS_FITTING_FOLDS,
    FittedModel,
    Learner,
    OnEpoch,
    Probabilities,
)
from napari_marrow.learning.network_training.import_keras import start_keras
from napari_marrow.learning.onnx.inference import open_onnx, run_network
from napari_marrow.learning.settings import Preprocessing, TrainingSettings
from napari_marrow.learning.splits import Rows, Split, cross_fitting_folds, split_by_source
from napari_marrow.learning.units.samples import (
    Units,
    class_codes,
    collect_units,
    measure_appearance,
)


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

    def fit_calibrated(self, settings: TrainingSettings, split: Split) -> FittedModel:
        """Fit a network; its confidence is that of its answers on the validation side."""
        known = np.concatenate([split.train, split.validation])
        standardizer = self._standardizer(settings, self._density[known], known)
        sides = split.train, split.validation
        model = self._fit(settings, standardizer, *sides, self.callbacks.on_epoch)
        conformal = self._conformal(settings, standardizer, known)
        if not len(split.validation):
            return replace(model, conformal=conformal)
        codes = class_codes(self.table, self._classes)[split.validation]
        answers = model.predict(split.validation)
        own = self._acquisitions[split.validation]
        groups = large_groups(own, settings.max_error)
        confidence = Confidence.of_answers(answers, codes, settings.max_error, groups)
        return replace(model, conformal=conformal, confidence=confidence)

    def _conformal(
        self, settings: TrainingSettings, standardizer: Standardizer, known: Rows
    ) -> Conformal | None:
        """Learn what units of each class look like to the network."""
        classes, sources = (self.table[x].to_numpy(str)[known] for x in ("class", "source"))
        folds = cross_fitting_folds(classes, sources, N_CROSS_FITTING_FOLDS, settings.seed)
        if not folds:
            return None
        values = measure_appearance(self._seen(standardizer, known))
        return Conformal.cross_fit(values, class_codes(self.table, self._classes)[known], folds)

    def _seen(self, standardizer: Standardizer, rows: Rows) -> Units:
        """Return rows of the table as the network sees them."""
        found = self._units.take(rows)
        for own, centre, _ in standardizer.parts(self._density[rows], self._acquisitions[rows]):
            found = standardize_density(found, centre, own)
        return found

    def fit_fold(self, settings: TrainingSettings, rows: Rows) -> FittedModel:
        """Fit a network; some sources of the rows are its validation side."""
        known = self.table.iloc[rows]
        columns = (known["class"].to_numpy(str), known["source"].to_numpy(str))
        cut = split_by_source(*columns, settings.validation, settings.validation, settings.seed)
        train = rows[np.concatenate([cut.train, cut.validation])]
        known = np.concatenate([train, rows[cut.heldout]])
        standardizer = self._standardizer(settings, self._density[known], known)
        return self._fit(settings, standardizer, train, rows[cut.heldout], ignore)

    def _fit(
        self,
        settings: TrainingSettings,
        standardizer: Standardizer,
        train: Rows,
        validation: Rows,
        on_epoch: OnEpoch,
    ) -> FittedModel:
        start_keras()  # takes seconds, and only a job may do it
        from napari_marrow.learning.network_training.fit import train_network

        watched = self._seen(standardizer, validation) if len(validation) else None
        sides, should_stop = (self._seen(standardizer, train), watched), self.callbacks.should_stop
        trained = train_network(*sides, self._classes, settings, on_epoch, should_stop)
        session = open_onnx(trained.onnx)

        def predict(rows: Rows) -> Probabilities:
            asked = self._seen(standardizer, rows)
            return asked.mean_over_images(run_network(session, asked.images))

        return FittedModel(
            predict,
            trained.onnx,
            trained.parameters,
            trained.device,
            weights=trained.weights,
            tables={HISTORY: trained.history},
            notes=(standardizer.note,) if standardizer.note else (),
            standardizer=standardizer,
        )


def augment_as_published(units: Units) -> Units:
    """Add a rotated copy and the edges of every unit, before any split (protocol ``paper``)."""
    images = [units.images, *(np.stack([f(i) for i in units.images]) for f in (rotate90, edges))]
    count = len(units.table)
    owner = np.concatenate([units.owner + k * count for k in range(N_AS_PUBLISHED)])
    return Units(
        np.concatenate(images), owner, pd.concat([units.table] * N_AS_PUBLISHED, ignore_index=True)
    )
