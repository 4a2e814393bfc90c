"""Cells cut out in squares of 2.5 nucleus diameters, at any magnification."""

import tracemalloc

import numpy as np
import pytest
from skimage.draw import disk
from skimage.measure import regionprops

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


def padded_crops(image, labels, size, fill):
    """What a loop over regionprops cuts, out of the photograph with a border."""
    wide = np.pad(image, ((size, size), (size, size), (0, 0)), constant_values=fill)
    corners = [[round(c - size / 2) + size for c in r.centroid] for r in regionprops(labels)]
    return np.stack([wide[y : y + size, x : x + size] for y, x in corners])


@pytest.mark.parametrize("size", [1, 31, 48, 230, 300])
def test_fixed_squares_are_those_of_a_loop_over_regionprops(crowd, size):
    image, labels = crowd
    crops, table = cut_cells(image, labels, size, fill=7, fixed=True)
    np.testing.assert_array_equal(crops, padded_crops(image, labels, size, 7))
    regions = regionprops(labels)
    bounds = [[round(c - size / 2) for c in r.centroid] for r in regions]
    over = [y < 0 or x < 0 or y + size > 200 or x + size > 260 for y, x in bounds]
    np.testing.assert_array_equal(table["cut_off"], over)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32, np.int64])
def test_the_table_is_exactly_that_of_the_nuclei(crowd, kind):
    image, labels = crowd
    labels = (labels % 250).astype(kind)
    _, table = cut_cells(image, labels, 16, fixed=True)
    expected = nucleus_table(labels)
    assert len(expected["index"]) > 50
    for name, column in expected.items():
        np.testing.assert_array_equal(table[name], column)


def test_equal_labels_at_the_end_of_a_row_and_the_start_of_the_next_are_two_runs():
    labels = np.zeros((4, 6), np.uint16)
    labels[1, 4:], labels[2, :2] = 3, 3
    _, table = cut_cells(np.zeros((4, 6, 3), np.uint8), labels, 4, fixed=True)
    # rows 1, 1, 2, 2 and columns 4, 5, 0, 1
    assert (table["y"][0], table["x"][0], table["area"][0]) == (1.5, 2.5, 4)


def test_photographs_whose_memory_is_flipped_give_the_same(crowd):
    image, labels = crowd
    flipped = image[::-1, :, ::-1].copy()[::-1, :, ::-1]
    for fixed in (True, False):
        once, again = (cut_cells(i, labels, 24, fixed=fixed)[0] for i in (image, flipped))
        np.testing.assert_array_equal(once, again)


@pytest.mark.parametrize("size", [20, 48, 300])
def test_blanking_leaves_the_own_nucleus_only(crowd, size):
    image, labels = crowd
    crops, table = cut_cells(image, labels, size, fill=9, fixed=True, background="blank")
    kept = padded_crops(image, labels, size, 9)
    owner = padded_crops(np.repeat(labels[..., None], 3, axis=-1), labels, size, 0)
    expected = np.where(owner == table["index"][:, None, None, None], kept, 9)
    np.testing.assert_array_equal(crops, expected)


def test_blanking_outside_of_whole_cells(scene):
    image, labels = scene
    cells = np.zeros_like(labels)
    cells[disk((60, 80), 15)] = 5
    cells[disk((100, 20), 6)] = 9  # a piece without a nucleus is in no crop
    crops, _ = cut_cells(image, labels, 60, fixed=True, background="blank", cells=cells)
    own = np.zeros((60, 60), bool)
    own[disk((30, 30), 15)] = True
    np.testing.assert_array_equal(crops[1][..., 1], np.where(own, 200, 240))
    assert (crops[0] == 240).all()  # its cell is in no place of the mask


def test_blanking_comes_before_the_size_is_changed(scene):
    image, labels = scene
    # the square is 49 wide, see above: at that size nothing is resampled
    crops, _ = cut_cells(image, labels, 49, background="blank", fill=0)
    fixed, _ = cut_cells(image, labels, 49, background="blank", fill=0, fixed=True)
    np.testing.assert_array_equal(crops[1], fixed[1])
    assert np.count_nonzero(crops[1, ..., 1]) == 305
    half, _ = cut_cells(image, labels, 24, background="blank", fill=0)
    assert half[1, 0, 0, 1] == 0
    assert half[1, 12, 12, 1] == 200


