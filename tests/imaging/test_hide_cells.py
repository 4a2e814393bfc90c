"""Photographs without cells: what is left of them, by hand."""

import numpy as np
import pytest
from skimage.measure import regionprops_table
from skimage.morphology import disk

from napari_marrow.imaging.hide_cells import (
    SILHOUETTE_COLOUR,
    background_only,
    equal_discs,
    mean_colours,
    nucleus_diameters,
    one_colour,
    silhouettes,
)


@pytest.fixture
def nuclei():
    """A square, a bar and a disc with numbers of their own."""
    labels = np.zeros((120, 160), np.uint16)
    labels[20:40, 20:40] = 3
    labels[60:66, 60:120] = 7
    labels[81:102, 19:40][disk(10) > 0] = 9
    return labels


@pytest.fixture
def photograph(nuclei):
    """White of 230 with nuclei in two colours each."""
    rng = np.random.default_rng(0)
    image = rng.integers(225, 236, (*nuclei.shape, 3)).astype(np.uint8)
    for number, colour in ((3, (120, 40, 160)), (7, (90, 30, 120)), (9, (150, 80, 170))):
        image[nuclei == number] = colour
    image[nuclei == 3] += (np.indices(nuclei.shape)[0] % 2 * 10).astype(np.uint8)[nuclei == 3, None]
    return image


def test_every_nucleus_is_a_disc_about_its_centroid(nuclei):
    found = equal_discs(nuclei, 21)
    before, after = (
        regionprops_table(x, properties=("label", "centroid", "area")) for x in (nuclei, found)
    )
    np.testing.assert_array_equal(after["label"], [3, 7, 9])
    np.testing.assert_allclose(after["centroid-0"], before["centroid-0"], atol=0.6)
    np.testing.assert_allclose(after["centroid-1"], before["centroid-1"], atol=0.6)
    assert np.ptp(after["area"]) < 0.08 * np.pi / 4 * 21**2
    assert after["area"].mean() == pytest.approx(np.pi / 4 * 21**2, rel=0.1)


def test_discs_that_overlap_are_divided(nuclei):
    near = np.zeros((40, 60), np.uint8)
    near[19:22, 24:27], near[19:22, 32:35] = 1, 2
    found = equal_discs(near, 20)
    assert (found[20, 28], found[20, 30]) == (1, 2)
    assert set(np.unique(found)) == {0, 1, 2}


def test_diameters_are_those_of_circles_of_the_same_area(nuclei):
    expected = np.sqrt(4 / np.pi * np.array([400, 360, disk(10).sum()]))
    np.testing.assert_allclose(nucleus_diameters(nuclei), expected, atol=1e-6)


def test_of_the_background_all_is_left_and_of_the_cells_nothing(photograph, nuclei):
    plasm = np.zeros(nuclei.shape, bool)
    plasm[100:110, 100:110] = True
    before = photograph.copy()
    found, labels = background_only(photograph, nuclei, plasm, 20)
    np.testing.assert_array_equal(photograph, before)
    assert found.min() >= 225  # no stain
    for region in (nuclei > 0, labels > 0, plasm):
        assert len(np.unique(found[region], axis=0)) == 1
    far = np.ones(nuclei.shape, bool)
    far[:, :130] = False
    np.testing.assert_array_equal(found[far], photograph[far])
    assert set(np.unique(labels)) == {0, 3, 7, 9}
    # the rim of 10 pixels goes with the nucleus, and no more
    assert (found[30, 40:50] == found[30, 30]).all()
    assert not (found[30, 52:80] == found[30, 30]).all()


def test_without_a_nucleus_the_background_is_the_photograph(photograph):
    found, labels = background_only(photograph, np.zeros(photograph.shape[:2], int), None, 20)
    np.testing.assert_array_equal(found, photograph)
    assert not labels.any()


def test_silhouettes_have_two_colours_and_every_outline(photograph, nuclei):
    found, labels = silhouettes(photograph, nuclei)
    np.testing.assert_array_equal(labels, nuclei)
    np.testing.assert_array_equal((found == SILHOUETTE_COLOUR).all(axis=-1), nuclei > 0)
    assert len(np.unique(found.reshape(-1, 3), axis=0)) == 2


def test_discs_have_the_mean_colour_of_their_nucleus(photograph, nuclei):
    found, labels = mean_colours(photograph, nuclei, 20)
    assert found[labels == 3][0].tolist() == [125, 45, 165]  # half of the rows is lighter by 10
    assert found[labels == 7][0].tolist() == [90, 30, 120]
    assert len(np.unique(found.reshape(-1, 3), axis=0)) == 4
    outside = photograph[nuclei == 0].mean(axis=0)
    np.testing.assert_allclose(found[labels == 0][0], outside, atol=0.5)


def test_a_photograph_of_one_colour(photograph):
    found, labels = one_colour(photograph, 20)
    assert len(np.unique(found.reshape(-1, 3), axis=0)) == 1
    np.testing.assert_allclose(found[0, 0], photograph.mean(axis=(0, 1)), atol=0.5)
    assert labels[60, 80] == labels.max() == 1
    assert labels.sum() == pytest.approx(np.pi / 4 * 20**2, rel=0.1)
