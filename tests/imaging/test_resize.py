"""Shrinking averages what each pixel covers."""

import numpy as np
import pytest

from napari_marrow.imaging.resize import resize, shrink_factor


@pytest.mark.parametrize(
    ("shape", "longest", "factor"),
    [((1920, 2560, 3), 640, 4), ((48, 64), 640, 1), ((640, 480), 640, 1), ((1000, 10), 640, 2)],
)
def test_factor(shape, longest, factor):
    assert shrink_factor(shape, longest) == factor


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_whole_factors_are_the_mean_of_blocks(factor):
    rng = np.random.default_rng(factor)
    image = rng.integers(0, 256, (6 * factor, 8 * factor, 3)).astype(np.uint8)
    blocks = image.reshape(6, factor, 8, factor, 3).mean(axis=(1, 3))
    small = resize(image, (6, 8))
    assert small.shape == (6, 8, 3)
    assert np.abs(small - blocks).max() <= 1.5  # rounded twice


def test_other_factors_are_the_mean_where_the_picture_is_smooth():
    rows, columns = np.indices((50, 70))
    image = np.stack([rows, columns, rows + columns], axis=-1).astype(np.uint8)
    blocks = image.reshape(10, 5, 14, 5, 3).mean(axis=(1, 3))
    assert np.abs(resize(image, (10, 14)) - blocks).max() <= 2


def test_views_with_flipped_strides_and_enlarging():
    image = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    flipped = image[::-1, :, ::-1]
    np.testing.assert_array_equal(resize(flipped, (4, 5)), flipped)
    # between two pixels, a quarter of the way from one to the other; beyond the outermost, theirs
    step = np.array([[0], [30]], np.uint8).repeat(3, 1)[:, None]
    np.testing.assert_array_equal(resize(step, (4, 1))[:, 0, 0], [0, 8, 23, 30])
