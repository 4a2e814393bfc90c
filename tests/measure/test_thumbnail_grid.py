"""The family pixels, and the chi-square map, by hand."""

import numpy as np
import pandas as pd

from napari_marrow.measure.extract import features
from napari_marrow.measure.settings import FAMILIES, MEASURED, FeatureSettings
from napari_marrow.measure.thumbnail_grid import (
    GRID_SIDE,
    chi_square_map,
    mean_picture,
    pixel_name,
    pixels,
)


def test_every_family_says_what_it_measures():
    assert tuple(MEASURED) == FAMILIES == FeatureSettings(FAMILIES).families
    assert all(MEASURED.values())


def test_the_map_is_the_sum_over_the_channels():
    scores = pd.DataFrame(
        {
            "feature": [
                "pixel_red_y00_x15",
                "histogram_red_000_015",
                "pixel_blue_y00_x15",
                "pixel_green_y00_x15",
                "pixel_red_y02_x03",
                "pixel_green_y02_x03",
            ],
            "chi2": [1.5, 100.0, 0.25, 2.0, 4.0, np.nan],
        }
    )
    expected = np.zeros((16, 16))
    expected[0, 15], expected[2, 3] = 3.75, 4.0
    np.testing.assert_array_equal(chi_square_map(scores), expected)
    assert not chi_square_map(scores.iloc[1:2]).any()


def test_the_mean_picture_is_the_mean_of_the_pictures():
    rng = np.random.default_rng(1)
    pictures = rng.integers(
        0, 256, (5, GRID_SIDE, GRID_SIDE, 3), np.uint8
    )  # each pixel is a square
    table = pd.DataFrame(pixels(pictures)).assign(histogram_red_000_015=9.0)
    expected = pictures.astype(float).mean(axis=0).round()
    np.testing.assert_array_equal(mean_picture(table), expected)


def test_the_squares_of_a_field_are_means_of_its_pixels():
    image = np.zeros((32, 48, 3), np.uint8)
    image[2:4, 45:, 1] = [[10], [30]]  # the square of row 1, column 15: 2 x 3 pixels
    table = features(image, None, FeatureSettings(("pixels",)))
    assert table.loc[0, "pixel_green_y01_x15"] == 20
    assert mean_picture(table)[1, 15].tolist() == [0, 20, 0]


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
