"""Curves against scikit-learn, their bands against the intervals of the scores."""

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import precision_recall_curve, roc_curve

from napari_marrow.learning.scores.curves import MAX_POINTS, curves_of
from napari_marrow.learning.scores.metrics import proportion, score_units

TWO = ("ALL", "MM")


def answers_of(truth, chance, sources=None, **more):
    """The table of answers of two classes."""
    return pd.DataFrame(
        {
            "class": truth,
            "source": np.arange(len(truth)) if sources is None else sources,
            "predicted": np.where(chance > 0.5, *TWO),
            "probability_ALL": chance,
            "probability_MM": 1 - chance,
            **more,
        }
    )


@pytest.fixture
def answers():
    """Eighty units in steps of 0.05, so that many are as likely."""
    rng = np.random.default_rng(2)
    truth = np.array(["ALL"] * 30 + ["MM"] * 50)
    chance = np.where(truth == "ALL", 0.6, 0.4) + rng.normal(0, 0.2, 80)
    return answers_of(truth, np.round(np.clip(chance, 0.01, 0.99) * 20) / 20)


def test_roc_and_precision_recall_are_those_of_scikit_learn(answers):
    found = curves_of(answers, TWO)
    truth, chance = answers["class"] == "ALL", answers["probability_ALL"]
    x, y, _ = roc_curve(truth, chance, drop_intermediate=False)
    np.testing.assert_allclose((found.roc.x, found.roc.y), (x, y), atol=1e-9)
    precision, recall, _ = precision_recall_curve(truth, chance)
    own = found.precision_recall
    np.testing.assert_allclose(own.x, recall[:-1][::-1], atol=1e-9)
    np.testing.assert_allclose(own.y, precision[:-1][::-1], atol=1e-9)


def test_the_bands_at_the_usual_threshold_are_the_intervals_of_the_scores(answers):
    """A unit of probability 0.5 is not called ALL: the next threshold is 0.55."""
    both = answers[["probability_ALL", "probability_MM"]].to_numpy(copy=True)
    both[:, 0] -= 1e-9
    sources = answers["source"] % 7
    scores = score_units(answers.assign(source=sources), both, TWO).metrics
    found = curves_of(answers.assign(source=sources), TWO)
    for curve, name in ((found.roc, "recall"), (found.precision_recall, "precision")):
        at = int(np.argmin(np.abs(np.array(curve.y) - scores[name].estimate)))
        assert curve.y[at] == pytest.approx(scores[name].estimate, abs=1e-9)
        band = curve.low[at], curve.high[at]
        assert band == pytest.approx((scores[name].low, scores[name].high), abs=1e-9)


def test_the_ends_of_the_roc_band_do_not_fall():
    """Of one wrong answer in a source, and of none: the interval at recall 1 begins lower."""
    sources = np.concatenate([np.repeat(np.arange(6), 10), np.arange(60) + 10])
    truth = np.array(["ALL"] * 60 + ["MM"] * 60)
    chance = np.concatenate([np.linspace(0.6, 0.9, 60), np.linspace(0.1, 0.7, 60)])
    chance[[0, 10, 20]] = 0.3, 0.35, 0.4
    answers = answers_of(truth, chance, sources)
    at_one = proportion(np.ones(60, bool), sources[:60], 0.0)
    roc = curves_of(answers, TWO).roc
    assert roc.y[-1] == 1
    assert roc.low[-1] > at_one.low + 0.05
    assert (np.diff(roc.low) >= 0).all()
    assert (np.diff(roc.high) >= 0).all()
    assert all(low <= y <= high for low, y, high in zip(roc.low, roc.y, roc.high, strict=True))


def test_calibration_is_that_of_scikit_learn():
    rng = np.random.default_rng(4)
    chance = rng.random(400)
    truth = np.where(rng.random(400) < chance, *TWO)
    found = curves_of(answers_of(truth, chance), TWO).calibration
    y, x = calibration_curve(truth == "ALL", chance, n_bins=10, strategy="quantile")
    np.testing.assert_allclose((found.x, found.y), (x, y), atol=0.011)  # an end of a bin
    assert all(low < y < high for low, y, high in zip(found.low, found.y, found.high, strict=True))
    alike = curves_of(answers_of(truth, chance, np.arange(400) % 8), TWO).calibration
    widths = np.array([np.subtract(x.high, x.low).mean() for x in (found, alike)])
    assert widths[1] > widths[0]  # fewer sources


def test_of_three_classes_it_is_of_the_answered_class():
    table = pd.DataFrame(np.tile([[0.6, 0.3, 0.1], [0.1, 0.9, 0.0]], (10, 1)))
    table.columns = ["probability_a", "probability_b", "probability_c"]
    table = table.assign(predicted=["a", "b"] * 10, source=range(20))
    table["class"] = ["a", "b"] * 5 + ["c", "b"] * 5
    found = curves_of(table, ("a", "b", "c"))
    assert (found.roc, found.precision_recall) == (None, None)
    assert found.calibration.x == pytest.approx((0.6, 0.9), abs=1e-9)
    assert found.calibration.y == (0.5, 1)
    # all are right 3 times of 4, the surer half always
    assert (found.coverage.x, found.coverage.y) == ((1.0, 0.5), (0.75, 1.0))


def test_marked_answers_go_before_those_with_a_low_probability():
    chance = np.array([0.99, 0.7, 0.8, 0.9])
    found = curves_of(answers_of(["MM", "ALL", "ALL", "ALL"], chance), TWO)
    assert found.coverage.y == pytest.approx((0.75, 2 / 3, 0.5, 0))
    marked = answers_of(["MM", "ALL", "ALL", "ALL"], chance, uncertain=[True, False, False, False])
    found = curves_of(marked, TWO)
    assert found.coverage.x == (1, 0.75, 0.5, 0.25)
    assert found.coverage.y == (0.75, 1, 1, 1)


def test_one_class_has_no_roc_and_few_units_no_calibration():
    found = curves_of(answers_of(["MM"] * 5, np.linspace(0.1, 0.3, 5)), TWO)
    assert (found.roc, found.precision_recall, found.calibration) == (None, None, None)


def test_many_units_do_not_make_more_points():
    rng = np.random.default_rng(0)
    truth = np.array(["ALL", "MM"] * 500)
    found = curves_of(answers_of(truth, rng.random(1000)), TWO)
    assert len(found.roc.x) == MAX_POINTS + 1
    assert (found.roc.x[0], found.roc.y[-1]) == (0, 1)
