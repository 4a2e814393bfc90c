"""The temperature, against hand calculations and scikit-learn."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from napari_marrow.learning.confidence.calibration import apply_temperature, fit_temperature


def test_apply_temperature_by_hand():
    # the roots of .8 and .2 are as 2 to 1
    np.testing.assert_allclose(
        apply_temperature(np.array([[0.8, 0.2]]), 2), [[2 / 3, 1 / 3]], atol=1e-09
    )
    np.testing.assert_allclose(
        apply_temperature(np.array([[0.7, 0.3]]), 1), [[0.7, 0.3]], atol=1e-09
    )
    certain = apply_temperature(np.array([[1.0, 0.0]]), 3)
    assert np.isfinite(certain).all()
    assert certain.sum() == pytest.approx(1, abs=1e-9)


def test_temperature_of_an_overconfident_network():
    # Sure to 0.99 and right in 80 of 100, which counts as p = (80 * 101 + 20) / 10200: fits best
    # where (99)^(1/T) = p / (1 - p).
    probabilities = np.tile([0.99, 0.01], (100, 1))
    truth = np.repeat([0, 1], [80, 20])
    p = (80 * 101 + 20) / 10200
    expected = np.log(99) / np.log(p / (1 - p))
    assert fit_temperature(probabilities, truth) == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize("count", [10, 30])
def test_right_answers_are_as_certain_as_their_number_allows(count):
    timid = np.tile([0.6, 0.4], (count, 1))
    found = apply_temperature(timid[:1], fit_temperature(timid, np.zeros(count, int)))
    assert found[0, 0] == pytest.approx((count + 1) / (count + 2), abs=1e-3)


def test_temperature_needs_ten_units_and_has_bounds():
    wrong = np.tile([0.99, 0.01], (10, 1))
    assert fit_temperature(wrong[:9], np.ones(9, int)) == 1
    assert fit_temperature(wrong, np.ones(10, int)) == pytest.approx(10, abs=1e-3)


def test_temperature_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    values, truth = rng.normal(size=(300, 3)), np.repeat([0, 1, 2], 100)
    values[np.arange(300), truth] += 1
    noisy = np.where(rng.random(300) < 0.2, rng.integers(0, 3, 300), truth)
    model = LogisticRegression(C=1e4).fit(values[::2] * [1, 3, 0.2], truth[::2])
    held = values[1::2] * [1, 3, 0.2], noisy[1::2]
    oracle = CalibratedClassifierCV(FrozenEstimator(model), method="temperature").fit(*held)
    answers = model.predict_proba(held[0])
    found = apply_temperature(answers, fit_temperature(answers, held[1]))
    np.testing.assert_allclose(found, oracle.predict_proba(held[0]), atol=0.01)
