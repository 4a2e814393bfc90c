"""The classical models: features in, one scikit-learn pipeline fitted, an ONNX network out.

The preprocessing is what the published method names: missing values, collinear columns,
non-negative scaling, chi-square, standardising. All of it is fitted on the rows it is given,
which an honest protocol takes from the training side alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectKBest, SelectorMixin
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
from napari_marrow.learning.bundle import open_onnx
from napari_marrow.measure.chi2 import chi2_scores

COLLINEAR = 0.95
"""Columns whose correlation with an earlier one is higher say nothing new."""
MISSING = 0.5
"""Columns with a larger part of their values missing are not used."""
AGREEMENT = 1e-5
"""Largest difference in probability between the pipeline and its ONNX file."""


class UsableColumns(SelectorMixin, BaseEstimator):
    """Drops columns that are mostly missing or never change, and those collinear with another.

    Attributes
    ----------
    mask_
        (columns,) which are kept.
    collinear_with_
        (columns,) the earlier column that says the same as one that was dropped, else -1.
    """

    def fit(self, X: NDArray, y: Any = None) -> UsableColumns:
        """Find the columns to keep."""
        values = np.array(X, np.float64)
        absent = np.isnan(values)
        there = absent.mean(axis=0) <= MISSING
        values[:, ~there] = 0
        values = SimpleImputer(strategy="median").fit_transform(values)
        spread = np.ptp(values, axis=0)
        varied = np.flatnonzero(there & (spread > 1e-9 * np.abs(values).max(axis=0)))
        centred = values[:, varied] - values[:, varied].mean(axis=0)
        centred /= np.sqrt((centred**2).sum(axis=0))
        correlation = np.abs(centred.T @ centred)
        kept: list[int] = []
        self.collinear_with_ = np.full(values.shape[1], -1)
        for k in range(len(varied)):
            near = correlation[k, kept]
            if len(near) and near.max() > COLLINEAR:
                self.collinear_with_[varied[k]] = varied[kept[int(near.argmax())]]
            else:
                kept.append(k)
        self.mask_ = np.zeros(values.shape[1], bool)
        self.mask_[varied[kept]] = True
        self.n_features_in_ = values.shape[1]
        return self

    def transform(self, X: NDArray) -> NDArray:
        """The kept columns; missing values stay missing."""
        return np.asarray(X)[:, self.mask_]

    def _get_support_mask(self) -> NDArray[np.bool_]:
        return self.mask_


class ChiSquareColumns(SelectorMixin, BaseEstimator):
    """Keeps the k columns with the highest chi-square, each scaled to 0 to 1 for it."""

    def __init__(self, k: int = 20):
        self.k = k

    def fit(self, X: NDArray, y: NDArray) -> ChiSquareColumns:
        """Score the columns."""
        scaled = MinMaxScaler(clip=True).fit_transform(X)
        self.selector_ = SelectKBest(chi2_scores, k=min(self.k, X.shape[1])).fit(scaled, y)
        self.n_features_in_ = X.shape[1]
        return self

    def _get_support_mask(self) -> NDArray[np.bool_]:
        return self.selector_.get_support()


@dataclass(frozen=True)
class Fitted:
    """A classical model, fitted.

    Attributes
    ----------
    pipeline
        All steps, from the measured columns to probabilities.
    columns
        The measured columns, in the order that the pipeline takes.
    chosen
        Those that the model sees after all choices, in order: what the ONNX network takes.
    collinear
        Dropped columns by the earlier one that says the same.
    importance
        (chosen,) how much each chosen feature counts; see :func:`importances`.
    onnx
        The network as bytes; probabilities of the classes of the chosen columns.
    parameters
        How many numbers were learnt.
    """

    pipeline: Pipeline
    columns: tuple[str, ...]
    chosen: tuple[str, ...]
    collinear: dict[str, str]
    importance: NDArray[np.float64]
    onnx: bytes
    parameters: int

    def probabilities(self, table: pd.DataFrame) -> NDArray[np.float64]:
        """Probabilities of the classes, (n, classes), by scikit-learn."""
        return self.pipeline.predict_proba(as_input(table, self.columns))


def as_input(table: pd.DataFrame, columns: tuple[str, ...]) -> NDArray[np.float64]:
    """Columns of a table as a model takes them, (n, columns); as exact as the ONNX network's."""
    return table[list(columns)].to_numpy(np.float32).astype(np.float64)


