"""Chi-square, against scikit-learn and scipy on the same table, and by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import chisquare, false_discovery_control
from sklearn.feature_selection import SelectKBest, chi2

from napari_marrow.data.errors import MarrowError
from napari_marrow.measure.chi2 import chi_square, non_negative, select_features
from napari_marrow.measure.settings import ChiSquareSettings

VALUES = hnp.arrays(
    np.float64,
    st.tuples(st.integers(4, 12), st.integers(1, 6)),
    elements=st.floats(0, 1e4, allow_subnormal=False),
)


def named(values):
    return pd.DataFrame(values, columns=[f"f{k}" for k in range(values.shape[1])])


@settings(max_examples=60, deadline=None)
@given(VALUES, st.integers(2, 3), st.integers(1, 8), st.integers(0, 99))
def test_is_scikit_learns(values, kinds, k, seed):
    classes = np.random.default_rng(seed).permutation(np.arange(len(values)) % kinds)
    values[0] += 1e-3 + values.max(axis=0)  # no column is constant
    found = chi_square(named(values), classes, k)
    scores, p_values = chi2(values, classes)
    np.testing.assert_allclose(found["chi2"], scores, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(found["p_value"], p_values, rtol=1e-10, atol=1e-10)
    expected = false_discovery_control(p_values)
    np.testing.assert_allclose(found["p_adjusted"], expected, rtol=1e-10, atol=1e-10)
    assert found["selected"].sum() == min(k, len(scores))
    if len(set(scores)) == len(scores):  # of equal ones scikit-learn may take another
        kept = SelectKBest(chi2, k=min(k, len(scores))).fit(values, classes).get_support()
        np.testing.assert_array_equal(found["selected"], kept)
    by_rank = found.sort_values("rank")
    assert by_rank["rank"].tolist() == list(range(1, len(scores) + 1))
    assert (np.diff(by_rank["chi2"]) <= 0).all()


CONSTANT = {
    "exactly": lambda rng, n: np.full(n, 0.1),
    "0": lambda rng, n: np.zeros(n),
    "up to rounding": lambda rng, n: 0.3 * (1 + 2e-16 * rng.integers(0, 3, n)),
    "by differences of 1e-30": lambda rng, n: 1e-30 * rng.integers(0, 5, n),
}


@pytest.mark.parametrize("measured", [False, True])
@pytest.mark.parametrize("kind", CONSTANT)
def test_a_constant_feature_scores_exactly_0_whatever_the_order_of_the_rows(kind, measured):
    rng = np.random.default_rng(2)
    classes = rng.permutation(np.repeat(["x", "y", "z"], [7, 11, 13]))
    good = (classes == "x") + rng.uniform(0, 0.5, 31)
    table = pd.DataFrame({"constant": CONSTANT[kind](rng, 31), "good": good})
    for _ in range(10):
        rows = rng.permutation(31)
        if measured:
            how = ChiSquareSettings(2, resamples=4)
            found = select_features(table.iloc[rows], classes[rows], rows, how)
            assert found["stability"].tolist() == [0, 1]
        else:
            found = chi_square(table.iloc[rows], classes[rows], 2)
        assert found.loc[0, ["chi2", "p_value", "p_adjusted"]].tolist() == [0, 1, 1]
        assert found["rank"].tolist() == [2, 1]
        assert found["selected"].tolist() == [False, True]
        assert found.loc[1, "p_adjusted"] == found.loc[1, "p_value"]  # of one test


def test_equal_shares_in_all_classes_score_exactly_0_whatever_the_order_of_the_rows():
    """Sums of thirds and tenths are rounded, and the differences would be scores of 1e-30."""
    values = np.tile([0.1, 0.3, 1 / 3, 0.7, 1.0], 6)
    classes = np.repeat(np.arange(6) % 3, 5)
    rng = np.random.default_rng(5)
    for _ in range(10):
        rows = rng.permutation(30)
        found = chi_square(pd.DataFrame({"a": values[rows]}), classes[rows])
        assert found.loc[0, ["chi2", "p_value"]].tolist() == [0, 1]


def test_by_hand():
    table = pd.DataFrame({"a": [1, 2, 6, 7], "b": [3, 5, 4, 4], "c": [9, 0, 3, 0]})
    found = chi_square(table, ["x", "x", "y", "y"], 1).set_index("feature")
    # a: 3 and 13 seen where 8 and 8 are expected; c: 9 and 3 where 6 and 6 are
    assert found["chi2"].tolist() == pytest.approx([25 / 8 + 25 / 8, 0, 9 / 6 + 9 / 6], abs=1e-12)
    assert found.loc["a", "p_value"] == pytest.approx(chisquare([3, 13]).pvalue, abs=1e-12)
    assert found["rank"].tolist() == [1, 3, 2]
    assert found["selected"].tolist() == [True, False, False]
    # Benjamini and Hochberg: the smallest of three times three, the next times three halves
    p = found["p_value"]
    expected = [p["a"] * 3, 1, p["c"] * 3 / 2]
    assert found["p_adjusted"].tolist() == pytest.approx(expected, abs=1e-12)


def test_classes_of_unequal_size_are_expected_in_proportion():
    found = chi_square(pd.DataFrame({"a": [2.0, 1, 3, 2, 2]}), ["x", "y", "y", "y", "y"])
    assert found["chi2"][0] == 0


def test_all_features_constant():
    table = pd.DataFrame({"a": [3.0] * 4, "b": [-1.0] * 4})
    found = select_features(table, [0, 0, 1, 1], list("wxyz"), ChiSquareSettings(2))
    assert (found["chi2"] == 0).all()
    assert not found["selected"].any()
    assert (found["stability"] == 0).all()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([1.0, np.nan, 2, 3], "bad.*missing"),
        ([1.0, np.inf, 2, 3], "bad.*no numbers"),
        (["1", "two", "3", "4"], "bad.*no numbers"),
        ([1.0, -1e-9, 2, 3], "bad.*below 0"),
    ],
)
def test_values_that_can_not_be_counted_are_refused(values, says):
    table = pd.DataFrame({"good": [1, 2, 3, 4], "bad": values})
    with pytest.raises(MarrowError, match=says) as error:
        chi_square(table, [0, 0, 1, 1])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("classes", [["x"] * 4, ["x", "y"], []])
def test_classes_that_can_not_be_told_apart_are_refused(classes):
    with pytest.raises(MarrowError, match="a class a row, of two kinds or more"):
        chi_square(pd.DataFrame({"a": [1, 2, 3, 4]}), classes)


@settings(max_examples=40, deadline=None)
@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(3, 9), st.integers(1, 4)),
        elements=st.one_of(st.integers(-(10**6), 10**6).map(lambda v: v / 8), st.just(np.nan)),
    )
)
def test_non_negative_is_the_share_of_the_way_from_the_lowest_to_the_highest(values):
    found = non_negative(named(values)).to_numpy()
    assert found.shape == values.shape
    for column, shares in zip(values.T, found.T, strict=True):
        known = column[np.isfinite(column)]
        full = np.where(np.isnan(column), np.median(known) if len(known) else 0, column)
        span = np.ptp(full)
        expected = (full - full.min()) / span if span > 0 else np.zeros(len(full))
        np.testing.assert_allclose(shares, expected, atol=1e-9)


def test_non_negative_keeps_names_and_rows():
    table = pd.DataFrame({"b": [1.0, 2], "a": [5.0, 4]}, index=[7, 3])
    found = non_negative(table)
    assert (list(found.columns), list(found.index)) == (["b", "a"], [7, 3])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 99), st.integers(1, 7), st.floats(0.01, 100), st.floats(-1e3, 1e3))
def test_the_choice_does_not_depend_on_units_of_measurement(seed, k, factor, offset):
    rng = np.random.default_rng(seed)
    values, classes = rng.normal(size=(20, 6)), np.arange(20) % 2
    values[rng.random(values.shape) < 0.1] = np.nan
    other = values.copy()
    other[:, ::2] = other[:, ::2] * factor + offset
    how = ChiSquareSettings(k, resamples=0)
    first, second = (select_features(named(v), classes, range(20), how) for v in (values, other))
    np.testing.assert_allclose(second["chi2"], first["chi2"], rtol=1e-6, atol=1e-9)


@pytest.fixture
def noisy():
    """Twenty units of ten sources; one feature goes with the class, nine do not."""
    rng = np.random.default_rng(4)
    classes = np.repeat(["ALL", "MM"], 10)
    table = named(rng.uniform(0, 1, (20, 10)))
    table["f3"] = np.where(classes == "ALL", 0.0, 1) + rng.uniform(0, 0.1, 20)
    return table, classes, np.repeat(np.arange(10), 2)


def test_stability_is_how_often_halves_of_the_sources_choose_the_same(noisy):
    found = select_features(*noisy, ChiSquareSettings(3, resamples=40)).set_index("feature")
    assert found.loc["f3", "stability"] == 1
    assert found["stability"].drop("f3").max() < 1
    assert found["stability"].sum() == pytest.approx(3, abs=1e-9)  # each half chooses three
    assert (found["stability"] * 40 % 1 == 0).all()
    expected = chi_square(non_negative(noisy[0]), noisy[1], 3)
    pd.testing.assert_frame_equal(
        found.drop(columns="stability").reset_index(), expected, rtol=0, atol=1e-09
    )


def test_halves_are_of_sources_of_every_class_and_never_of_units(noisy, monkeypatch):
    import napari_marrow.measure.chi2 as module

    table, classes, sources = noisy
    drawn = []
    scores = module.chi2_scores

    def recorded(values, own):
        drawn.append((len(values), sorted(own)))
        return scores(values, own)

    monkeypatch.setattr(module, "chi2_scores", recorded)
    table = table.assign(source=sources)  # would be scaled: the count of levels says which are in
    select_features(table, classes, sources, ChiSquareSettings(3, resamples=5))
    # of five sources a class, two: of two units each
    assert drawn[0] == (20, sorted(classes))
    assert drawn[1:] == [(8, ["ALL"] * 4 + ["MM"] * 4)] * 5


def test_the_seed_draws_the_halves(noisy):
    one, again, other = (
        select_features(*noisy, ChiSquareSettings(3, 20, seed))["stability"] for seed in (1, 1, 2)
    )
    np.testing.assert_allclose(one, again, atol=1e-9)
    assert not np.allclose(one, other, atol=1e-3)


@pytest.mark.parametrize("why", ["no resamples", "one source"])
def test_without_halves_there_is_no_stability(noisy, why):
    table, classes, sources = noisy
    if why == "one source":
        sources = np.where(classes == "MM", 99, sources)
    how = ChiSquareSettings(3, resamples=0 if why == "no resamples" else 10)
    found = select_features(table, classes, sources, how)
    assert found["stability"].isna().all()
    assert found["selected"].sum() == 3


def test_without_features_or_with_rows_without_a_class():
    table = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0]})
    with pytest.raises(MarrowError, match="a column a feature, and a class in every row"):
        chi_square(table.iloc[:, :0], ["x", "x", "y", "y"])
    with pytest.raises(MarrowError, match="a column a feature, and a class in every row"):
        chi_square(table, ["x", None, "y", "y"])


@pytest.mark.parametrize("k", [0, -1])
def test_no_feature_can_not_be_chosen(k):
    with pytest.raises(MarrowError, match=f"k is {k}; choose at least 1"):
        chi_square(pd.DataFrame({"a": [1.0, 2.0]}), ["ALL", "MM"], k)
