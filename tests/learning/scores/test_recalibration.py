"""Brier score against scikit-learn, recalibration against its own Newton steps and known models."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_estimating_equations import GEE

from napari_marrow.learning.scores.recalibration import brier_score, cox, recalibration


def simulated(count=4000, units=10, overconfidence=2.0, seed=0):
    """What happened, logarithmic odds that are too far from 0, and sources."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(size=count)
    happened = rng.random(count) < 1 / (1 + np.exp(-odds))
    sources = np.repeat(np.arange(count // units), units)
    return happened, 1 / (1 + np.exp(-overconfidence * odds)), sources


def answers(happened, probability, sources):
    """The table of answers of two classes."""
    return pd.DataFrame(
        {
            "class": np.where(happened, "ALL", "MM"),
            "predicted": np.where(probability > 0.5, "ALL", "MM"),
            "source": sources,
            "probability_ALL": probability,
            "probability_MM": 1 - probability,
        }
    )


def test_brier_score_is_that_of_scikit_learn():
    happened, probability, sources = simulated(400)
    score = brier_score(happened, probability, sources)
    assert score.estimate == pytest.approx(brier_score_loss(happened, probability), abs=1e-9)
    share = happened.mean()
    always = brier_score_loss(happened, np.full(400, share))
    assert score.chance == pytest.approx(always, abs=1e-9)
    assert 0 < score.low < score.estimate < score.high


def test_interval_of_many_independent_brier_errors_is_that_of_their_mean():
    happened, probability, _ = simulated(4000)
    errors = (happened - probability) ** 2
    score = brier_score(happened, probability, np.arange(4000))
    half = t.ppf(0.975, 3999) * errors.std() / np.sqrt(4000)
    assert (score.high - score.low) / 2 == pytest.approx(half, rel=0.01)


def test_slope_and_intercept_are_those_of_logistic_regression():
    happened, probability, sources = simulated()
    slope, intercept = cox(happened, probability, sources)
    odds = np.log(probability / (1 - probability))
    free = LogisticRegression(C=np.inf, tol=1e-10).fit(odds[:, None], happened)
    assert slope.estimate == pytest.approx(free.coef_[0, 0], abs=1e-4)
    value = 0.0  # Newton's method for the intercept alone
    for _ in range(20):
        fitted = 1 / (1 + np.exp(-(odds + value)))
        value += (happened - fitted).sum() / (fitted * (1 - fitted)).sum()
    assert intercept.estimate == pytest.approx(value, abs=1e-6)


def test_covariance_is_that_of_generalized_estimating_equations():
    """statsmodels has Mancl and DeRouen's with independence within sources."""
    happened, probability, sources = simulated(200)
    odds, ones = np.log(probability / (1 - probability)), np.ones((200, 1))
    found = cox(happened, probability, sources)
    groups = [len(np.unique(sources[side])) for side in (happened, ~happened)]
    for inputs, offset, one in zip(
        (np.column_stack([ones, odds]), ones), (None, odds), found, strict=True
    ):
        model = GEE(happened, inputs, sources, family=Binomial(), offset=offset)
        expected = model.fit(cov_type="bias_reduced")
        assert one.estimate == pytest.approx(expected.params[-1], abs=1e-5)
        half = t.ppf(0.975, min(groups) - 1) * expected.bse[-1]
        assert (one.high - one.low) / 2 == pytest.approx(half, rel=1e-3)


def test_probabilities_that_are_too_sure_have_a_slope_below_one():
    slope, intercept = cox(*simulated(overconfidence=2.0))
    assert slope.low < 0.5 < slope.high < 1
    assert intercept.low < 0 < intercept.high
    good, _ = cox(*simulated(overconfidence=1.0))
    assert good.low < 1 < good.high


def test_units_of_one_source_widen_the_intervals():
    happened, probability, _ = simulated(400)
    alone = cox(happened, probability, np.arange(400))
    copied = cox(*(np.repeat(x, 5) for x in (happened, probability, np.arange(400))))
    for one, other in zip(alone, copied, strict=True):
        assert other.estimate == pytest.approx(one.estimate, abs=1e-6)
        assert other.high - other.low == pytest.approx(one.high - one.low, rel=0.02)


def test_perfect_answers_have_no_slope():
    happened, probability, sources = simulated(100)
    assert cox(happened, np.where(happened, 0.9, 0.1), sources)[0] is None
    assert cox(np.ones(100, bool), probability, sources) == (None, None)
    assert cox(happened, probability, np.zeros(100)) == (None, None)
    assert cox(happened, np.full(100, 0.4), sources)[0] is None


def test_of_two_classes_it_is_of_the_positive_one():
    happened, probability, sources = simulated(300)
    found = recalibration(answers(happened, probability, sources), ("ALL", "MM"))
    assert found.of == "ALL"
    assert found.brier == brier_score(happened, probability, sources)
    assert (found.slope, found.intercept) == cox(happened, probability, sources)


def test_of_three_classes_it_is_of_the_answered_one():
    table = pd.DataFrame({"class": list("aab"), "predicted": list("abc"), "source": range(3)})
    table[["probability_a", "probability_b", "probability_c"]] = [
        [0.8, 0.1, 0.1],
        [0.2, 0.7, 0.1],
        [0.1, 0.3, 0.6],
    ]
    found = recalibration(table, ("a", "b", "c"))
    assert found.of == "the answered class"
    # right 0.8, wrong 0.7 and 0.6: (0.04 + 0.49 + 0.36) / 3
    assert found.brier.estimate == pytest.approx(0.89 / 3, abs=1e-9)
