"""Classical models: measured features of a collection, and models fitted on rows of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.adaptation.acquisitions import Standardizer
from napari_marrow.learning.bundle_files import FEATURES
from napari_marrow.learning.classical.models import (
    Fitted,
    choose_columns,
    count_parameters,
    export_pipeline,
    fit_classical,
    fit_pipeline,
    kept_columns,
    probabilities,
)
from napari_marrow.learning.confidence.conformal import ClassModel, Conformal
from napari_marrow.learning.confidence.error_rate import Confidence, large_groups
from napari_marrow.learning.learners import (
    N_CROSS_FITTING_FOLDS,
    FittedModel,
    FoldModel,
    Learner,
    Probabilities,
)
from napari_marrow.learning.onnx.inference import open_onnx, run_classical
from napari_marrow.learning.settings import Preprocessing, TrainingSettings
from napari_marrow.learning.splits import (
    Folds,
    Rows,
    Split,
    cross_fitting_folds,
    folds_by_acquisition,
)
from napari_marrow.learning.units.feature_table import measure_collection, usable_columns
from napari_marrow.learning.units.samples import class_codes
from napari_marrow.measure.chi2 import select_features
from napari_marrow.measure.settings import ChiSquareSettings

MIN_ACQUISITIONS = 3
"""Acquisitions learnt from that tell how answers for another are; of two, each fold has one."""


@dataclass(frozen=True)
class CrossFitted:
    """Answers for units by models that did not learn from them.

    Attributes
    ----------
    probabilities
        (n, classes), without temperature.
    distances
        (n, classes), see :class:`.ClassModel`.
    """

    probabilities: Probabilities
    distances: NDArray[np.float64]


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
        self._columns = usable_columns(self.table, self.settings.families, leave_out=self.leave_out)
        if published and self.table["class"].nunique() > 1:
            args = (self.table, self._columns, self._codes, self.settings.select)
            self._columns = choose_columns(*args)

    def relabelled(self, classes: NDArray[np.str_]) -> Self:
        """Return a learner of the same units with other classes."""
        found = super().relabelled(classes)
        found._codes = class_codes(found.table, tuple(sorted(set(self.table["class"]))))
        return found

    def fit_calibrated(self, settings: TrainingSettings, split: Split) -> FittedModel:
        """Fit a model on both sides; its confidence is that of models fitted without a fold."""
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
        notes = [standardizer.note, note] if standardizer.note else [note]
        model = self._model(fitted, standardizer, {FEATURES: scores}, ())
        classes, sources = self._classes_and_sources(known)
        folds = cross_fitting_folds(classes, sources, N_CROSS_FITTING_FOLDS, settings.seed)
        if not folds:
            names, counts = np.unique(classes, return_counts=True)
            rare = names[counts.argmin()]
            few = f"Probabilities are not calibrated: {rare} has too few units or sources."
            return replace(model, notes=(*notes, few))
        found = self._cross_fit(settings, known, folds)
        codes, values = self._codes[known], table[list(fitted.chosen)].to_numpy(np.float64)
        return replace(
            model,
            notes=tuple(notes),
            confidence=Confidence.of_answers(
                found.probabilities,
                codes,
                settings.max_error,
                large_groups(self._acquisitions[known], settings.max_error),
            ),
            elsewhere=self._elsewhere(settings, known, standardizer),
            conformal=Conformal.fit(values, codes, found.distances),
        )

    def _elsewhere(
        self, settings: TrainingSettings, rows: Rows, standardizer: Standardizer
    ) -> Confidence | None:
        """Return the confidence of answers for an acquisition left out; None of fewer than three.

        Acquisitions are those by which features are standardised, which hold all classes.
        """
        groups = standardizer.groups(self._acquisitions[rows])
        if len(np.unique(groups)) < MIN_ACQUISITIONS:
            return None
        try:
            folds = folds_by_acquisition(*self._classes_and_sources(rows), groups)
        except MarrowError:  # sources of several acquisitions leave nothing to learn from
            return None
        found = self._cross_fit(settings, rows, folds).probabilities
        return Confidence.of_answers(found, self._codes[rows], settings.max_error, groups)

    def _classes_and_sources(self, rows: Rows) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
        table = self.table.iloc[rows]
        return table["class"].to_numpy(str), table["source"].to_numpy(str)

    def _cross_fit(self, settings: TrainingSettings, rows: Rows, folds: Folds) -> CrossFitted:
        """Return answers for rows of the table by models that did not learn from them."""
        answers = np.empty((len(rows), self._codes.max() + 1))
        distances = np.empty_like(answers)
        for k, (train, test) in enumerate(folds, 1):
            self.callbacks.progress(1.0, f"Calibrating, fold {k} of {len(folds)}")
            standardizer = self._standardizer(settings, self._values(rows[train]), rows[train])
            table = self._standardized(standardizer, rows)
            codes, held = self._codes[rows[train]], table.iloc[test]
            args = (codes, settings.select, settings.seed)
            learnt = self._without_sources(table.iloc[train])
            pipeline = fit_pipeline(settings.model, learnt, self._columns, *args)
            answers[test] = probabilities(pipeline, held, self._columns)
            chosen = [self._columns[column] for column in kept_columns(pipeline)]
            values = table[chosen].to_numpy(np.float64)
            distances[test] = ClassModel.fit(values[train], codes).distances(values[test])
        return CrossFitted(answers, distances)

    def fit_fold(self, settings: TrainingSettings, rows: Rows) -> FoldModel:
        """Fit a model on all rows; scikit-learn answers, which agrees with ONNX to 0.00001."""
        standardizer = self._standardizer(settings, self._values(rows), rows)
        table = self._standardized(standardizer, rows)
        args = (self._codes[rows], settings.select, settings.seed)
        learnt = self._without_sources(table)
        pipeline = fit_pipeline(settings.model, learnt, self._columns, *args)
        return FoldModel(
            lambda asked: probabilities(
                pipeline, self._standardized(standardizer, asked), self._columns
            ),
            count_parameters(pipeline["model"]),
            lambda: export_pipeline(pipeline, table, self._columns),
        )

    def _fit(self, settings: TrainingSettings, rows: Rows) -> tuple[Fitted, Standardizer]:
        standardizer = self._standardizer(settings, self._values(rows), rows)
        fitted = fit_classical(
            settings.model,
            self._without_sources(self._standardized(standardizer, rows)),
            self._columns,
            self._codes[rows],
            settings.select,
            settings.seed,
        )
        return fitted, standardizer

    def _without_sources(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return a table to fit on; under protocol ``paper`` without its sources.

        As published, svm then calibrates its probabilities on plain stratified folds. Copies of a
        source stand on both sides there; folds by source inside would judge another task, and
        without a signal the sigmoid can decrease, so that answers are worse than chance.
        """
        published = self.settings.protocol == "paper"
        return table.drop(columns="source") if published else table

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
            standardizer=standardizer.take([self._columns.index(name) for name in chosen]),
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