def fit_classical(
    model: str,
    table: pd.DataFrame,
    columns: tuple[str, ...],
    codes: NDArray[np.intp],
    select: int,
    seed: int,
) -> Fitted:
    """Fit a classical model on the rows of a table.

    Parameters
    ----------
    model
        A name of :data:`MODELS`.
    table
        A row a unit; the training side alone. Where there is a column ``source``, rows of one
        source are on one side of the folds that probabilities are made with, too.
    columns
        Names of the features in it.
    codes
        (n,) number of each row's class, from 0, each at least once.
    select
        How many features chi-square chooses.
    seed
        Of what is random in it.

    Raises
    ------
    MarrowError
        When a class has too few rows, or no feature ever changes.
    """
    # shuffled, as published; the order would otherwise tell which of equal trees is first
    order = np.random.default_rng(seed).permutation(len(codes))
    values, codes = as_input(table, columns)[order], codes[order]
    groups = table["source"].to_numpy(str)[order] if "source" in table else order
    _check_differ(values)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # 0 / 0 of chi-square, ranked last
        pipeline = _pipeline(model, select, codes, groups, seed).fit(values, codes)
    usable, best = pipeline["columns"], pipeline["chi2"]
    kept = np.flatnonzero(usable.mask_)[best.get_support()]
    same = np.flatnonzero(usable.collinear_with_ >= 0)
    return Fitted(
        pipeline=pipeline,
        columns=columns,
        chosen=tuple(columns[k] for k in kept),
        collinear={columns[k]: columns[usable.collinear_with_[k]] for k in same},
        importance=importances(pipeline, values, codes, seed),
        onnx=_export(pipeline, kept, values),
        parameters=_count_numbers(pipeline["model"]),
    )


def choose_columns(
    table: pd.DataFrame, columns: tuple[str, ...], codes: NDArray[np.intp], select: int
) -> tuple[str, ...]:
    """The columns that a pipeline would choose of these rows, for choices made before a split.

    Raises
    ------
    MarrowError
        When no feature ever changes.
    """
    values = as_input(table, columns)
    _check_differ(values)
    steps = Pipeline(_choices(select)).fit(values, codes)
    usable, best = steps["columns"], steps["chi2"]
    return tuple(columns[k] for k in np.flatnonzero(usable.mask_)[best.get_support()])


def _check_differ(values: NDArray[np.float64]) -> None:
    if not UsableColumns().fit(values).mask_.any():
        raise MarrowError(
            f"None of the {values.shape[1]} features differs between the units; "
            "choose other families."
        )


def _choices(select: int) -> list[tuple[str, BaseEstimator]]:
    return [
        ("columns", UsableColumns()),
        ("missing", SimpleImputer(strategy="median")),
        ("chi2", ChiSquareColumns(select)),
    ]


def _pipeline(
    model: str, select: int, codes: NDArray[np.intp], groups: NDArray, seed: int
) -> Pipeline:
    # Trees compare a number with a limit: scaled or not is the same, but for rounding. For others
    # a value beyond all that was learnt from counts as the nearest of these, so that no single
    # feature, as the size in pixels at another magnification, outweighs all the rest.
    both = Pipeline([("range", MinMaxScaler(clip=True)), ("unit", StandardScaler())])
    scale = "passthrough" if model in TREES else both
    model_step = ("model", MODELS[model](codes, groups, seed))
    return Pipeline([*_choices(select), ("scale", scale), model_step])


def _svm(codes: NDArray[np.intp], groups: NDArray, seed: int) -> ClassifierMixin:
    if np.bincount(codes).min() < 2:
        raise MarrowError(
            "A class has only one unit to learn from, and svm needs two; add more, or choose "
            "another model."
        )
    # SVC itself gives no probabilities any more: Platt's sigmoid over folds
    cut = _folds(codes, groups, seed)
    return CalibratedClassifierCV(SVC(class_weight="balanced"), ensemble=False, cv=cut)


