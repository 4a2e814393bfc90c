"""Values against scipy, Pillow, scikit-image and hand calculations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps
from scipy.ndimage import gaussian_filter
from skimage.filters import sobel

from napari_marrow.imaging import intensity


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (50, 70, 3)).astype(np.uint8)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 9))
def test_edges_are_scikit_images_sobel(height, width, seed):
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    strength = np.stack([sobel(image[..., c]) for c in range(3)], axis=-1)
    expected = 255 * (1 - np.clip(2 * strength, 0, 1))
    assert np.abs(intensity.edges(image) - expected).max() < 0.5 + 1e-3


@pytest.mark.parametrize("sigma", [0.7, 1.5, 2, 4])
def test_blur_is_scipys(image, sigma):
    smooth = np.kron(image, np.ones((2, 2, 1), np.uint8))
    expected = gaussian_filter(smooth.astype(float), (sigma, sigma, 0), mode="nearest")
    error = intensity.blur(smooth, sigma) - expected
    assert np.abs(error).mean() < 2.6  # three box filters, of noise with a deviation of 74
    assert abs(error.mean()) < 0.1


def test_blur_of_flat_images_and_by_nothing_is_nothing():
    for value in (0, 1, 128, 255):
        flat = np.full((3, 2, 3), value, np.uint8)
        np.testing.assert_array_equal(intensity.blur(flat, 4), flat)
    image = np.random.default_rng(1).integers(0, 256, (5, 6, 3)).astype(np.uint8)
    np.testing.assert_array_equal(intensity.blur(image, 0), image)


def test_equalization_is_pillows_and_spreads(image):
    dull = (image // 4 + 90).astype(np.uint8)
    out = intensity.equalize(dull)
    np.testing.assert_array_equal(out, ImageOps.equalize(Image.fromarray(dull)))
    assert out.min() == 0
    assert out.max() >= 250


def test_light_is_a_plane():
    flat = np.full((41, 61, 3), 100, np.uint8)
    np.testing.assert_array_equal(intensity.illuminate(flat, 1, 0, 0), flat)
    assert (intensity.illuminate(flat, 1.2, 0, 0) == 120).all()
    out = intensity.illuminate(flat, 1, 0.2, 0.1)
    assert (out[20, 30] == 100).all()
    assert out[-1, 30, 0] == 110  # 100 * (1 + 0.2 * 20 / 41) = 109.8
    assert out[20, 0, 2] == 95  # 100 * (1 - 0.1 * 30 / 61) = 95.1
    assert (intensity.illuminate(flat, 5, 0, 0) == 255).all()


def test_stain_changes_density_by_hand(image):
    same = intensity.restain(image, np.ones(3), np.zeros(3))
    np.testing.assert_array_equal(same, image.clip(1))
    out = intensity.restain(image, np.array([2, 1, 0.5]), np.array([0, 0.1, 0]))
    red, green, blue = (image[..., c].clip(1) / 255 for c in range(3))
    np.testing.assert_array_equal(out[..., 0], np.rint(255 * red**2))
    np.testing.assert_array_equal(out[..., 1], np.rint(255 * green * 10**-0.1))
    np.testing.assert_array_equal(out[..., 2], np.rint(255 * np.sqrt(blue)))


def test_noise_is_gaussian_and_nowhere_alike():
    grey = np.full((200, 300, 3), 128, np.uint8)
    out = intensity.add_noise(grey, 6, np.random.default_rng(5)).astype(int) - 128
    assert abs(out.mean()) < 0.1
    assert out.std() == pytest.approx(6, rel=0.02, abs=1e-6)
    assert (np.abs(out) < 6).mean() == pytest.approx(0.64, abs=0.02)  # of 5.5 by 6: erf(.917/1.414)
    flat = out.reshape(200, -1)
    assert np.abs(np.corrcoef(flat[:60])[np.triu_indices(60, 1)]).max() < 0.3
    assert abs(np.corrcoef(out[..., 0].ravel(), out[..., 1].ravel())[0, 1]) < 0.03
    white = intensity.add_noise(np.full((40, 40, 3), 255, np.uint8), 6, np.random.default_rng(5))
    assert white.min() > 200  # no value goes over the top
