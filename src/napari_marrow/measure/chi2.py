"""Chi-square selection: which features go with the class, and how surely.

chi2 = sum (O - E)^2 / E over the classes, where O is the sum of a feature in a class and E what the
class would have if the feature did not go with it. The statistic is of counts; of other
non-negative features it is a score to rank by, and its p-value says less than it seems to. It is
scikit-learn's (:func:`sklearn.feature_selection.chi2`), and so are the p-values. A constant feature
scores 0.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import false_discovery_control
from sklearn.feature_selection import chi2
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler

from napari_marrow.data.errors import MarrowError
from napari_marrow.measure.settings import ChiSquareSettings

RELATIVE_ROUNDING = 1e-9
"""Range of a feature over its largest value, up to which it counts as constant."""
ABSOLUTE_ROUNDING = 1e-20
"""Range of a feature up to which it counts as constant, whatever its values."""
MIN_RELATIVE_SCORE = 1e-20
"""Chi-square over the sum of a feature, below which it is rounding of the sums."""


def chi_square(table: pd.DataFrame, classes: ArrayLike, k: int = 20) -> pd.DataFrame:
    """Score the features of a table against the classes of its rows.

    Parameters
    ----------
    table
        A row per unit, a column per feature, none below 0 and none missing; :func:`non_negative`
        makes such a table of any.
    classes
        (n,) the class of each row.
    k
        Number of features to select; all where there are fewer.

    Returns
    -------
    DataFrame
        A row per feature, in the table's order: ``feature``, ``chi2``, ``p_value``, ``selected``,
        ``rank`` (1 the highest) and ``p_adjusted``, the p-value corrected for the number of tests
        (Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate", J. R. Stat. Soc. B
        57, 1995). A constant feature has a chi-square of 0 and p-values of 1, is ranked last and
        never selected, and does not count as a test.

    Raises
    ------
    MarrowError
        When there are fewer than two classes, a value is negative, missing or no number, or k is
        below 1.
    """
    if k < 1:
        raise MarrowError(f"k is {k}; choose at least 1 feature.")
    classes = np.asarray(classes)
    values = _checked_values(table, classes)
    scores, p_values = chi2_scores(values, classes)
    varies = ~is_constant(values)
    order = _from_best(scores, varies)
    rank = np.empty(len(order), np.intp)
    rank[order] = np.arange(1, len(order) + 1)
    adjusted = np.ones(len(order))
    if varies.any():
        adjusted[varies] = false_discovery_control(p_values[varies])
    return pd.DataFrame(
        {
            "feature": list(table.columns),
            "chi2": scores,
            "p_value": p_values,
            "selected": (rank <= k) & varies,
            "rank": rank,
            "p_adjusted": adjusted,
        }
    )


def select_features(
    table: pd.DataFrame,
    classes: ArrayLike,
    sources: ArrayLike,
    settings: ChiSquareSettings,
    progress: Callable[[float], None] = lambda fraction: None,
) -> pd.DataFrame:
    """Score a table as measured, with missing and negative values, and the selection's stability.

    Parameters
    ----------
    table
        A row per unit, a column per feature.
    classes, sources
        (n,) of each row.
    settings
        Number of features to select, and of resamples.
    progress
        Called with the fraction that is done before each resample; what it raises ends the work.

    Returns
    -------
    DataFrame
        That of :func:`chi_square` over :func:`non_negative`, and ``stability``: the fraction of
        resamples, each with one half of the sources of every class, in which the feature was
        selected (N. Meinshausen and P. Buhlmann, "Stability selection", J. R. Stat. Soc. B 72,
        2010). Not a number without resamples, or where a class has only one source.
    """
    classes, sources = np.asarray(classes), np.asarray(sources)
    scored = chi_square(non_negative(table), classes, settings.select)
    values = table.to_numpy(np.float64)
    generator = np.random.default_rng(settings.seed)
    selected, drawn = np.zeros(table.shape[1]), 0
    for k in range(settings.resamples):
        progress(k / settings.resamples)
        rows = _half_of_sources(classes, sources, generator)
        if rows is None:
            break
        scaled = _scaled(values[rows])
        varies = ~is_constant(scaled)
        best = _from_best(chi2_scores(scaled, classes[rows])[0], varies)[: settings.select]
        selected[best] += varies[best]
        drawn += 1
    scored["stability"] = selected / drawn if drawn else np.nan
    return scored


def non_negative(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with every column scaled to 0 to 1, missing values at its median.

    Chi-square adds values up as if they were counts: without one scale for all, a feature in
    pixels would win over a fraction, whatever it says. A constant column becomes 0.
    """
    values = _scaled(table.to_numpy(np.float64))
    return pd.DataFrame(values, columns=table.columns, index=table.index)


def chi2_scores(
    values: NDArray[np.float64], classes: NDArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return scikit-learn's chi-square and p-value of each column, as a scorer for SelectKBest.

    They are exactly 0 and 1 for a constant column, and where the sums of the classes differ from
    what is expected by rounding alone.
    """
    scores, p_values = chi2(values, classes)
    is_zero = is_constant(values) | ~(scores > MIN_RELATIVE_SCORE * values.sum(axis=0))
    return np.where(is_zero, 0.0, scores), np.where(is_zero, 1.0, p_values)


def is_constant(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which columns do not vary, or by rounding alone."""
    largest = np.abs(values).max(axis=0)
    return np.asarray(np.ptp(values, axis=0) <= RELATIVE_ROUNDING * largest + ABSOLUTE_ROUNDING)


def _from_best(scores: NDArray[np.float64], varies: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Order columns by falling score, constant ones last."""
    return np.argsort(np.where(varies, -scores, 1), kind="stable")


def _scaled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    filled = SimpleImputer(strategy="median", keep_empty_features=True).fit_transform(values)
    filled[:, is_constant(filled)] = 0
    return MinMaxScaler(clip=True).fit_transform(filled)


def _half_of_sources(
    classes: NDArray, sources: NDArray, generator: np.random.Generator
) -> NDArray[np.intp] | None:
    """Draw the rows of one half of the sources of every class; None where a class has only one."""
    drawn: list = []
    for name in np.unique(classes):
        own = np.unique(sources[classes == name])
        if len(own) < 2:
            return None
        drawn += generator.permutation(own)[: len(own) // 2].tolist()
    rows = np.flatnonzero(np.isin(sources, drawn))
    return rows if len(np.unique(classes[rows])) > 1 else None


def _checked_values(table: pd.DataFrame, classes: NDArray) -> NDArray[np.float64]:
    n_classes = pd.Series(classes).nunique(dropna=False)
    if len(classes) != len(table) or n_classes < 2:
        raise MarrowError(
            f"{len(table)} rows and {len(classes)} classes of {n_classes} kinds were "
            "given; chi-square takes a class a row, of two kinds or more."
        )
    if not table.shape[1] or pd.isna(classes).any():
        raise MarrowError("Chi-square takes a column a feature, and a class in every row.")
    values = table.apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    for name, column in zip(table.columns, values.T, strict=True):
        if not (np.isfinite(column) & (column >= 0)).all():
            raise MarrowError(
                f"The feature {name} has values that are missing, no numbers or below 0; fill and "
                "scale them first, as napari_marrow.measure.chi2.non_negative does."
            )
    return values
