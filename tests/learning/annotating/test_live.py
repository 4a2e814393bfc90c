"""The live model: scikit-learn, on features standardised by the cells of each acquisition."""

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import norm
from sklearn.covariance import ledoit_wolf
from sklearn.preprocessing import StandardScaler

from napari_marrow.learning.annotating.live import fit_live, standardized


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_each_acquisition_is_standardised_by_its_own_cells(rng):
    one, other = rng.normal(5, 2, (40, 3)), rng.normal(-80, 30, (30, 3))
    places = np.array(["a"] * 40 + ["b"] * 30)
    found = standardized(np.vstack([one, other]), places)
    for own, values in ((found[:40], one), (found[40:], other)):
        low, middle, high = np.percentile(values, [25, 50, 75], axis=0)
        spread = (high - low) / (norm.ppf(0.75) - norm.ppf(0.25))
        np.testing.assert_allclose(own, (values - middle) / spread, atol=1e-9)


def test_few_cells_of_an_acquisition_are_standardised_with_others(rng):
    values = rng.normal(size=(24, 2))
    places = np.array(["a"] * 15 + ["b"] * 4 + ["c"] * 5)
    found = standardized(values, places)
    np.testing.assert_allclose(found[15:], standardized(values[15:], places[:9]), atol=1e-9)


def test_what_is_missing_is_the_median_and_what_is_odd_has_a_limit(rng):
    values = rng.normal(size=(30, 3))
    values[0, 0], values[1, 1], values[:, 2] = np.nan, 1e12, np.nan
    found = standardized(values, np.full(30, "a"))
    assert found[0, 0] == 0
    assert found[1, 1] == 10
    assert (found[:, 2] == 0).all()


def test_answers_are_those_of_the_discriminant_worked_out_by_hand(rng):
    """Of equal priors, with the mean of the classes' shrunk covariances (Hastie et al., 4.3)."""
    values = rng.normal(size=(60, 4))
    given = np.full(60, -1)
    given[:9] = [0, 2, 2, 0, 2, 0, 0, 2, 2]
    live = fit_live(values, given)
    parts = [values[:9][given[:9] == code] for code in (0, 2)]
    covariance = np.zeros((4, 4))
    for part in parts:
        scale = part.std(axis=0)
        shrunk = ledoit_wolf(StandardScaler().fit_transform(part))[0]
        covariance += scale[:, None] * shrunk * scale[None] / 2
    score = [
        values @ np.linalg.solve(covariance, part.mean(axis=0))
        - part.mean(axis=0) @ np.linalg.solve(covariance, part.mean(axis=0)) / 2
        for part in parts
    ]
    assert live.codes.tolist() == [0, 2]  # nothing of class 1 was given
    np.testing.assert_allclose(live.probabilities, softmax(score, axis=0).T, atol=1e-6)
    np.testing.assert_array_equal(live.answers, np.where(score[1] > score[0], 2, 0))
    np.testing.assert_allclose(live.margins, abs(2 * live.probabilities[:, 0] - 1), atol=1e-9)


@pytest.mark.parametrize("given", [[-1] * 5, [1, -1, 1, 1, -1], [0, 1, -1, -1, 2]])
def test_of_one_class_or_one_cell_each_there_is_no_model(given):
    assert fit_live(np.eye(5), np.array(given)) is None
