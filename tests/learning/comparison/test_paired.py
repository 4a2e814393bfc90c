"""Paired differences against SciPy's t test, whose t the correction scales, and by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from napari_marrow.learning.comparison.paired import (
    best_model,
    corrected_t_test,
    paired_differences,
)
from napari_marrow.learning.scores.findings import PairedDifference


@pytest.mark.parametrize("folds", [2, 5, 50])
def test_without_shared_units_it_is_the_paired_t_test(folds):
    rng = np.random.default_rng(folds)
    one, other = rng.uniform(0.6, 1, (2, folds))
    low, high, p_value = corrected_t_test(one - other, 0.0)
    expected = stats.ttest_rel(one, other)
    interval = expected.confidence_interval()
    assert p_value == pytest.approx(expected.pvalue, abs=1e-12)
    assert low == pytest.approx(max(-1, interval.low), abs=1e-12)
    assert high == pytest.approx(min(1, interval.high), abs=1e-12)


@pytest.mark.parametrize("share", [1 / 9, 1 / 4, 1.0])
def test_the_correction_scales_t(share):
    """Nadeau and Bengio's ratio: (1/J + share) in place of 1/J."""
    values = np.random.default_rng(1).normal(0.05, 0.04, 10)
    p_value = corrected_t_test(values, share)[2]
    plain = stats.ttest_1samp(values, 0).statistic
    scaled = plain * np.sqrt((1 / 10) / (1 / 10 + share))
    assert p_value == pytest.approx(2 * stats.t.sf(abs(scaled), 9), abs=1e-12)


def test_by_hand():
    """Differences 0.1, 0.2, 0.3 and share 1/2: mean 0.2, error 0.1 sqrt(1/3 + 1/2), t 2.1909."""
    low, high, p_value = corrected_t_test(np.array([0.1, 0.2, 0.3]), 0.5)
    assert p_value == pytest.approx(1 - 2.190890 / np.sqrt(4.8 + 2), abs=1e-6)  # of 2 degrees
    half = 4.302653 * 0.1 * np.sqrt(5 / 6)  # the quantile as tables print it
    assert (low, high) == pytest.approx((0.2 - half, 0.2 + half), abs=1e-6)


@pytest.mark.parametrize("values", [[0.25] * 5, [0.0] * 5, [0.3], []])
def test_what_does_not_vary_tells_nothing(values):
    assert corrected_t_test(np.array(values), 0.25) == (-1.0, 1.0, 1.0)


def frames(rng, folds=50, **means):
    shared = rng.normal(0, 0.05, folds)
    return {
        name: pd.DataFrame(
            {"balanced_accuracy": mean + shared + rng.normal(0, 0.01, folds), "test_share": 0.25}
        )
        for name, mean in means.items()
    }


def test_p_values_are_adjusted_by_holm():
    scores = frames(np.random.default_rng(0), a=0.8, b=0.795, c=0.79)
    found = paired_differences(scores, "honest")
    assert [(x.first, x.second) for x in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    raw = [
        corrected_t_test(
            (scores[x.first] - scores[x.second])["balanced_accuracy"].to_numpy(), 0.25
        )[2]
        for x in found
    ]
    order = np.argsort(raw)
    expected = np.empty(3)
    so_far = 0.0
    for rank, k in enumerate(order):  # the smallest times three, the next times two
        so_far = max(so_far, min(1.0, (3 - rank) * raw[k]))
        expected[k] = so_far
    assert [x.p_value for x in found] == pytest.approx(expected.tolist(), abs=1e-12)


def test_a_fold_without_a_score_does_not_count():
    scores = frames(np.random.default_rng(2), folds=6, a=0.9, b=0.7)
    whole = {name: own.drop(index=3) for name, own in scores.items()}
    scores["b"].loc[3, "balanced_accuracy"] = np.nan
    assert paired_differences(scores, "honest") == paired_differences(whole, "honest")


def test_the_best_is_better_than_all_others():
    rng = np.random.default_rng(3)
    assert best_model(paired_differences(frames(rng, a=0.7, b=0.9, c=0.8), "honest")) == "b"
    assert best_model(paired_differences(frames(rng, a=0.7, b=0.9, c=0.9), "honest")) is None
    assert best_model(()) is None


def test_a_higher_score_alone_is_not_shown():
    one = PairedDifference("a", "b", "honest", "balanced_accuracy", 0.2, -0.01, 0.41, 0.06)
    assert best_model([one]) is None


@pytest.mark.parametrize(("protocol", "is_guess"), [("paper", False), ("honest", True)])
def test_nothing_is_shown_by_copies_or_by_too_few_sources(protocol, is_guess):
    scores = frames(np.random.default_rng(3), a=0.7, b=0.9)
    (found,) = paired_differences(scores, protocol, is_guess=is_guess)
    assert found.p_value < 0.001
    assert best_model([found]) is None
    assert best_model(paired_differences(scores, "honest")) == "b"


def test_what_is_shown_goes_by_the_adjusted_p_value():
    one = PairedDifference("a", "b", "honest", "balanced_accuracy", 0.2, 0.01, 0.39, 0.08)
    assert not one.is_shown
    assert replace(one, p_value=0.049).is_shown
