"""The picture on a grid, against the mean of each block."""

import numpy as np

from napari_marrow.features.pixels import pixel_name, pixels


def test_is_the_mean_of_each_block():
    pictures = np.random.default_rng(0).integers(0, 256, (2, 32, 64, 3)).astype(np.uint8)
    found = pixels(pictures)
    assert len(found) == 16 * 16 * 3
    means = pictures.reshape(2, 16, 2, 16, 4, 3).mean(axis=(2, 4))
    for c, channel in enumerate(("red", "green", "blue")):
        for y in (0, 7, 15):
            for x in (0, 9, 15):
                value = found[f"pixel_{channel}_y{y:02d}_x{x:02d}"]
                np.testing.assert_allclose(
                    value, means[:, y, x, c], atol=2
                )  # rounded twice on the way


def test_names_say_where():
    picture = np.zeros((1, 16, 16, 3), np.uint8)
    picture[0, 2, 15, 0] = 200
    bright = [name for name, values in pixels(picture).items() if values[0]]
    assert bright == [pixel_name("red", 2, 15)] == ["pixel_red_y02_x15"]


def test_of_no_picture():
    found = pixels(np.zeros((0, 96, 96, 3), np.uint8))
    assert {values.shape for values in found.values()} == {(0,)}