@pytest.mark.parametrize("fixed", [True, False])
@pytest.mark.parametrize("background", ["keep", "blank"])
def test_no_nucleus_no_crop_in_any_way(fixed, background):
    image, labels = np.zeros((20, 30, 3), np.uint8), np.zeros((20, 30), np.uint16)
    crops, table = cut_cells(image, labels, 8, fixed=fixed, background=background)
    assert crops.shape == (0, 8, 8, 3)
    assert {len(column) for column in table.values()} == {0}


def test_labels_of_another_photograph_are_refused_in_a_sentence(scene):
    image, labels = scene
    with pytest.raises(MarrowError, match=r"The nuclei are .*\(119, 160\); give .*\(120, 160\)"):
        cut_cells(image, labels[1:], 20)
    with pytest.raises(MarrowError, match=r"The cells are .*\(120, 159\)"):
        cut_cells(image, labels, 20, background="blank", cells=labels[:, 1:])
    with pytest.raises(MarrowError, match="choose keep or blank"):
        cut_cells(image, labels, 20, background="black")


@pytest.mark.parametrize("kind", ["fraction", "negative"])
def test_labels_that_are_no_whole_numbers_from_0_are_refused_in_a_sentence(scene, kind):
    image, labels = scene
    wrong = labels + 0.5 if kind == "fraction" else labels.astype(int) - 1
    with pytest.raises(MarrowError, match=r"The nuclei are .*give whole numbers from 0"):
        cut_cells(image, wrong, 20)
    with pytest.raises(MarrowError, match=r"The cells are .*give whole numbers from 0"):
        cut_cells(image, labels, 20, cells=wrong)


@pytest.mark.parametrize("fixed", [True, False])
@pytest.mark.parametrize("high", [65538, 70001, 2**31 - 1])
def test_high_numbers_change_nothing_and_ask_for_no_memory(scene, high, fixed):
    image, labels = scene
    cells = np.where(labels == 5, 0, labels)  # of 16 bits: 65538 shall not be its 2
    expected = cut_cells(image, labels, 50, fixed=fixed, background="blank", cells=cells)
    tracemalloc.start()
    large = np.where(labels == 5, np.int32(high), labels)
    found = cut_cells(image, large, 50, fixed=fixed, background="blank", cells=cells)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6
    np.testing.assert_array_equal(found[0], expected[0])
    assert found[1].pop("index").tolist() == [2, high]
    assert expected[1].pop("index").tolist() == [2, 5]
    for name, column in expected[1].items():
        np.testing.assert_array_equal(found[1][name], column)


@pytest.mark.parametrize(
    ("image", "options", "said"),
    [
        (np.zeros((8, 8, 3), np.uint8), {"size": 0}, "Crops of 0 pixels"),
        (np.zeros((8, 8, 3), np.uint8), {"size": 4, "factor": 0}, "0 diameters"),
        (np.zeros((8, 8, 3), np.uint8), {"size": 4, "fill": 300}, "fill 300"),
        (np.zeros((8, 8), np.uint8), {"size": 4}, "give a colour photograph"),
        (np.zeros((8, 8, 3), np.uint16), {"size": 4}, "give a colour photograph"),
    ],
)
def test_what_cannot_be_cut_is_a_sentence(image, options, said):
    with pytest.raises(MarrowError, match=said):
        cut_cells(image, np.ones((8, 8), int), **options)


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
        # a white picture of this region, black elsewhere, blanked outside of the own number
        crops, _ = cut_cells(white, numbered, 32, fill=0, background="blank", cells=region)
        np.testing.assert_array_equal(masks, crops[..., 0] > 127)
    assert found[1, 1].any()
    narrow = cut_masks((numbered, cells), table, 32)  # 70000 and such are not in 16 bits
    assert high == 0 or not narrow[1].any()
