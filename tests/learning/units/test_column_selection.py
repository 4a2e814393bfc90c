"""Selection of columns: usable ones by hand, chi-square against scikit-learn."""

import numpy as np
import pandas as pd
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.impute import SimpleImputer

from napari_marrow.learning.units.column_selection import ChiSquareColumns, UsableColumns


def made(kinds, rows=60):
    """Eight features with missing values, some of which go with the class, and the classes."""
    rng = np.random.default_rng(0)
    codes = np.arange(rows) % kinds
    values = rng.normal(size=(rows, 8)) * [1, 10, 0.1, 1, 1, 1000, 1, 1] + 3
    values[:, 0] += 1.5 * codes
    values[rng.random(values.shape) < 0.05] = np.nan
    return pd.DataFrame(values), codes


def test_usable_columns_by_hand():
    steady, quarter, half = [5.0] * 8, [1.0, 4.0, np.nan, 7.0] * 2, [1.0, np.nan] * 4
    quarter[7], half[2] = 2.0, 7
    line = np.arange(8.0)
    bent = line + np.where(line == 3, 9, 0)
    half[2] = 7
    values = np.column_stack([steady, line, quarter, half, -3 * line + 2, bent, [np.nan] * 8])
    found = UsableColumns().fit(values)
    assert found.mask_.tolist() == [False, True, True, False, False, True, False]
    assert found.collinear_with_.tolist() == [-1, -1, -1, -1, 1, -1, -1]
    np.testing.assert_array_equal(found.transform(values), values[:, [1, 2, 5]])
    assert np.isnan(found.transform(values)).any()  # it drops, it does not fill
    assert found.get_support().tolist() == found.mask_.tolist()


def test_a_collinear_column_is_named_after_the_one_it_is_nearest_to():
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(2, 500))
    values = np.column_stack([one, one + 0.36 * two, one + 0.3 * two])
    correlation = np.corrcoef(values.T)
    assert correlation[0, 1] < 0.95 < correlation[0, 2] < correlation[1, 2]
    assert UsableColumns().fit(values).collinear_with_.tolist() == [-1, -1, 1]


def test_chi_square_columns_are_those_of_select_k_best():
    table, codes = made(3)
    values = SimpleImputer(strategy="median").fit_transform(table)
    scaled = (values - values.min(axis=0)) / np.ptp(values, axis=0)
    for k in (1, 4, 8, 99):
        expected = SelectKBest(chi2, k=min(k, 8)).fit(scaled, codes).get_support()
        found = ChiSquareColumns(k).fit(values, codes)
        np.testing.assert_array_equal(found.get_support(), expected)
