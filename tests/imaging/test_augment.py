"""Augmentation against Pillow and scikit-image."""

import numpy as np
import pytest
from PIL import Image
from skimage.filters import sobel

from napari_marrow.imaging.augment import edges, rotate90, vary


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (12, 18, 3)).astype(np.uint8)


def test_rotation_is_counter_clockwise_like_pillows(image):
    expected = Image.fromarray(image).transpose(Image.Transpose.ROTATE_90)
    np.testing.assert_array_equal(rotate90(image), expected)
    np.testing.assert_array_equal(rotate90(image[..., 0]), np.asarray(expected)[..., 0])


def test_edges_are_dark_where_sobel_is_strong():
    step = np.full((20, 30, 3), 250, np.uint8)
    step[:, 15:] = 150
    out = edges(step)
    assert out.dtype == np.uint8
    assert (out[:, 3:12] == 255).all()  # flat: white
    expected = np.round(255 * (1 - 2 * sobel(step[..., 0])))
    np.testing.assert_array_equal(out[10, :, 0], expected[10])
    # scikit-image's gradient is the step (100) over the root of 2: 255 - 2 * 70.7 = 113.6
    assert out[10, 14, 0] == 114


def test_vary_without_zoom_and_stain_only_turns_and_mirrors():
    side = np.random.default_rng(1).integers(0, 256, (1, 9, 9, 3)).astype(np.uint8)
    turns = [np.rot90(side[0], k) for k in range(4)]
    turns += [t[:, ::-1] for t in turns]
    generator = np.random.default_rng(2)
    seen = set()
    for _ in range(80):
        out = vary(side, generator, zoom=0, stain=0)[0]
        seen.add(next(k for k, t in enumerate(turns) if np.array_equal(out, t)))
    assert seen == set(range(8))


def test_vary_is_repeatable_differs_and_keeps_the_original():
    images = np.random.default_rng(3).integers(0, 256, (4, 16, 16, 3)).astype(np.uint8)
    before = images.copy()
    once, again = (vary(images, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    np.testing.assert_array_equal(images, before)
    same = vary(np.repeat(images[:1], 6, 0), np.random.default_rng(7))
    assert len({picture.tobytes() for picture in same}) == 6


def test_vary_changes_colour_mildly():
    grey = np.full((200, 4, 4, 3), 128, np.uint8)
    out = vary(grey, np.random.default_rng(4))[:, 0, 0].astype(float)
    # light exp(N(0, .04)) and strength exp(N(0, .08)) of log(128/255) = -.69: sd of the log is
    # about sqrt(.04^2 + (.69 * .08)^2) = .068, so 128 * .068 = 8.7
    assert 6 < out.std() < 12
    assert abs(out.mean() - 128) < 4
