"""Rings around cells: where they are, and what they show."""

import numpy as np
import pytest
from scipy import ndimage
from skimage.draw import disk

from napari_marrow.imaging.rings import Rings, ring_width


@pytest.fixture
def labels():
    made = np.zeros((60, 80), np.uint16)
    made[disk((20, 20), 12)] = 7
    made[disk((22, 44), 11)] = 3  # touches the first
    made[50:60, 60:80] = 9  # at the edge of the field
    return made


def drawn(labels, codes, gaps, width=3, shape=None):
    frame = np.zeros(shape or labels.shape, np.uint8)
    Rings.of(labels, width).draw(frame, np.array(codes, np.uint8), np.array(gaps, np.uint8))
    return frame


def test_a_ring_lies_inside_its_cell_and_leaves_the_middle_free(labels):
    frame = drawn(labels, [1, 2, 3], [1, 2, 3])  # of the cells 3, 7 and 9
    for number, code in ((3, 1), (7, 2), (9, 3)):
        inside = labels == number
        assert set(frame[inside].tolist()) == {0, code}
        away = ndimage.distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1]
        assert (frame[away == 1] == code).sum() >= (away == 1).sum()
        assert not frame[away > 3 * np.sqrt(2)].any()
    assert not frame[labels == 0].any()


def test_between_dashes_there_is_the_other_value(labels):
    frame = drawn(labels, [1, 2, 3], [1, 5, 3])
    values, counts = np.unique(frame[labels == 7], return_counts=True)
    assert values.tolist() == [0, 2, 5]
    assert 1 / 3 < counts[1] / counts[2] < 3


def test_a_smaller_field_is_drawn_into_the_corner_of_its_frame(labels):
    frame = drawn(labels, [1, 2, 3], [1, 2, 3], shape=(70, 100))
    np.testing.assert_array_equal(frame[:60, :80], drawn(labels, [1, 2, 3], [1, 2, 3]))
    assert not frame[60:].any()
    assert not frame[:, 80:].any()


def test_the_width_follows_the_size_of_the_photograph():
    assert [ring_width(height) for height in (100, 1200, 1920, 9000)] == [2, 2, 4, 5]
