"""The mean colour, against numpy's mean."""

import numpy as np

from napari_marrow.features.colour import MEAN_COLOUR, mean_colour


def test_small_images_are_averaged_whole():
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3)).astype(np.uint8)
    np.testing.assert_allclose(mean_colour(image), image.mean(axis=(0, 1)))
    assert len(MEAN_COLOUR) == 3


def test_large_images_are_sampled_evenly():
    image = np.zeros((800, 1000, 3), np.uint8)
    image[:, 500:] = [100, 200, 50]
    np.testing.assert_allclose(mean_colour(image, pixels=20_000), [50, 100, 25], rtol=0.01)


def test_order_is_red_green_blue():
    image = np.zeros((4, 4, 3), np.uint8)
    image[..., 0] = 9
    assert MEAN_COLOUR[int(mean_colour(image).argmax())] == "mean_red"
