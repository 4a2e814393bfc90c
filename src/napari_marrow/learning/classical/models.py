"""Classical models: measured features in, one fitted scikit-learn pipeline and its ONNX file out.

The preprocessing is what the published method names: missing values, collinear columns,
non-negative scaling, chi-square, standardising. All of it is fitted on the rows it is given,
which an honest protocol takes from the training side alone.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.onnx.export import export_classical
from napari_marrow.learning.registry import MODELS
from napari_marrow.learning.units.column_selection import ChiSquareColumns, UsableColumns

Codes = NDArray[np.intp]


@dataclass(frozen=True)
class Fitted:
    """A fitted classical model.

    Attributes
    ----------
    pipeline
        All steps, from the measured columns to probabilities.
    columns
        The measured columns, in the order that the pipeline takes.
    chosen
        The selected columns, in order: the inputs of the ONNX model.
    collinear
        Dropped columns by the earlier one that each is collinear with.
    importance
        (chosen,) share of each selected feature; see :func:`importances`.
    onnx
        The ONNX model: probabilities of the classes from the selected columns.
    parameters
        Number of fitted parameters.
    """

    pipeline: Pipeline
    columns: tuple[str, ...]
    chosen: tuple[str, ...]
    collinear: dict[str, str]
    importance: NDArray[np.float64]
    onnx: bytes
    parameters: int

    def probabilities(self, table: pd.DataFrame) -> NDArray[np.float64]:
        """Return the probabilities of the classes, (n, classes), by scikit-learn."""
        return probabilities(self.pipeline, table, self.columns)


def probabilities(
    pipeline: Pipeline, table: pd.DataFrame, columns: tuple[str, ...]
) -> NDArray[np.float64]:
    """Return the probabilities of the classes, (n, classes), by scikit-learn."""
    return pipeline.predict_proba(_values(table, columns))


def _values(table: pd.DataFrame, columns: tuple[str, ...]) -> NDArray[np.float64]:
    """Return columns of a table, (n, columns), rounded to the precision of the ONNX model."""
    return table[list(columns)].to_numpy(np.float32).astype(np.float64)


def export_pipeline(pipeline: Pipeline, table: pd.DataFrame, columns: tuple[str, ...]) -> bytes:
    """Return the ONNX model of a pipeline that was fitted on the rows of a table."""
    return export_classical(pipeline, kept_columns(pipeline), _values(table, columns))


def fit_classical(
    model: str,
    table: pd.DataFrame,
    columns: tuple[str, ...],
    codes: Codes,
    select: int,
    seed: int,
) -> Fitted:
    """Fit a classical model on the rows of a table.

    Parameters
    ----------
    model
        Name of a classical model of :data:`~napari_marrow.learning.registry.MODELS`.
    table
        A row a unit; the training side alone. Where there is a column ``source``, rows of one
        source are on one side of the folds that probabilities are calibrated with, too.
    columns
        Names of the features in it.
    codes
        (n,) number of each row's class, from 0, each at least once.
    select
        Number of features kept, by chi-square score.
    seed
        Of all that is random.

    Raises
    ------
    MarrowError
        When a class has too few rows, or all features are constant.
    """
    order = _shuffled(codes, seed)
    pipeline = fit_pipeline(model, table, columns, codes, select, seed)
    values, codes = _values(table, columns)[order], codes[order]
    usable = pipeline["columns"]
    kept, dropped = kept_columns(pipeline), np.flatnonzero(usable.collinear_with_ >= 0)
    return Fitted(
        pipeline=pipeline,
        columns=columns,
        chosen=tuple(columns[k] for k in kept),
        collinear={columns[k]: columns[usable.collinear_with_[k]] for k in dropped},
        importance=importances(pipeline, values, codes, seed),
        onnx=export_classical(pipeline, kept, values),
        parameters=count_parameters(pipeline["model"]),
    )


def fit_pipeline(
    model: str,
    table: pd.DataFrame,
    columns: tuple[str, ...],
    codes: Codes,
    select: int,
    seed: int,
) -> Pipeline:
    """Fit all steps of a classical model, from the columns; see :func:`fit_classical`."""
    order = _shuffled(codes, seed)
    values, codes = _values(table, columns)[order], codes[order]
    groups = table["source"].to_numpy(str)[order] if "source" in table else order
    _check_varied(values)
    estimator = cast(ClassifierMixin, MODELS[model].load_builder()(codes, groups, seed))
    # Trees compare a number with a limit: scaled or not is the same, but for rounding. For others
    # a value beyond all that was learnt from counts as the nearest of these, so that no single
    # feature, as the size in pixels at another magnification, outweighs all the rest.
    trees = isinstance(estimator, DecisionTreeClassifier | RandomForestClassifier)
    both = Pipeline([("range", MinMaxScaler(clip=True)), ("unit", StandardScaler())])
    scale = "passthrough" if trees else both
    pipeline = Pipeline([*_selection(select), ("scale", scale), ("model", estimator)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # 0 / 0 of chi-square, ranked last
        return pipeline.fit(values, codes)


def _shuffled(codes: Codes, seed: int) -> Codes:
    """Return an order of rows, as published; theirs would tell which of equal trees is first."""
    return np.random.default_rng(seed).permutation(len(codes))


def choose_columns(
    table: pd.DataFrame, columns: tuple[str, ...], codes: Codes, select: int
) -> tuple[str, ...]:
    """Return the columns that a pipeline would select, for a selection made before a split.

    Raises
    ------
    MarrowError
        When all features are constant.
    """
    values = _values(table, columns)
    _check_varied(values)
    steps = Pipeline(_selection(select)).fit(values, codes)
    return tuple(columns[k] for k in kept_columns(steps))


def _check_varied(values: NDArray[np.float64]) -> None:
    if not UsableColumns().fit(values).mask_.any():
        raise MarrowError(
            f"None of the {values.shape[1]} features differs between the units; "
            "choose other families."
        )


def _selection(select: int) -> list[tuple[str, BaseEstimator]]:
    return [
        ("columns", UsableColumns()),
        ("missing", SimpleImputer(strategy="median")),
        ("chi2", ChiSquareColumns(select)),
    ]


def kept_columns(pipeline: Pipeline) -> Codes:
    """Return the numbers of the columns that a fitted pipeline selects."""
    return np.flatnonzero(pipeline["columns"].mask_)[pipeline["chi2"].get_support()]


def svm(codes: Codes, groups: NDArray, seed: int) -> ClassifierMixin:
    """Build a support vector machine with calibrated probabilities."""
    if np.bincount(codes).min() < 2:
        raise MarrowError(
            "A class has only one unit to learn from, and svm needs two; add more, or choose "
            "another model."
        )
    # SVC itself gives no probabilities any more: Platt's sigmoid over folds
    folds = _folds(codes, groups, seed)
    return CalibratedClassifierCV(SVC(class_weight="balanced"), ensemble=False, cv=folds)


def _folds(codes: Codes, groups: NDArray, seed: int) -> list[tuple[Codes, Codes]]:
    """Return up to five folds, with whole groups if all classes are then on both sides."""
    classes = np.unique(codes)
    count = min(5, *(len(np.unique(groups[codes == k])) for k in classes))
    if count > 1:
        grouped = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
        found = list(grouped.split(codes, codes, groups))
        if all(len(np.unique(codes[train])) == len(classes) for train, _ in found):
            return found
    plain = StratifiedKFold(min(5, int(np.bincount(codes).min())), shuffle=True, random_state=seed)
    return list(plain.split(codes, codes))


def naive_bayes(codes: Codes, groups: NDArray, seed: int) -> ClassifierMixin:
    """Build Gaussian naive Bayes."""
    return GaussianNB()


def decision_tree(codes: Codes, groups: NDArray, seed: int) -> ClassifierMixin:
    """Build one decision tree."""
    return DecisionTreeClassifier(min_samples_leaf=2, class_weight="balanced", random_state=seed)


def random_forest(codes: Codes, groups: NDArray, seed: int) -> ClassifierMixin:
    """Build a random forest."""
    return RandomForestClassifier(
        300, min_samples_leaf=2, class_weight="balanced", random_state=seed, n_jobs=-1
    )


def logistic(codes: Codes, groups: NDArray, seed: int) -> ClassifierMixin:
    """Build logistic regression."""
    return LogisticRegression(C=0.1, class_weight="balanced", max_iter=5000)


def importances(
    pipeline: Pipeline, values: NDArray[np.float64], codes: Codes, seed: int
) -> NDArray[np.float64]:
    """Return the importance of each selected feature, as shares of 1.

    Of trees the decrease of impurity, of logistic regression the size of its coefficients (of
    standardised features). Of the others how much the logarithmic loss grows on the same rows when
    the feature is shuffled (L. Breiman, "Random forests", Machine Learning 45, 2001); 0 where
    nothing becomes worse. The loss and not the accuracy, which one feature of many hardly moves.
    """
    model = pipeline["model"]
    if hasattr(model, "feature_importances_"):
        found = model.feature_importances_
    elif hasattr(model, "coef_"):
        found = np.abs(model.coef_).mean(axis=0)
    else:
        selected = pipeline[:-1].transform(values)
        shuffled = permutation_importance(
            model, selected, codes, scoring="neg_log_loss", n_repeats=5, random_state=seed
        )
        found = shuffled.importances_mean.clip(0)
    total = found.sum()
    return found / total if total > 0 else found


def count_parameters(model: ClassifierMixin) -> int:
    """Count coefficients, means and variances, support vectors, or nodes."""
    if isinstance(model, CalibratedClassifierCV):
        model = model.calibrated_classifiers_[0].estimator
        return int(model.support_vectors_.size + model.dual_coef_.size + model.intercept_.size)
    if isinstance(model, RandomForestClassifier):
        return sum(tree.tree_.node_count for tree in model.estimators_)
    if isinstance(model, DecisionTreeClassifier):
        return int(model.tree_.node_count)
    if isinstance(model, GaussianNB):
        return int(model.theta_.size + model.var_.size + model.class_prior_.size)
    return int(model.coef_.size + model.intercept_.size)
