"""Simulated acquisitions: what changes, by how much, and what does not."""

import numpy as np
import pytest
from skimage.draw import disk
from skimage.filters import threshold_otsu
from skimage.metrics import structural_similarity

from napari_marrow.imaging.simulate_acquisition import simulate_acquisition

SEEDS = range(40)


@pytest.fixture(scope="module")
def cell():
    image = np.full((96, 96, 3), (238, 236, 240), np.uint8)
    image[disk((48, 48), 30)] = (200, 190, 220)
    image[disk((46, 50), 19)] = (100, 50, 150)
    noise = np.random.default_rng(0).normal(0, 2, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def simulated(image, seed):
    return simulate_acquisition(image, np.random.default_rng(seed))


def test_the_same_state_gives_the_same_acquisition_whatever_the_photograph(cell):
    np.testing.assert_array_equal(simulated(cell, 3), simulated(cell, 3))
    assert len({simulated(cell, seed).tobytes() for seed in SEEDS}) == len(SEEDS)
    one, other = np.random.default_rng(5), np.random.default_rng(5)
    simulate_acquisition(cell, one)
    simulate_acquisition(cell[:40, :70], other)
    assert one.random() == other.random()


def test_type_and_size_stay_also_of_pictures_that_are_tiny_or_long(cell):
    for image in (cell, cell[:1, :1], cell[:7, :], np.zeros((20, 30, 3), np.uint8)):
        for seed in range(8):
            found = simulated(image, seed)
            assert (found.shape, found.dtype) == (image.shape, np.uint8)
    before = cell.copy()
    simulated(cell, 0)
    np.testing.assert_array_equal(cell, before)


def test_the_nucleus_stays_where_it_was_and_darker_than_the_rest(cell):
    inside = np.zeros((96, 96), bool)
    inside[disk((46, 50), 19)] = True
    for seed in SEEDS:
        grey = simulated(cell, seed)[..., 1].astype(float)
        found = grey < threshold_otsu(np.where(inside, grey, grey[:8].mean()))
        assert 2 * (found & inside).sum() / (found.sum() + inside.sum()) > 0.9


def test_colour_strength_and_sharpness_differ_between_acquisitions(cell):
    found = [simulated(cell, seed).astype(float) for seed in SEEDS]
    nuclei = np.array([x[40:52, 44:56].mean(axis=(0, 1)) for x in found])
    light = np.array([x[:10].mean(axis=(0, 1)) for x in found])
    density = np.log10(light / nuclei).sum(axis=1)
    reference = np.log10(cell[:10].mean(axis=(0, 1)) / cell[40:52, 44:56].mean(axis=(0, 1))).sum()
    assert density.max() / reference > 1.3
    assert density.min() / reference < 0.75
    assert np.ptp(light / light.mean(axis=1, keepdims=True), axis=0).min() > 0.05
    edges = [np.abs(np.diff(x[..., 1], axis=1)).max() / np.ptp(x[..., 1]) for x in found]
    assert max(edges) > 2 * min(edges)
    likeness = [structural_similarity(cell, x.astype(np.uint8), channel_axis=2) for x in found]
    assert min(likeness) > 0.2
