"""Intervals against published values and SciPy's, and the design effect by hand."""

import numpy as np
import pytest
from scipy.stats import binomtest, norm, t

from napari_marrow.learning.scores.intervals import design_effect, newcombe, t_quantile, wilson

Z = norm.ppf(0.975)


@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [
        (10, 10, 0.7225, 1.0),
        (0, 10, 0.0, 0.2775),
        # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_against_published_intervals(right, count, low, high):
    assert wilson(right, count, Z) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("quantile", [1.0, 2.0, 4.3])
def test_wilson_of_any_quantile_is_that_of_another_level(quantile):
    expected = binomtest(17, 20).proportion_ci(2 * norm.cdf(quantile) - 1, "wilson")
    assert wilson(17, 20, quantile) == pytest.approx(tuple(expected), abs=1e-9)


def test_wilson_of_nothing_and_of_one_source_is_everything():
    assert wilson(0, 0, Z) == (0, 1)
    assert wilson(5, 5, t_quantile(1)) == (0, 1)


def test_quantile_is_students_of_the_sources():
    # tables of Student's t: 2.571 for five degrees of freedom, 2.045 for 29
    assert [t_quantile(6), t_quantile(30)] == pytest.approx([2.571, 2.045], abs=5e-4)
    assert t_quantile(12) == pytest.approx(t(11).interval(0.95)[1], abs=1e-9)
    assert t_quantile(10**6) == pytest.approx(Z, abs=1e-4)
    assert t_quantile(1) == t_quantile(0) == np.inf


def test_design_effect_by_hand():
    correct = np.array([1, 1, 1, 0, 0, 1, 1, 0], bool)
    sources = np.array(list("AAABBBCC"))
    # Share 5/8. Residuals of the sources: 3 - 15/8 = 1.125, 1 - 15/8 = -.875, 1 - 10/8 = -.25;
    # their squares add up to 2.09375. Variance 3/2 * 2.09375 / 64; of a simple random sample
    # 5/8 * 3/8 / 8. The ratio is 1.675. A unit has (9 + 9 + 4) / 8 - 1 = 1.75 beside it, so the
    # correlation is .675 / 1.75 = .385714. Wrong answers are in two sources; with half a source of
    # correlation 1 beside them it is (2 * .385714 + .5) / 2.5 = .508571, the effect 1 + 1.75 * it.
    assert design_effect(correct, sources) == pytest.approx(1.89, abs=1e-9)


@pytest.mark.parametrize(
    ("correct", "sources", "effect"),
    [
        ([1, 1, 0, 0, 1, 0], "ABCDEF", 1),  # units alone are worth one each
        ([1, 1, 1, 1, 0, 0, 0, 0] * 2, "AAAABBBBCCCCDDDD", 4),  # all of a source go together
        ([1, 0, 1, 0, 1, 0, 1, 0], "AABBCCDD", 1 + 0.5 / 4.5),  # less than chance together
        ([1] * 12, "AAAABBBBCCCC", 4),  # all right: 3 sources are all there is
        ([0] * 12, "AAAABBBBCCCC", 4),
        ([1] * 12, "AAAAAABBBBCC", 56 / 12),  # of 12 units 36 + 16 + 4 pairs share a source
        ([1, 1, 1], "AAA", 3),
    ],
)
def test_design_effect_of_extremes(correct, sources, effect):
    assert design_effect(np.array(correct, bool), np.array(list(sources))) == pytest.approx(
        effect, abs=1e-9
    )


def test_few_wrong_answers_do_not_end_the_doubt():
    """200 right units of 10 sources are worth 10; with one wrong they are not worth 200."""
    sources, correct = np.repeat(np.arange(10), 20), np.ones(200, bool)
    assert 200 / design_effect(correct, sources) == pytest.approx(10, abs=1e-9)
    correct[0] = False  # correlation (0 + .5) / 1.5
    assert design_effect(correct, sources) == pytest.approx(1 + 19 / 3, abs=0.01)


def hanley_mcneil(area, positives, negatives):
    """Variance of the area, Hanley and McNeil 1982, equation 2."""
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    excess = (positives - 1) * (q1 - area**2) + (negatives - 1) * (q2 - area**2)
    return (area * (1 - area) + excess) / (positives * negatives)


@pytest.mark.parametrize("area", [0.3, 0.5, 0.8, 0.893, 0.99])
def test_auc_interval_ends_where_its_own_variance_is_met(area):
    """With equal groups Newcombe's variance is Hanley and McNeil's, at the limit itself."""
    low, high = newcombe(area, 25, 25, Z)
    for limit in (low, high):
        distance = Z * np.sqrt(hanley_mcneil(limit, 25, 25))
        assert abs(area - limit) == pytest.approx(distance, abs=1e-6)
    assert 0 <= low < area < high <= 1


def test_auc_interval_of_unequal_groups_by_hand():
    # m = 10, n = 30: N* = 19. At theta = 0.7: 1 + 19 * .3 / 1.3 + 19 * .7 / 1.7 = 13.2081;
    # variance .21 * 13.2081 / 300 = .00924570, its root .0961545, times 1.959964 = .188459.
    # So an area of .888459 has the lower limit .7.
    assert newcombe(0.888459, 10, 30, Z)[0] == pytest.approx(0.7, abs=1e-5)


def test_auc_interval_of_a_perfect_score_is_honest():
    low, high = newcombe(1.0, 5, 5, Z)
    assert high == pytest.approx(1, abs=1e-6)
    assert 1 - low == pytest.approx(Z * np.sqrt(hanley_mcneil(low, 5, 5)), abs=1e-5)
    assert low < 0.75
    mirrored = newcombe(0.0, 5, 5, Z)
    assert mirrored == pytest.approx((0, 1 - low), abs=1e-6)
    assert newcombe(1.0, 1, 1, Z)[0] < 0.3
    assert newcombe(1.0, 5, 5, t_quantile(1)) == (0, 1)
