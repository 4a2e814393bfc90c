"""Cells cut out in squares of 2.5 nucleus diameters, at any magnification."""

import tracemalloc

import numpy as np
import pytest
from skimage.draw import disk

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.crops import cut_cells, cut_masks
from napari_marrow.imaging.nuclei import nucleus_table


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
    crops, _ = cut_cells(image, labels, 31, factor=2.5, fill=0)
    # diameter 2 sqrt(120 / pi) = 12.36, side round(30.9) = 31: drawn as it is
    assert (crops[0, ..., 0] == 100).sum() == 120


@pytest.fixture
def crowd():
    """120 nuclei drawn at random, some over the edge, their numbers with gaps."""
    rng = np.random.default_rng(4)
    image = rng.integers(0, 256, (200, 260, 3)).astype(np.uint8)
    labels = np.zeros((200, 260), np.uint16)
    for number in rng.permutation(400)[:120] + 1:
        centre = (rng.integers(0, 200), rng.integers(0, 260))
        labels[disk(centre, rng.integers(2, 12), shape=labels.shape)] = number
    return image, labels


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32, np.int64])
def test_the_table_is_exactly_that_of_the_nuclei(crowd, kind):
    image, labels = crowd
    labels = (labels % 250).astype(kind)
    _, table = cut_cells(image, labels, 16)
    expected = nucleus_table(labels)
    assert len(expected["index"]) > 50
    for name, column in expected.items():
        np.testing.assert_array_equal(table[name], column)


def test_photographs_whose_memory_is_flipped_give_the_same(crowd):
    image, labels = crowd
    flipped = image[::-1, :, ::-1].copy()[::-1, :, ::-1]
    once, again = (cut_cells(i, labels, 24)[0] for i in (image, flipped))
    np.testing.assert_array_equal(once, again)


def test_labels_of_another_photograph_are_refused_in_a_sentence(scene):
    image, labels = scene
    with pytest.raises(MarrowError, match=r"The nuclei are .*\(119, 160\); give .*\(120, 160\)"):
        cut_cells(image, labels[1:], 20)


@pytest.mark.parametrize("kind", ["fraction", "negative"])
def test_labels_that_are_no_whole_numbers_from_0_are_refused_in_a_sentence(scene, kind):
    image, labels = scene
    wrong = labels + 0.5 if kind == "fraction" else labels.astype(int) - 1
    with pytest.raises(MarrowError, match=r"The nuclei are .*give whole numbers from 0"):
        cut_cells(image, wrong, 20)


@pytest.mark.parametrize("high", [65538, 70001, 2**31 - 1])
def test_high_numbers_change_nothing_and_ask_for_no_memory(scene, high):
    image, labels = scene
    expected = cut_cells(image, labels, 50)
    tracemalloc.start()
    large = np.where(labels == 5, np.int32(high), labels)
    found = cut_cells(image, large, 50)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6
    np.testing.assert_array_equal(found[0], expected[0])
    assert found[1].pop("index").tolist() == [2, high]
    assert expected[1].pop("index").tolist() == [2, 5]
    for name, column in expected[1].items():
        np.testing.assert_array_equal(found[1][name], column)


@pytest.mark.parametrize(
    "image", [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3), np.uint16)], ids=["grey", "16 bits"]
)
def test_what_is_no_photograph_is_refused(image):
    with pytest.raises(MarrowError, match="colour photograph"):
        cut_cells(image, np.ones((8, 8), int), 4)


@pytest.mark.parametrize("high", [0, 65536])
def test_masks_are_the_crops_own_part_of_each_region(scene, high):
    _, labels = scene
    cells = np.zeros(labels.shape, np.uint16)
    cells[disk((60, 80), 16)] = 5
    cells[disk((60, 108), 12)] = 2  # of the other nucleus, in the square of the first
    numbered = np.where(labels > 0, labels + np.uint32(high), 0)
    around = np.where(labels > 0, 0, cells.astype(np.uint32) + high * (cells > 0))
    white = np.full((*labels.shape, 3), 255, np.uint8)
    _, table = cut_cells(white, numbered, 32)
    found = cut_masks((numbered, around), table, 32)
    assert found.shape == (2, 2, 32, 32)
    for masks, region in zip(found, (numbered, around), strict=True):
        for k, number in enumerate(table["index"]):  # a picture, white where the region is its own
            crops, _ = cut_cells(white * (region == number)[..., None], numbered, 32, fill=0)
            np.testing.assert_array_equal(masks[k], crops[k, ..., 0] > 127)
    assert found[1, 1].any()
    narrow = cut_masks((numbered, cells), table, 32)  # 70000 and such are not in 16 bits
    assert high == 0 or not narrow[1].any()
