"""Chi-square selection: which features go with the class, and how surely.

chi2 = sum (O - E)^2 / E over the classes, where O is the sum of a feature in a class and E what the
class would have if the feature did not go with it. The statistic is of counts; of other
non-negative features it is a score to rank by, and its p-value says less than it seems to. It is
scikit-learn's (:func:`sklearn.feature_selection.chi2`), and so are the p-values.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.imports import importing
from napari_marrow.measure.settings import ChiSquareSettings


def chi_square(table: pd.DataFrame, classes: ArrayLike, k: int = 20) -> pd.DataFrame:
    """Score the features of a table against the classes of its rows.

    Parameters
    ----------
    table
        A row a unit, a column a feature, none below 0 and none missing; :func:`non_negative` makes
        such a table of any.
    classes
        (n,) the class of each row.
    k
        How many are selected; all where there are fewer.

    Returns
    -------
    DataFrame
        A row a feature, in the table's order: ``feature``, ``chi2``, ``p_value``, ``selected``,
        ``rank`` (1 the highest) and ``p_adjusted``, the p-value corrected for so many tests
        (Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate", J. R. Stat. Soc. B
        57, 1995). A feature that is 0 everywhere has no chi-square: not a number, ranked last.

    Raises
    ------
    MarrowError
        When there are fewer than two classes, a value is negative, missing or no number, or k is
        below 1.
    """
    if k < 1:
        raise MarrowError(f"k is {k}; choose at least 1 feature.")
    classes = np.asarray(classes)
    _check(table, classes)
    scores, p_values = _scores(table.to_numpy(np.float64), classes)
    order = np.argsort(-np.nan_to_num(scores, nan=-1.0), kind="stable")
    rank = np.empty(len(order), np.intp)
    rank[order] = np.arange(1, len(order) + 1)
    return pd.DataFrame(
        {
            "feature": list(table.columns),
            "chi2": scores,
            "p_value": p_values,
            "selected": (rank <= k) & np.isfinite(scores),
            "rank": rank,
            "p_adjusted": _adjusted(p_values),
        }
    )


def select_features(
    table: pd.DataFrame,
    classes: ArrayLike,
    sources: ArrayLike,
    settings: ChiSquareSettings,
    progress: Callable[[float], None] = lambda fraction: None,
) -> pd.DataFrame:
    """Score a table as measured, missing and negative values and all, with the choice's stability.

    Parameters
    ----------
    table
        A row a unit, a column a feature.
    classes, sources
        (n,) of each row.
    settings
        How many to select, and how often to choose anew.
    progress
        Told of the part that is done before each choice; what it raises ends the work.

    Returns
    -------
    DataFrame
        That of :func:`chi_square` over :func:`non_negative`, and ``stability``: in what part of
        the resamples, each with one half of the sources of every class, the feature was among the
        selected (N. Meinshausen and P. Buhlmann, "Stability selection", J. R. Stat. Soc. B 72,
        2010). Not a number without resamples, or where a class has only one source.
    """
    classes, sources = np.asarray(classes), np.asarray(sources)
    scored = chi_square(non_negative(table), classes, settings.select)
    values = table.to_numpy(np.float64)
    generator = np.random.default_rng(settings.seed)
    chosen, drawn = np.zeros(table.shape[1]), 0
    for k in range(settings.resamples):
        progress(k / settings.resamples)
        rows = _half(classes, sources, generator)
        if rows is None:
            break
        found = _scores(_scaled(values[rows]), classes[rows])[0]
        best = np.argsort(-np.nan_to_num(found, nan=-1.0), kind="stable")[: settings.select]
        chosen[best] += np.isfinite(found[best])
        drawn += 1
    scored["stability"] = chosen / drawn if drawn else np.full(len(chosen), np.nan)
    return scored


def non_negative(table: pd.DataFrame) -> pd.DataFrame:
    """The table with every column between 0 and 1, missing values at its median.

    Chi-square adds values up as if they were counts: without one scale for all, a feature in
    pixels would win over one in parts, whatever it says.
    """
    values = _scaled(table.to_numpy(np.float64))
    return pd.DataFrame(values, columns=table.columns, index=table.index)


def _scaled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    filled = SimpleImputer(strategy="median", keep_empty_features=True).fit_transform(values)
    return MinMaxScaler(clip=True).fit_transform(filled)


def _scores(
    values: NDArray[np.float64], classes: NDArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # 0 / 0 of features that are 0 everywhere
        fitted = SelectKBest(chi2, k="all").fit(values, classes)
    return fitted.scores_, fitted.pvalues_


def _half(
    classes: NDArray, sources: NDArray, generator: np.random.Generator
) -> NDArray[np.intp] | None:
    """Rows of one half of the sources of every class; None where a class has only one."""
    kept: set = set()
    for name in np.unique(classes):
        own = np.unique(sources[classes == name])
        if len(own) < 2:
            return None
        kept.update(generator.permutation(own)[: len(own) // 2].tolist())
    rows = np.flatnonzero(np.isin(sources, list(kept)))
    return rows if len(np.unique(classes[rows])) > 1 else None


def _adjusted(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    with importing:
        from scipy.stats import false_discovery_control  # slow to import

    adjusted = np.full(len(p_values), np.nan)
    known = np.isfinite(p_values)
    if known.any():
        adjusted[known] = false_discovery_control(p_values[known])
    return adjusted


def _check(table: pd.DataFrame, classes: NDArray) -> None:
    kinds = len(pd.unique(pd.Series(classes)))
    if len(classes) != len(table) or kinds < 2:
        raise MarrowError(
            f"{len(table)} rows and {len(classes)} classes of {kinds} kinds were "
            "given; chi-square takes a class a row, of two kinds or more."
        )
    if not table.shape[1] or pd.isna(classes).any():
        raise MarrowError("Chi-square takes a column a feature, and a class in every row.")
    for name in table.columns:
        values = pd.to_numeric(table[name], errors="coerce").to_numpy(np.float64)
        if not np.isfinite(values).all():
            raise MarrowError(
                f"The feature {name} has values that are missing or no numbers; fill them first, "
                "as napari_marrow.measure.chi2.non_negative does."
            )
        if (values < 0).any():
            raise MarrowError(
                f"The feature {name} has values below 0, which chi-square can't take; scale it "
                "first, as napari_marrow.measure.chi2.non_negative does."
            )
