"""Adjusted shares against published examples, SciPy's intervals, and calculation by hand."""

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from napari_marrow.learning.counting.adjusted import (
    AdjustedShare,
    ErrorModel,
    adjusted_share,
)
from napari_marrow.learning.counting.heldout import HeldOutErrors

Z = norm.ppf(0.975)


def errors_of(*rows, sources=100_000, effect=1.0):
    """Held-out errors with cells that are independent."""
    classes = tuple("abcd"[: len(rows)])
    return HeldOutErrors(classes, rows, (effect,) * len(rows), (sources,) * len(rows))


def independent(positive, count, errors):
    codes = np.repeat([0, 1], [positive, count - positive])
    return adjusted_share(ErrorModel.of_errors(errors, "a"), codes)


@pytest.mark.parametrize(
    ("positive", "count", "sensitivity", "specificity", "published"),
    [
        # 23 of 150 cows positive for brucellosis: 5.1 % (epi.prev of the R package epiR)
        (23, 150, 0.96, 0.89, 0.051),
        # Helicobacter pylori: 6 of 151, none (Reiczigel et al., Epidemiol Infect 138:1674, 2010)
        (6, 151, 0.964, 0.927, 0.0),
        # SARS-CoV-2 in Santa Clara: 50 of 3330, 1.2 % (Bendavid et al. 2020)
        (50, 3330, 0.828, 0.995, 0.012),
    ],
)
def test_rogan_gladen_estimates_as_published(positive, count, sensitivity, specificity, published):
    many = 10**9
    own = round(sensitivity * many), round((1 - specificity) * many)
    found = independent(
        positive, count, errors_of((own[0], many - own[0]), (own[1], many - own[1]))
    )
    assert np.clip(found.estimate, 0, 1) == pytest.approx(published, abs=5e-4)


def test_interval_for_known_errors_as_published():
    """Reiczigel et al. 2010: 6 of 151, 0 to 1.3 %, by Clopper-Pearson; Wilson's is shorter."""
    many = 10**9
    rows = (0.964 * many, 0.036 * many), (0.073 * many, 0.927 * many)
    found = independent(6, 151, errors_of(*(tuple(map(round, row)) for row in rows)))
    low, high = found.interval()
    wilson = binomtest(6, 151).proportion_ci(0.95, "wilson")
    assert low == 0
    assert high == pytest.approx((wilson.high + 0.927 - 1) / (0.964 + 0.927 - 1), abs=1e-6)
    assert high == pytest.approx(0.013, abs=1e-3)


@pytest.mark.parametrize(("positive", "count"), [(0, 40), (14, 100), (200, 200)])
def test_without_errors_it_is_wilsons_interval(positive, count):
    codes = np.repeat([0, 1], [positive, count - positive])
    found = adjusted_share(ErrorModel.without_errors(), codes)
    expected = binomtest(positive, count).proportion_ci(0.95, "wilson")
    assert found.estimate == positive / count
    assert found.interval() == pytest.approx(tuple(expected), abs=1e-9)


def lang_reiczigel(positive, count, sensitive, own, specific, other):
    """Equations 4, 6, 7, 16 and 17 of Lang and Reiczigel (2014)."""
    n, x = count + Z**2, positive + Z**2 / 2
    se, sp, ap = (sensitive + 1) / (own + 2), (specific + 1) / (other + 2), x / n
    share = (ap + sp - 1) / (se + sp - 1)
    parts = share**2 * se * (1 - se) / (own + 2), (1 - share) ** 2 * sp * (1 - sp) / (other + 2)
    half = Z * np.sqrt(ap * (1 - ap) / n + sum(parts)) / (se + sp - 1)
    shift = (
        2 * Z**2 * (share * se * (1 - se) / (own + 2) - (1 - share) * sp * (1 - sp) / (other + 2))
    )
    return share + shift - half, share + shift + half


@pytest.mark.parametrize("case", [(60, 300, 190, 200, 285, 300), (130, 500, 450, 500, 460, 500)])
def test_interval_is_close_to_that_of_lang_and_reiczigel(case):
    positive, count, sensitive, own, specific, other = case
    errors = errors_of((sensitive, own - sensitive), (other - specific, specific))
    low, high = independent(positive, count, errors).interval()
    expected = lang_reiczigel(*case)
    assert high - low == pytest.approx(expected[1] - expected[0], rel=0.02)
    assert (low, high) == pytest.approx(expected, abs=0.005)


def test_variance_is_that_of_rogan_and_gladen():
    """Their equation, of the errors with a unit more of each answer."""
    errors = errors_of((90, 10), (5, 95))
    found = independent(30, 100, errors)
    share = (0.3 + 0.95 - 1) / (0.9 + 0.95 - 1)
    assert found.estimate == pytest.approx(share)
    se, sp, youden = 91 / 102, 96 / 102, 0.85
    parts = share**2 * se * (1 - se) / 102, (1 - share) ** 2 * sp * (1 - sp) / 102
    expected = (0.3 * 0.7 / 100 + sum(parts)) / youden**2
    assert found.variance(share) == pytest.approx(expected, rel=1e-9)


def test_three_classes_give_back_the_shares_that_the_answers_came_from():
    rows = (80, 15, 5), (10, 85, 5), (0, 20, 80)
    true = np.array([0.2, 0.5, 0.3])
    answers = np.repeat([0, 1, 2], np.rint(true @ np.array(rows) / 100 * 1000).astype(int))
    found = adjusted_share(ErrorModel.of_errors(errors_of(*rows), "a"), answers)
    assert found.estimate == pytest.approx(0.2, abs=1e-9)
    assert found.others == pytest.approx([0, 5 / 8, 3 / 8])


