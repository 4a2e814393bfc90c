"""The shift test, on photographs drawn with known measurements."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from napari_marrow.learning.adaptation.acquisitions import (
    Acquisition,
    Standardizer,
    with_photographs,
)
from napari_marrow.learning.adaptation.photographs import PhotographModel
from napari_marrow.learning.adaptation.shift import (
    Adaptation,
    are_unusual,
    compare,
    is_unusual,
    photograph_models,
)
from napari_marrow.learning.confidence.error_rate import Confidence

CENTRE = np.log([220, 215, 200, 50, 0.3, 0.6, 0.15, 0.5, 800])
SPREAD = np.array([0.02, 0.02, 0.03, 0.3, 0.1, 0.08, 0.12, 0.08, 0])
"""About what those of photographs of single cells are."""


def photographs(seed, count, times=(1, 1, 1, 1)):
    """``times`` are those of the first measurements."""
    rng = np.random.default_rng(seed)
    brightness = rng.normal(0, 0.03, (count, 1)) * [1, 1, 1, 0, 0, 0, 0, 0, 0]
    stain = rng.normal(0, 0.2, (count, 1)) * [0, 0, 0, 0, 1, 1, 1, 0, 0]
    factor = np.log([*times, *[1] * (9 - len(times))])
    drawn = CENTRE + factor + SPREAD * rng.normal(size=(count, 9)) + brightness + stain
    return drawn.astype(np.float32)


def sources(count):
    return np.arange(count).astype(str)


def model(count=60, seed=0):
    classes = np.resize(["ALL", "MM"], count)
    return PhotographModel.of_photographs(photographs(seed, count), sources(count), classes)


@pytest.mark.parametrize("count", [10, 30, 200])
def test_batches_of_the_same_acquisition_are_seldom_called_other(count):
    models = [model(count, seed) for seed in range(10)]
    for size in (1, 5, 20, 100):
        called = [
            is_unusual([one], photographs(1000 + 10 * k + j, size))
            for k, one in enumerate(models)
            for j in range(10)
        ]
        assert np.mean(called) <= 0.1


@pytest.mark.parametrize(
    ("name", "place", "factor"),
    [
        ("background in red, green and blue", 2, 0.7),
        ("background in red, green and blue", 0, 0.8),
        ("nucleus diameter", 3, 4.5),
        ("stain in red, green and blue", 5, 0.4),
        ("sharpness", 7, 0.6),
    ],
)
def test_another_light_magnification_stain_or_focus_is_called_other_and_named(name, place, factor):
    times = np.ones(9)
    times[place] = factor
    for size in (1, 200):
        batch = photographs(7, size, times)
        assert is_unusual([model()], batch)
        text = next(x for x in compare([model()], batch) if x.startswith(name))
        numbers = [float(x) for x in text.removeprefix(name).removesuffix("times").split(",")]
        first = {4: 4, 5: 4, 6: 4, 1: 0, 2: 0}.get(place, place)
        assert numbers[place - first] == pytest.approx(factor, rel=0.3 if size == 1 else 0.06)


def test_cropped_photographs_are_no_other_acquisition_but_their_size_is_named_with_others():
    assert not is_unusual([model()], photographs(3, 20, (1,) * 8 + (0.2,)))
    other = photographs(3, 20, (1, 1, 0.5, 1, 1, 1, 1, 1, 0.2))
    assert "photograph size 0.2 times" in compare([model()], other)


def test_a_batch_like_one_of_several_acquisitions_is_known():
    other = (0.8, 0.85, 1, 1.6)
    measured = np.concatenate([photographs(0, 40), photographs(1, 40, other)])
    names = np.repeat(["a", "b"], 40)
    models = photograph_models(measured, sources(80), names, np.resize(["ALL", "MM"], 80))
    assert len(models) == 2
    mixed = np.concatenate([photographs(2, 10), photographs(3, 10, other)])
    assert not is_unusual(models, mixed)
    assert is_unusual(models, photographs(4, 10, (0.9, 0.95, 0.8, 1.3)))


def test_a_few_unusual_pictures_do_not_make_the_others_unusual():
    batch = photographs(0, 20)
    batch[:3] = CENTRE - np.log([220, 215, 200, 1, 1, 1, 1, 1, 1])  # black ones
    assert not is_unusual([model()], batch)
    assert are_unusual([model()], batch)[:3].all()
    assert are_unusual([model()], batch)[3:].mean() <= 0.1
    assert not are_unusual((), batch).any()


@pytest.mark.parametrize(("count", "n_sources"), [(1, 1), (3, 3), (5, 1), (40, 1), (40, 2)])
def test_few_photographs_or_sources_tell_another_camera_too(count, n_sources):
    """How photographs differ is assumed then; unlike ones of the same acquisition are few."""
    learnt = photographs(0, count)
    names = np.arange(count) % n_sources
    (one,) = photograph_models(learnt, names.astype(str), np.full(count, "a"), np.full(count, "x"))
    assert one.are_unusual(photographs(1, 200)).mean() <= 0.1
    for size in (1, 20):
        assert not is_unusual([one], photographs(2, size))
        assert is_unusual([one], photographs(2, size, (0.7, 0.75, 0.6)))
        assert is_unusual([one], photographs(2, size, (1, 1, 1, 6)))
    assert is_unusual([one], photographs(2, 20, (1, 1, 1, 1, 0.2, 0.2, 0.2)))


def test_a_batch_differs_less_than_its_photographs():
    """Of a shift of one and a half deviations no photograph is unusual by itself."""
    times = (1, 1, 1, 1, 0.7, 0.7, 0.7)
    for seed in range(5):
        batch = photographs(seed, 30, times)
        assert model().are_unusual(batch).mean() < 0.5
        assert is_unusual([model()], batch)
    assert not is_unusual([model()], photographs(3, 2, times))
    batch[:5] = CENTRE - np.log([220, 215, 200, 1, 1, 1, 1, 1, 1])  # black ones
    assert is_unusual([model()], batch)


def test_a_batch_of_one_class_or_of_one_slide_is_of_the_same_acquisition():
    """Also where cells of a class have nuclei twice as wide, and a slide is stained deeper."""
    learnt = photographs(0, 160)
    classes, slides = np.resize(["small", "large"], 160), np.repeat(np.arange(16), 10)
    learnt[classes == "large", 3] += np.log(2)
    learnt[slides == 3, 4:7] += np.log(1.6)
    one = PhotographModel.of_photographs(learnt, slides.astype(str), classes)
    large, deep = (
        photographs(5, 25, (1, 1, 1, 2)),
        photographs(5, 25, (1, 1, 1, 1.4, 1.6, 1.6, 1.6)),
    )
    assert not is_unusual([one], large)
    assert not is_unusual([one], deep)
    assert is_unusual([one], photographs(5, 25, (1, 1, 1, 8)))


SMALL, LARGE = np.log([0.7, 1.3])
"""Diameters of the nuclei of two classes, against the mean."""


def two_classes(seed, count, kinds=(SMALL, LARGE)):
    """Nuclei of each class differ by a tenth, the classes by half."""
    found = photographs(seed, count)
    rng = np.random.default_rng(seed)
    found[:, 3] = CENTRE[3] + np.resize(kinds, count) + rng.normal(0, 0.1, count)
    return found


def scaled(batch, factor):
    found = batch.copy()
    found[:, [3, 8]] += np.log(factor)
    return found


def cut(batch, factor):
    found = batch.copy()
    found[:, 8] += np.log(factor)
    return found


@pytest.fixture(scope="module")
def of_two():
    classes = np.resize(["small", "large"], 60)
    return PhotographModel.of_photographs(two_classes(0, 60), sources(60), classes)


@pytest.mark.parametrize("factor", [0.5, 0.7, 1.5])
def test_scaled_photographs_are_called_other_and_cut_ones_are_not(of_two, factor):
    for seed in range(1, 6):
        batch = two_classes(seed, 20)
        assert not is_unusual([of_two], cut(batch, factor))
        assert is_unusual([of_two], scaled(batch, factor))
        named = compare([of_two], scaled(batch, factor))
        assert f"photograph size {factor:g} times" in named
        assert any(x.startswith("nucleus diameter") for x in named)


@pytest.mark.parametrize("factor", [0.5, 0.7, 1.5])
@pytest.mark.parametrize("kind", [SMALL, LARGE])
def test_cut_photographs_of_one_class_and_single_ones_are_not_called_scaled(of_two, kind, factor):
    for seed in range(1, 6):
        assert not is_unusual([of_two], cut(two_classes(seed, 20, [kind]), factor))
        one = two_classes(seed, 1, [kind])
        assert is_unusual([of_two], cut(one, factor)) == is_unusual([of_two], one)


def test_of_photographs_of_all_sizes_none_is_called_scaled():
    learnt = two_classes(0, 60)
    learnt[:, 8] += np.random.default_rng(0).normal(0, 0.3, 60)
    one = PhotographModel.of_photographs(learnt, sources(60), np.resize(["small", "large"], 60))
    assert not one.is_scaled(scaled(two_classes(1, 20), 0.5))


def test_a_batch_of_a_class_of_which_few_were_learnt_from_is_no_other_acquisition():
    classes = np.array(["large"] * 57 + ["small"] * 3)
    learnt = two_classes(0, 60, [LARGE])
    learnt[57:] = two_classes(1, 3, [LARGE - 1.2])
    one = PhotographModel.of_photographs(learnt, sources(60), classes)
    assert not is_unusual([one], two_classes(2, 3, [LARGE - 1.2]))


def test_of_a_mixture_it_is_said_how_many_are_unlike_those_learnt_from():
    other = (1, 2, 1, 1)
    values = np.random.default_rng(0).normal(size=(20, 3))

    def sentence(n_other, n_same, adapt="auto"):
        batch = np.concatenate([photographs(1, n_other, other), photographs(2, n_same)])
        known = replace(
            Acquisition.of_values("a", values, ["x", "y"] * 10), photograph=tuple(CENTRE)
        )
        found = Adaptation.of_batch([known], [model()], values, batch, adapt)
        return found.sentence(len(batch), "cell")

    few = sentence(6, 14)
    assert few.startswith("6 of these 20 photographs are unlike")
    assert "green and blue 1, 2, 1 times" in few
    most = sentence(14, 6)
    assert most.startswith("These 20 photographs, taken together, are unlike")
    assert "predict those of each separately" in most
    assert sentence(20, 0).startswith("These 20 photographs are unlike")
    assert sentence(0, 20) == ""
    asked_for = sentence(0, 20, "batch")
    assert "like those learnt from" in asked_for
    assert "adapted to them by these 20 cells" in asked_for
    assert "Most of these photographs are like" in sentence(1, 19, "batch")


def test_something_is_named_also_where_a_large_batch_differs_by_little():
    batch = photographs(1, 200, (1, 1, 1, 1, 0.75, 0.75, 0.75))
    assert is_unusual([model()], batch)
    assert any(x.startswith("stain") for x in compare([model()], batch))


def test_a_batch_is_standardised_by_itself_only_where_it_is_other_and_large_enough():
    rng = np.random.default_rng(0)
    known = Acquisition.of_values("a", rng.normal(size=(50, 3)), ["ALL", "MM"] * 25)
    known = replace(known, photograph=tuple(CENTRE))
    values, same, other = (
        rng.normal(9, 4, (12, 3)),
        photographs(1, 4),
        photographs(1, 4, (1, 2, 1, 1)),
    )

    def of(batch, adapt="auto", rows=values):
        return Adaptation.of_batch([known], [model()], rows, batch, adapt)

    def as_learnt(found):
        expected = known.standardize(values)
        np.testing.assert_allclose(found.transform(values, same[0]), expected, atol=1e-9)

    def by_itself(found):
        expected = StandardScaler().fit_transform(values)
        np.testing.assert_allclose(found.transform(values, other[0]), expected, atol=1e-5)

    as_learnt(of(same))
    by_itself(of(other))
    as_learnt(of(other, rows=values[:9]))
    as_learnt(of(other, "none"))
    by_itself(of(same, "batch"))
    assert [of(x).is_other for x in (same, other)] == [False, True]
    assert of(same).sentence(4, "cell") == ""
    text = of(other).sentence(4, "cell")
    for words in ("4 photographs", "green and blue 1, 2, 1 times", "12 cells", "uncertain"):
        assert words in text
    plain = Adaptation.of_batch((), [model()], values, other, "auto")
    assert plain.is_other
    assert plain.transform(values, other[0]) is values


def test_each_photograph_of_a_mixed_batch_is_standardised_by_its_own_acquisition():
    rng, elsewhere = np.random.default_rng(0), (0.8, 0.85, 1, 1.6)
    parts = [rng.normal(10 * k, 1 + k, (40, 3)) for k in range(2)]
    names = np.repeat(["a", "b"], 40)
    classes = np.tile(["ALL", "MM"], 40)
    standardizer = Standardizer.fit(np.concatenate(parts), names, classes, "auto")
    measured = np.concatenate([photographs(0, 40), photographs(1, 40, elsewhere)])
    found = with_photographs([*standardizer.acquisitions.values()], names, measured)
    models = photograph_models(measured, sources(80), names, np.resize(["ALL", "MM"], 80))
    mixed = np.concatenate([photographs(2, 6), photographs(3, 6, elsewhere)])
    mixed[3, 3] = np.nan
    adaptation = Adaptation.of_batch(found, models, np.concatenate(parts), mixed, "auto")
    assert not adaptation.is_other
    for k, photograph in enumerate(mixed):
        own = parts[k // 6]
        expected = StandardScaler().fit_transform(own)
        np.testing.assert_allclose(adaptation.transform(own, photograph), expected, atol=1e-5)


def test_odd_photographs_of_a_batch_that_is_one_acquisition_do_not_stand():
    """The user says that it is; most photographs tell what it models like."""
    batch = photographs(3, 60, (1, 1, 0.8, 1.5))
    batch[:8, 3] = np.log(20)
    known = Acquisition.of_values("a", np.zeros((2, 2)), np.array(["ALL", "MM"]))
    trusted = Confidence(1.0, 0.8, 100, 0.9, 0.02, 0.05, 30)
    values = np.random.default_rng(0).normal(size=(60, 2))
    said, found = (
        Adaptation.of_batch([known], [model()], values, batch, adapt) for adapt in ("batch", "auto")
    )
    stands = [said.can_stand(x, trusted) for x in batch]
    assert not any(stands[:8])
    assert np.mean(stands[8:]) > 0.9
    paler = photographs(3, 60, (1, 1, 0.8, 1.5))
    paler[:8, 4:7] += np.log(0.4)  # cells of a rare class
    said_of_paler = Adaptation.of_batch([known], [model()], values, paler, "batch")
    assert np.mean([said_of_paler.can_stand(x, trusted) for x in paler[:8]]) > 0.8
    assert not any(found.can_stand(x, trusted) for x in batch)  # nothing says that it is one
    assert not any(said.can_stand(x, None) for x in batch)
    assert not any(said.can_stand(x, replace(trusted, smallest_group=18)) for x in batch)
    assert "80%" in said.sentence(60, "field", trusted)
    assert "--adapt batch" in found.sentence(60, "field", trusted)
    assert "30 cells" in found.sentence(60, "field")
