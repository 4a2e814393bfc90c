"""Standardising by acquisition, against scikit-learn's StandardScaler and by hand."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.adaptation.acquisitions import (
    MIN_BATCH_UNITS,
    MIN_TRAINING_UNITS,
    Acquisition,
    Standardizer,
    group_units,
    little_known,
    of_photograph,
    statistics,
)


def units(seed, count=60, shift=0.0, scale=1.0):
    """Two classes, five features; an acquisition adds to all cells alike, and multiplies."""
    rng = np.random.default_rng(seed)
    classes = np.array(["ALL", "MM"])[np.arange(count) % 2]
    values = rng.normal(size=(count, 5)) + np.where(classes == "ALL", 3.0, 0.0)[:, None]
    return values * scale + shift, classes


def named(name, classes):
    return np.full(len(classes), name)


def test_statistics_are_those_of_standard_scaler_also_with_values_missing():
    values, _ = units(0)
    values[::7, 1], values[:, 3], values[:, 4] = np.nan, 2.5, np.nan
    scaler = StandardScaler().fit(values[:, :4])
    centre, spread = statistics(values)
    np.testing.assert_allclose(centre[:4], scaler.mean_, atol=1e-9)
    np.testing.assert_allclose(spread[:4], scaler.scale_, atol=1e-9)
    assert (centre[4], spread[4]) == (0, 1)


def test_a_model_carries_over_to_an_acquisition_that_shifts_all_cells():
    here, classes = units(0)
    there, other = units(1, shift=40, scale=5)
    names = named("a", classes)
    plain = LogisticRegression().fit(here, classes).score(there, other)
    standardizer = Standardizer.fit(here, names, classes, "auto")
    model = LogisticRegression().fit(standardizer.transform(here, names), classes)
    assert plain == pytest.approx(0.5, abs=1e-9)
    assert model.score(standardizer.transform(there, named("b", other)), other) > 0.95


def test_each_acquisition_is_standardised_by_its_own_and_rows_of_it_by_what_was_learnt():
    parts = [units(k, shift=10 * k) for k in range(3)]
    values, classes = (np.concatenate(x) for x in zip(*parts, strict=True))
    names = np.repeat(["a", "b", "c"], 60)
    standardizer = Standardizer.fit(values, names, classes, "auto")
    found = standardizer.transform(values, names)
    for k, (own, _) in enumerate(parts):
        expected = StandardScaler().fit_transform(own)
        np.testing.assert_allclose(found[60 * k : 60 * k + 60], expected, atol=1e-5)
    one = standardizer.transform(parts[1][0][:1], np.array(["b"]))
    np.testing.assert_allclose(one, found[60:61], atol=1e-9)
    kept = standardizer.take([4, 0])
    assert kept.acquisitions["b"].centre == pytest.approx(
        parts[1][0][:, [4, 0]].mean(axis=0), abs=1e-9
    )


def test_of_too_few_new_cells_the_nearest_acquisition_counts():
    (first, classes), (second, _) = units(0), units(1, shift=30)
    values, names = np.concatenate([first, second]), np.repeat(["a", "b"], 60)
    standardizer = Standardizer.fit(values, names, np.tile(classes, 2), "auto")
    few = units(2, MIN_BATCH_UNITS - 1, shift=29)[0]
    found = standardizer.transform(few, np.full(len(few), "new"))
    expected = StandardScaler().fit(second).transform(few)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_where_class_and_acquisition_go_together_nothing_is_standardised():
    values, classes = units(0, 120)
    names = np.where(classes == "ALL", "april", "september")
    standardizer = Standardizer.fit(values, names, classes, "auto")
    assert standardizer.transform(values, names) is values
    assert "one class" in standardizer.note
    with pytest.raises(MarrowError, match="one class only"):
        Standardizer.fit(values, names, classes, "batch")


def test_none_leaves_features_as_they_are():
    values, classes = units(0)
    names = named("a", classes)
    standardizer = Standardizer.fit(values, names, classes, "none")
    assert standardizer.transform(values, names) is values
    assert not standardizer.acquisitions
    assert not standardizer.note


@pytest.mark.parametrize("adapt", ["auto", "none"])
def test_what_each_acquisition_was_like_is_kept_whatever_is_standardised(adapt):
    values, classes = units(0, 120)
    names = np.where(classes == "ALL", "april", "september")
    observed = Standardizer.fit(values, names, classes, adapt).take([2]).observed
    assert [(one.name, dict(one.units)) for one in observed] == [
        ("april", {"ALL": 60}),
        ("september", {"MM": 60}),
    ]
    for one in observed:
        own = values[names == one.name, 2]
        assert one.centre[0] == pytest.approx(own.mean(), abs=1e-9)
        assert one.spread[0] == pytest.approx(own.std(), abs=1e-9)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"a": (40, 40), "b": (40, 40)}, {"a", "b"}),
        ({"a": (40, 40), "b": (9, 9), "c": (5, 5)}, {"a", "b", "c"}),
        ({"a": (40, 40), "b": (9, 0), "c": (2, 2), "d": (8, 12)}, {"a", "d"}),
        ({"a": (40, 40), "b": (60, 60), "c": (3, 0)}, {"a", "b"}),
        ({"a": (40, 40), "b": (2, 3)}, {"a", "b"}),
        ({"a": (2, 2), "b": (2, 2)}, {"others"}),
        ({"": (40, 30)}, {""}),
        ({"a": (40, 40), "b": (25, 0), "c": (0, 25)}, {"a", "others"}),
    ],
)
def test_small_acquisitions_are_one_together_or_part_of_the_largest(sizes, expected):
    names = np.repeat([*sizes], [sum(n) for n in sizes.values()])
    classes = np.concatenate([np.repeat(["ALL", "MM"], n) for n in sizes.values()])
    grouping = group_units(names, classes)
    assert {*grouping.groups.tolist()} == expected
    assert not grouping.removes_class
    for group in expected:
        own = classes[grouping.groups == group]
        assert len(own) >= MIN_TRAINING_UNITS or len(expected) == 1
        assert {*own.tolist()} == {"ALL", "MM"}


@pytest.mark.parametrize(
    ("sizes", "removes_class"),
    [
        ({"a": (40, 2), "b": (2, 40)}, True),  # 4 of 42 share an acquisition with the other class
        ({"a": (65, 3), "b": (0, 65)}, True),
        ({"a": (40, 5), "b": (5, 40)}, False),
        ({"a": (65, 12), "b": (0, 65)}, False),
        ({"a": (100, 2), "b": (90, 3)}, False),  # rare in both
        ({"a": (40, 2)}, False),
        ({"a": (50, 2), "b": (24, 24)}, False),  # one laboratory teaches it
        ({"a": (500, 2), "b": (20, 40)}, False),
        ({"a": (30, 30), "b": (40, 1), "c": (1, 40)}, False),
        ({"a": (10, 10), "b": (100, 0), "c": (0, 100)}, True),  # most are of one class
        ({"a": (40, 0, 4), "b": (0, 40, 4)}, True),  # a third class teaches nothing of the two
        ({"a": (40, 40, 3), "b": (3, 3, 40)}, True),
        ({"a": (40, 40, 12), "b": (3, 3, 40)}, False),
    ],
)
def test_classes_that_hardly_share_an_acquisition_are_not_told_from_it(sizes, removes_class):
    names = np.repeat([*sizes], [sum(n) for n in sizes.values()])
    kinds = ["ALL", "MM", "AML"]
    classes = np.concatenate([np.repeat(kinds[: len(n)], n) for n in sizes.values()])
    assert group_units(names, classes).removes_class == removes_class


def test_photographs_are_of_the_acquisition_with_their_stain_where_the_light_is_the_same():
    """Half of the density is further than cells differ; the light of both is the same."""
    usual = np.log([220, 215, 200, 50, 0.3, 0.6, 0.15, 0.5, 800])
    pale = usual + np.log([1, 1, 1, 1, 0.5, 0.5, 0.5, 1, 1])
    values, classes = units(0)
    both = [
        replace(Acquisition.of_values(name, values, classes), photograph=tuple(x))
        for name, x in (("usual", usual), ("pale", pale))
    ]
    rng = np.random.default_rng(0)
    for name, centre in (("usual", usual), ("pale", pale)):
        new = centre + rng.normal(0, [0.03] * 3 + [0.3] + [0.15] * 3 + [0.1, 0], (50, 9))
        found = [of_photograph(both, x.astype(np.float32)).name for x in new]
        assert found.count(name) >= 48


def test_it_is_stored_as_json():
    values, classes = units(0)
    one = Acquisition.of_values("a", values, classes)
    assert one.units == {"ALL": 30, "MM": 30}
    assert Acquisition.from_dict(json.loads(json.dumps(asdict(one)))) == one


def test_more_of_one_class_is_not_another_stain():
    """Weighted by class, two acquisitions of other proportions are standardised alike."""
    rng = np.random.default_rng(0)
    classes = np.repeat(["ALL", "MM"], [900, 100]), np.repeat(["ALL", "MM"], [100, 900])
    values = [rng.normal(size=(1000, 1)) + 4 * (x == "MM")[:, None] for x in classes]
    joined, names = np.concatenate(classes), np.repeat(["a", "b"], 1000)
    standardizer = Standardizer.fit(np.concatenate(values), names, joined, "auto")
    one, other = standardizer.acquisitions["a"], standardizer.acquisitions["b"]
    assert one.centre == pytest.approx(other.centre, abs=0.15)
    assert one.centre == pytest.approx([2], abs=0.15)
    expected = np.average(values[0], axis=0, weights=np.where(classes[0] == "ALL", 1 / 9, 1))
    assert one.centre == pytest.approx(expected, abs=1e-6)
    assert one.spread == pytest.approx([np.sqrt(1 + 4)], abs=0.2)


def test_a_few_units_of_a_new_place_are_little_known_beside_many():
    values, classes = units(0, 40)
    many, few = (
        replace(Acquisition.of_values(k, values[:n], classes[:n]), members=(k, f"{k}2"))
        for k, n in (("old", 30), ("new", 12))
    )
    assert little_known([many, few]) == {"new", "new2"}
    assert little_known([few]) == little_known([]) == frozenset()
    half = replace(few, units={"ALL": 8, "MM": 7})
    assert little_known([many, half]) == frozenset()