def test_ends_are_a_quantile_of_standard_errors_away():
    rows = (80, 15, 5), (10, 85, 5), (0, 20, 80)
    codes, fields = np.repeat([0, 1, 2], [60, 90, 50]), np.arange(200) % 10
    found = adjusted_share(ErrorModel.of_errors(errors_of(*rows, sources=20), "a"), codes, fields)
    for end in found.interval():
        assert abs(found.estimate - end) == pytest.approx(
            found.quantile * np.sqrt(found.variance(end)), rel=1e-9
        )


def test_degrees_of_freedom_are_satterthwaites():
    one = ErrorModel.of_errors(errors_of((90, 10), (5, 95), sources=11), "a")
    found = AdjustedShare(one, np.array([0.3, 0.7]), 100, 1.0, 6)
    sampling, heldout = found.parts(found.estimate)
    freedom = (sampling + heldout.sum()) ** 2 / (sampling**2 / 5 + (heldout**2).sum() / 10)
    from scipy.stats import t

    assert found.quantile == pytest.approx(t.ppf(0.975, freedom))


@pytest.mark.parametrize(
    "rows",
    [
        ((50, 50), (50, 50)),  # no better than chance
        ((20, 80), (90, 10)),  # worse
        ((6, 4), (4, 6)),  # better, but that is not shown
    ],
)
def test_a_model_that_is_not_better_than_chance_tells_nothing(rows):
    found = independent(30, 100, errors_of(*rows))
    assert found.interval() == (0, 1)
    assert found.more_cells(0.1) is None


def test_one_cluster_tells_nothing():
    codes = np.repeat([0, 1], [10, 90])
    found = adjusted_share(ErrorModel.without_errors(), codes, np.zeros(100))
    assert found.interval() == (0, 1)


def test_clustered_cells_and_errors_widen_the_interval():
    rng = np.random.default_rng(0)
    fields = np.repeat(np.arange(10), 20)
    codes = (rng.random(200) > np.where(fields < 5, 0.05, 0.4)).astype(int)
    sharp, blunt = (errors_of((90, 10), (5, 95), effect=effect) for effect in (1.0, 3.0))

    def width(errors, clusters):
        low, high = adjusted_share(ErrorModel.of_errors(errors, "a"), codes, clusters).interval()
        return high - low

    assert width(sharp, None) < width(sharp, fields) < width(blunt, fields)


def test_number_of_cells_is_that_of_the_normal_approximation():
    """By hand: 14 % against 10 % with independent cells and no errors, power 0.8."""
    codes = np.repeat([0, 1], [14, 86])
    found = adjusted_share(ErrorModel.without_errors(), codes)
    reach = Z * np.sqrt(0.1 * 0.9) + norm.ppf(0.8) * np.sqrt(0.14 * 0.86)
    assert found.more_cells(0.1) == pytest.approx((reach / 0.04) ** 2 - 100, abs=10)


def test_no_number_of_cells_tells_what_the_errors_hide():
    found = independent(20, 100, errors_of((45, 5), (5, 45)))
    assert found.more_cells(0.1) is None
    assert found.is_limited_by_errors(0.1)
    assert not independent(20, 100, errors_of((9000, 1000), (1000, 9000))).is_limited_by_errors(0.1)


def test_few_held_out_sources_are_the_limit_where_many_are_not():
    rows = (90, 10), (10, 90)
    limited = [independent(24, 100, errors_of(*rows, sources=n)) for n in (3, 100_000)]
    assert [one.is_limited_by_errors(0.1) for one in limited] == [True, False]


def test_units_with_a_given_class_have_no_errors():
    """The variance of the mean, summed over all kinds of cells by hand; and that of the errors."""
    errors = ErrorModel.of_errors(errors_of((40, 10), (6, 44)), "a")
    known, share, cells = np.array([0.5, 0.1]), 0.3, 200
    mixed = errors.with_known(known)
    kinds = []  # probability of a cell of each kind, and what it counts
    for own, part in ((0, share), (1, 1 - share)):
        kinds.append((part * known[own], float(own == 0)))
        for answer in (0, 1):
            p = part * (1 - known[own]) * errors.answers[own, answer]
            kinds.append((p, errors.weights[answer]))
    mean = sum(p * value for p, value in kinds)
    assert mean == pytest.approx(share)  # on average the truth
    by_hand = sum(p * (value - mean) ** 2 for p, value in kinds) / cells
    found = AdjustedShare(mixed, np.array([0.15, 0.07, 0.2, 0.58]), cells, 1.0, None)
    sampling, heldout = found.parts(share)
    assert sampling == pytest.approx(by_hand)
    assert heldout == pytest.approx(
        [(share * 0.5) ** 2 * errors.variances[0], (0.7 * 0.9) ** 2 * errors.variances[1]]
    )
    everything = AdjustedShare(errors.with_known(np.ones(2)), np.array([0.3, 0.7, 0, 0]), 200, 1, 9)
    exact = AdjustedShare(ErrorModel.without_errors(), np.array([0.3, 0.7]), 200, 1, 9)
    assert everything.interval() == pytest.approx(exact.interval())
