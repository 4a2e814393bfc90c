"""Splits: a source stands on one side, every class on each side, whatever the sizes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import LeaveOneGroupOut

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.splits import (
    folds_at_random,
    folds_by_acquisition,
    folds_by_source,
    split_as_published,
    split_by_source,
)


def table(sizes_by_class):
    """Classes and sources of units, from the sizes of the sources of each class."""
    classes, sources = [], []
    for c, sizes in enumerate(sizes_by_class):
        for k, size in enumerate(sizes):
            classes += [f"c{c}"] * size
            sources += [f"c{c}/{k}"] * size
    return np.array(classes), np.array(sources)


SIZES = st.lists(
    st.lists(st.one_of(st.integers(1, 3), st.integers(1, 60)), min_size=2, max_size=9),
    min_size=2,
    max_size=3,
)
PARTS = st.sampled_from([0.05, 0.2, 0.25, 0.3, 0.5])


def sides(split):
    return split.train, split.validation, split.heldout


@settings(max_examples=60, deadline=None)
@given(SIZES, PARTS, PARTS, st.integers(0, 5))
def test_no_source_on_two_sides_and_every_class_on_each(sizes, heldout, validation, seed):
    classes, sources = table(sizes)
    order = np.random.default_rng(seed).permutation(len(classes))
    classes, sources = classes[order], sources[order]
    split = split_by_source(classes, sources, heldout, validation, seed)
    assert sorted(np.concatenate(sides(split))) == list(range(len(classes)))
    seen = [set(sources[rows]) for rows in sides(split)]
    assert not seen[0] & seen[1]
    assert not seen[0] & seen[2]
    assert not seen[1] & seen[2]
    # Every class has two sources at least, so something is held out, with every class.
    assert set(classes[split.heldout]) == set(classes)
    assert set(classes[split.train]) == set(classes)
    left = [len({s for s in seen[0] | seen[1] if s.startswith(c)}) for c in set(classes)]
    assert (set(classes[split.validation]) == set(classes)) == (min(left) >= 2)
    assert len(split.notes) == (min(left) < 2)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 7)), min_size=4, max_size=40),
    st.integers(0, 3),
)
def test_sources_of_two_classes_stay_whole_too(units, seed):
    """A slide may hold cells of both classes: then a side may be empty, but never mixed."""
    classes = np.array([f"c{c}" for c, _ in units])
    sources = np.array([f"s{s}" for _, s in units])
    if len(set(classes)) < 2:
        return
    split = split_by_source(classes, sources, 0.25, 0.2, seed)
    assert sorted(np.concatenate(sides(split))) == list(range(len(classes)))
    seen = [set(sources[rows]) for rows in sides(split)]
    assert not seen[0] & seen[1]
    assert not seen[2] & (seen[0] | seen[1])
    for rows in sides(split):
        assert not len(rows) or set(classes[rows]) == set(classes)
    assert len(split.train)


def test_parts_are_about_those_asked_for():
    classes, sources = table([[3] * 40, [3] * 40])
    split = split_by_source(classes, sources, 0.25, 0.2, 0)
    # 80 sources: 20 held out; of the other 60, 12 validate. 3 units each.
    assert [len(rows) for rows in sides(split)] == [48 * 3, 12 * 3, 20 * 3]
    assert split.notes == ()


def test_the_seed_decides():
    classes, sources = table([[2] * 12, [2] * 12])
    first, again, other = (split_by_source(classes, sources, 0.25, 0.2, s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.heldout, again.heldout)
    np.testing.assert_array_equal(first.train, again.train)
    assert set(first.heldout) != set(other.heldout)


def test_too_few_sources_are_said_and_nothing_is_measured():
    classes, sources = table([[20], [1] * 5])
    split = split_by_source(classes, sources, 0.25, 0.2, 0)
    assert len(split.heldout) == len(split.validation) == 0
    assert len(split.train) == 25
    assert split.notes[0].startswith("Nothing could be held out: c0 has 1 source of its own.")
    assert "validate" in split.notes[1]


def test_as_published_leaks_and_says_so():
    classes = np.array(["ALL"] * 30 + ["MM"] * 30)
    split = split_as_published(classes, 0.25, 0.2, 0)
    assert sorted(np.concatenate(sides(split))) == list(range(60))
    assert len(split.heldout) == 15
    assert len(split.validation) == 9
    assert "too good" in split.notes[0]


@pytest.mark.parametrize(("count", "heldout"), [(3, 0.25), (6, 0.05)])
def test_as_published_with_too_few_units_is_one_sentence(count, heldout):
    classes = np.array(["ALL"] * count + ["MM"] * count)
    with pytest.raises(MarrowError, match=f"{2 * count} augmented units are too few"):
        split_as_published(classes, heldout, 0.2, 0)


@settings(max_examples=60, deadline=None)
@given(SIZES, st.integers(2, 5), st.integers(0, 5))
def test_folds_judge_every_unit_once_and_never_part_a_source(sizes, folds, seed):
    classes, sources = table(sizes)
    order = np.random.default_rng(seed).permutation(len(classes))
    classes, sources = classes[order], sources[order]
    fewest = min(len(s) for s in sizes)
    if fewest < folds:
        with pytest.raises(MarrowError, match=f"{fewest} sources? of its own, too few for {folds}"):
            folds_by_source(classes, sources, folds, seed)
        return
    pairs = folds_by_source(classes, sources, folds, seed)
    assert len(pairs) == folds
    assert sorted(np.concatenate([test for _, test in pairs])) == list(range(len(classes)))
    for train, test in pairs:
        assert sorted([*train, *test]) == list(range(len(classes)))
        assert not set(sources[train]) & set(sources[test])
        assert set(classes[train]) == set(classes[test]) == set(classes)


@pytest.mark.parametrize("seed", range(10))
def test_folds_of_sources_with_several_classes_leave_every_class_to_learn_from(seed):
    # of three groups only g0 against the others does; scikit-learn's cut is often another
    classes = np.array(["blast"] * 8 + ["normal"] * 20)
    sources = np.array(["g0"] * 4 + ["g2"] * 4 + ["g0"] * 8 + ["g1"] * 12)
    pairs = folds_by_source(classes, sources, 2, seed)
    assert sorted(set(sources[test]) == {"g0"} for _, test in pairs) == [False, True]


def test_sources_that_can_not_be_cut_are_said():
    # a triangle: two of three groups are always together, and hold all there is of one class
    classes, sources = np.array(list("aabbcc")), np.array(list("xyyzzx"))
    with pytest.raises(MarrowError, match="leaves every class to learn from"):
        folds_by_source(classes, sources, 2, 0)


def test_folds_at_random_part_sources_and_keep_classes_in_proportion():
    classes, sources = table([[3] * 5, [3] * 10])
    pairs = folds_at_random(classes, 5, 0)
    assert sorted(np.concatenate([test for _, test in pairs])) == list(range(45))
    assert any(set(sources[train]) & set(sources[test]) for train, test in pairs)
    assert [(classes[test] == "c0").sum() for _, test in pairs] == [3] * 5
    again, other = folds_at_random(classes, 5, 0), folds_at_random(classes, 5, 1)
    np.testing.assert_array_equal(pairs[0][1], again[0][1])
    assert set(pairs[0][1]) != set(other[0][1])


def test_too_few_units_for_folds_at_random():
    with pytest.raises(MarrowError, match="A class has 3 units, too few for 4 folds"):
        folds_at_random(np.array(["a"] * 3 + ["b"] * 9), 4, 0)


def test_one_acquisition_after_the_other_is_left_out():
    classes, sources = table([[3, 1, 2, 5], [2, 2, 4, 1]])
    names = np.array(["10", "9", "b"])
    acquisitions = names[[0, 0, 0, 1, 2, 2, *[0] * 5, *[1] * 4, *[2] * 5]]
    folds = folds_by_acquisition(classes, sources, acquisitions)
    assert [set(acquisitions[test]) for _, test in folds] == [{"9"}, {"10"}, {"b"}]
    sklearn = LeaveOneGroupOut().split(sources, classes, acquisitions)
    expected = {tuple(test): tuple(train) for train, test in sklearn}
    assert {tuple(test): tuple(train) for train, test in folds} == expected


def test_a_source_of_two_acquisitions_is_not_learnt_from_where_one_is_left_out():
    classes = np.array(["a", "b"] * 4)
    sources = np.array(["p1", "p2", "p1", "p3", "p4", "p5", "p6", "p7"])
    acquisitions = np.array(["x", "x", "y", "y", "y", "y", "x", "x"])
    (x, _), (y, _) = folds_by_acquisition(classes, sources, acquisitions)
    assert (x.tolist(), y.tolist()) == ([3, 4, 5], [1, 6, 7])


def test_acquisitions_that_can_not_be_left_out():
    classes, sources = table([[1, 1], [1, 1]])
    with pytest.raises(MarrowError, match=r"one acquisition, Leica.*compare by source"):
        folds_by_acquisition(classes, sources, np.array(["Leica"] * 4))
    apart = np.array(["x", "x", "y", "y"])
    with pytest.raises(MarrowError, match=r"acquisition x .*c0 is in x; c1 is in y"):
        folds_by_acquisition(classes, sources, apart)
    some = np.array(["x", "y", "y", "y"])  # c1 is in y alone
    with pytest.raises(MarrowError, match=r"acquisition y nothing of c1 .*c1 is in y"):
        folds_by_acquisition(classes, sources, some)


def test_of_each_acquisition_a_quarter_is_held_out():
    """Thirty cells of a new place among many others: of 8 of each class two or three are."""
    classes = np.tile(["ALL", "MM"], 70)
    acquisitions = np.repeat(["here", "there"], [124, 16])
    sources = np.arange(140).astype(str)
    for seed in range(10):
        split = split_by_source(classes, sources, 0.25, 0.2, seed, acquisitions)
        for name in ("ALL", "MM"):
            own = (classes == name) & (acquisitions == "there")
            assert own[split.heldout].sum() == 2
            assert own[split.validation].sum() in (1, 2)
        assert abs(len(split.heldout) - 35) <= 1


def test_acquisitions_of_one_photograph_each_are_split_as_one():
    classes, sources = np.tile(["ALL", "MM"], 20), np.arange(40).astype(str)
    split = split_by_source(classes, sources, 0.25, 0.2, 0, sources)
    assert sorted(classes[split.heldout]) == ["ALL"] * 5 + ["MM"] * 5
