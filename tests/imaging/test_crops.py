"""Cells cut out in squares of 2.5 nucleus diameters, at any magnification."""

import numpy as np
import pytest
from skimage.draw import disk

from napari_marrow.imaging.crops import cut_cells


@pytest.fixture
def scene():
    """Two nuclei of 20 pixels across, one in the middle and one in a corner; x is in red."""
    image = np.full((120, 160, 3), 200, np.uint8)
    image[..., 0] = np.arange(160)
    labels = np.zeros((120, 160), np.uint16)
    labels[disk((60, 80), 10)] = 5
    labels[disk((4, 4), 10, shape=labels.shape)] = 2
    return image, labels


def test_squares_are_centred_and_of_the_right_side(scene):
    image, labels = scene
    crops, table = cut_cells(image, labels, 50, factor=2.5)
    assert crops.shape == (2, 50, 50, 3)
    np.testing.assert_array_equal(table["index"], [2, 5])
    assert (table["y"][1], table["x"][1]) == (60, 80)
    # disk of radius 10 has 305 pixels: diameter 2 sqrt(305 / pi) = 19.7, square round(49.3) = 49,
    # from round(80 - 24.5) = 56 to 104, here enlarged to 50.
    np.testing.assert_array_equal(table["area"][1], 305)
    red = crops[1, 25, :, 0].astype(int)
    assert red[0] == 56
    assert red[-1] == 104
    np.testing.assert_array_equal(table["cut_off"], [True, False])


def test_beyond_the_edge_is_the_filling(scene):
    image, labels = scene
    crops, _ = cut_cells(image, labels, 40, factor=2.5, fill=240)
    np.testing.assert_array_equal(crops[0, 0, 0], [240] * 3)
    assert crops[0, -1, -1, 1] == 200


def test_magnification_does_not_matter(scene):
    image, labels = scene
    once, _ = cut_cells(image, labels, 48)
    twice, _ = cut_cells(image.repeat(2, 0).repeat(2, 1), labels.repeat(2, 0).repeat(2, 1), 48)
    # the side is rounded to whole pixels, so a column may move by one
    assert np.abs(once[1, :, :, 0].astype(int) - twice[1, :, :, 0]).max() <= 2


def test_no_nucleus_no_crop():
    image = np.zeros((20, 30, 3), np.uint8)
    crops, table = cut_cells(image, np.zeros((20, 30), np.uint16), 32)
    assert crops.shape == (0, 32, 32, 3)
    assert {len(column) for column in table.values()} == {0}


def test_a_square_larger_than_the_photograph():
    image = np.full((10, 12, 3), 100, np.uint8)
    labels = np.ones((10, 12), np.uint16)
    crops, table = cut_cells(image, labels, 31, factor=2.5, fill=0)
    # diameter 2 sqrt(120 / pi) = 12.36, side round(30.9) = 31: drawn as it is
    assert (crops[0, ..., 0] == 100).sum() == 120
    assert table["cut_off"].all()
