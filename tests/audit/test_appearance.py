"""What a picture looks like, against numpy on the same pixels."""

import numpy as np
import pytest

from napari_marrow.audit.appearance import appearance, sample_pixels, thumbnail


def test_levels_and_hues_are_quantiles():
    thumbnails = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)
    found = appearance(thumbnails)
    assert found.shape == (3, 16)
    for row, image in zip(found, thumbnails.astype(float), strict=True):
        red, green, blue = image.reshape(-1, 3).T
        for k, q in enumerate((5, 50, 95)):
            expected = [np.percentile(channel, q) for channel in (red, green, blue)]
            np.testing.assert_allclose(row[3 * k : 3 * k + 3], expected, rtol=0, atol=1e-3)
        hues = [np.percentile(x - green, q) for q in (5, 95) for x in (red, blue)]
        np.testing.assert_allclose(row[9:13], hues, rtol=0, atol=1e-3)


@pytest.mark.parametrize(("periods", "band"), [(1, 0), (3, 1), (8, 2)])
def test_detail_is_in_the_band_of_its_frequency(periods, band):
    wave = 128 + 80 * np.cos(2 * np.pi * periods * (np.arange(32) + 0.5) / 32)
    [found] = appearance(np.broadcast_to(wave[:, None, None], (1, 32, 32, 3)))
    assert found[13:].argmax() == band
    assert np.delete(found[13:], band) == pytest.approx(0, abs=0.1)


def test_none_and_a_blank_picture():
    assert appearance(np.empty((0, 32, 32, 3))).shape == (0, 16)
    [blank] = appearance(np.full((1, 32, 32, 3), 7, np.uint8))
    assert blank == pytest.approx([7] * 9 + [0] * 7, abs=1e-4)


@pytest.mark.parametrize("size", [(256, 256), (1024, 512), (100, 300)])
def test_the_thumbnail_has_the_means_of_a_ramp(size):
    ramp = np.linspace(0, 255, size[0])[:, None, None]
    image = np.broadcast_to(ramp, (*size, 3)).astype(np.uint8)
    found = thumbnail(sample_pixels(image))
    expected = 255 * (np.arange(32) + 0.5) / 32
    np.testing.assert_allclose(found[:, 5, 1], expected, rtol=0, atol=2.5)
