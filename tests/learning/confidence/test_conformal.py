"""Conformal p-values by class, against SciPy, NumPy and simulated cells."""

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis
from sklearn.model_selection import KFold

from napari_marrow.learning.confidence.conformal import ClassModel, Conformal, conformal_p_values

CENTRES = np.array([[0, 0, 0, 0], [4, 0, 0, 0]])
NEW = np.array([0, 5, 0, 0])


def draw(rng, count, centres=CENTRES):
    codes = np.arange(count) % len(centres)
    return centres[codes] + rng.normal(size=(count, centres.shape[1])), codes


def cross_fitted(values, codes):
    found = np.empty((len(values), codes.max() + 1))
    for train, test in KFold(5, shuffle=True, random_state=0).split(values):
        found[test] = ClassModel.fit(values[train], codes[train]).distances(values[test])
    return found


def test_the_distance_is_that_of_scipy_over_the_root_of_the_dimension():
    values, codes = draw(np.random.default_rng(0), 4000)
    model = ClassModel.fit(values * [1, 10, 100, 1], codes)  # of any unit
    within = np.cov((values - CENTRES[codes]).T)
    ask = np.array([[1.0, 2, 3, 4]])
    expected = [mahalanobis(ask[0], c, np.linalg.inv(within)) / 2 for c in CENTRES]
    np.testing.assert_allclose(model.distances(ask * [1, 10, 100, 1])[0], expected, rtol=0.05)


def test_what_is_missing_is_as_in_the_mean_of_the_classes():
    values, codes = draw(np.random.default_rng(0), 100)
    values[::7, 1] = np.nan
    model = ClassModel.fit(values, codes)
    ask = np.array([[0.0, np.nan, 0, 0]])
    filled = np.where(np.isnan(ask), model.centres.mean(axis=0), ask)
    np.testing.assert_allclose(model.distances(ask), model.distances(filled), atol=1e-9)


def test_p_values_by_hand():
    scores = [np.array([1.0, 2, 3]), np.array([0.5])]
    found = conformal_p_values(scores, np.array([[2.5, 0.4], [3, 0.6], [9, 9]]))
    np.testing.assert_allclose(found, [[2 / 4, 2 / 2], [2 / 4, 1 / 2], [1 / 4, 1 / 2]], atol=1e-9)


def test_known_classes_give_few_alarms_and_a_new_one_many():
    alarms, found = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        values, codes = draw(rng, 80)
        conformal = Conformal.fit(values, codes, cross_fitted(values, codes))
        alarms.append(conformal.is_neither(draw(rng, 200)[0]).mean())
        found.append(conformal.is_neither(NEW + rng.normal(size=(50, 4))).mean())
    assert np.mean(alarms) <= 0.055
    assert np.mean(found) >= 0.9


def test_p_values_are_uniform_for_the_own_class():
    rng, own = np.random.default_rng(3), []
    for _ in range(60):
        values, codes = draw(rng, 60)
        conformal = Conformal.fit(values, codes, cross_fitted(values, codes))
        values, codes = draw(rng, 40)
        own += conformal.p_values(values)[np.arange(40), codes].tolist()
    for level in (0.1, 0.2, 0.5):
        assert np.mean(np.array(own) <= level) == pytest.approx(level, abs=0.04)


@pytest.mark.parametrize("count", [4, 18])
def test_too_few_call_nothing_neither(count):
    values, codes = draw(np.random.default_rng(0), count)
    conformal = Conformal.fit(values, codes, np.full((count, 2), np.nan))
    assert not conformal.is_neither(NEW[None] * 100.0).any()
    few = Conformal.fit(values, codes, np.ones((count, 2)))
    assert not few.is_neither(NEW[None] * 100.0).any()
    assert not conformal.can_tell
    assert not few.can_tell


def test_cells_of_a_class_that_could_not_be_held_out_are_not_all_alarms():
    values, codes = draw(np.random.default_rng(0), 200)
    held_out = np.where(codes[:, None] == 0, cross_fitted(values, codes), np.nan)
    conformal = Conformal.fit(values, codes, held_out)
    assert not len(conformal.scores[1])
    assert not conformal.is_neither(values[codes == 1]).any()