def _folds(codes: NDArray[np.intp], groups: NDArray, seed: int) -> list[tuple[NDArray, NDArray]]:
    """Five folds at most, with the groups whole, as far as both sides then have all classes."""
    classes = np.unique(codes)
    most = min(5, *(len(np.unique(groups[codes == k])) for k in classes))
    if most > 1:
        whole = StratifiedGroupKFold(most, shuffle=True, random_state=seed)
        found = list(whole.split(codes, codes, groups))
        if all(len(np.unique(codes[train])) == len(classes) for train, _ in found):
            return found
    plain = StratifiedKFold(min(5, int(np.bincount(codes).min())), shuffle=True, random_state=seed)
    return list(plain.split(codes, codes))


def _naive_bayes(codes: NDArray[np.intp], groups: NDArray, seed: int) -> ClassifierMixin:
    return GaussianNB()


def _decision_tree(codes: NDArray[np.intp], groups: NDArray, seed: int) -> ClassifierMixin:
    return DecisionTreeClassifier(min_samples_leaf=2, class_weight="balanced", random_state=seed)


def _random_forest(codes: NDArray[np.intp], groups: NDArray, seed: int) -> ClassifierMixin:
    return RandomForestClassifier(
        300, min_samples_leaf=2, class_weight="balanced", random_state=seed, n_jobs=-1
    )


def _logistic(codes: NDArray[np.intp], groups: NDArray, seed: int) -> ClassifierMixin:
    return LogisticRegression(C=0.3, class_weight="balanced", max_iter=5000)


MODELS: dict[str, Callable[[NDArray[np.intp], NDArray, int], ClassifierMixin]] = {
    "svm": _svm,
    "naive-bayes": _naive_bayes,
    "decision-tree": _decision_tree,
    "random-forest": _random_forest,
    "logistic": _logistic,
}
"""A classifier with its settings, made for the rows' classes and sources, and a seed."""
TREES = frozenset({"decision-tree", "random-forest"})


def importances(
    pipeline: Pipeline, values: NDArray[np.float64], codes: NDArray[np.intp], seed: int
) -> NDArray[np.float64]:
    """How much each chosen feature counts, in parts of the whole.

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
        chosen = pipeline[:-1].transform(values)
        shuffled = permutation_importance(
            model, chosen, codes, scoring="neg_log_loss", n_repeats=5, random_state=seed
        )
        found = shuffled.importances_mean.clip(0)
    total = found.sum()
    return found / total if total > 0 else found


def _count_numbers(model: ClassifierMixin) -> int:
    """Numbers that were learnt: coefficients, means and variances, support vectors, nodes."""
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


def _export(pipeline: Pipeline, kept: NDArray[np.intp], values: NDArray[np.float64]) -> bytes:
    """The pipeline after all choices of columns as ONNX, checked to answer as it does."""
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType
    from skl2onnx.sklapi import CastTransformer

    chosen, model = values[:, kept], pipeline["model"]
    # medians are column by column: those of the chosen ones stay what they were
    missing = SimpleImputer(strategy="median").fit(chosen)
    steps: list[tuple[str, Any]] = [("missing", missing), ("model", model)]
    if pipeline["scale"] != "passthrough":
        # Differences of large numbers need the digits, of naive Bayes's logarithms too.
        last = np.float64 if isinstance(model, GaussianNB) else np.float32
        steps[1:1] = [
            ("double", CastTransformer(dtype=np.float64)),
            ("scale", pipeline["scale"]),
            ("back", CastTransformer(dtype=last)),
        ]
    whole = Pipeline(steps)
    with warnings.catch_warnings():  # the converter looks at attributes that scikit-learn drops
        warnings.simplefilter("ignore", FutureWarning)
        network = convert_sklearn(
            whole,
            initial_types=[("features", FloatTensorType([None, len(kept)]))],
            options={id(model): {"zipmap": False}},
        ).SerializeToString()
    found = open_onnx(network).run(["probabilities"], {"features": chosen.astype(np.float32)})[0]
    difference = float(np.abs(found - pipeline.predict_proba(values)).max())
    if not difference <= AGREEMENT:
        raise RuntimeError(
            f"The exported pipeline differs from the fitted one by {difference:.1e} "
            f"(at most {AGREEMENT} is right)."
        )
    return network
