"""Selection of feature columns: usable ones first, then those with the highest chi-square score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectKBest, SelectorMixin
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler

from napari_marrow.measure.chi2 import chi2_scores, is_constant

MAX_CORRELATION = 0.95
"""Columns with a higher correlation with an earlier one are dropped."""
MAX_MISSING_FRACTION = 0.25
"""Columns with a larger fraction of missing values are dropped. An answer for a unit with a larger
fraction of missing columns is uncertain: a model that learns from many such makes few others."""


class UsableColumns(SelectorMixin, BaseEstimator):
    """Drop columns that are mostly missing, constant, or collinear with an earlier one.

    Attributes
    ----------
    mask_
        (columns,) which are kept.
    collinear_with_
        (columns,) the earlier column that a dropped one is collinear with, else -1.
    """

    def fit(self, X: NDArray, y: object = None) -> UsableColumns:
        """Find the columns to keep."""
        values = np.array(X, np.float64)
        present = np.isnan(values).mean(axis=0) <= MAX_MISSING_FRACTION
        values[:, ~present] = 0
        values = SimpleImputer(strategy="median").fit_transform(values)
        varied = np.flatnonzero(present & ~is_constant(values))
        correlation = np.abs(np.atleast_2d(np.corrcoef(values[:, varied], rowvar=False)))
        kept: list[int] = []
        self.collinear_with_ = np.full(values.shape[1], -1)
        for k in range(len(varied)):
            with_kept = correlation[k, kept]
            if with_kept.max(initial=0) > MAX_CORRELATION:
                self.collinear_with_[varied[k]] = varied[kept[int(with_kept.argmax())]]
            else:
                kept.append(k)
        self.mask_ = np.zeros(values.shape[1], bool)
        self.mask_[varied[kept]] = True
        self.n_features_in_ = values.shape[1]
        return self

    def transform(self, X: NDArray) -> NDArray:
        """Return the kept columns; missing values stay missing."""
        return np.asarray(X)[:, self.mask_]

    def _get_support_mask(self) -> NDArray[np.bool_]:
        return self.mask_


class ChiSquareColumns(SelectorMixin, BaseEstimator):
    """Keep the k columns with the highest chi-square score, each scaled to 0 to 1 for it."""

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
